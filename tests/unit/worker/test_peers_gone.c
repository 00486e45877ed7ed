/* SPDX-License-Identifier: Apache-2.0
 *
 * test_peers_gone.c - messages between workers: who is meant, who is gone, and who is told
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "peers_rig.h"

TestSuite(peers_gone, .init = rig_start, .fini = rig_stop, .timeout = 30);

Test(peers_gone, tells_when_a_worker_dies_after_its_last_words)
{
	rig_attach(9);
	cr_assert(rig_send(OTHER, 9, 1, SPAN_NONE) == 0);
	rig_turns(2);
	/* It answers and ends; we find out by writing. */
	rig_say(rig.other, PEER_GONE, 4, 7, SPAN_LIT("last"));
	fd_close(&rig.other);
	cr_assert(rig_send(OTHER, 9, 2, SPAN_NONE) == 0);
	rig_turns(3);
	cr_expect(eq(int, rig.got.count, 1));
	cr_expect(eq(str, rig.got.payload, (char *)"last"));
	rig_expect_gone("5/9 ");
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
}

static void
kill_at_flush(void *arg)
{
	int	*fd = arg;

	fd_close(fd);
	*fd = -1;
}

static char	at_turn_end[64];	/* `gone` when the turn was at its end */

static void
look_at_gone(void *arg)
{
	(void)arg;
	snprintf(at_turn_end, sizeof(at_turn_end), "%.60s", rig.gone);
	if (at_turn_end[0] == '\0' && rig.other == -1)
		cr_expect(eq(int, rig_send(OTHER, 9, 3, SPAN_NONE), E_CLOSED));
}

Test(peers_gone, tells_nobody_at_a_turns_end)
{
	/* In the rank before: the end comes between a turn's events and its writing. */
	loop_at_turn_end(rig.loop, LOOP_RANK_AUDIT, kill_at_flush, &rig.other);
	loop_at_turn_end(rig.loop, LOOP_RANK_AFTER, look_at_gone, NULL);
	rig_attach(9);
	cr_assert(rig_send(OTHER, 9, 1, SPAN_NONE) == 0);
	loop_turn(rig.loop, false);
	cr_expect(eq(str, (char *)at_turn_end, (char *)""));
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
	loop_turn(rig.loop, true);
	rig_expect_gone("5/9 ");
}

Test(peers_gone, knows_which_incarnations_are_gone)
{
	rig_attach(9);
	cr_expect(eq(int, rig_send(OTHER, 8, 1, SPAN_NONE), E_NOTFOUND));
	fd_close(&rig.other);
	rig_turns(2);
	rig_expect_gone("5/9 ");
	/* Not known yet: only the pair is gone. */
	cr_expect(eq(int, rig_send(OTHER, 9, 1, SPAN_NONE), 0));
	cr_expect(eq(u32, rig.asked.incarnation, 9));
	peers_none(rig.peers, OTHER, 9, 10);
	rig_expect_gone("5/9 ");
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
	cr_expect(eq(int, rig_send(OTHER, 9, 1, SPAN_NONE), E_NOTFOUND));
	cr_expect(eq(int, rig_send(OTHER, 10, 1, SPAN_NONE), 0));
	cr_expect(eq(int, rig.asked.count, 2));
}

Test(peers_gone, fails_what_nobody_can_get)
{
	cr_assert(rig_send(OTHER, 0, 1, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 3, 2, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 0, 3, SPAN_NONE) == 0);
	cr_expect(eq(int, rig.asked.count, 2));
	peers_none(rig.peers, OTHER, 0, 3);
	rig_expect_gone("5/0 ");
	cr_expect(eq(sz, peers_queued(rig.peers), sizeof(struct peer_head)));
	/* Nothing of that kind waits any more: nobody is told. */
	peers_none(rig.peers, OTHER, 0, 3);
	peers_none(rig.peers, OTHER + 1, 0, 3);
	rig_expect_gone("");
	rig_attach(3);
	rig_expect_ref(2);
	rig_expect_gone("");
}

Test(peers_gone, sends_to_no_other_incarnation_than_was_meant)
{
	cr_assert(rig_send(OTHER, 8, 1, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 0, 2, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 9, 3, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 10, 4, SPAN_NONE) == 0);
	rig_attach(9);
	rig_expect_gone("5/8 ");
	rig_expect_ref(2);
	rig_expect_ref(3);
	rig_turns(2);
	cr_expect(eq(sz, peers_queued(rig.peers), sizeof(struct peer_head)), "the one for 10 waits");
	/* While there is a pair with 9, one may say 11: it asks, and costs the pair nothing. */
	rig.asked.count = 0;
	cr_assert(rig_send(OTHER, 11, 5, SPAN_NONE) == 0);
	cr_expect(eq(int, rig.asked.count, 1));
	cr_expect(eq(u32, rig.asked.incarnation, 11));
	peers_none(rig.peers, OTHER, 11, 9);
	rig_expect_gone("5/11 ");
	cr_assert(rig_send(OTHER, 9, 6, SPAN_NONE) == 0);
	rig_expect_ref(6);
	rig_attach(10);
	rig_expect_gone("5/9 ");
	rig_expect_ref(4);
}

Test(peers_gone, hears_the_last_words_of_a_replaced_pair)
{
	int	old;

	rig_attach(9);
	rig_say(rig.other, PEER_GONE, 0, 1, SPAN_NONE);
	rig_say(rig.other, PEER_GONE, 0, 2, SPAN_NONE);
	old = dup(rig.other);
	rig_attach(10);
	cr_expect(eq(str, rig.got.order, (char *)"12"));
	cr_expect(eq(u32, rig.got.incarnation, 9));
	rig_expect_gone("5/9 ");
	rig_say(rig.other, PEER_GONE, 0, 3, SPAN_NONE);
	rig_turns(2);
	cr_expect(eq(str, rig.got.order, (char *)"123"));
	cr_expect(eq(u32, rig.got.incarnation, 10));
	close(old);
}

static void
send_again(uint32_t slot, uint32_t incarnation, void *arg)
{
	int	*left = arg;

	if ((*left)-- > 0)
		cr_expect(eq(int, rig_send(slot, 0, 8, SPAN_NONE), 0), "after %u", incarnation);
}

Test(peers_gone, lets_a_gone_handler_send)
{
	int	left = 2;

	peers_on_gone(rig.peers, send_again, &left);
	cr_assert(rig_send(OTHER, 8, 1, SPAN_NONE) == 0);
	rig_attach(9);			/* 8 is gone, and 9 gets the first */
	rig_expect_ref(8);
	rig.asked.count = 0;
	fd_close(&rig.other);
	rig_turns(2);			/* 9 is gone, and the second waits */
	cr_expect(eq(int, rig.asked.count, 1));
	rig_attach(10);
	rig_expect_ref(8);
	rig_expect_gone("5/8 5/9 ");
}

Test(peers_gone, fails_what_waits_when_the_master_is_gone)
{
	cr_assert(rig_send(OTHER, 0, 1, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER, 3, 2, SPAN_NONE) == 0);
	cr_assert(rig_send(OTHER + 1, 0, 3, SPAN_NONE) == 0);
	peers_master_gone(rig.peers);
	rig_expect_gone("5/0 5/3 6/0 ");
	rig.asked.answer = E_CLOSED;
	cr_expect(eq(int, rig_send(OTHER, 0, 1, SPAN_NONE), E_CLOSED));
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
}

Test(peers_gone, knows_itself_and_who_cannot_be)
{
	cr_expect(eq(int, rig_send(ME, 0, 1, SPAN_NONE), E_RANGE));
	cr_expect(eq(int, rig_send(ME, 4, 1, SPAN_NONE), E_RANGE));
	cr_expect(eq(int, rig_send(ME, 3, 1, SPAN_NONE), E_NOTFOUND));
	cr_expect(eq(int, rig_send(8, 0, 1, SPAN_NONE), E_NOTFOUND));
	cr_expect(eq(int, rig_send(UINT32_MAX, 1, 1, SPAN_NONE), E_NOTFOUND));
	cr_expect(eq(int, rig.asked.count, 0));
}
