/* SPDX-License-Identifier: Apache-2.0
 *
 * test_percent.c - one segment of a path, whatever the text holds
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/percent.h"

Test(percent, nothing_can_leave_the_segment)
{
	static const struct {
		struct span	 text;
		const char	*want;
	} rows[] = {
		{ { "git-hub_2.x~", 12 }, "git-hub_2.x~" }, { { "a/b", 3 }, "a%2Fb" }, { { "..?#", 4 }, "..%3F%23" },
		{ { "\0\r\n ", 4 }, "%00%0D%0A%20" }, { { "\xc3\xa4%", 3 }, "%C3%A4%25" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	to;

		buf_init(&to, 64);
		cr_expect(eq(int, percent_put(&to, rows[i].text), 0));
		cr_expect(span_is(buf_rest(&to), rows[i].want), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&to)));
		buf_fini(&to);
	}
}
