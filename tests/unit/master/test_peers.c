/* SPDX-License-Identifier: Apache-2.0
 *
 * test_peers.c - pairs between workers, with workers that are only the other ends of their channels
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "master/master.h"
#include "tests/unit/master/tree.h"

#define WORKERS 3

struct told {
	uint16_t	type;		/* 0: nothing */
	uint32_t	slot, incarnation, living;
	uint64_t	pair;
	int		fd;
};

static struct master	*m;
static int		 ends[WORKERS];		/* what the workers hold */

static void
on_msg(struct chan *c, const struct chan_msg *msg, void *arg)
{
	(void)c;
	status_on_message(arg, msg);
}

static void
on_closed(struct chan *c, int why, void *arg)
{
	(void)c;
	(void)why;
	(void)arg;
}

/* A process for this place, as far as the master can tell. */
static void
born(uint32_t slot)
{
	struct child	*c = &m->workers[slot];
	int		 pair[2];

	chan_fini(&c->chan);
	fd_close(&ends[slot]);
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	cr_assert(chan_init(&c->chan, m->loop, pair[0], ROLE_MASTER, ROLE_WORKER, on_msg, on_closed, c) == 0);
	ends[slot] = pair[1];
	cr_assert(fd_set_nonblock(ends[slot]) == 0);
	c->incarnation++;
	c->state = CHILD_READY;
	c->chan.ready = true;
}

static void
start(void)
{
	m = calloc(1, sizeof(*m));
	cr_assert(loop_new(&m->loop) == 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		child_init(&m->workers[i], m, ROLE_WORKER, i, NULL);
		ends[i] = -1;
		born(i);
	}
}

static void
stop(void)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		chan_fini(&m->workers[i].chan);
		fd_close(&ends[i]);
	}
	loop_free(&m->loop);
	free(m);
}

TestSuite(master_peers, .init = start, .fini = stop, .timeout = 10);

static void
want(uint32_t worker, uint32_t slot, uint32_t incarnation, uint64_t after)
{
	struct msg_WORKER_PEER_WANTED	w = { .slot = slot, .incarnation = incarnation, .after = after };

	cr_assert(chan_send_wait(ends[worker], MSG_TYPE_WORKER_PEER_WANTED, 0, &w, NULL, 0) == 0);
}

/* What this worker is told next; its descriptor is ours. */
static struct told
told(uint32_t worker)
{
	static char	room[FRAME_MAX];
	struct told	t = { .fd = -1 };
	struct frame	f;
	union msg_any	body;

	for (int i = 0; i < 3; i++)
		loop_turn(m->loop, false);
	if (frame_recv(ends[worker], room, &f) != 0)
		return t;
	cr_assert(msg_may(f.head.type, ROLE_MASTER, ROLE_WORKER, true, f.head.fds) == 0);
	cr_assert(msg_decode(f.head.type, f.body, &body) == 0);
	t.type = f.head.type;
	if (t.type == MSG_TYPE_WORKER_PEER) {
		t.slot = body.WORKER_PEER.slot;
		t.incarnation = body.WORKER_PEER.incarnation;
		t.pair = body.WORKER_PEER.pair;
		t.fd = f.fds[0];
	} else if (t.type == MSG_TYPE_WORKER_PEER_NONE) {
		t.slot = body.WORKER_PEER_NONE.slot;
		t.incarnation = body.WORKER_PEER_NONE.incarnation;
		t.living = body.WORKER_PEER_NONE.living;
	}
	return t;
}

static void
expect_none(uint32_t worker, uint32_t slot, uint32_t incarnation, uint32_t living)
{
	struct told	t = told(worker);

	cr_expect(eq(u16, t.type, MSG_TYPE_WORKER_PEER_NONE));
	cr_expect(eq(u32, t.slot, slot));
	cr_expect(eq(u32, t.incarnation, incarnation));
	cr_expect(eq(u32, t.living, living));
	cr_expect(eq(u16, told(worker).type, 0));
}

/* Both have an end of one stream, and nothing else was said. */
static uint64_t
expect_pair(uint32_t one, uint32_t two)
{
	struct told	a = told(one), b = told(two);
	char		got = 0;

	cr_assert(eq(u16, a.type, MSG_TYPE_WORKER_PEER));
	cr_assert(eq(u16, b.type, MSG_TYPE_WORKER_PEER));
	cr_expect(eq(u32, a.slot, two));
	cr_expect(eq(u32, b.slot, one));
	cr_expect(eq(u32, a.incarnation, m->workers[two].incarnation));
	cr_expect(eq(u32, b.incarnation, m->workers[one].incarnation));
	cr_expect(eq(u64, a.pair, b.pair));
	cr_expect(write(a.fd, "x", 1) == 1);
	cr_expect(read(b.fd, &got, 1) == 1 && got == 'x');
	close(b.fd);
	cr_expect(read(a.fd, &got, 1) == 0, "the master kept an end");
	close(a.fd);
	cr_expect(eq(u16, told(one).type, 0));
	cr_expect(eq(u16, told(two).type, 0));
	return a.pair;
}

Test(master_peers, gives_each_of_two_workers_an_end)
{
	want(2, 0, 0, 0);
	expect_pair(2, 0);
	cr_expect(eq(u16, told(1).type, 0), "and nothing to others");
	want(2, 1, 1, 0);
	expect_pair(2, 1);
}

Test(master_peers, makes_one_pair_when_both_ask_at_once)
{
	uint64_t	first;

	born(1);
	want(1, 0, 1, 0);
	want(0, 1, 0, 0);
	first = expect_pair(0, 1);
	/* One has seen the end of it, the other not yet: again one pair for both. */
	m->pairs.made[0][1].made_ms -= 5000;
	want(1, 0, 0, first);
	want(0, 1, 0, first);
	cr_expect(expect_pair(0, 1) > first);
}

Test(master_peers, makes_no_second_pair_for_who_has_not_seen_the_first)
{
	want(0, 1, 0, 0);
	expect_pair(0, 1);
	m->pairs.made[0][1].made_ms -= 5000;
	want(0, 1, 0, 0);
	cr_expect(eq(u16, told(0).type, 0));
	cr_expect(eq(u16, told(1).type, 0));
}

Test(master_peers, makes_no_two_pairs_a_second_for_the_same_two)
{
	uint64_t	first;

	want(0, 1, 0, 0);
	first = expect_pair(0, 1);
	want(0, 1, 1, first);
	expect_none(0, 1, 1, 1);
	want(1, 0, 0, UINT64_MAX);
	expect_none(1, 0, 0, 1);
	m->pairs.made[0][1].made_ms -= 1001;
	want(1, 0, 0, UINT64_MAX);
	expect_pair(0, 1);
}

Test(master_peers, knows_a_replaced_worker_as_another)
{
	uint64_t	first;

	want(0, 1, 0, 0);
	first = expect_pair(0, 1);
	born(1);
	want(0, 1, 1, first);
	expect_none(0, 1, 1, 2);
	want(0, 1, 3, first);
	expect_none(0, 1, 3, 2);
	/* At once, and though the new one has seen no pair. */
	want(1, 0, 1, 0);
	cr_expect(expect_pair(0, 1) > first);
}

Test(master_peers, says_no_for_a_worker_that_does_not_serve)
{
	static const struct {
		enum child_state	state;
		uint32_t		living;
	} rows[] = {
		{ CHILD_BOOTING, 1 },
		{ CHILD_WAITING, 2 },
		{ CHILD_LEAVING, 2 },
		{ CHILD_IDLE, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m->workers[1].state = rows[i].state;
		want(0, 1, 0, 0);
		expect_none(0, 1, 0, rows[i].living);
	}
	m->workers[1].state = CHILD_READY;
	m->workers[1].reaped = true;
	want(0, 1, 1, 0);
	expect_none(0, 1, 1, 2);
	/* One that drains still runs calls that may be cancelled. */
	m->workers[1].reaped = false;
	m->workers[1].state = CHILD_DRAINING;
	want(0, 1, 1, 0);
	expect_pair(0, 1);
}

Test(master_peers, says_no_for_slots_that_nobody_has)
{
	want(0, MASTER_WORKERS_MAX, 0, 0);
	expect_none(0, MASTER_WORKERS_MAX, 0, UINT32_MAX);
	want(0, UINT32_MAX, 7, 0);
	expect_none(0, UINT32_MAX, 7, UINT32_MAX);
	want(0, 0, 0, 0);
	expect_none(0, 0, 0, UINT32_MAX);
}
