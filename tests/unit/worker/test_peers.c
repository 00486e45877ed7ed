/* SPDX-License-Identifier: Apache-2.0
 *
 * test_peers.c - messages between workers: asking for a pair, what is written, what is read
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers_rig.h"

TestSuite(peers, .init = rig_start, .fini = rig_stop, .timeout = 30);

Test(peers, asks_once_and_sends_what_waited_in_order)
{
	struct peer_head	h;
	char			text[64];

	cr_assert(rig_send(OTHER, 0, 1, SPAN_LIT("one")) == 0);
	cr_assert(rig_send(OTHER, 0, 2, SPAN_NONE) == 0);
	cr_expect(eq(int, rig.asked.count, 1));
	cr_expect(eq(u32, rig.asked.slot, OTHER));
	cr_expect(eq(u32, rig.asked.incarnation, 0));
	cr_expect(eq(u64, rig.asked.after, 0));
	rig_attach(9);
	cr_assert(rig_send(OTHER, 9, 3, SPAN_LIT("three")) == 0);
	cr_expect(eq(int, rig.asked.count, 1));
	cr_expect(eq(int, rig_hear(&h, text, sizeof(text)), 3));
	cr_expect(h.type == PEER_GONE && h.flags == 7 && h.ref == 1 && h.a == 11 && h.b == 12);
	cr_expect(eq(str, (char *)text, (char *)"one"));
	rig_expect_ref(2);
	rig_expect_ref(3);
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
	rig_expect_gone("");
}

static void
send_at_flush(void *arg)
{
	int	*once = arg;

	if ((*once)-- == 1)
		cr_assert(rig_send(OTHER, 9, 1, SPAN_NONE) == 0);
}

Test(peers, writes_at_the_turns_end_and_not_after)
{
	struct peer_head	h;
	char			text[64];
	int			once = 1;

	/* Registered behind: what it sends has missed this turn's end. */
	loop_at_turn_end(rig.loop, LOOP_RANK_FLUSH, send_at_flush, &once);
	rig_attach(9);
	loop_turn(rig.loop, false);
	cr_expect(read(rig.other, &h, sizeof(h)) == -1 && errno == EAGAIN);
	/* Blocks for ever if nothing has made sure of a next turn. */
	loop_turn(rig.loop, true);
	cr_expect(eq(int, rig_hear(&h, text, sizeof(text)), 0));
	cr_assert(rig_send(OTHER, 9, 2, SPAN_NONE) == 0);
	cr_expect(read(rig.other, &h, sizeof(h)) == -1 && errno == EAGAIN);
	rig_expect_ref(2);
}

Test(peers, delivers_messages_cut_at_every_byte)
{
	char			wire[128];
	struct peer_head	h = { .bytes = 3, .type = PEER_GONE, .ref = 1 };
	size_t			n = 0;

	for (int i = 1; i <= 3; i++) {
		h.ref = (uint64_t)i;
		h.bytes = i == 2 ? 0 : 3;
		memcpy(wire + n, &h, sizeof(h));
		memcpy(wire + n + sizeof(h), i == 1 ? "one" : "six", h.bytes);
		n += sizeof(h) + h.bytes;
	}
	rig_attach(9);
	for (size_t cut = 1; cut < n; cut++) {
		memset(&rig.got.order, 0, sizeof(rig.got.order));
		rig.got.count = 0;
		cr_assert(write(rig.other, wire, cut) == (ssize_t)cut);
		rig_turns(2);
		cr_assert(write(rig.other, wire + cut, n - cut) == (ssize_t)(n - cut));
		rig_turns(2);
		cr_expect(eq(str, rig.got.order, (char *)"123"), "cut at %zu", cut);
		cr_expect(eq(str, rig.got.payload, (char *)"six"), "cut at %zu", cut);
	}
	rig.got.count = 0;
	for (size_t i = 0; i < n; i++) {
		cr_assert(write(rig.other, wire + i, 1) == 1);
		rig_turns(1);
	}
	cr_expect(eq(int, rig.got.count, 3));
	cr_expect(eq(u32, rig.got.slot, OTHER));
	cr_expect(eq(u32, rig.got.incarnation, 9));
	rig_expect_gone("");
}

/* As much as fits leaves the other end's buffer, turn by turn. */
static void
pump(int fd, const char *p, size_t n)
{
	ssize_t	r;

	for (int tries = 0; n > 0 && tries < 100000; tries++) {
		if ((r = write(fd, p, n)) > 0) {
			p += r;
			n -= (size_t)r;
		}
		rig_turns(1);
	}
	cr_assert(n == 0);
}

Test(peers, carries_the_largest_payload_and_nothing_larger)
{
	char			*big = malloc(PEER_PAYLOAD_MAX + 1);
	struct peer_head	 h = { .bytes = PEER_PAYLOAD_MAX, .type = PEER_REQUEST, .ref = 1 };

	memset(big, 'x', PEER_PAYLOAD_MAX + 1);
	cr_expect(eq(int, rig_send(OTHER, 0, 1, span_make(big, PEER_PAYLOAD_MAX + 1)), E_TOOBIG));
	cr_expect(eq(int, rig_send(OTHER, 0, 1, span_make(big, PEER_PAYLOAD_MAX)), 0));
	rig_attach(9);
	for (size_t n = 0; n < sizeof(h) + PEER_PAYLOAD_MAX;) {
		ssize_t	r;

		rig_turns(1);
		if ((r = read(rig.other, big, PEER_PAYLOAD_MAX)) > 0)
			n += (size_t)r;
	}
	cr_expect(eq(sz, peers_queued(rig.peers), 0));

	pump(rig.other, (char *)&h, sizeof(h));
	memset(big, 'y', PEER_PAYLOAD_MAX);
	pump(rig.other, big, PEER_PAYLOAD_MAX);
	rig_turns(2);
	cr_expect(eq(int, rig.got.count, 1));
	cr_expect(eq(sz, strlen(rig.got.payload), PEER_PAYLOAD_MAX));
	/* Behind it things go on as before. */
	rig_say(rig.other, PEER_GONE, 2, 5, SPAN_LIT("ok"));
	rig_turns(2);
	cr_expect(eq(str, rig.got.payload, (char *)"ok"));
	free(big);
}

Test(peers, gives_memory_for_what_came_and_not_for_what_was_announced)
{
	struct mallinfo2	before, after;

	rig_attach(9);
	rig_turns(1);
	before = mallinfo2();
	rig_say(rig.other, PEER_GONE, PEER_PAYLOAD_MAX, 1, SPAN_LIT("not yet all"));
	rig_turns(2);
	cr_assert(write(rig.other, "nor now", 7) == 7);
	rig_turns(2);
	after = mallinfo2();
	cr_expect(after.uordblks + after.hblkhd < before.uordblks + before.hblkhd + 512 * 1024);
	rig_expect_gone("");
}

Test(peers, ends_a_pair_that_breaks_a_rule_and_nothing_else)
{
	static const struct {
		const char	*what;
		uint16_t	 type;
		uint32_t	 bytes;
		int		 answer;
	} rows[] = {
		{ "no type", 0, 0, 0 },
		{ "an unknown type", PEER_TYPE_LIMIT, 0, 0 },
		{ "another unknown type", 0xffff, 0, 0 },
		{ "a payload over the limit", PEER_GONE, PEER_PAYLOAD_MAX + 1, 0 },
		{ "a payload far over the limit", PEER_GONE, UINT32_MAX, 0 },
		{ "what its handler refuses", PEER_GONE, 0, E_FORMAT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char	c;

		rig_attach(9);
		rig.got.count = 0;
		rig.got.answer = 0;
		cr_assert(rig_send(OTHER, 9, 1, SPAN_NONE) == 0);
		rig_say(rig.other, PEER_GONE, 0, 1, SPAN_NONE);
		rig_turns(2);
		cr_expect(eq(int, rig.got.count, 1), "%s", rows[i].what);
		rig.got.answer = rows[i].answer;
		rig_say(rig.other, rows[i].type, rows[i].bytes, 2, SPAN_NONE);
		rig_say(rig.other, PEER_GONE, 0, 3, SPAN_NONE);
		rig_turns(3);
		cr_expect(eq(int, rig.got.count, rows[i].answer != 0 ? 2 : 1), "%s", rows[i].what);
		cr_expect(read(rig.other, &c, 1) == 1, "%s: what was sent before", rows[i].what);
		cr_expect(eq(str, rig.gone, (char *)"5/9 "), "%s", rows[i].what);
		rig.gone[0] = '\0';
		/* The other worker may live: the next message asks, and says which pair has ended. */
		rig.asked.count = 0;
		cr_expect(eq(int, rig_send(OTHER, 9, 1, SPAN_NONE), 0), "%s", rows[i].what);
		cr_expect(eq(int, rig.asked.count, 1), "%s", rows[i].what);
		cr_expect(eq(u64, rig.asked.after, rig.pair_number), "%s", rows[i].what);
	}
}

static int
say_again(uint32_t slot, uint32_t incarnation, const struct peer_head *head, struct span payload, void *arg)
{
	int	*count = arg;

	(void)slot;
	(void)incarnation;
	if (++*count < 1000)
		rig_say(rig.other, head->type, head->bytes, head->ref, payload);
	return 0;
}

Test(peers, gives_others_a_turn_while_one_talks_on)
{
	static char	body[64 * 1024 - sizeof(struct peer_head)];
	int		count = 0;

	peers_on(rig.peers, PEER_CREDIT, say_again, &count);
	rig_attach(9);
	rig_say(rig.other, PEER_CREDIT, sizeof(body), 1, span_make(body, sizeof(body)));
	loop_turn(rig.loop, false);
	cr_expect(count > 0 && count < 100, "%d", count);
	rig_turns(2000);
	cr_expect(eq(int, count, 1000));
}

Test(peers, drops_a_message_that_nobody_takes)
{
	rig_attach(9);
	rig_say(rig.other, PEER_DATA, 3, 1, SPAN_LIT("abc"));
	rig_say(rig.other, PEER_GONE, 3, 2, SPAN_LIT("def"));
	rig_turns(2);
	cr_expect(eq(int, rig.got.count, 1));
	cr_expect(eq(str, rig.got.payload, (char *)"def"));
	rig_expect_gone("");
}

Test(peers, refuses_what_its_queue_cannot_hold)
{
	char	*big = calloc(1, PEER_PAYLOAD_MAX);
	size_t	 all = 0;

	rig_attach(9);
	while (rig_send(OTHER, 9, 1, span_make(big, PEER_PAYLOAD_MAX)) == 0)
		all += sizeof(struct peer_head) + PEER_PAYLOAD_MAX;
	cr_expect(eq(sz, peers_queued(rig.peers), all));
	cr_expect(all <= PEERS_QUEUE_MAX && all + PEER_PAYLOAD_MAX > PEERS_QUEUE_MAX - 1024);
	cr_expect(eq(int, rig_send(OTHER, 9, 1, span_make(big, PEER_PAYLOAD_MAX)), E_FULL));
	/* What waits for a pair counts as well, and each worker for itself. */
	cr_expect(eq(int, rig_send(OTHER, 10, 1, span_make(big, PEER_PAYLOAD_MAX)), E_FULL));
	cr_expect(eq(int, rig.asked.count, 0));
	cr_expect(eq(int, rig_send(OTHER + 1, 0, 1, SPAN_LIT("x")), 0));
	/* It goes on reading while it cannot write. */
	rig_turns(3);
	rig_say(rig.other, PEER_GONE, 2, 1, SPAN_LIT("ok"));
	rig_turns(2);
	cr_expect(eq(int, rig.got.count, 1));
	/* And with room there is room. */
	for (size_t n = 0; n < 2 * (size_t)PEER_PAYLOAD_MAX;) {
		ssize_t	r;

		rig_turns(1);
		if ((r = read(rig.other, big, PEER_PAYLOAD_MAX)) > 0)
			n += (size_t)r;
	}
	cr_expect(eq(int, rig_send(OTHER, 9, 1, span_make(big, 1000)), 0));
	free(big);
}

Test(peers, goes_on_in_order_after_a_full_socket)
{
	struct peer_head	h;
	char			*text = malloc(40000), *body = malloc(30000);
	int			heard = 0, n;

	memset(body, 'z', 30000);
	rig_attach_small(9, 4096);
	for (int i = 0; i < 20; i++)
		cr_assert(rig_send(OTHER, 0, (uint64_t)i, span_make(body, 30000)) == 0);
	rig_turns(3);
	cr_expect(peers_queued(rig.peers) > 0);
	while (heard < 20) {
		size_t	have = 0;

		for (int tries = 0; have < sizeof(h) && tries < 1000; tries++) {
			rig_turns(1);
			if ((n = (int)read(rig.other, (char *)&h + have, sizeof(h) - have)) > 0)
				have += (size_t)n;
		}
		cr_assert(have == sizeof(h));
		cr_expect(eq(u64, h.ref, (uint64_t)heard++));
		cr_assert(eq(u32, h.bytes, 30000));
		for (size_t left = h.bytes; left > 0;) {
			rig_turns(1);
			if ((n = (int)read(rig.other, text, left)) > 0) {
				cr_assert(text[0] == 'z');
				left -= (size_t)n;
			}
		}
	}
	rig_turns(2);
	cr_expect(eq(sz, peers_queued(rig.peers), 0));
	free(text);
	free(body);
}
