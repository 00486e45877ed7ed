/* SPDX-License-Identifier: Apache-2.0
 *
 * test_asking.c - how many calls may have asked their client at a time
 */
#include <criterion/criterion.h>

#include "worker/talk/asking.h"

static struct asking_counts	all;
static struct rec_tenant	caps = { .max_asking = 2, .max_asking_tenant = 4, .max_asking_server = 3 };

static int
begin(struct asking *a, uint64_t principal, uint64_t tenant, uint64_t server)
{
	const uint64_t	keys[ASKING_LIMIT] = { principal, tenant, server };

	return asking_begin(&all, a, &caps, keys);
}

Test(asking, has_a_cap_for_each_principal)
{
	struct asking	a[3] = { 0 }, other = { 0 };

	cr_expect(begin(&a[0], 1, 7, 10) == 0 && begin(&a[1], 1, 7, 11) == 0);
	cr_expect(begin(&a[2], 1, 7, 12) == E_WAITING && all.total == 2);
	cr_expect(begin(&other, 2, 7, 12) == 0);
	asking_end(&all, &a[0]);
	cr_expect(begin(&a[2], 1, 7, 12) == 0 && all.total == 3);
}

Test(asking, has_a_cap_for_each_server_and_tenant)
{
	struct asking	a[6] = { 0 };

	for (int i = 0; i < 3; i++)
		cr_expect(begin(&a[i], (uint64_t)i, 7, 10) == 0);
	cr_expect(begin(&a[3], 3, 7, 10) == E_WAITING);
	cr_expect(begin(&a[3], 3, 7, 11) == 0);
	cr_expect(begin(&a[4], 4, 7, 12) == E_WAITING);
	cr_expect(begin(&a[4], 4, 8, 12) == 0);
	/* What was refused for one of the three counts for none. */
	asking_end(&all, &a[0]);
	cr_expect(begin(&a[5], 3, 7, 10) == 0 && all.total == 5);
}

Test(asking, counts_a_call_once_and_forgets_it_whole)
{
	struct asking	a[2] = { 0 };

	for (int i = 0; i < 5; i++)
		cr_expect(begin(&a[0], 5, 5, 5) == 0);
	cr_expect(all.total == 1);
	cr_expect(begin(&a[1], 5, 5, 5) == 0);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++)
			asking_end(&all, &a[i]);
	cr_expect(all.total == 0);
	for (size_t i = 0; i < ASKING_BUCKETS; i++)
		cr_expect(all.buckets[i] == NULL);
}

Test(asking, is_bounded_for_everybody_together)
{
	static struct asking	a[ASKING_MAX + 1];

	caps = (struct rec_tenant){ .max_asking = 4096, .max_asking_tenant = 4096, .max_asking_server = 4096 };
	for (uint64_t i = 0; i < ASKING_MAX; i++)
		cr_assert(begin(&a[i], i, i, i) == 0);
	cr_expect(begin(&a[ASKING_MAX], 9999, 9999, 9999) == E_WAITING);
}

Test(asking, is_off_when_one_cap_is_none)
{
	struct asking	a = { 0 };

	cr_expect(asking_possible(&caps));
	caps.max_asking_server = 0;
	cr_expect(!asking_possible(&caps));
	cr_expect(begin(&a, 1, 1, 1) == E_WAITING && all.total == 0);
}
