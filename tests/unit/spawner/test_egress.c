/* SPDX-License-Identifier: Apache-2.0
 *
 * test_egress.c - mcpgw-spawn and tools with a list of hosts; the test is mcpgw-egress
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/unit/spawner/rig.h"

#define SOCKETS_MAX	96

/* What is told of one jail. */
struct told {
	uint64_t	jail;
	int		fd[SOCKETS_MAX];
	uint32_t	kind[SOCKETS_MAX], port[SOCKETS_MAX];
	size_t		count;
};

static const struct rig_tool tool = { .name = "docs", .port = 443,
	.script = "exec bash -c 'read -r _; exec 3<>/dev/tcp/93.184.216.34/443; cat <&3; read -r _;"
	    " exec 3<>/dev/tcp/93.184.216.34/443; cat <&3'" };

static void
hear(struct rig *r, const struct rig_tool *t, struct told *told)
{
	*told = (struct told){ .count = 0 };
	for (;;) {
		struct pollfd	p = { r->egress, POLLIN, 0 };
		int		res;

		cr_assert(eq(int, poll(&p, 1, 10000), 1));
		res = chan_recv_wait(r->egress, ROLE_EGRESS, ROLE_SPAWNER, true, r->room, &r->frame, &r->body);
		cr_assert(eq(int, res, 0));
		if (r->frame.head.type != MSG_TYPE_EGRESS_SOCKET)
			break;
		cr_assert(told->count < SOCKETS_MAX);
		if (told->count == 0)
			told->jail = r->body.EGRESS_SOCKET.jail;
		cr_expect(eq(u64, r->body.EGRESS_SOCKET.jail, told->jail));
		told->kind[told->count] = r->body.EGRESS_SOCKET.kind;
		told->port[told->count] = r->body.EGRESS_SOCKET.port;
		told->fd[told->count++] = r->frame.fds[0];
	}
	cr_assert(eq(int, r->frame.head.type, MSG_TYPE_EGRESS_OPEN));
	cr_expect(eq(u64, r->body.EGRESS_OPEN.jail, told->jail));
	cr_expect(eq(u64, r->body.EGRESS_OPEN.profile, rig_hash(t)));
	cr_expect(span_is(r->body.EGRESS_OPEN.server, t->name));
}

static int
told_fd(const struct told *t, uint32_t kind, uint32_t port)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->kind[i] == kind && t->port[i] == port)
			return t->fd[i];
	return -1;
}

static void
told_close(struct told *t)
{
	for (size_t i = 0; i < t->count; i++)
		fd_close(&t->fd[i]);
}

static void
serve(int listener, const char *answer)
{
	struct pollfd	p = { listener, POLLIN, 0 };
	int		fd;

	cr_assert(eq(int, poll(&p, 1, 10000), 1), "nobody came");
	fd = accept(listener, NULL, NULL);
	cr_assert(fd != -1);
	cr_expect(eq(int, (int)write(fd, answer, 2), 2));
	close(fd);
}

static void
go_on(struct rig_jail *j)
{
	cr_assert(eq(int, (int)write(j->in, "\n", 1), 1));
}

Test(egress, a_tool_with_a_list_waits_for_the_link_and_its_sockets_go_there)
{
	struct rig	r;
	struct rig_jail	j;
	struct told	told;

	rig_start(&r, &tool, 1, NULL);
	rig_spawn(&r, &tool, 1, 7);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_link(&r);
	rig_spawned(&r, 7, &j);
	hear(&r, &tool, &told);
	cr_expect(eq(int, (int)told.count, 4));
	cr_expect(told_fd(&told, EGRESS_SOCKET_DNS_UDP, 53) != -1);
	cr_expect(told_fd(&told, EGRESS_SOCKET_DNS_TCP, 53) != -1);
	cr_expect(told_fd(&told, EGRESS_SOCKET_PROXY, 3128) != -1);
	go_on(&j);
	serve(told_fd(&told, EGRESS_SOCKET_TCP, 443), "1\n");
	go_on(&j);
	serve(told_fd(&told, EGRESS_SOCKET_TCP, 443), "2\n");
	cr_expect(eq(str, (char *)(uintptr_t)rig_read(j.out), "1\n2\n"));
	rig_expect(&r, r.egress, MSG_TYPE_EGRESS_CLOSE);
	cr_expect(eq(u64, r.body.EGRESS_CLOSE.jail, told.jail));
	told_close(&told);
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(egress, the_next_mcpgw_egress_gets_the_sockets_of_living_jails_again)
{
	struct rig	r;
	struct rig_jail	j;
	struct told	first, second;

	rig_start(&r, &tool, 1, NULL);
	rig_spawn(&r, &tool, 1, 7);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_link(&r);
	rig_spawned(&r, 7, &j);
	hear(&r, &tool, &first);
	go_on(&j);
	serve(told_fd(&first, EGRESS_SOCKET_TCP, 443), "1\n");
	told_close(&first);
	fd_close(&r.egress);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	go_on(&j);		/* nobody is there: it waits in the backlog */
	rig_link(&r);
	hear(&r, &tool, &second);
	cr_expect(eq(int, (int)second.count, 4));
	serve(told_fd(&second, EGRESS_SOCKET_TCP, 443), "2\n");
	cr_expect(eq(str, (char *)(uintptr_t)rig_read(j.out), "1\n2\n"));
	told_close(&second);
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(egress, without_it_the_runner_is_told_why)
{
	static const struct rig_tool	tools[] = {
		{ .name = "docs", .port = 443, .script = "" }, { .name = "plain", .script = "echo x" },
	};
	struct msg_EGRESS_NONE	none = { .why = SPAN_LIT("mcpgw-egress is not installed") };
	struct rig		r;
	struct rig_jail		j;
	char			why[512];

	rig_start(&r, tools, 2, NULL);
	rig_spawn(&r, &tools[0], 1, 7);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	/* Others do not wait for it. */
	rig_spawn(&r, &tools[1], 1, 8);
	rig_spawned(&r, 8, &j);
	cr_assert(eq(int, chan_send_wait(r.master, MSG_TYPE_EGRESS_NONE, 0, &none, NULL, 0), 0));
	for (;;) {
		struct pollfd p = { r.runner, POLLIN, 0 };

		cr_assert(eq(int, poll(&p, 1, 10000), 1));
		cr_assert(eq(int, chan_recv_wait(r.runner, ROLE_RUNNER, ROLE_SPAWNER, true, r.room, &r.frame,
		    &r.body), 0));
		if (r.frame.head.type == MSG_TYPE_SPAWN_FAILED)
			break;
	}
	cr_expect(eq(u64, r.frame.head.ref, 7));
	cr_expect(eq(int, (int)r.body.SPAWN_FAILED.step, JAIL_STEP_NETWORK));
	snprintf(why, sizeof(why), "%.*s", SPAN_FMT(r.body.SPAWN_FAILED.why));
	cr_expect(eq(str, why, "mcpgw-egress is not installed; until it runs, tools whose \"net\" is a list of "
	    "hosts do not start"));
	rig_jail_close(&j);
	rig_stop(&r);
}

Test(egress, a_link_that_never_comes_is_not_waited_for_long, .timeout = 30)
{
	struct rig	r;

	rig_start(&r, &tool, 1, NULL);
	rig_spawn(&r, &tool, 1, 7);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_expect(&r, r.runner, MSG_TYPE_SPAWN_FAILED);
	cr_expect(span_starts(r.body.SPAWN_FAILED.why, SPAN_LIT("mcpgw-egress was not ready in time")));
	cr_expect(eq(int, rig_stop(&r), 0));
}

/* What is under way to it counts against the spawner's user, who could send no descriptor any more. */
Test(egress, one_that_takes_nothing_costs_its_link_and_no_more, .timeout = 60)
{
	static const struct rig_tool	tools[] = {
		{ .name = "many", .port = 443, .learns = true, .script = "cat" },
		{ .name = "plain", .script = "cat" },
	};
	struct pollfd	p;
	struct rig	r;
	struct rig_jail	j[3];
	int		stuck;

	rig_start(&r, tools, 2, NULL);
	rig_spawn(&r, &tools[0], 1, 1);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_link(&r);
	rig_spawned(&r, 1, &j[0]);
	stuck = r.egress;
	r.egress = -1;
	rig_spawn(&r, &tools[1], 1, 2);
	rig_spawned(&r, 2, &j[1]);
	p = (struct pollfd){ r.master, POLLIN, 0 };
	cr_assert(eq(int, poll(&p, 1, 20000), 1), "no other link is asked for");
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_spawn(&r, &tools[1], 2, 3);
	rig_spawned(&r, 3, &j[2]);
	for (size_t i = 0; i < 3; i++)
		rig_jail_close(&j[i]);
	close(stuck);
	rig_stop(&r);
}

Test(egress, what_is_learnt_listens_at_well_known_ports_too)
{
	static const struct rig_tool	learning = { .name = "l", .port = 7777, .learns = true, .script = "cat" };
	struct rig	r;
	struct rig_jail	j;
	struct told	told;

	rig_start(&r, &learning, 1, NULL);
	rig_spawn(&r, &learning, 1, 7);
	rig_expect(&r, r.master, MSG_TYPE_EGRESS_WANTED);
	rig_link(&r);
	rig_spawned(&r, 7, &j);
	hear(&r, &learning, &told);
	cr_expect(told_fd(&told, EGRESS_SOCKET_TCP, 7777) != -1);
	cr_expect(told_fd(&told, EGRESS_SOCKET_TCP, 80) != -1);
	cr_expect(told_fd(&told, EGRESS_SOCKET_TCP, 443) != -1);
	cr_expect(told_fd(&told, EGRESS_SOCKET_TCP, 5432) != -1);
	told_close(&told);
	rig_jail_close(&j);
	rig_stop(&r);
}
