/* SPDX-License-Identifier: Apache-2.0
 *
 * test_peers_whole.c - three workers and the master's part in one process: from peers_send() to the other
 * worker's handler, over the control channels
 *
 * They are only as much of a worker and of a master as this takes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "master/master.h"
#include "worker/worker.h"

#define WORKERS 3

static struct master	*m;
static struct worker	*w[WORKERS];
static char		 story[256];	/* "to<from/incarnation:payload " and "to!slot/incarnation " */

/* What worker/main.c has, and control.c calls in messages that do not come here. */
int
worker_add_listener(struct worker *one, int fd, const struct msg_LISTEN *msg)
{
	(void)one;
	(void)msg;
	fd_close(&fd);
	return 0;
}

void
worker_set_upstreams(struct worker *one)
{
	(void)one;
}

void
worker_go(struct worker *one)
{
	(void)one;
}

void
worker_serve(struct worker *one)
{
	(void)one;
}

static void __attribute__((format(printf, 1, 2)))
tell(const char *fmt, ...)
{
	size_t	n = strlen(story);
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(story + n, sizeof(story) - n, fmt, ap);
	va_end(ap);
}

static int
on_event(uint32_t slot, uint32_t incarnation, const struct peer_head *head, struct span payload, void *arg)
{
	const struct worker	*one = arg;

	(void)head;
	if (span_is(payload, "bad"))
		return E_FORMAT;
	tell("%u<%u/%u:%.*s ", one->slot, slot, incarnation, SPAN_FMT(payload));
	return 0;
}

static void
on_gone(uint32_t slot, uint32_t incarnation, void *arg)
{
	const struct worker	*one = arg;

	tell("%u!%u/%u ", one->slot, slot, incarnation);
}

static void
on_child_msg(struct chan *c, const struct chan_msg *msg, void *arg)
{
	(void)c;
	status_on_message(arg, msg);
}

static void
on_child_closed(struct chan *c, int why, void *arg)
{
	(void)why;
	chan_fini(c);
	((struct child *)arg)->state = CHILD_WAITING;
}

static void
die(uint32_t slot)
{
	if (w[slot] == NULL)
		return;
	peers_free(&w[slot]->peers);
	conn_set_free(&w[slot]->conns);
	chan_fini(&w[slot]->master);
	loop_free(&w[slot]->loop);
	free(w[slot]);
	w[slot] = NULL;
}

static void
born(uint32_t slot)
{
	struct child		*c = &m->workers[slot];
	struct worker		*one;
	union msg_any		 body = { 0 };
	struct chan_msg		 boot = { .type = MSG_TYPE_BOOT, .body = &body };
	int			 ends[2];

	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	cr_assert(chan_init(&c->chan, m->loop, ends[0], ROLE_MASTER, ROLE_WORKER, on_child_msg,
	    on_child_closed, c) == 0);
	c->incarnation++;
	c->state = CHILD_READY;
	c->chan.ready = true;

	one = w[slot] = calloc(1, sizeof(*one));
	cr_assert(loop_new(&one->loop) == 0);
	cr_assert(chan_init(&one->master, one->loop, ends[1], ROLE_WORKER, ROLE_MASTER, worker_on_master,
	    worker_on_master_gone, one) == 0);
	cr_assert(peers_new(one->loop, worker_want_peer, one, &one->peers) == 0);
	body.BOOT = (struct msg_BOOT){ .slot = slot, .incarnation = c->incarnation, .workers = WORKERS };
	worker_on_master(&one->master, &boot, one);
	one->ready = one->master.ready = true;
	peers_on(one->peers, PEER_GONE, on_event, one);
	peers_on_gone(one->peers, on_gone, one);
}

static void
start(void)
{
	m = calloc(1, sizeof(*m));
	cr_assert(loop_new(&m->loop) == 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		child_init(&m->workers[i], m, ROLE_WORKER, i, NULL);
		born(i);
	}
}

static void
stop(void)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		die(i);
		chan_fini(&m->workers[i].chan);
	}
	loop_free(&m->loop);
	free(m);
}

TestSuite(peers_whole, .init = start, .fini = stop, .timeout = 30);

static void
settle(void)
{
	for (int i = 0; i < 10; i++) {
		loop_turn(m->loop, false);
		for (uint32_t slot = 0; slot < WORKERS; slot++)
			if (w[slot] != NULL)
				loop_turn(w[slot]->loop, false);
	}
}

static int
send_to(uint32_t from, uint32_t to, uint32_t incarnation, const char *text)
{
	const struct peer_head	h = { .type = PEER_GONE };

	return peers_send(w[from]->peers, to, incarnation, &h, span_of(text));
}

static void
expect(const char *want)
{
	settle();
	cr_expect(eq(str, (char *)story, (char *)(uintptr_t)want));
	story[0] = '\0';
}

Test(peers_whole, a_message_reaches_the_worker_it_names)
{
	cr_assert(send_to(0, 2, 0, "a") == 0);
	expect("2<0/1:a ");
	/* Over the same pair, back. */
	cr_assert(send_to(2, 0, 1, "b") == 0);
	expect("0<2/1:b ");
	cr_expect(eq(u64, m->pairs.last, 1));
	cr_assert(send_to(1, 0, 1, "c") == 0);
	expect("0<1/1:c ");
	cr_expect(eq(u64, m->pairs.last, 2));
}

Test(peers_whole, two_that_ask_at_once_lose_nothing)
{
	cr_assert(send_to(0, 1, 0, "a") == 0);
	cr_assert(send_to(1, 0, 0, "b") == 0);
	cr_assert(send_to(0, 1, 1, "c") == 0);
	settle();
	cr_expect(strstr(story, "1<0/1:a 1<0/1:c ") != NULL, "%s", story);
	cr_expect(strstr(story, "0<1/1:b ") != NULL, "%s", story);
	cr_expect(strchr(story, '!') == NULL, "%s", story);
	cr_expect(eq(u64, m->pairs.last, 1));
}

Test(peers_whole, who_waits_for_a_dead_worker_is_told)
{
	cr_assert(send_to(0, 1, 1, "a") == 0);
	expect("1<0/1:a ");
	die(1);
	expect("0!1/1 ");
	cr_assert(send_to(0, 1, 1, "b") == 0);
	cr_assert(send_to(0, 1, 0, "c") == 0);
	expect("0!1/1 0!1/0 ");
	cr_expect(eq(int, send_to(0, 1, 1, "d"), E_NOTFOUND));
	/* The one that has the slot now hears what is for whoever has it. */
	born(1);
	cr_expect(eq(int, send_to(0, 1, 1, "e"), E_NOTFOUND));
	cr_assert(send_to(0, 1, 0, "f") == 0);
	cr_assert(send_to(1, 0, 1, "g") == 0);
	settle();
	cr_expect(strstr(story, "1<0/1:f ") != NULL, "%s", story);
	cr_expect(strstr(story, "0<1/2:g ") != NULL, "%s", story);
	cr_expect(strchr(story, '!') == NULL, "%s", story);
}

Test(peers_whole, a_broken_pair_is_made_again_but_not_at_once)
{
	cr_assert(send_to(0, 1, 0, "a") == 0);
	cr_assert(send_to(0, 1, 0, "bad") == 0);
	settle();
	cr_expect(strstr(story, "1<0/1:a ") != NULL, "%s", story);
	cr_expect(strstr(story, "0!1/1 ") != NULL && strstr(story, "1!0/1 ") != NULL, "%s", story);
	story[0] = '\0';
	cr_assert(send_to(0, 1, 1, "b") == 0);
	expect("0!1/1 ");
	m->pairs.made[0][1].made_ms -= 1001;
	cr_assert(send_to(0, 1, 1, "c") == 0);
	cr_assert(send_to(1, 0, 1, "d") == 0);
	settle();
	cr_expect(strstr(story, "1<0/1:c ") != NULL && strstr(story, "0<1/1:d ") != NULL, "%s", story);
	cr_expect(strchr(story, '!') == NULL, "%s", story);
}

Test(peers_whole, nobody_is_left_waiting_when_the_master_dies)
{
	cr_assert(send_to(0, 1, 0, "a") == 0);
	expect("1<0/1:a ");
	cr_assert(send_to(0, 2, 0, "b") == 0);
	peers_master_gone(w[0]->peers);
	cr_expect(eq(str, (char *)story, (char *)"0!2/0 "));
	story[0] = '\0';
	for (uint32_t i = 0; i < WORKERS; i++)
		chan_fini(&w[i]->master);
	/* Pairs there are go on. */
	cr_assert(send_to(1, 0, 1, "c") == 0);
	cr_expect(eq(int, send_to(1, 2, 0, "d"), E_CLOSED));
	expect("0<1/1:c ");
}

static void
on_turn_end(void *arg)
{
	worker_drain_check(arg);
}

Test(peers_whole, who_drains_says_its_last_words_first)
{
	const struct conn_params	p = { .max_connections = 1 };

	cr_assert(conn_set_new(w[0]->loop, &p, NULL, NULL, &w[0]->conns) == 0);
	loop_at_turn_end(w[0]->loop, LOOP_RANK_AFTER, on_turn_end, w[0]);
	w[0]->draining = true;
	cr_assert(send_to(0, 2, 0, "a") == 0);
	worker_drain_check(w[0]);
	loop_turn(m->loop, false);
	loop_run(w[0]->loop);
	die(0);
	expect("2<0/1:a 2!0/1 ");
}
