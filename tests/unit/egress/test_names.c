/* SPDX-License-Identifier: Apache-2.0
 *
 * test_names.c - the addresses that stand for names
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "sandbox/egress/names.h"

static struct addr
give(struct names *n, unsigned i)
{
	struct addr	a;
	char		name[32];

	snprintf(name, sizeof(name), "n%u.example", i);
	cr_assert(eq(int, names_give(n, name, &a), 0));
	return a;
}

Test(names, are_the_same_each_time_and_lead_back)
{
	struct names	n = { 0 };
	struct addr	a = give(&n, 1), b = give(&n, 2), again = give(&n, 1);

	cr_expect(addr_eq(&a, &again));
	cr_expect(not(addr_eq(&a, &b)));
	cr_expect(names_is_ours(&a) && names_is_ours(&b));
	cr_expect(eq(str, (char *)addr_special(&a), "benchmarking"));
	cr_expect(eq(str, (char *)names_find(&n, &a), "n1.example"));
	cr_expect(eq(str, (char *)names_find(&n, &b), "n2.example"));
	a.bytes[3] = 200;
	cr_expect(eq(ptr, (void *)names_find(&n, &a), NULL));
	a.bytes[0] = 10;
	cr_expect(not(names_is_ours(&a)));
	names_fini(&n);
}

Test(names, forgets_the_one_that_was_not_used_for_longest)
{
	struct names	n = { 0 };
	struct addr	first = give(&n, 0), second = give(&n, 1), third, next;

	for (unsigned i = 2; i < NAMES_MAX; i++)
		give(&n, i);
	names_hold(&n, &first);
	next = give(&n, NAMES_MAX);
	cr_expect(eq(str, (char *)names_find(&n, &first), "n0.example"));
	/* Its address is nobody's: a tool that remembers it must not reach another host. */
	cr_expect(eq(ptr, (void *)names_find(&n, &second), NULL));
	cr_expect(eq(str, (char *)names_find(&n, &next), "n512.example"));
	names_release(&n, &first);
	third = give(&n, 2);
	for (unsigned i = NAMES_MAX + 1; i < NAMES_MAX + 300; i++)
		give(&n, i);
	cr_expect(eq(str, (char *)names_find(&n, &third), "n2.example"));
	names_fini(&n);
}

Test(names, says_no_when_all_are_in_use)
{
	struct names	n = { 0 };
	struct addr	a;

	for (unsigned i = 0; i < NAMES_MAX; i++) {
		a = give(&n, i);
		names_hold(&n, &a);
	}
	cr_expect(eq(int, names_give(&n, "one.more", &a), E_FULL));
	names_fini(&n);
}

Test(names, come_round_without_meeting_each_other)
{
	struct names	n = { 0 };
	struct addr	kept = give(&n, 0), a;

	names_hold(&n, &kept);
	for (unsigned i = 1; i < 0x20000 + 600; i++) {
		a = give(&n, i);
		cr_assert(names_is_ours(&a) && !addr_eq(&a, &kept));
	}
	cr_expect(eq(str, (char *)names_find(&n, &kept), "n0.example"));
	names_fini(&n);
}
