/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.c - from exec to READY
 *
 * Process: mcpgw-spawn.  Owns: nothing beyond boot_run().
 * Trusts:  the master, which is the only one that speaks until READY.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "lib/log.h"
#include "policy/records.h"
#include "sandbox/confine.h"
#include "sandbox/jail.h"
#include "sandbox/spawner/boot.h"
#include "sandbox/spawner/leaf.h"
#include "sandbox/spawner/offer.h"
#include "sandbox/spawner/private.h"
#include "sandbox/spawner/state.h"
#include "sandbox/strays.h"

#define NOBODY 65534

static void
boot_directory(struct spawner *s, const struct msg_DIRECTORY *m)
{
	char	path[PATH_MAX];

	if ((m->kind != DIR_TENANT && !dir_is_cgroup(m->kind)) || m->path.n >= sizeof(path))
		fatal(EX_SOFTWARE, "a folder that is not for a spawner");
	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(m->path));
	if (dir_is_cgroup(m->kind)) {
		if (leaf_room(s, m->kind, path) != 0)
			fatal(EX_NOPERM, "%s: cannot be opened by the tenant's user: %m", path);
		return;
	}
	if (state_open_tenant(path, &s->tenant_dir) != 0)
		fatal(EX_NOPERM, "%s: cannot be opened by the tenant's user: %m", path);
	memcpy(s->tenant_path, path, sizeof(path));
}

static void
boot_message(struct frame *f, const union msg_any *body, void *arg)
{
	struct spawner	*s = arg;
	int		 r;

	switch (f->head.type) {
	case MSG_TYPE_BOOT:
		snprintf(s->tenant, sizeof(s->tenant), "%.*s", SPAN_FMT(body->BOOT.tenant));
		if ((body->BOOT.flags & BOOT_FLAG_FALLBACK) != 0)
			s->mode.fallback = JAIL_FALLBACK_YES;
		else if ((body->BOOT.flags & BOOT_FLAG_FALLBACK_MAY) != 0)
			s->mode.fallback = JAIL_FALLBACK_MAY;
		break;
	case MSG_TYPE_DIRECTORY:
		boot_directory(s, &body->DIRECTORY);
		break;
	case MSG_TYPE_PEER:
		s->runner = f->fds[0];
		f->fds[0] = -1;
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		if ((r = offer_take(s, &body->SNAPSHOT_OFFER, f->fds[0])) == E_CLOSED)
			exit(EX_UNAVAILABLE);	/* the master ends: nobody waits for this */
		if (r != 0)
			fatal(EX_DATAERR, "a snapshot offered at start was refused");
		break;
	default:
		break;
	}
}

/* Root's files would be open to a tool that has root's uid, capabilities or not. */
static void
refuse_root(void)
{
	if (geteuid() == 0)
		fatal(EX_CONFIG, "tools never run as root: the tenant needs a user of its own");
}

static void
boot_confine(void)
{
	if (confine_process(CONFINE_SPAWNER, NULL, NULL) != 0)
		fatal(EX_OSERR, "cannot be confined");
}

static void
tell_probe(const struct jail_probe_result *probe)
{
	struct msg_JAIL_PROBE	m = { .result = probe->result, .line = span_of(probe->line) };

	birth_tell(MSG_TYPE_JAIL_PROBE, 0, &m);
}

void
boot_run(struct spawner *s)
{
	const struct snap		*profile;
	const struct rec_profile	*first;
	struct msg_READY		 ready = { 0 };

	refuse_root();
	birth_hear(ROLE_SPAWNER, boot_message, s);
	profile = swap_current(&s->snaps, SNAP_PROFILE);
	if (s->runner == -1 || s->tenant_dir == -1 || profile == NULL)
		fatal(EX_SOFTWARE, "GO came before the runner's channel, the tenant's folder or the profile");
	boot_confine();
	if ((first = SNAP_AT(profile, PROFILE, 0)) != NULL)
		s->mode.landlock_abi_max = first->landlock_abi_max;
	jail_probe_as(&s->mode, &s->probe);
	s->reduced = s->probe.result == PROBE_REDUCED;
	if (s->reduced && strays_adopt(&s->strays) != 0)
		fatal(EX_OSERR, "cannot find what jails leave behind: %m");
	private_begin(s);
	tell_probe(&s->probe);
	ready.generation = snap_head(profile)->generation;
	birth_tell(MSG_TYPE_READY, 0, &ready);
}

static bool
has_master(void)
{
	int		type = 0;
	socklen_t	bytes = sizeof(type);

	return getsockopt(HERITAGE_CONTROL, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 &&
	    type == SOCK_SEQPACKET;
}

int
boot_probe(const struct jail_mode *mode)
{
	struct jail_probe_result	probe;
	struct msg_EXITING		exiting = { 0 };

	if (!has_master())
		log_init("mcpgw-spawn", STDERR_FILENO, LOG_FORM_PLAIN);
	if (geteuid() == 0 && confine_become(NOBODY, NOBODY) != 0)
		fatal(EX_OSERR, "cannot leave root's rights: %m");
	boot_confine();
	jail_probe_as(mode, &probe);
	if (has_master()) {
		tell_probe(&probe);
		birth_tell(MSG_TYPE_EXITING, 0, &exiting);
	} else {
		printf("jail: %s\n", probe.line);
	}
	return probe_may_run(probe.result) ? EX_OK : EX_UNAVAILABLE;
}
