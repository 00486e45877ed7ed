/* SPDX-License-Identifier: Apache-2.0
 *
 * test_egress.c - links between spawners and mcpgw-egress, both of them only the other ends of their channels
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "lib/fd.h"
#include "master/master.h"

static struct master	*m;
static struct tenant	*t;
static int		 spawner, egress;	/* what they hold; -1: no process */

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
born(struct child *c, int *end)
{
	int	pair[2];

	chan_fini(&c->chan);
	fd_close(end);
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0));
	cr_assert(eq(int, chan_init(&c->chan, m->loop, pair[0], ROLE_MASTER, c->role, on_msg, on_closed, c), 0));
	*end = pair[1];
	cr_assert(eq(int, fd_set_nonblock(*end), 0));
	c->incarnation++;
	c->state = CHILD_READY;
	c->chan.ready = true;
}

static void
start(void)
{
	m = calloc(1, sizeof(*m));
	t = calloc(1, sizeof(*t));
	cr_assert(m != NULL);
	cr_assert(t != NULL);
	cr_assert(eq(int, loop_new(&m->loop), 0));
	runners_init(&m->tenants);
	strcpy(t->name, "default");
	strcpy(m->libexec, "/nowhere");
	child_init(&t->spawner, m, ROLE_SPAWNER, 0, t);
	TAILQ_INSERT_TAIL(&m->tenants.list, t, next);
	egress_init(m);
	spawner = egress = -1;
	born(&t->spawner, &spawner);
}

static void
stop(void)
{
	chan_fini(&t->spawner.chan);
	chan_fini(&m->egress.chan);
	fd_close(&spawner);
	fd_close(&egress);
	loop_free(&m->loop);
	free(t);
	free(m);
}

TestSuite(master_egress, .init = start, .fini = stop, .timeout = 10);

static void
want(void)
{
	struct msg_EGRESS_WANTED	w = { 0 };

	cr_assert(eq(int, chan_send_wait(spawner, MSG_TYPE_EGRESS_WANTED, 0, &w, NULL, 0), 0));
}

/* What this end is told next, 0: nothing; *fd is ours; `why` of EGRESS_NONE. */
static uint16_t
told(int end, enum role role, int *fd, char why[256])
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;

	for (int i = 0; i < 3; i++)
		loop_turn(m->loop, false);
	*fd = -1;
	if (chan_recv_wait(end, role, ROLE_MASTER, true, room, &f, &body) != 0)
		return 0;
	*fd = f.fds[0];
	if (f.head.type == MSG_TYPE_EGRESS_NONE)
		snprintf(why, 256, "%.*s", SPAN_FMT(body.EGRESS_NONE.why));
	if (f.head.type == MSG_TYPE_EGRESS_LINK)
		cr_expect(span_is(body.EGRESS_LINK.tenant, "default"));
	return f.head.type;
}

static void
expect_none(const char *says)
{
	char	why[256] = "";
	int	fd;

	cr_assert(eq(int, told(spawner, ROLE_SPAWNER, &fd, why), MSG_TYPE_EGRESS_NONE));
	cr_expect(strstr(why, says) != NULL, "%s", why);
}

static void
expect_pair(void)
{
	char	why[256], byte = 0;
	int	a, b;

	cr_assert(eq(int, told(egress, ROLE_EGRESS, &a, why), MSG_TYPE_EGRESS_LINK));
	cr_assert(eq(int, told(spawner, ROLE_SPAWNER, &b, why), MSG_TYPE_EGRESS_LINK), "%s", why);
	cr_expect(eq(int, (int)write(b, "x", 1), 1));
	cr_expect(eq(int, (int)read(a, &byte, 1), 1));
	cr_expect(eq(chr, byte, 'x'));
	close(a);
	close(b);
}

Test(master_egress, both_get_an_end_of_one_pair)
{
	born(&m->egress, &egress);
	want();
	expect_pair();
	cr_expect(eq(uint, m->egress.slot, MASTER_WORKERS_MAX), "its records are nobody else's");
}

Test(master_egress, a_program_that_is_not_there_is_named)
{
	want();
	expect_none("/nowhere/mcpgw-egress: No such file or directory; install it");
}

Test(master_egress, one_that_boots_is_waited_for)
{
	char	why[256];
	int	fd;

	born(&m->egress, &egress);
	m->egress.state = CHILD_BOOTING;
	want();
	cr_expect(eq(int, told(spawner, ROLE_SPAWNER, &fd, why), 0));
	m->egress.state = CHILD_READY;
	egress_on_ready(m);
	expect_pair();
}

Test(master_egress, one_that_dies_at_start_is_not_waited_for)
{
	char	why[256];
	int	fd;

	born(&m->egress, &egress);
	m->egress.respawn = true;
	m->egress.state = CHILD_BOOTING;
	want();
	m->egress.state = CHILD_WAITING;
	m->egress.fails = 1;
	egress_on_death(m);
	cr_expect(eq(int, told(spawner, ROLE_SPAWNER, &fd, why), 0), "the first death is tried again at once");
	m->egress.fails = 2;
	egress_on_death(m);
	expect_none("dies at start");
	want();
	expect_none("dies at start");
}

Test(master_egress, one_that_just_died_is_waited_for)
{
	char	why[256];
	int	fd;

	born(&m->egress, &egress);
	m->egress.respawn = true;
	fd_close(&egress);
	want();
	cr_expect(eq(int, told(spawner, ROLE_SPAWNER, &fd, why), 0));
	born(&m->egress, &egress);
	egress_on_ready(m);
	expect_pair();
}

Test(master_egress, nobody_gets_pairs_as_fast_as_they_ask)
{
	born(&m->egress, &egress);
	want();
	expect_pair();
	want();
	expect_none("a second after");
	/* Another process has had none yet. */
	born(&t->spawner, &spawner);
	want();
	expect_pair();
	born(&m->egress, &egress);
	want();
	expect_pair();
}
