/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sessions.c - sessions of clients, and those at upstream servers
 */
#include "shm/session.h"
#include "shm/upsession.h"
#include "tests/unit/shm/regions.h"

/* ---- sessions ------------------------------------------------------------------------------------ */

Test(session, lives_from_create_to_end_in_every_process)
{
	struct region		a, b;
	struct session_ref	ref, found;
	struct session_view	v;

	region_pair(REGION_SESSIONS, 1, &a, &b);
	cr_assert(eq(int, session_create(&a, 111, 7, 100, 60, &ref), 0));
	cr_expect(eq(int, session_find(&b, 111, 7, 101, 60, &found, &v), 0));
	cr_expect(eq(int, v.phase, SESSION_FRESH));
	cr_expect(eq(int, session_set_phase(&b, found, SESSION_READY), 0));
	cr_expect(eq(int, session_set_log_level(&b, found, 5), 0));
	cr_expect(eq(int, session_find(&a, 111, 7, 103, 60, &found, &v), 0));
	cr_expect(eq(int, v.phase, SESSION_READY));
	cr_expect(eq(u32, v.log_level, 5));
	cr_expect(eq(u32, v.idle_s, 2));
	cr_expect(eq(u64, session_count(&a, 103, 60), 1));
	cr_expect(eq(int, session_lives(&b, found), true));
	cr_expect(eq(int, session_end(&a, ref), 0));
	cr_expect(eq(int, session_lives(&b, found), false));
	cr_expect(eq(int, session_find(&b, 111, 7, 103, 60, &found, &v), E_NOTFOUND));
	cr_expect(eq(int, session_end(&a, ref), E_NOTFOUND));
	cr_expect(eq(u64, session_count(&a, 103, 60), 0));
	region_unmap(&a);
	region_unmap(&b);
}

Test(session, is_not_found_by_another_principal_nor_after_its_time)
{
	struct region		r = region_for_test(REGION_SESSIONS, 1);
	struct session_ref	ref;
	struct session_view	v;

	cr_assert(eq(int, session_create(&r, 111, 7, 100, 60, &ref), 0));
	cr_expect(eq(int, session_find(&r, 111, 8, 100, 60, &ref, &v), E_NOTFOUND));
	cr_expect(eq(int, session_find(&r, 112, 7, 100, 60, &ref, &v), E_NOTFOUND));
	cr_expect(eq(int, session_find(&r, 111, 7, 160, 60, &ref, &v), 0), "used again in time");
	cr_expect(eq(int, session_find(&r, 111, 7, 220, 60, &ref, &v), 0));
	cr_expect(eq(int, session_find(&r, 111, 7, 281, 60, &ref, &v), E_NOTFOUND));
	region_unmap(&r);
}

Test(session, slots_of_the_ended_idle_and_half_written_are_used_again)
{
	struct region		r = region_for_test(REGION_SESSIONS, 1);
	struct session_ref	ref[16], more;
	uint64_t		windows = r.count / 16;

	for (uint64_t i = 0; i < 16; i++)
		cr_assert(eq(int, session_create(&r, i * windows, 7, 100, 60, &ref[i]), 0));
	cr_expect(eq(int, session_create(&r, 16 * windows, 7, 100, 60, &more), E_FULL));
	cr_expect(eq(int, session_end(&r, ref[3]), 0));
	cr_expect(eq(int, session_create(&r, 16 * windows, 7, 100, 60, &more), 0));
	cr_expect(eq(u32, more.slot, ref[3].slot));
	cr_expect(eq(int, session_set_phase(&r, ref[3], SESSION_READY), E_NOTFOUND), "an old reference");
	cr_expect(eq(int, session_lives(&r, more), true));
	cr_expect(eq(int, session_lives(&r, ref[3]), false));

	/* One that died while writing: state says WRITING since second 100. */
	((_Atomic uint64_t *)region_slot(&r, ref[5].slot))[1] = (uint64_t)SESSION_WRITING << 60 | 100;
	cr_expect(eq(int, session_create(&r, 17 * windows, 7, 105, 60, &more), E_FULL));
	cr_expect(eq(int, session_create(&r, 17 * windows, 7, 106, 60, &more), 0));
	cr_expect(eq(u32, more.slot, ref[5].slot));

	for (uint64_t i = 0; i < 16; i++)	/* 1,000 abandoned ones need no end: they are idle */
		cr_expect(eq(int, session_create(&r, (100 + i) * windows, 7, 400, 60, &more), 0));
	region_unmap(&r);
}

Test(session, who_has_most_of_a_full_window_makes_room_for_others)
{
	struct region		r = region_for_test(REGION_SESSIONS, 1);
	struct session_ref	many[16], few[9];
	uint64_t		windows = r.count / 16, id = 100;
	unsigned		living = 0;

	for (uint32_t i = 0; i < 16; i++)
		cr_assert(eq(int, session_create(&r, id++ * windows, 7, 100 + (i + 11) % 16, 60, &many[i]), 0));
	/* One by one, what was not used for longest, until both have as much. */
	for (uint32_t i = 0; i < 8; i++) {
		cr_assert(eq(int, session_create(&r, id++ * windows, 8, 116, 60, &few[i]), 0), "%u", i);
		cr_expect(eq(u32, few[i].slot, many[(i + 5) % 16].slot), "%u", i);
		cr_expect(eq(int, session_lives(&r, many[(i + 5) % 16]), false), "%u", i);
	}
	cr_expect(eq(int, session_create(&r, id++ * windows, 8, 116, 60, &few[8]), E_FULL));
	cr_expect(eq(int, session_create(&r, id++ * windows, 7, 116, 60, &few[8]), E_FULL));
	/* A third one is let in, at the cost of one of them. */
	cr_expect(eq(int, session_create(&r, id++ * windows, 9, 117, 60, &few[8]), 0));
	for (int i = 0; i < 8; i++)
		living += session_lives(&r, few[i]) + session_lives(&r, many[(i + 13) % 16]);
	cr_expect(eq(u32, living, 15));
	region_unmap(&r);
}

/* ---- upstream sessions ----------------------------------------------------------------------------- */

Test(upsession, is_shared_replaced_and_dropped)
{
	struct region		a, b;
	struct upsession	s;
	uint32_t		first, second;
	char			longest[UPSESSION_ID_MAX + 1];

	region_pair(REGION_UPSTREAM_SESSIONS, 1, &a, &b);
	cr_expect(eq(int, upsession_find(&b, 5, 1000, &s), E_NOTFOUND));
	cr_expect(eq(int, upsession_put(&a, 5, 1000, 3, SPAN_LIT("id-of-upstream"), &first), 0));
	cr_assert(eq(int, upsession_find(&b, 5, 1000, &s), 0));
	cr_expect(span_is(span_make(s.id, s.id_bytes), "id-of-upstream"));
	cr_expect(eq(u32, s.version, 3));
	cr_expect(eq(u32, s.epoch, first));
	cr_expect(eq(int, upsession_put(&b, 5, 1001, 3, SPAN_LIT("next"), &second), 0));
	upsession_drop(&a, 5, first);		/* late: it is another one now */
	cr_assert(eq(int, upsession_find(&a, 5, 1002, &s), 0));
	cr_expect(span_is(span_make(s.id, s.id_bytes), "next"));
	upsession_drop(&a, 5, second);
	cr_expect(eq(int, upsession_find(&b, 5, 1002, &s), E_NOTFOUND));

	memset(longest, 'x', sizeof(longest));
	cr_expect(eq(int, upsession_put(&a, 5, 1, 3, span_make(longest, UPSESSION_ID_MAX + 1), &first), E_TOOBIG));
	cr_expect(eq(int, upsession_put(&a, 5, 2000, 3, span_make(longest, UPSESSION_ID_MAX), &first), 0));
	cr_assert(eq(int, upsession_find(&b, 5, 2000, &s), 0));
	cr_expect(eq(u32, s.id_bytes, UPSESSION_ID_MAX));
	region_unmap(&a);
	region_unmap(&b);
}

Test(upsession, full_window_gives_up_the_one_unused_for_longest)
{
	struct region		r = region_for_test(REGION_UPSTREAM_SESSIONS, 1);
	struct upsession	s;
	uint64_t		windows = r.count / 8;
	uint32_t		epoch;

	for (uint64_t i = 1; i <= 8; i++)
		cr_expect(eq(int, upsession_put(&r, i * windows, 1000 + i, 1, SPAN_LIT("x"), &epoch), 0));
	cr_expect(eq(int, upsession_find(&r, 1 * windows, 3000, &s), 0));
	cr_expect(eq(int, upsession_put(&r, 9 * windows, 3001, 1, SPAN_LIT("y"), &epoch), 0));
	cr_expect(eq(int, upsession_find(&r, 1 * windows, 3002, &s), 0));
	cr_expect(eq(int, upsession_find(&r, 2 * windows, 3002, &s), E_NOTFOUND));
	cr_expect(eq(int, upsession_find(&r, 9 * windows, 3002, &s), 0));
	region_unmap(&r);
}

Test(upsession, half_written_is_not_read_and_heals)
{
	struct region		 r = region_for_test(REGION_UPSTREAM_SESSIONS, 1);
	struct upsession	 s;
	_Atomic uint64_t	*slot;
	uint64_t		 windows = r.count / 8;
	uint32_t		 epoch;

	cr_expect(eq(int, upsession_put(&r, windows, 1000, 1, SPAN_LIT("x"), &epoch), 0));
	slot = region_slot(&r, 0);
	cr_assert(eq(u64, slot[0], windows));
	slot[1] = UINT64_C(1) << 62 | 1000;	/* WRITING since 1000 */
	cr_expect(eq(int, upsession_find(&r, windows, 1000, &s), E_NOTFOUND));
	cr_expect(eq(int, upsession_put(&r, windows, 6000, 1, SPAN_LIT("y"), &epoch), E_AGAIN));
	cr_expect(eq(int, upsession_put(&r, windows, 6001, 1, SPAN_LIT("y"), &epoch), 0));
	cr_expect(eq(int, upsession_find(&r, windows, 6001, &s), 0));
	region_unmap(&r);
}
