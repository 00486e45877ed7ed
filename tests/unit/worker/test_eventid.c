/* SPDX-License-Identifier: Apache-2.0
 *
 * test_eventid.c - ids of events, ours and anybody's
 */
#include <criterion/criterion.h>
#include <string.h>

#include "worker/streams/eventid.h"

Test(eventid, comes_back_as_it_was_given_out)
{
	static const struct eventid	ids[] = {
		{ false, 0, 0, { 0, 0 }, 0 }, { true, 63, 7, { 1, 0xfedcba9876543210 }, 1 },
		{ false, UINT32_MAX, UINT32_MAX, { UINT64_MAX, UINT64_MAX }, UINT64_MAX },
	};
	struct eventid	back;
	char		text[EVENTID_CHARS];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct span s = eventid_write(&ids[i], text);

		cr_expect(eventid_parse(s, &back) == 0, "row %zu: %.*s", i, SPAN_FMT(s));
		cr_expect(back.alone == ids[i].alone && back.slot == ids[i].slot && back.incarnation == ids[i].incarnation &&
		    back.stream[0] == ids[i].stream[0] && back.stream[1] == ids[i].stream[1] && back.at == ids[i].at, "row %zu", i);
		for (size_t k = 0; k < s.n; k++)
			cr_expect(s.p[k] > ' ' && s.p[k] < 0x7f);
	}
}

Test(eventid, is_nothing_but_what_was_written)
{
	static const char *const	texts[] = {
		"", "r", "1", "r-0-1-", "r-0-1-00000000000000010000000000000002", "r-0-1-00000000000000010000000000000002-",
		"r-0-1-00000000000000010000000000000002-3 ", " r-0-1-00000000000000010000000000000002-3",
		"r-0-1-00000000000000010000000000000002-03", "r-00-1-00000000000000010000000000000002-3",
		"r-0-+1-00000000000000010000000000000002-3", "r-0-0x1-00000000000000010000000000000002-3",
		"r-0--1-00000000000000010000000000000002-3", "r- 0-1-00000000000000010000000000000002-3",
		"r-0-1-0000000000000001000000000000000A-3", "r-0-1-10000000000000002-3", "e-0-1-00000000000000010000000000000002-3", "g-0-1-0000000000000001",
		"r-0-1-00000000000000010000000000000002-3-4", "r-100000000-1-00000000000000010000000000000002-3",
		"r-0-1-000000000000000100000000000000002-3", "r-0-1-00000000000000010000000000000002-10000000000000000",
	};
	struct eventid	id;
	char		text[EVENTID_CHARS * 2];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(eventid_parse(span_of(texts[i]), &id) == E_FORMAT, "%s", texts[i]);
	memset(text, '7', sizeof(text));
	for (size_t n = EVENTID_CHARS - 1; n <= sizeof(text); n++)
		cr_expect(eventid_parse(span_make(text, n), &id) == E_FORMAT);
	cr_expect(eventid_parse(span_make("r-0-1-0000000000000001000000000000000\0-3", 40), &id) == E_FORMAT);
	cr_expect(eventid_parse(SPAN_LIT("r-0-1-00000000000000010000000000000002-3"), &id) == 0, "the one they are made of");
}
