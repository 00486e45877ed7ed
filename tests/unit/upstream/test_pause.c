/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pause.c - how long to wait before a stream that ended is opened again
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "upstream/pause.h"

#define MOST	10000

/* It is open for so long. */
static uint64_t
live(struct pause *p, uint64_t *now, uint64_t ms, uint64_t retry_ms)
{
	pause_opened(p, *now);
	*now += ms;
	return pause_next(p, *now, retry_ms);
}

Test(pause, grows_while_it_cannot_be_opened)
{
	static const uint64_t	want[] = { 1000, 2000, 4000, 8000, MOST, MOST };
	struct pause		p = { .most_ms = MOST };
	uint64_t		now = 5;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		cr_expect(eq(u64, pause_next(&p, now, 0), want[i]), "row %zu", i);
	cr_expect(eq(u64, live(&p, &now, 60000, 0), 1000));
	cr_expect(eq(u64, pause_next(&p, now, 0), 1000));
}

Test(pause, heeds_a_wish_within_bounds)
{
	struct pause	p = { .most_ms = MOST };
	uint64_t	now = 5;

	cr_expect(eq(u64, live(&p, &now, 60000, 20), 20));
	cr_expect(eq(u64, live(&p, &now, 60000, UINT64_MAX), MOST));
}

Test(pause, grows_for_who_ends_streams_at_once_and_for_ever)
{
	struct pause	p = { .most_ms = MOST };
	uint64_t	now = 5, all = 0;

	/* A client that is to poll is not kept waiting. */
	for (int i = 0; i < 4; i++)
		cr_expect(eq(u64, live(&p, &now, 10, 1), 1));
	for (int i = 0; i < 1000; i++)
		all += live(&p, &now, 10, 1);
	cr_expect(ge(u64, all, 900 * MOST));
	/* One that cannot be opened between is no excuse; one that lives is. */
	cr_expect(eq(u64, pause_next(&p, now, 1), MOST));
	cr_expect(eq(u64, live(&p, &now, 10, 1), MOST));
	cr_expect(eq(u64, live(&p, &now, 2000, 1), 1));
}
