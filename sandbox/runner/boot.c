/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.c - from exec to READY
 *
 * Process: mcpgw-runner.  Owns: nothing beyond boot_run().
 * Trusts:  the master, which is the only one that speaks until READY.
 */
#include <stdio.h>
#include <sysexits.h>

#include "ipc/birth.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/confine.h"
#include "sandbox/runner/boot.h"

struct boot {
	struct runner	*runner;
	int		*spawner_fd;
};

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
	birth_tell(MSG_TYPE_SNAPSHOT_IN_FORCE, 0, &in_force);
}

static void
boot_message(struct frame *f, const union msg_any *body, void *arg)
{
	struct boot	*b = arg;

	switch (f->head.type) {
	case MSG_TYPE_BOOT:
		snprintf(b->runner->tenant, sizeof(b->runner->tenant), "%.*s", SPAN_FMT(body->BOOT.tenant));
		break;
	case MSG_TYPE_PEER:
		fd_close(b->spawner_fd);
		*b->spawner_fd = f->fds[0];
		f->fds[0] = -1;
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		boot_profile(b->runner, &body->SNAPSHOT_OFFER, f->fds[0]);
		break;
	default:
		break;
	}
}

void
boot_run(struct runner *r, int *spawner_fd)
{
	struct boot		b = { r, spawner_fd };
	struct msg_READY	ready = { .generation = 0 };
	int			res;

	*spawner_fd = -1;
	birth_hear(ROLE_RUNNER, boot_message, &b);
	if (*spawner_fd == -1 || r->profile == NULL)
		fatal(EX_SOFTWARE, "GO came before the spawner's channel or the profile");
	if ((res = confine_process(CONFINE_RUNNER, NULL, NULL)) != 0)
		fatal(EX_OSERR, "cannot confine this process: %s", err_text(res));
	ready.generation = snap_head(r->profile)->generation;
	birth_tell(MSG_TYPE_READY, 0, &ready);
}
