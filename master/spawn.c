/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn.c - fork and execute, with the least a program needs
 *
 * Process: master, and for the few lines between fork and exec the child.
 * Owns:    nothing.
 * Trusts:  the plan, which comes from tables/roles.def and the parameters alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/heritage.h"
#include "lib/log.h"
#include "master/spawn.h"
#include "sandbox/confine.h"

#define EXIT_NO_EXEC	127
#define SAFE_FD		16	/* above every HERITAGE_* */

int
spawn_user_find(const char *name, struct spawn_user *out, bool *found)
{
	struct passwd	*pw = NULL;

	*found = name[0] != '\0' && (pw = getpwnam(name)) != NULL;
	if (pw == NULL && (pw = getpwnam("nobody")) == NULL)
		return E_NOTFOUND;
	*out = (struct spawn_user){ true, pw->pw_uid, pw->pw_gid };
	return 0;
}

static _Noreturn void
child_fail(const struct spawn_plan *p, const char *what)
{
	log_err(LOG_SUBJECT(p->path, ""), "%s: %s", what, strerror(errno));
	_exit(EXIT_NO_EXEC);
}

static void
child_signals(void)
{
	sigset_t	none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);	/* KILL, STOP and libc's own refuse, which is fine */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Every source is first moved out of the way of every target. */
static void
child_descriptors(const struct spawn_plan *p)
{
	const int	wanted[HERITAGE_LIMIT] = { -1, p->out, p->err, p->control, p->log };
	int		fd[HERITAGE_LIMIT], null;

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		child_fail(p, "/dev/null");
	for (int i = 0; i < HERITAGE_LIMIT; i++)
		if ((fd[i] = fcntl(wanted[i] == -1 ? null : wanted[i], F_DUPFD_CLOEXEC, SAFE_FD)) == -1)
			child_fail(p, "descriptors");
	log_set_fd(fd[HERITAGE_LOG]);
	for (int i = 0; i < HERITAGE_LIMIT; i++)
		if (dup2(fd[i], i) == -1)
			child_fail(p, "descriptors");
	log_set_fd(HERITAGE_LOG);
}

static void
child_privileges(const struct spawn_plan *p)
{
	if (p->user.change && confine_become(p->user.uid, p->user.gid) != 0)
		child_fail(p, "user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		child_fail(p, "no new privileges");
}

static _Noreturn void
child_run(const struct spawn_plan *p)
{
	static char	*const empty[] = { NULL };
	const struct rlimit no_core = { 0, 0 };
	char *const	*env = p->environment ? environ : empty;
	int		 program;

	setsid();
	child_signals();
	child_descriptors(p);
	setrlimit(RLIMIT_CORE, &no_core);
	umask(0077);
	/* Held by descriptor too: a build tree below a closed home can still be executed by another
	 * user, who may not walk to it. */
	program = open(p->path, O_PATH | O_CLOEXEC);
	if (program != -1 && program < HERITAGE_LIMIT + SAFE_FD)
		program = fcntl(program, F_DUPFD_CLOEXEC, HERITAGE_LIMIT + SAFE_FD);
	child_privileges(p);
	if (syscall(SYS_close_range, HERITAGE_LIMIT, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) == -1)
		child_fail(p, "close_range");
	execve(p->path, p->argv, env);
	if (errno == EACCES && program != -1)
		syscall(SYS_execveat, program, "", p->argv, env, AT_EMPTY_PATH);
	child_fail(p, "cannot be executed");
}

int
spawn(const struct spawn_plan *p, pid_t *pid)
{
	sigset_t	all, before;
	int		r = 0;

	/* No handler of ours may run in the child before its signals are its own. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if ((*pid = fork()) == 0)
		child_run(p);
	if (*pid == -1)
		r = E_SYS;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
