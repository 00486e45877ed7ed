/* SPDX-License-Identifier: Apache-2.0
 *
 * test_requestid.c - request ids
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "audit/requestid.h"

#define NOW_MS UINT64_C(1763632800000)		/* 2025-11-20T10:00:00Z */

Test(requestid, text_comes_back)
{
	static const uint64_t ids[] = { 0, 1, 31, 32, UINT64_C(0x0fffffffffffffff), UINT64_C(0x0123456789abcdef) };
	char		text[REQUESTID_CHARS + 1];
	uint64_t	back;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		requestid_text(ids[i], text);
		cr_expect(eq(sz, strlen(text), REQUESTID_CHARS));
		cr_expect(eq(int, requestid_parse(span_of(text), &back), 0));
		cr_expect(eq(u64, back, ids[i]), "row %zu", i);
	}
}

Test(requestid, reads_what_people_write)
{
	static const struct {
		const char	*text;
		int		 want;
		uint64_t	 id;
	} rows[] = {
		{ "r-00000000000Z", 0, 31 }, { "r-00000000000z", 0, 31 }, { "R-00000000001O", 0, 32 },
		{ "r-0000000000iL", 0, 33 }, { "r-00000000000U", E_FORMAT, 0 }, { "r-", E_FORMAT, 0 },
		{ "", E_FORMAT, 0 }, { "x-000000000000", E_FORMAT, 0 }, { "r-0000000000000", E_FORMAT, 0 },
		{ "r-00000000000", E_FORMAT, 0 }, { "r-00000 000000", E_FORMAT, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t id = 0;

		cr_expect(eq(int, requestid_parse(span_of(rows[i].text), &id), rows[i].want), "row %zu", i);
		cr_expect(eq(u64, id, rows[i].id), "row %zu", i);
	}
}

Test(requestid, never_repeats_and_never_goes_back)
{
	struct requestid	m;
	uint64_t		last = 0, now = NOW_MS;

	requestid_init(&m, 3, 1, now);
	for (int i = 0; i < 300000; i++) {
		uint64_t id = requestid_next(&m, now);

		cr_assert(id > last, "at %d", i);
		last = id;
		if (i == 150000)
			now -= 3600000;
		if (i == 200000)
			now += 7200000;
	}
}

Test(requestid, worker_after_worker_in_one_tick_differ)
{
	struct requestid	a, b;

	requestid_init(&a, 3, 1, NOW_MS);
	requestid_init(&b, 3, 2, NOW_MS);
	for (int i = 0; i < 1000; i++)
		cr_assert(requestid_next(&a, NOW_MS) != requestid_next(&b, NOW_MS));
	requestid_init(&a, 3, 1, NOW_MS);
	requestid_init(&b, 4, 1, NOW_MS);
	cr_expect(requestid_next(&a, NOW_MS) != requestid_next(&b, NOW_MS));
}

Test(requestid, says_when_it_was_given)
{
	struct requestid	m;
	uint64_t		ms;

	requestid_init(&m, 0, 0, NOW_MS);
	ms = requestid_wall_ms(requestid_next(&m, NOW_MS));
	cr_expect(ms >= NOW_MS && ms <= NOW_MS + 125);
	ms = requestid_wall_ms(requestid_next(&m, NOW_MS + 10000));
	cr_expect(ms + 63 >= NOW_MS + 10000 && ms <= NOW_MS + 10000);
}
