/* SPDX-License-Identifier: Apache-2.0
 *
 * test_refusals.c - which sockets tools were refused, and in which call first
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sandbox/runner/refusals.h"

static const char *
written(const struct refusals *r)
{
	static char	text[1024];
	struct buf	b;

	buf_init(&b, sizeof(text) - 1);
	cr_assert(eq(int, refusals_write(r, &b), 0));
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	return text;
}

Test(refusals, are_counted_by_family_and_know_the_first_call)
{
	struct refusals	r = { .count = 0 };

	cr_expect(eq(str, (char *)written(&r), ""));
	refusals_add(&r, AF_INET, 1000, "r-AAAAAAAAAAAA", 1);
	refusals_add(&r, AF_INET, 2000, "r-BBBBBBBBBBBB", 1);
	refusals_add(&r, AF_INET6, 3000, "r-CCCCCCCCCCCC", 2);
	refusals_add(&r, AF_NETLINK, 4000, "", 0);
	cr_expect(eq(str, (char *)written(&r), "inet 2 1000 r-AAAAAAAAAAAA 1\ninet6 1 3000 r-CCCCCCCCCCCC 2\n"
	    "netlink 1 4000 - 0\n"));
	refusals_clear(&r);
	cr_expect(eq(str, (char *)written(&r), ""));
}

Test(refusals, of_more_families_than_there_is_room_for_count_with_the_last)
{
	struct refusals	r = { .count = 0 };

	for (int family = 100; family < 100 + 2 * REFUSALS_KINDS; family++)
		refusals_add(&r, family, 1, "", 0);
	cr_expect(eq(sz, r.count, REFUSALS_KINDS));
	cr_expect(eq(u64, r.all[0].count, 1));
	cr_expect(eq(u64, r.all[REFUSALS_KINDS - 1].count, REFUSALS_KINDS + 1));
	cr_expect(strncmp(written(&r), "100 1 1 - 0\n", 12) == 0, "%s", written(&r));
}
