/* SPDX-License-Identifier: Apache-2.0
 *
 * test_num.c - numbers are written as they are read
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/num.h"

Test(num, decimal_is_read_back_as_it_was)
{
	static const struct {
		uint64_t	 v;
		const char	*text;
	} rows[] = {
		{ 0, "0" }, { 9, "9" }, { 10, "10" }, { 255, "255" }, { 1000000, "1000000" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char		to[NUM_DECIMAL_MAX];
	uint64_t	back;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span	s = span_make(to, num_decimal(rows[i].v, to));

		cr_expect(span_is(s, rows[i].text), "%s", rows[i].text);
		cr_expect(eq(int, num_u64(s, &back), 0));
		cr_expect(eq(u64, back, rows[i].v));
	}
}
