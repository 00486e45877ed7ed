/* SPDX-License-Identifier: Apache-2.0
 *
 * reduced.c - a jail without namespaces, where the kernel refuses them
 *
 * Process: the spawner's child; it forks the tool and goes on as the init of its descendants.
 * Owns:    its ends of the wiring.
 * Trusts:  the spec.  Paths are the host's: what it names is granted, nothing else can be opened.
 *
 * The order is that of inside.c, less what there is no namespace for.  No step may be left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/init.h"
#include "sandbox/landlock.h"
#include "sandbox/reduced.h"
#include "sandbox/root.h"
#include "sandbox/strays.h"

#define GRANTS_MAX	192
#define SYSTEM_MAX	64

pid_t
reduced_clone(int *pidfd)
{
	*pidfd = -1;
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PIDFD | SIGCHLD), NULL, pidfd, NULL, NULL);
}

const char *
reduced_fault(const struct jail_spec *spec)
{
	if (spec->net == JAIL_NET_LOOPBACK || spec->net == JAIL_NET_LIST)
		return "a network of its own needs namespaces, and this machine has none (the jail is reduced): "
		    "\"none\" and \"host\" work";
	for (size_t i = 0; i < spec->bind_count; i++)
		if (strcmp(spec->binds[i].source, spec->binds[i].target) != 0)
			return "a path shown at another place needs namespaces, and this machine has none (the jail is "
			    "reduced)";
	return NULL;
}

/* ---- the tool's own branch ---------------------------------------------------------------------- */

struct grants {
	struct landlock_grant	list[GRANTS_MAX];
	size_t			count;
};

static void
grant(struct grants *g, const char *path, unsigned rights, bool optional)
{
	if (optional && access(path, F_OK) == -1)
		return;
	if (g->count == GRANTS_MAX) {
		errno = E2BIG;
		inside_give_up(JAIL_STEP_LANDLOCK, "paths");
	}
	g->list[g->count++] = (struct landlock_grant){ path, rights };
}

static void
confine(const struct jail_spec *spec)
{
	const unsigned		 own = LANDLOCK_SEE | LANDLOCK_WRITE | (spec->exec_tmp ? LANDLOCK_READ : 0);
	static struct jail_bind	 shown[SYSTEM_MAX];
	static struct grants	 g;
	const char		*failed;
	unsigned		 also = LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT;
	size_t			 n = root_system(shown, SYSTEM_MAX);
	int			 abi = landlock_abi(spec->landlock_abi_max);

	if (abi == 0) {
		errno = ENOSYS;
		inside_give_up(JAIL_STEP_LANDLOCK, "a reduced jail is made of it");
	}
	for (size_t i = 0; i < n; i++)
		grant(&g, shown[i].source, (shown[i].flags & JAIL_BIND_WRITABLE) != 0 ?
		    LANDLOCK_SEE | LANDLOCK_DEVICE : LANDLOCK_READ, (shown[i].flags & JAIL_BIND_OPTIONAL) != 0);
	if (spec->tmp != NULL)
		grant(&g, spec->tmp, own, false);
	if (spec->home != NULL)
		grant(&g, spec->home, own, false);
	for (size_t i = 0; i < spec->bind_count; i++) {
		const struct jail_bind *b = &spec->binds[i];
		unsigned rights = (b->flags & JAIL_BIND_EXEC) != 0 ? LANDLOCK_READ : LANDLOCK_SEE;

		if ((b->flags & JAIL_BIND_WRITABLE) != 0)
			rights |= LANDLOCK_WRITE;
		grant(&g, b->source, rights, (b->flags & JAIL_BIND_OPTIONAL) != 0);
	}
	if (spec->net == JAIL_NET_NONE)
		also |= LANDLOCK_NO_TCP;
	if (landlock_restrict(abi, g.list, g.count, also, &failed) != 0)
		inside_give_up(JAIL_STEP_LANDLOCK, failed);
	inside_tell(INSIDE_LANDLOCK, JAIL_STEP_LANDLOCK, abi);
}

static _Noreturn void
tool_run(const struct jail_spec *spec, pid_t init)
{
	/* Should the init be killed, its other descendants are the spawner's to end (sandbox/strays.h). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 || getppid() != init)
		inside_give_up(JAIL_STEP_INIT, "parent");
	inside_tool_begin(spec, spec->workdir != NULL ? spec->workdir : spec->home);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)	/* without it Landlock is for root alone */
		inside_give_up(JAIL_STEP_PRIVILEGES, "");
	confine(spec);
	inside_tool_finish(spec);
}

/* ---- the first process -------------------------------------------------------------------------- */

void
reduced_run(const struct jail_spec *spec, const struct inside_wiring *w)
{
	pid_t	init = getpid(), tool;
	int	children;

	inside_begin(spec, w);
	if (setsid() == -1)
		inside_give_up(JAIL_STEP_SESSION, "");
	umask(0077);
	if (strays_adopt(&children) != 0)
		inside_give_up(JAIL_STEP_INIT, "the list of its children");
	init_prepare();
	if ((tool = fork()) == 0) {
		fd_close(&children);
		tool_run(spec, init);
	}
	if (tool == -1)
		inside_give_up(JAIL_STEP_INIT, "fork");
	if ((children != INSIDE_CHILDREN && dup3(children, INSIDE_CHILDREN, O_CLOEXEC) == -1) ||
	    init_confine(spec->private_memory, spec->private_bytes, true, false) != 0)
		inside_give_up(JAIL_STEP_INIT, "confine");	/* the tool dies with it */
	close(INSIDE_STATUS);
	init_run(tool, INSIDE_LIFELINE, INSIDE_CHILDREN);
}
