/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c - can jails be built here, and if not, why
 *
 * Process: the spawner; mcpgw-spawn --probe.  Owns: nothing beyond a call.
 * Trusts:  /proc, for an explanation only.
 *
 * The whole jail is built, because the first step may succeed and a later one fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/probe.h"
#include "sandbox/seccomp.h"

#define TRIAL	"/usr/bin/true"
#define FILTERS	"\nSeccomp_filters:\t"

/* The start of a small file, "" when it cannot be read. */
static void
read_start(const char *path, char *to, size_t room)
{
	int	fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t	n = fd == -1 ? 0 : read(fd, to, room - 1);

	to[n > 0 ? n : 0] = '\0';
	fd_close(&fd);
}

static bool
is_zero(const char *path)
{
	char	text[32];

	read_start(path, text, sizeof(text));
	return strcmp(text, "0\n") == 0;
}

/* A filter that was there before the spawner's own, which allows all that a jail needs. */
static bool
under_foreign_seccomp(void)
{
	char		 status[4096];
	const char	*filters;

	read_start("/proc/self/status", status, sizeof(status));
	if (strstr(status, "\nSeccomp:\t2\n") == NULL)
		return false;
	filters = strstr(status, FILTERS);
	return filters == NULL || strtol(filters + strlen(FILTERS), NULL, 10) > seccomp_installed();
}

enum probe_result
probe_explain(enum jail_step step, int os_error, const char **line)
{
	bool	refused = os_error == EPERM || os_error == EACCES;

	*line = "";
	if (step == JAIL_STEP_CLONE && (os_error == ENOSPC || is_zero("/proc/sys/user/max_user_namespaces"))) {
		*line = "no user namespaces may be made: sysctl user.max_user_namespaces=15000";
		return PROBE_NO_NAMESPACES;
	}
	if (step == JAIL_STEP_CLONE && refused && is_zero("/proc/sys/kernel/unprivileged_userns_clone")) {
		*line = "user namespaces are switched off: sysctl kernel.unprivileged_userns_clone=1";
		return PROBE_SWITCHED_OFF;
	}
	if (refused && step >= JAIL_STEP_CLONE && step <= JAIL_STEP_BIND) {
		char	text[8];

		read_start("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text, sizeof(text));
		if (text[0] == '1') {
			*line = "AppArmor restricts user namespaces here, and mcpgw's profile is not "
			    "loaded: load the packaged one, or in a build tree one that gives "
			    "mcpgw-spawn `userns,`";
			return PROBE_APPARMOR;
		}
	}
	if ((refused || os_error == ENOSYS) && step >= JAIL_STEP_CLONE && step <= JAIL_STEP_SEAL &&
	    under_foreign_seccomp()) {
		*line = "a system call filter around the gateway forbids namespaces or mounts (a "
		    "container engine's default): run it with one that allows both";
		return PROBE_SECCOMP;
	}
	/* What is left is the kernel's own rule.  That "/" is a chroot cannot be seen from inside it. */
	if (step == JAIL_STEP_CLONE && os_error == EPERM) {
		*line = "the kernel refuses user namespaces, as it does in a chroot: enter that with a "
		    "pivoted root instead (systemd-nspawn, bwrap, unshare and pivot_root)";
		return PROBE_CHROOT;
	}
	return PROBE_OTHER;
}

/* Waits for the trial's end; true when it went well. */
static bool
trial_ended_well(struct jail_child *c)
{
	int	status = 0;

	fd_close(&c->in);
	while (waitpid(c->pid, &status, 0) == -1)
		if (errno != EINTR)
			return false;
	jail_child_close(c);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* "landlock 7", "landlock 2 of 7", "no landlock". */
static void
landlock_words(int abi, char *to, size_t room)
{
	int	most = landlock_abi(0);

	if (abi == 0)
		snprintf(to, room, "no landlock");
	else if (abi < most)
		snprintf(to, room, "landlock %d of %d", abi, most);
	else
		snprintf(to, room, "landlock %d", abi);
}

/* Without namespaces; `why` there are none.  False: not even that. */
static bool
try_reduced(const struct jail_mode *mode, const char *why, struct jail_probe_result *out)
{
	static const char *const	argv[] = { "true", NULL }, *const envp[] = { NULL };
	const struct jail_spec		spec = { .program = TRIAL, .argv = argv, .envp = envp,
					    .workdir = "/", .state_fd = -1, .reduced = true,
					    .landlock_abi_max = mode->landlock_abi_max };
	struct jail_child		child;
	char				landlock[48];

	if (jail_start(&spec, &child) != 0) {
		out->step = child.failure.step;
		out->os_error = child.failure.os_error;
		snprintf(out->line, sizeof(out->line), "none: %.200s; nor a reduced one: %.200s", why,
		    child.failure.text);
		return false;
	}
	out->landlock_abi = child.landlock_abi;
	if (!trial_ended_well(&child)) {
		out->step = JAIL_STEP_EXEC;
		snprintf(out->line, sizeof(out->line), "none: %.300s; nor a reduced one: %s does not run in it", why,
		    TRIAL);
		return false;
	}
	landlock_words(out->landlock_abi, landlock, sizeof(landlock));
	out->result = PROBE_REDUCED;
	snprintf(out->line, sizeof(out->line), "reduced, %s: %.400s", landlock, why);
	return true;
}

static void
refused(const struct jail_mode *mode, const struct jail_failure *f, struct jail_probe_result *out)
{
	const char	*why;

	out->step = f->step;
	out->os_error = f->os_error;
	out->result = probe_explain(out->step, out->os_error, &why);
	if (*why == '\0')
		why = f->text;
	if (mode->fallback == JAIL_FALLBACK_YES)
		(void)try_reduced(mode, why, out);
	else
		snprintf(out->line, sizeof(out->line), "none: %.300s%s", why, mode->fallback == JAIL_FALLBACK_MAY ?
		    "; jails that hold less, without namespaces: jail_fallback = landlock in mcpgw.conf" : "");
}

void
jail_probe_as(const struct jail_mode *mode, struct jail_probe_result *out)
{
	static const char *const	argv[] = { "true", NULL }, *const envp[] = { NULL };
	const struct jail_spec		spec = { .program = TRIAL, .argv = argv, .envp = envp,
					    .workdir = "/", .state_fd = -1,
					    .landlock_abi_max = mode->landlock_abi_max };
	struct jail_child		child;
	char				landlock[48];

	*out = (struct jail_probe_result){ .result = PROBE_OTHER };
	if (jail_start(&spec, &child) != 0) {
		refused(mode, &child.failure, out);
		return;
	}
	out->landlock_abi = child.landlock_abi;
	out->result = child.no_proc ? PROBE_FULL_NO_PROC : PROBE_FULL;
	if (!trial_ended_well(&child)) {
		out->result = PROBE_OTHER;
		out->step = JAIL_STEP_EXEC;
		snprintf(out->line, sizeof(out->line), "none: %s does not run in one", TRIAL);
		return;
	}
	landlock_words(out->landlock_abi, landlock, sizeof(landlock));
	snprintf(out->line, sizeof(out->line), "full%s, %s", child.no_proc ? ", no proc" : "", landlock);
}

void
jail_probe(struct jail_probe_result *out)
{
	jail_probe_as(&(struct jail_mode){ 0 }, out);
}
