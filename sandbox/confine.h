/* SPDX-License-Identifier: Apache-2.0
 *
 * confine.h - confine one of our own processes, just before it says READY (architecture section 2)
 *
 * What a role may call is in tables/syscalls.def; anything else gets ENOSYS and a line in the
 * kernel's log.  In sanitizer builds (MCPGW_SANITIZED) the filter is left out, nothing else is.
 */
#ifndef SANDBOX_CONFINE_H
#define SANDBOX_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

enum confine_role {
	CONFINE_COMPILE,
	CONFINE_WORKER,
	CONFINE_SPAWNER,
	CONFINE_RUNNER,
	CONFINE_AUDITOR,
	CONFINE_STORE,
	CONFINE_EGRESS,
	CONFINE_ADMIN,
	CONFINE_ROLE_LIMIT
};

/* For the master's child, between fork and exec, as root: no supplementary groups, this gid, this
 * uid, and no way back (checked); the bounding set is emptied on the way.  Does nothing when uid and
 * gid are already those.  0 or E_SYS. */
must_check int	confine_become(uid_t uid, gid_t gid);

/* No core file, no new privileges, empty capability sets, non-dumpable (the spawner too: its children
 * become dumpable for the moment they need it), Landlock and the role's filter.  Irrevocable.  The time
 * zone is read before, and TZ set so that it stays, since no file can be read later.
 *
 * `folders` is NULL-terminated, or NULL: where this process may go on opening and making files (the
 * auditor's, the store's).  Outside of them nothing can be opened any more; but compile may read what the
 * operator named, anywhere, and the spawner has no Landlock (a domain would forbid the jails' mounts).
 * `landlock_abi` (may be NULL): the one in use, 0 where the kernel has none.
 * 0 or E_SYS, with a line in the log naming the step. */
must_check int	confine_process(enum confine_role role, const char *const *folders, int *landlock_abi);

#endif
