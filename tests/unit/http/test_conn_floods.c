/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conn_floods.c - too many connections, and such that hold too much: who goes, and who is served
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/wire/wire.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define MANY	40

static char	text[1 << 21];
static const struct conn_params easy = { .head_timeout_ms = 60000, .body_timeout_ms = 60000, .idle_timeout_ms = 60000,
	.write_timeout_ms = 60000, .max_connections = 50 };

static bool
is_served(struct wire *w, int fd)
{
	bool	closed;

	wire_send(w, fd, GET, strlen(GET));
	wire_receive(w, fd, text, sizeof(text), &closed);
	return strstr(text, "hello") != NULL && !closed;
}

Test(floods, refuses_one_address_too_many_connections_and_says_so)
{
	struct conn_params	p = easy;
	struct wire		w;
	int			fd[4], late;
	bool			closed;

	p.max_address = 4;
	wire_start(&w, handle_hello);
	wire_params(&w, &p);
	for (int i = 0; i < 4; i++)
		fd[i] = wire_connect(&w);
	late = wire_connect(&w);
	wire_receive(&w, late, text, sizeof(text), &closed);
	cr_expect(closed && strncmp(text, "HTTP/1.1 429 Too Many Requests\r\n", 32) == 0, "%s", text);
	cr_expect(strstr(text, "\r\nRetry-After: 1\r\n") != NULL && strstr(text, "too many connections") != NULL, "%s", text);
	cr_expect(eq(u64, conn_set_count(w.conns)->refused, 1));
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 4));
	close(late);
	/* Its place is given back. */
	close(fd[0]);
	wire_settle(&w);
	fd[0] = wire_connect(&w);
	for (int i = 0; i < 4; i++)
		cr_expect(is_served(&w, fd[i]), "%d", i);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	wire_settle(&w);
	wire_stop(&w);
}

Test(floods, counts_users_of_a_unix_socket_and_no_trusted_proxy)
{
	struct conn_params	p = easy;
	struct wire		w;
	int			fd[10];

	p.max_address = 4;
	p.exempt_count = 1;
	cr_assert(addr_net_parse(SPAN_LIT("127.0.0.0/8"), &p.exempt[0]) == 0);
	wire_start(&w, handle_hello);
	wire_params(&w, &p);
	for (int i = 0; i < 10; i++)
		fd[i] = wire_connect(&w);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 10));
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	wire_settle(&w);
	for (int i = 0; i < 4; i++)
		fd[i] = wire_pair(&w);
	cr_assert(eq(int, pipe(&fd[4]), 0));
	cr_expect(eq(int, conn_open(w.conns, fd[4], 3), E_SYS), "it is no socket");
	close(fd[5]);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	wire_settle(&w);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	wire_stop(&w);
}

Test(floods, closes_idle_connections_for_new_ones)
{
	struct wire	w;
	int		fd[50], late;
	bool		closed;

	wire_start(&w, handle_hello);
	for (int i = 0; i < 50; i++) {
		fd[i] = wire_connect(&w);
		cr_expect(is_served(&w, fd[i]));
	}
	late = wire_connect(&w);
	wire_later(&w, 50);
	cr_expect(is_served(&w, late), "%s", text);
	cr_expect(gt(u64, conn_set_count(w.conns)->shed, 0));
	wire_receive(&w, fd[0], text, sizeof(text), &closed);
	cr_expect(closed, "the one that was idle for the longest time");
	wire_receive(&w, fd[49], text, sizeof(text), &closed);
	cr_expect(not(closed));
	for (int i = 0; i < 50; i++)
		close(fd[i]);
	close(late);
	wire_stop(&w);
}

Test(floods, ends_who_takes_less_than_it_must_and_nobody_else)
{
	struct conn_params	p = easy;
	struct wire		w;
	char			little[16 * 1024];
	int			slow, fast;
	bool			closed;

	p.write_timeout_ms = 200;
	p.write_least = 600000;
	wire_start(&w, handle_flood);
	wire_params(&w, &p);
	fast = wire_pair(&w);
	wire_send(&w, fast, GET, strlen(GET));
	for (int i = 0; i < 20; i++) {
		wire_receive(&w, fast, text, sizeof(text), &closed);
		wire_later(&w, 25);
	}
	cr_expect(not(closed));
	close(fast);
	wire_settle(&w);
	slow = wire_pair(&w);
	w.gone = FLOW_OPEN;
	wire_send(&w, slow, GET, strlen(GET));
	for (int i = 0; i < 100 && w.gone == FLOW_OPEN; i++) {
		(void)!read(slow, little, sizeof(little));
		wire_later(&w, 10);
	}
	cr_expect(eq(int, w.gone, FLOW_GONE), "a little now and then does not do");
	close(slow);
	wire_settle(&w);
	wire_stop(&w);
}

Test(floods, holds_no_more_of_heads_than_it_may)
{
	struct conn_params	p = easy;
	struct wire		w;
	int			fd[MANY], good;
	bool			closed;

	p.memory = 10 * HTTP_BLOCK_BYTES;
	wire_start(&w, handle_hello);
	wire_params(&w, &p);
	for (int i = 0; i < MANY; i++) {
		fd[i] = wire_connect(&w);
		wire_send(&w, fd[i], "GET / HT", 8);
		wire_settle(&w);
		cr_assert(le(sz, conn_set_pool(w.conns)->used_count, 11));
	}
	cr_expect(eq(u64, conn_set_count(w.conns)->shed, MANY - 10));
	wire_receive(&w, fd[0], text, sizeof(text), &closed);
	cr_expect(closed, "the oldest goes first");
	wire_receive(&w, fd[MANY - 1], text, sizeof(text), &closed);
	cr_expect(not(closed));
	good = wire_connect(&w);
	cr_expect(is_served(&w, good));
	close(good);
	for (int i = 0; i < MANY; i++)
		close(fd[i]);
	wire_settle(&w);
	wire_stop(&w);
}

Test(floods, holds_no_more_of_answers_than_it_may)
{
	struct conn_params	p = easy;
	struct wire		w;
	int			fd[MANY], good;

	p.memory = 1024 * 1024;
	wire_start(&w, handle_flood);
	wire_params(&w, &p);
	for (int i = 0; i < MANY; i++) {
		fd[i] = wire_pair(&w);
		wire_send(&w, fd[i], GET, strlen(GET));
		wire_settle(&w);
		/* What one of them is given at once comes on top, until the turn's end. */
		cr_assert(le(sz, conn_set_pool(w.conns)->used_count * HTTP_BLOCK_BYTES, 1800000), "%d", i);
	}
	cr_expect(gt(u64, conn_set_count(w.conns)->shed, 0));
	w.handler = handle_hello;
	good = wire_connect(&w);
	cr_expect(is_served(&w, good));
	close(good);
	for (int i = 0; i < MANY; i++)
		close(fd[i]);
	wire_settle(&w);
	wire_stop(&w);
}

/* TLS whose clients never say more. */
static int
never_open(void *arg, int fd, unsigned listener, struct tls **out)
{
	(void)arg;
	(void)fd;
	(void)listener;
	*out = malloc(1);
	return *out == NULL ? E_NOMEM : 0;
}

static int
never_done(struct tls *t, bool *writes)
{
	(void)t;
	*writes = false;
	return E_AGAIN;
}

static void
never_free(struct tls **t)
{
	free(*t);
	*t = NULL;
}

Test(floods, holds_no_more_of_handshakes_than_it_may)
{
	struct conn_params	p = easy;
	struct wire		w;
	int			fd[MANY];
	bool			closed;

	p.memory = 10 * 48 * 1024;
	p.shake_timeout_ms = 60000;
	wire_start(&w, handle_hello);
	wire_params(&w, &p);
	conn_set_tls(w.conns, &(struct conn_tls){ .listeners = 1 << 1, .open = never_open, .handshake = never_done,
	    .free = never_free });
	for (int i = 0; i < MANY; i++)
		fd[i] = wire_connect(&w);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 10));
	wire_receive(&w, fd[0], text, sizeof(text), &closed);
	cr_expect(closed, "the oldest goes first");
	wire_receive(&w, fd[MANY - 1], text, sizeof(text), &closed);
	cr_expect(not(closed));
	for (int i = 0; i < MANY; i++)
		close(fd[i]);
	wire_settle(&w);
	wire_stop(&w);
}
