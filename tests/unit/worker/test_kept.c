/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kept.c - events that are kept, and what becomes of them where there is no room
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker/streams/kept.h"

#define HEAD	16	/* what each event costs beside its text */

static struct kept_store	*store;
static struct kept		 stream[8];
static unsigned			 gone[8];
static char			 heard[4096];

static void
on_gone(struct kept *k, void *arg)
{
	cr_expect(arg == &store);
	cr_expect(k->magic == 0);
	gone[k - stream]++;
}

static void
set_up(size_t bytes, size_t owner_bytes, size_t stream_bytes, size_t streams, size_t owner_streams)
{
	const struct kept_limits	l = { bytes, owner_bytes, stream_bytes, streams, owner_streams };

	memset(gone, 0, sizeof(gone));
	cr_assert(kept_store_new(on_gone, &store, &store) == 0);
	kept_set_limits(store, &l);
}

static int
begin(int i, uint64_t principal)
{
	return kept_begin(store, &stream[i], principal, (const uint64_t[2]){ 1000, (uint64_t)i });
}

/* In two pieces. */
static void
event(int i, uint64_t at, const char *text)
{
	size_t	half = strlen(text) / 2;

	kept_event_begin(&stream[i], at);
	kept_put(&stream[i], span_make(text, half));
	kept_put(&stream[i], span_of(text + half));
	kept_event_end(&stream[i]);
}

static void
on_event(struct span text, void *arg)
{
	(void)arg;
	strncat(heard, text.p, text.n);
	strcat(heard, "|");
}

static void
expect_after(int i, uint64_t at, const char *want)
{
	size_t	n = 0;

	heard[0] = '\0';
	for (const char *p = want; *p != '\0'; p++)
		n += *p == '|';
	cr_expect(kept_each_after(&stream[i], at, on_event, NULL) == n);
	cr_expect_str_eq(heard, want);
}

static void
tear_down(void)
{
	for (int i = 0; i < 8; i++)
		if (stream[i].magic != 0)
			kept_fini(&stream[i]);
	cr_expect(kept_bytes(store) == 0);
	kept_store_free(&store);
	memset(stream, 0, sizeof(stream));
}

Test(kept, gives_back_what_came_after_in_order)
{
	set_up(1000, 1000, 1000, 8, 8);
	cr_assert(begin(0, 1) == 0 && begin(1, 1) == 0);
	event(0, 1, "one");
	event(1, 1, "uno");
	event(0, 2, "two");
	event(0, 4, "four");
	cr_expect(kept_bytes(store) == 4 * HEAD + 13);
	expect_after(0, 0, "one|two|four|");
	expect_after(0, 1, "two|four|");
	expect_after(0, 2, "four|");
	expect_after(0, 3, "four|");
	expect_after(0, 4, "");
	cr_expect(kept_has_after(&stream[0], 0) && kept_has_after(&stream[0], 4));
	cr_expect(kept_has_any_after(&stream[0], 3) && !kept_has_any_after(&stream[0], 4));
	/* One that is not whole is none yet. */
	kept_event_begin(&stream[0], 5);
	kept_put(&stream[0], SPAN_LIT("fi"));
	expect_after(0, 2, "four|");
	kept_event_end(&stream[0]);
	expect_after(0, 2, "four|fi|");
	tear_down();
}

Test(kept, finds_a_stream_by_its_whole_number)
{
	set_up(1000, 1000, 1000, 8, 8);
	cr_assert(begin(0, 1) == 0 && begin(1, 2) == 0);
	cr_expect(kept_find(store, (const uint64_t[2]){ 1000, 1 }) == &stream[1]);
	cr_expect(kept_find(store, (const uint64_t[2]){ 1001, 1 }) == NULL);
	cr_expect(kept_find(store, (const uint64_t[2]){ 1000, 1 + 1024 }) == NULL, "same bucket");
	kept_end(&stream[1], 5);
	cr_expect(kept_find(store, (const uint64_t[2]){ 1000, 1 }) == &stream[1], "also when it has ended");
	kept_fini(&stream[1]);
	cr_expect(kept_find(store, (const uint64_t[2]){ 1000, 1 }) == NULL);
	tear_down();
}

Test(kept, drops_the_oldest_of_a_stream_that_is_full)
{
	set_up(1000, 1000, 3 * (HEAD + 4), 8, 8);
	cr_assert(begin(0, 1) == 0);
	for (uint64_t at = 1; at <= 3; at++)
		event(0, at, "abcd");
	cr_expect(kept_has_after(&stream[0], 0));
	event(0, 4, "efgh");
	cr_expect(!kept_has_after(&stream[0], 0) && kept_has_after(&stream[0], 1));
	expect_after(0, 1, "abcd|abcd|efgh|");
	/* A longer one takes two away; one byte over takes three. */
	event(0, 5, "0123456789012345678901234");
	cr_expect(!kept_has_after(&stream[0], 3) && kept_has_after(&stream[0], 4));
	expect_after(0, 4, "0123456789012345678901234|");
	for (uint64_t at = 6; at < 500; at++)
		event(0, at, "abcd");
	expect_after(0, 496, "abcd|abcd|abcd|");
	cr_expect(kept_bytes(store) == 3 * (HEAD + 4));
	tear_down();
}

Test(kept, keeps_nothing_before_an_event_that_is_too_large)
{
	char	large[200];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	set_up(1000, 1000, 100, 8, 8);
	cr_assert(begin(0, 1) == 0);
	event(0, 1, "one");
	event(0, 2, large);
	cr_expect(kept_bytes(store) == 0);
	cr_expect(!kept_has_after(&stream[0], 1) && kept_has_after(&stream[0], 2));
	expect_after(0, 2, "");
	event(0, 3, "three");
	expect_after(0, 2, "three|");
	/* An event that finds no room only in its second half. */
	large[120] = '\0';
	event(0, 4, large);
	cr_expect(!kept_has_after(&stream[0], 3));
	expect_after(0, 4, "");
	tear_down();
}

Test(kept, pushes_out_what_ended_first_and_of_nobody_else)
{
	set_up(10000, 3 * (HEAD + 4), 1000, 8, 8);
	for (int i = 0; i < 4; i++)
		cr_assert(begin(i, i == 3 ? 2 : 1) == 0);
	for (int i = 0; i < 4; i++)
		event(i, 1, "abcd");
	kept_end(&stream[3], 1);
	kept_end(&stream[1], 2);
	kept_end(&stream[0], 3);
	event(2, 2, "efgh");
	cr_expect(gone[1] == 1 && gone[0] == 0 && gone[3] == 0, "the principal's own, which ended first");
	event(2, 3, "ijkl");
	cr_expect(gone[0] == 1 && gone[3] == 0);
	expect_after(2, 0, "abcd|efgh|ijkl|");
	event(2, 4, "mnop");
	expect_after(2, 1, "efgh|ijkl|mnop|");
	cr_expect(!kept_has_after(&stream[2], 0) && gone[2] == 0 && gone[3] == 0);
	tear_down();
}

Test(kept, bounds_all_principals_together)
{
	set_up(3 * (HEAD + 4), 1000, 1000, 8, 8);
	for (int i = 0; i < 3; i++) {
		cr_assert(begin(i, (uint64_t)i) == 0);
		event(i, 1, "abcd");
	}
	kept_end(&stream[2], 1);
	event(0, 2, "efgh");
	cr_expect(gone[2] == 1);
	/* Nothing has ended: what gives way is the writer's own. */
	event(0, 3, "ijkl");
	expect_after(0, 1, "efgh|ijkl|");
	expect_after(1, 0, "abcd|");
	cr_expect(kept_has_after(&stream[1], 0) && !kept_has_after(&stream[0], 0));
	tear_down();
}

Test(kept, bounds_streams_too)
{
	set_up(1000, 1000, 1000, 4, 2);
	cr_expect(begin(0, 1) == 0 && begin(1, 1) == 0);
	cr_expect(begin(2, 1) == E_FULL, "a third of one principal");
	cr_expect(begin(2, 2) == 0 && begin(3, 3) == 0);
	cr_expect(begin(4, 4) == E_FULL, "a fifth at all");
	/* Those that ended give way, each to its own kind of want. */
	kept_end(&stream[2], 1);
	kept_end(&stream[1], 2);
	cr_expect(begin(4, 1) == 0 && gone[1] == 1 && gone[2] == 0);
	cr_expect(begin(5, 4) == 0 && gone[2] == 1);
	/* The last stream of its principal, for another of the same. */
	kept_end(&stream[3], 3);
	cr_expect(begin(6, 3) == 0 && gone[3] == 1);
	tear_down();
}

Test(kept, keeps_nothing_where_nothing_may_be_kept)
{
	set_up(0, 0, 0, 8, 8);
	cr_expect(begin(0, 1) == E_FULL);
	tear_down();
	/* Nor what may not be kept any more. */
	set_up(1000, 1000, 1000, 8, 8);
	cr_assert(begin(0, 1) == 0 && begin(1, 1) == 0);
	event(0, 1, "abcd");
	event(1, 1, "abcd");
	kept_end(&stream[1], 1);
	kept_set_limits(store, &(struct kept_limits){ 0 });
	event(0, 2, "efgh");
	expect_after(0, 2, "");
	cr_expect(!kept_has_after(&stream[0], 1));
	tear_down();
}

Test(kept, expires_in_the_order_of_ends)
{
	set_up(1000, 1000, 1000, 8, 8);
	for (int i = 0; i < 4; i++)
		cr_assert(begin(i, (uint64_t)i) == 0);
	cr_expect(kept_expire(store, 1000) == 0, "none has ended");
	kept_end(&stream[2], 10);
	kept_end(&stream[0], 20);
	kept_end(&stream[0], 25);
	kept_end(&stream[1], 30);
	cr_expect(kept_expire(store, 9) == 10 && gone[2] == 0);
	cr_expect(kept_expire(store, 10) == 20 && gone[2] == 1 && gone[0] == 0);
	kept_fini(&stream[0]);
	cr_expect(kept_expire(store, 29) == 30 && gone[0] == 0);
	cr_expect(kept_expire(store, 1000) == 0 && gone[1] == 1 && gone[3] == 0);
	tear_down();
}
