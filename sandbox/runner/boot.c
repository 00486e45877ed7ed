/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.c - from exec to READY
 *
 * Process: mcpgw-runner.  Owns: nothing beyond boot_run().
 * Trusts:  the master, which is the only one that speaks until READY.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/confine.h"
#include "sandbox/runner/boot.h"

void
boot_begin(void)
{
	int		type = 0;
	socklen_t	bytes = sizeof(type);
	bool		daemon = getsockopt(HERITAGE_LOG, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 &&
			    type == SOCK_DGRAM;

	log_init("mcpgw-runner", HERITAGE_LOG, daemon ? LOG_FORM_SYSLOG : LOG_FORM_STDERR);
	signal(SIGPIPE, SIG_IGN);
	/* A key typed at the master's terminal goes to the whole group; the master decides what we do. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static void
boot_tell(uint16_t type, uint64_t ref, const void *msg)
{
	int	r = chan_send_wait(HERITAGE_CONTROL, type, ref, msg, NULL, 0);

	if (r != 0)
		fatal(EX_UNAVAILABLE, "cannot speak to the master: %s", err_text(r));
}

static void
boot_profile(struct runner *r, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct msg_SNAPSHOT_IN_FORCE	in_force = { .kind = m->kind, .generation = m->generation };
	int				res;

	if (m->kind != SNAP_PROFILE)
		fatal(EX_SOFTWARE, "snapshot of kind %u is not for a runner", m->kind);
	snap_release(&r->profile);
	if ((res = snap_map(fd, &r->profile)) != 0)
		fatal(EX_DATAERR, "profile %llu: %s", (unsigned long long)m->generation, err_text(res));
	boot_tell(MSG_TYPE_SNAPSHOT_IN_FORCE, 0, &in_force);
}

/* Answers true at GO. */
static bool
boot_message(struct runner *r, struct frame *f, const union msg_any *body, int *spawner_fd)
{
	switch (f->head.type) {
	case MSG_TYPE_BOOT:
		snprintf(r->tenant, sizeof(r->tenant), "%.*s", SPAN_FMT(body->BOOT.tenant));
		if (body->BOOT.flags & BOOT_FLAG_DEBUG_LOG)
			log_set_level(LOG_LEVEL_DEBUG);
		break;
	case MSG_TYPE_PEER:
		fd_close(spawner_fd);
		*spawner_fd = f->fds[0];
		f->fds[0] = -1;
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		boot_profile(r, &body->SNAPSHOT_OFFER, f->fds[0]);
		break;
	case MSG_TYPE_PING:
		boot_tell(MSG_TYPE_PING, f->head.ref, &body->PING);
		break;
	case MSG_TYPE_GO:
		return true;
	default:
		break;
	}
	return false;
}

void
boot_run(struct runner *r, int *spawner_fd)
{
	static char		room[FRAME_MAX];
	struct msg_READY	ready = { .generation = 0 };
	struct frame		f;
	union msg_any		body;
	bool			go = false;
	int			res;

	*spawner_fd = -1;
	while (!go) {
		if ((res = chan_recv_wait(HERITAGE_CONTROL, ROLE_RUNNER, ROLE_MASTER, false, room, &f,
		    &body)) != 0)
			fatal(EX_UNAVAILABLE, "no word from the master: %s", err_text(res));
		go = boot_message(r, &f, &body, spawner_fd);
		frame_close_fds(&f);
	}
	if (*spawner_fd == -1 || r->profile == NULL)
		fatal(EX_SOFTWARE, "GO came before the spawner's channel or the profile");
	if ((res = confine_process(CONFINE_RUNNER, NULL, NULL)) != 0)
		fatal(EX_OSERR, "cannot confine this process: %s", err_text(res));
	ready.generation = snap_head(r->profile)->generation;
	boot_tell(MSG_TYPE_READY, 0, &ready);
}
