/* SPDX-License-Identifier: Apache-2.0
 *
 * inside.c - the child's way into the jail: the order of threats-and-jail.md J4
 *
 * Process: first process of the new namespaces; it forks the tool and goes on as the jail's init.
 * Owns:    its ends of the wiring.
 * Trusts:  the spec.  Nothing has run in this jail before the last line of tool_run().
 *
 * A step that fails is told to the spawner and ends the process: there is no "continue with less".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cpu.h"
#include "sandbox/caps.h"
#include "sandbox/cgroup.h"
#include "sandbox/hand.h"
#include "sandbox/init.h"
#include "sandbox/inside.h"
#include "sandbox/landlock.h"
#include "sandbox/net.h"
#include "sandbox/ns.h"
#include "sandbox/rlimit.h"
#include "sandbox/root.h"
#include "sandbox/seccomp.h"

#define SAFE_FD		64	/* above all places in enum inside_fd */
#define EXIT_SET_UP	125
#define GRANTS_MAX	128

static void
tell(enum inside_what what, enum jail_step step, int os_error, int value, const char *detail)
{
	struct inside_note	note = { .what = what, .step = step, .os_error = os_error, .value = value };

	snprintf(note.detail, sizeof(note.detail), "%s", detail);
	if (write(INSIDE_STATUS, &note, sizeof(note)) != sizeof(note))
		_exit(EXIT_SET_UP);	/* the spawner is dead */
}

static _Noreturn void
give_up(enum jail_step step, const char *detail)
{
	tell(INSIDE_FAILED, step, errno, 0, detail);
	_exit(EXIT_SET_UP);
}

/* Every source is first moved out of the way of every target; then all else goes. */
static void
settle_descriptors(const struct jail_spec *spec, const struct inside_wiring *w)
{
	const int	from[INSIDE_FD_LIMIT] = { w->in, w->out, w->err, w->status, w->lifeline, w->hand };
	int		safe[INSIDE_FD_LIMIT];

	for (int i = 0; i < INSIDE_FD_LIMIT; i++) {
		safe[i] = -1;
		if (from[i] != -1 && (safe[i] = fcntl(from[i], F_DUPFD_CLOEXEC, SAFE_FD)) == -1)
			_exit(EXIT_SET_UP);
	}
	for (int i = 0; i < INSIDE_FD_LIMIT; i++) {
		if (safe[i] == -1)
			close(i);
		else if (dup3(safe[i], i, i > STDERR_FILENO ? O_CLOEXEC : 0) == -1)
			_exit(EXIT_SET_UP);
	}
	if (inside_has(spec, JAIL_LAYER_CLOSE_RANGE))
		syscall(SYS_close_range, INSIDE_FD_LIMIT, ~0U, 0);
}

static void
reset_signals(void)
{
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);	/* KILL, STOP and libc's own refuse, which is fine */
}

/* ---- the tool's own branch --------------------------------------------------------------------- */

static void
tool_landlock(const struct jail_spec *spec)
{
	struct landlock_grant	grants[GRANTS_MAX];
	const char		*failed;
	unsigned		 also = LANDLOCK_NO_SIGNALS | LANDLOCK_NO_ABSTRACT;
	size_t			 n = 0;
	int			 abi = landlock_abi(spec->landlock_abi_max);

	grants[n++] = (struct landlock_grant){ "/", LANDLOCK_READ };
	grants[n++] = (struct landlock_grant){ "/dev", LANDLOCK_DEVICE };
	grants[n++] = (struct landlock_grant){ "/tmp", LANDLOCK_WRITE };
	if (inside_has(spec, JAIL_LAYER_ROOT))
		grants[n++] = (struct landlock_grant){ root_home(spec), LANDLOCK_WRITE };
	for (size_t i = 0; i < spec->bind_count && inside_has(spec, JAIL_LAYER_ROOT); i++) {
		if ((spec->binds[i].flags & JAIL_BIND_WRITABLE) == 0)
			continue;
		if ((spec->binds[i].flags & JAIL_BIND_OPTIONAL) != 0 &&
		    access(spec->binds[i].target, F_OK) == -1)
			continue;
		if (n == GRANTS_MAX) {
			errno = E2BIG;
			give_up(JAIL_STEP_LANDLOCK, "writable paths");
		}
		grants[n++] = (struct landlock_grant){ spec->binds[i].target, LANDLOCK_WRITE };
	}
	if (spec->net == JAIL_NET_NONE)
		also |= LANDLOCK_NO_TCP;
	if (landlock_restrict(abi, grants, n, also, &failed) != 0)
		give_up(JAIL_STEP_LANDLOCK, failed);
	tell(INSIDE_LANDLOCK, JAIL_STEP_LANDLOCK, 0, abi, "");
}

static void
tool_filter(const struct jail_spec *spec)
{
	unsigned	flags = spec->listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	int		listener;

	if (!inside_has_filter(spec))
		return;
	if (seccomp_install(spec->filter, spec->filter_count, flags, &listener) != 0)
		give_up(JAIL_STEP_SECCOMP, "");
	/* It leaves through the pair; after execve nothing of it is left here. */
	if (listener != -1 && hand_out(INSIDE_HAND, "L", 1, &listener, 1) != 0)
		give_up(JAIL_STEP_SECCOMP, "listener");
}

void
inside_tool_begin(const struct jail_spec *spec, const char *workdir)
{
	sigset_t	 none;

	cpu_be_patient();
	reset_signals();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setsid() == -1)
		give_up(JAIL_STEP_SESSION, "");
	if (inside_has(spec, JAIL_LAYER_RLIMITS) && rlimit_apply(spec->rlimits, spec->rlimit_count) != 0)
		give_up(JAIL_STEP_RLIMIT, "");
	if (chdir(workdir) == -1)
		give_up(JAIL_STEP_WORKDIR, workdir);
	/* The pairs to the spawner close at execve; the lifeline is the init's alone. */
	close(INSIDE_LIFELINE);
	if (inside_has(spec, JAIL_LAYER_CLOSE_RANGE) && syscall(SYS_close_range, INSIDE_FD_LIMIT, ~0U, 0) == -1)
		give_up(JAIL_STEP_DESCRIPTORS, "");
}

void
inside_tool_finish(const struct jail_spec *spec)
{
	if ((inside_has(spec, JAIL_LAYER_CAPS) ? caps_drop() : caps_inherit()) != 0)
		give_up(JAIL_STEP_CAPABILITIES, "");
	if (inside_has(spec, JAIL_LAYER_NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		give_up(JAIL_STEP_PRIVILEGES, "");
	tool_filter(spec);
	tell(INSIDE_EXEC, JAIL_STEP_EXEC, 0, 0, "");
	execve(spec->program, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->envp);
	give_up(JAIL_STEP_EXEC, spec->program);
}

static _Noreturn void
tool_run(const struct jail_spec *spec)
{
	inside_tool_begin(spec, spec->workdir != NULL ? spec->workdir : root_home(spec));
	if (inside_has(spec, JAIL_LAYER_LANDLOCK))
		tool_landlock(spec);
	inside_tool_finish(spec);
}

/* ---- the network ------------------------------------------------------------------------------- */

/* Handed out and closed before there is a tool. */
static void
network_of_list(const struct jail_spec *spec)
{
	struct jail_socket	made[JAIL_SOCKETS_MAX];
	struct inside_sockets	list = { 0 };
	int			fds[JAIL_SOCKETS_MAX];
	size_t			n;
	const char		*failed;

	if (net_capture(&failed) != 0 || net_sockets(spec->ports, spec->port_count, made, &n, &failed) != 0)
		give_up(JAIL_STEP_NETWORK, failed);
	for (size_t i = 0; i < n; i++) {
		list.of[i].kind = (uint16_t)made[i].kind;
		list.of[i].port = made[i].port;
		fds[i] = made[i].fd;
	}
	if (hand_out(INSIDE_HAND, &list, sizeof(list), fds, n) != 0)
		give_up(JAIL_STEP_NETWORK, "sockets");
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void
network(const struct jail_spec *spec)
{
	if (spec->net == JAIL_NET_LOOPBACK && ns_loopback_up() != 0)
		give_up(JAIL_STEP_NETWORK, "lo");
	if (spec->net == JAIL_NET_LIST)
		network_of_list(spec);
}

/* ---- the first process ------------------------------------------------------------------------- */

void
inside_begin(const struct jail_spec *spec, const struct inside_wiring *w)
{
	int	joined = cgroup_join(spec->cgroup, spec->cgroup_count), why = errno;

	reset_signals();
	settle_descriptors(spec, w);
	if (joined != 0) {
		errno = why;
		give_up(JAIL_STEP_CGROUP, "");
	}
	/* A new, empty session keyring; where the kernel or an outer filter has no keyrings, tools
	 * have none either. */
	if (inside_has(spec, JAIL_LAYER_KEYRING))
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

void
inside_tell(enum inside_what what, enum jail_step step, int value)
{
	tell(what, step, 0, value, "");
}

void
inside_give_up(enum jail_step step, const char *detail)
{
	give_up(step, detail);
}

void
inside_run(const struct jail_spec *spec, const struct inside_wiring *w, uid_t uid, gid_t gid)
{
	const char		*hostname = spec->hostname != NULL ? spec->hostname : "jail";
	struct root_report	 report = { 0 };
	pid_t			 tool;

	inside_begin(spec, w);
	if (ns_map(uid, gid) != 0)
		give_up(JAIL_STEP_MAP, "");
	if (setsid() == -1)
		give_up(JAIL_STEP_SESSION, "");
	network(spec);
	if (inside_has(spec, JAIL_LAYER_UTS) && sethostname(hostname, strlen(hostname)) == -1)
		give_up(JAIL_STEP_HOSTNAME, hostname);
	if (inside_has(spec, JAIL_LAYER_ROOT) && root_build(spec, &report) != 0)
		give_up(report.step, report.detail);
	if (report.no_proc)
		tell(INSIDE_NO_PROC, JAIL_STEP_PROC, 0, 0, "");
	init_prepare();
	if ((tool = ns_fork(spec->cgroup_count > 0 && inside_has(spec, JAIL_LAYER_CGROUP))) == 0)
		tool_run(spec);
	if (tool == -1)
		give_up(JAIL_STEP_INIT, "fork");
	if (init_confine(spec->private_memory, spec->private_bytes, false, !inside_has(spec, JAIL_LAYER_INIT)) != 0)
		give_up(JAIL_STEP_INIT, "confine");	/* the tool dies with it */
	close(INSIDE_STATUS);
	init_run(tool, INSIDE_LIFELINE, -1);
}
