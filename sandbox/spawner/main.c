/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-spawn: builds jails for one tenant's tools, and nothing else
 *
 * Process: mcpgw-spawn, under the tenant's uid, started with the tenant's first tool.
 * Owns:    the control channel, the pair with the runner, the jails.
 * Trusts:  the master.  The runner only for which profile, which instance or tool, and what a client filled in, which
 *          is checked: it speaks to tools, so a command, mount or environment is never taken from it.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "sandbox/spawner/boot.h"
#include "sandbox/spawner/egress.h"
#include "sandbox/spawner/leaf.h"
#include "sandbox/spawner/offer.h"
#include "sandbox/spawner/private.h"
#include "sandbox/spawner/quota.h"
#include "sandbox/spawner/spawn.h"

enum { POLL_MASTER, POLL_RUNNER, POLL_EGRESS, POLL_JAILS, POLL_LEAVES = POLL_JAILS + JAILS_MAX,
	POLL_SWEEPER = POLL_LEAVES + JAILS_MAX, POLL_QUOTA, POLL_LIMIT };

static _Noreturn void
leave(struct spawner *s, int code, bool say)
{
	struct msg_EXITING	m = { .reason = (uint32_t)code };

	int			r;

	spawn_kill_all(s);
	/* A master that is gone needs no last word. */
	if (say && (r = chan_send_wait(HERITAGE_CONTROL, MSG_TYPE_EXITING, 0, &m, NULL, 0)) != 0 && r != E_CLOSED)
		code = EX_UNAVAILABLE;
	exit(code);
}

static void
on_master(struct spawner *s)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	int		r;

	r = chan_recv_wait(HERITAGE_CONTROL, ROLE_SPAWNER, ROLE_MASTER, true, room, &f, &body);
	if (r == E_CLOSED)
		leave(s, EX_OK, false);		/* the lifeline: no master, no tools */
	if (r != 0) {
		log_err(LOG_SUBJECT("tenant", s->tenant), "message of the master refused: %s", err_text(r));
		leave(s, EX_PROTOCOL, true);
	}
	switch (f.head.type) {
	case MSG_TYPE_SNAPSHOT_OFFER:
		if (offer_take(s, &body.SNAPSHOT_OFFER, f.fds[0]) == E_CLOSED)
			leave(s, EX_OK, false);
		break;
	case MSG_TYPE_EGRESS_LINK:
		if (egress_on_link(s, &f.fds[0]) != 0)
			leave(s, EX_OK, true);
		break;
	case MSG_TYPE_EGRESS_NONE:
		if (egress_on_none(s, body.EGRESS_NONE.why) != 0)
			leave(s, EX_OK, true);
		break;
	case MSG_TYPE_PING:
		if (chan_send_wait(HERITAGE_CONTROL, MSG_TYPE_PING, f.head.ref, &body.PING, NULL, 0) != 0)
			leave(s, EX_UNAVAILABLE, false);
		break;
	case MSG_TYPE_DRAIN:
		s->draining = true;
		s->drain_until_ms = (int64_t)clock_mono_ms() + body.DRAIN.within_ms;
		break;
	case MSG_TYPE_LOG_FD:
		if (dup2(f.fds[0], HERITAGE_LOG) != -1)
			log_set_fd(HERITAGE_LOG);
		break;
	default:
		break;
	}
	frame_close_fds(&f);
}

static void
on_runner(struct spawner *s)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	int		r;

	r = chan_recv_wait(s->runner, ROLE_SPAWNER, ROLE_RUNNER, true, room, &f, &body);
	if (r == 0) {
		r = f.head.type == MSG_TYPE_SPAWN ? spawn_answer(s, &body.SPAWN, f.head.ref) :
		    f.head.type == MSG_TYPE_SPAWN_NATIVE ?
		    spawn_native_answer(s, &body.SPAWN_NATIVE, f.head.ref) : E_UNTIMELY;
		frame_close_fds(&f);
	}
	if (r == 0)
		return;
	if (r != E_CLOSED)
		log_err(LOG_SUBJECT("tenant", s->tenant), "channel to the runner ends: %s", err_text(r));
	/* Without its runner nothing here is of use; the master starts both anew. */
	leave(s, r == E_CLOSED ? EX_OK : EX_PROTOCOL, true);
}

static bool
drain_is_over(const struct spawner *s)
{
	return s->draining && (int64_t)clock_mono_ms() >= s->drain_until_ms;
}

static int
patience_ms(const struct spawner *s)
{
	int64_t	until = leaf_due_ms(s), due = egress_due_ms(s), left;

	if ((left = quota_due_ms(s)) != 0 && (until == 0 || left < until))
		until = left;
	if (s->strays_due_ms != 0 && (until == 0 || s->strays_due_ms < until))
		until = s->strays_due_ms;
	if (s->draining && (until == 0 || s->drain_until_ms < until))
		until = s->drain_until_ms;
	if (due != INT64_MAX && (until == 0 || due < until))
		until = due;
	if (until == 0)
		return -1;
	left = until - (int64_t)clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

static void
serve_once(struct spawner *s)
{
	static struct pollfd	p[POLL_LIMIT];

	/* A free place has descriptor -1, which poll passes over. */
	p[POLL_MASTER] = (struct pollfd){ .fd = HERITAGE_CONTROL, .events = POLLIN };
	p[POLL_RUNNER] = (struct pollfd){ .fd = s->runner, .events = POLLIN };
	p[POLL_EGRESS] = (struct pollfd){ .fd = s->egress.fd, .events = POLLIN };
	for (size_t i = 0; i < JAILS_MAX; i++) {
		const struct jailed *j = &s->jails[i];

		p[POLL_JAILS + i] = (struct pollfd){ .fd = j->pid != 0 ? j->pidfd : -1, .events = POLLIN };
		p[POLL_LEAVES + i] = (struct pollfd){ .fd = j->pid != 0 && j->leaf.made ? j->leaf.events : -1,
		    .events = j->leaf.poll_events };
	}
	p[POLL_SWEEPER] = (struct pollfd){ .fd = s->sweeper.pid != 0 ? s->sweeper.pidfd : -1, .events = POLLIN };
	p[POLL_QUOTA] = (struct pollfd){ .fd = s->quota.helper.pid != 0 ? s->quota.helper.pidfd : -1,
	    .events = POLLIN };
	if (poll(p, POLL_LIMIT, patience_ms(s)) == -1)
		return;		/* a signal */
	if (drain_is_over(s))
		leave(s, EX_OK, true);		/* the runner has not ended before */
	if (egress_tick(s, (int64_t)clock_mono_ms()) != 0)
		leave(s, EX_OK, true);
	if (p[POLL_EGRESS].revents != 0)
		egress_on_readable(s);
	leaf_tick(s);
	if (s->strays_due_ms != 0 && (int64_t)clock_mono_ms() >= s->strays_due_ms)
		spawn_strays(s);
	if (p[POLL_SWEEPER].revents != 0)
		private_swept(s);
	if (p[POLL_QUOTA].revents != 0)
		quota_measured(s);
	quota_tick(s);
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (p[POLL_LEAVES + i].revents != 0)
			leaf_on_event(s, &s->jails[i]);
	for (size_t i = 0; i < JAILS_MAX; i++)
		if (p[POLL_JAILS + i].revents != 0 && spawn_reap(s, &s->jails[i]) != 0)
			leave(s, EX_OK, true);
	if (p[POLL_MASTER].revents != 0)
		on_master(s);
	if (p[POLL_RUNNER].revents != 0)
		on_runner(s);
}

int
main(int argc, char **argv)
{
	static struct spawner	s = { .tenant_dir = -1, .runner = -1, .strays = -1 };

	struct jail_mode	mode = { 0 };
	bool			probe = false;

	birth_begin("mcpgw-spawn");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--probe") == 0)
			probe = true;
		else if (strncmp(argv[i], "--landlock=", 11) == 0)
			mode.landlock_abi_max = (int)strtol(argv[i] + 11, NULL, 10);
		else if (strcmp(argv[i], "--fallback=yes") == 0)
			mode.fallback = JAIL_FALLBACK_YES;
		else if (strcmp(argv[i], "--fallback=may") == 0)
			mode.fallback = JAIL_FALLBACK_MAY;
	}
	if (probe)
		return boot_probe(&mode);
	swap_init(&s.snaps);
	egress_init(&s);
	cgroup_room_init(&s.cgroups);
	helper_init(&s.sweeper);
	helper_init(&s.quota.helper);
	boot_run(&s);
	for (;;)
		serve_once(&s);
}
