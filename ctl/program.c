/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c - programs of the same installation, started as the caller
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the folder it was itself started from.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/out.h"
#include "ctl/program.h"
#include "ipc/heritage.h"
#include "lib/log.h"

size_t
program_settings(const struct ctl *ctl, const char *config_dir, char **argv, size_t n)
{
	argv[n++] = (char *)(uintptr_t)"-c";
	argv[n++] = (char *)(uintptr_t)config_dir;
	for (size_t i = 0; i < ctl->setting_count; i++) {
		argv[n++] = (char *)(uintptr_t)"-o";
		argv[n++] = (char *)(uintptr_t)ctl->settings[i];
	}
	return n;
}

/* Files of a store belong to its writer's user, also those that root makes there. */
static void
become_owner(const char *folder)
{
	struct stat	st;

	if (folder == NULL || geteuid() != 0 || stat(folder, &st) == -1 || st.st_uid == 0)
		return;
	if (setgroups(0, NULL) == -1 || setgid(st.st_gid) == -1 || setuid(st.st_uid) == -1) {
		out_error("%s: cannot run as its owner: %s", folder, strerror(errno));
		_exit(EX_OSERR);
	}
}

/* The channel where a child of the master has it, and lines to our stderr. */
static void
take_descriptors(const struct program_plan *plan)
{
	int	out = -1, control = -1, log = -1, null;

	if (plan->quiet && ((null = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 || dup2(null, STDERR_FILENO) == -1))
		_exit(EX_OSERR);
	if (plan->in != 0 && dup2(plan->in, STDIN_FILENO) == -1)
		_exit(EX_OSERR);
	if ((plan->out != -1 && (out = fcntl(plan->out, F_DUPFD_CLOEXEC, HERITAGE_LIMIT)) == -1) ||
	    (plan->control != -1 &&
	    ((control = fcntl(plan->control, F_DUPFD_CLOEXEC, HERITAGE_LIMIT)) == -1 ||
	    (log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, HERITAGE_LIMIT)) == -1)))
		_exit(EX_OSERR);
	if ((out != -1 && (dup2(out, STDOUT_FILENO) == -1 ||
	    (plan->out_err && dup2(out, STDERR_FILENO) == -1))) ||
	    (control != -1 && (dup2(control, HERITAGE_CONTROL) == -1 || dup2(log, HERITAGE_LOG) == -1)))
		_exit(EX_OSERR);
}

static _Noreturn void
child_run(const char *path, char *const *argv, const struct program_plan *plan, pid_t parent)
{
	take_descriptors(plan);
	become_owner(plan->owner_of);
	if (plan->follows && (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != parent))
		_exit(EX_OSERR);
	execv(path, argv);
	out_error("%s: %s", path, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

int
program_start(const char *name, char *const *argv, const struct program_plan *plan, pid_t *pid)
{
	const pid_t	parent = getpid();
	char		path[PATH_MAX];

	if (where_program(name, path, sizeof(path)) != 0) {
		out_error("%s: not found; mcpgw is not completely installed", path);
		return E_NOTFOUND;
	}
	fflush(stdout);
	if ((*pid = fork()) == 0)
		child_run(path, argv, plan, parent);
	if (*pid == -1) {
		out_error("fork: %s", strerror(errno));
		return E_SYS;
	}
	return 0;
}

int
program_wait(pid_t pid)
{
	int	status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
program_become(const char *name, char *const *argv)
{
	char	path[PATH_MAX];

	if (where_program(name, path, sizeof(path)) != 0)
		fatal(EX_UNAVAILABLE, "%s: not found; mcpgw is not completely installed", path);
	execv(path, argv);
	fatal(EX_UNAVAILABLE, "%s: %s", path, strerror(errno));
}
