/* SPDX-License-Identifier: Apache-2.0
 *
 * confine.c - confine one of our own processes, just before it says READY
 *
 * Process: every one of ours but the master and mcpgwctl.  Owns: nothing.  Trusts: the kernel.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "sandbox/caps.h"
#include "sandbox/confine.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp.h"

#define FOLDERS_MAX 8

static const struct {
	enum seccomp_set	calls;
	bool			landlock;
	unsigned		also;		/* enum landlock_also */
	const char		*sees;		/* may be read, beside the folders */
} roles[CONFINE_ROLE_LIMIT] = {
	/* It looks at what the operator names, wherever that is, and asks name servers; it makes nothing. */
	[CONFINE_COMPILE] = { BY_COMPILE, true, LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, "/" },
	/* Workers connect to upstreams. */
	[CONFINE_WORKER] = { BY_WORKER, true, LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, NULL },
	[CONFINE_SPAWNER] = { BY_SPAWNER, false, 0, NULL },
	/* The runner ends the jails' inits, which are outside of its domain. */
	[CONFINE_RUNNER] = { BY_RUNNER, true, LANDLOCK_NO_TCP | LANDLOCK_NO_ABSTRACT, NULL },
	[CONFINE_AUDITOR] = { BY_AUDITOR, true,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, NULL },
	[CONFINE_STORE] = { BY_STORE, true,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, NULL },
	/* It connects for others, wherever their policy says. */
	[CONFINE_EGRESS] = { BY_EGRESS, true, LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, NULL },
	/* What it accepts at was bound by the master. */
	[CONFINE_ADMIN] = { BY_ADMIN, true,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT, NULL },
};

int
confine_become(uid_t uid, gid_t gid)
{
	if (geteuid() == uid && getuid() == uid && getegid() == gid && getgid() == gid)
		return 0;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EINVAL)
			return E_SYS;
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return E_SYS;
	if (uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return E_SYS;
	}
	return 0;
}

static int
failed(const char *step, const char *detail)
{
	log_err(NULL, "cannot confine myself: %s%s%s: %s", step, *detail != '\0' ? " " : "", detail,
	    strerror(errno));
	return E_SYS;
}

static int
confine_files(enum confine_role role, const char *const *folders, int *abi)
{
	struct landlock_grant	 grants[FOLDERS_MAX];
	const char		*bad;
	size_t			 n = 0;

	if (roles[role].sees != NULL) {
		const struct landlock_grant	all = { roles[role].sees, LANDLOCK_SEE };

		if (landlock_restrict(*abi, &all, 1, roles[role].also, &bad) != 0)
			return failed("landlock", bad);
		return 0;
	}
	for (; folders != NULL && folders[n] != NULL; n++) {
		if (n == FOLDERS_MAX) {
			errno = E2BIG;
			return failed("landlock", folders[n]);
		}
		grants[n] = (struct landlock_grant){ folders[n], LANDLOCK_READ | LANDLOCK_WRITE };
	}
	if (landlock_restrict(*abi, grants, n, roles[role].also, &bad) != 0)
		return failed("landlock", bad);
	return 0;
}

/* libc reads the zone's file anew with each strftime() unless TZ is set, and once afterwards. */
static int
confine_zone(void)
{
	if (setenv("TZ", ":/etc/localtime", 0) == -1)
		return failed("time zone", "");
	tzset();
	return 0;
}

int
confine_process(enum confine_role role, const char *const *folders, int *landlock)
{
	const struct rlimit	no_core = { 0, 0 };
	int			abi = roles[role].landlock ? landlock_abi(0) : 0, r;

	if ((r = confine_zone()) != 0)
		return r;
	if (setrlimit(RLIMIT_CORE, &no_core) == -1)
		return failed("core limit", "");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return failed("no new privileges", "");
	if (caps_drop() != 0)
		return failed("capabilities", "");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return failed("dumpable", "");
	if ((r = confine_files(role, folders, &abi)) != 0)
		return r;
	if (landlock != NULL)
		*landlock = abi;
	if (seccomp_install_role(roles[role].calls) != 0)
		return failed("system call filter", "");
	return 0;
}
