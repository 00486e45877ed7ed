/* SPDX-License-Identifier: Apache-2.0
 *
 * usermanager.c - systemd's manager of one user's services, where there is one
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  the caller's PATH for systemd-run, as for everything the caller types.
 *
 * A transient unit needs no file to be installed, and gives what a plain fork cannot: a cgroup of our own, in
 * which tools' limits hold.  The environment goes along by name, for ${VAR} in the configuration is meant for
 * the shell that starts it; values never stand in the arguments.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/doctor/usermanager.h"
#include "ctl/program.h"

#define WORDS_MAX	1024
#define NAME_MAX_BYTES	128

static const char *const fixed[] = { "systemd-run", "--user", "--quiet", "--collect", "--unit=mcpgw",
	"--description=Gateway between AI agents and the tools they call", "--property=Type=notify",
	"--property=NotifyAccess=main", "--property=KillMode=mixed", "--property=TimeoutStopSec=60",
	"--property=Delegate=yes", "--property=OOMPolicy=continue", "--property=LimitCORE=0" };

bool
usermanager_runs(void)
{
	const char	*runtime = getenv("XDG_RUNTIME_DIR");
	char		 path[PATH_MAX];

	return runtime != NULL && snprintf(path, sizeof(path), "%s/systemd/private", runtime) < (int)sizeof(path) &&
	    access(path, F_OK) == 0;
}

/* Names that systemd takes; those of a service's own start are the unit's. */
static bool
may_pass(const char *name, size_t n)
{
	static const char *const not[] = { "NOTIFY_SOCKET", "INVOCATION_ID", "JOURNAL_STREAM", "WATCHDOG_USEC",
		"WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", NULL };

	for (const char *const *p = not; *p != NULL; p++)
		if (strlen(*p) == n && strncmp(*p, name, n) == 0)
			return false;
	return n > 0 && n < NAME_MAX_BYTES && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	    "0123456789") == n && (name[0] < '0' || name[0] > '9');
}

static char *
word(const char *fmt, int n, const char *text)
{
	char	*w;

	return asprintf(&w, fmt, n, text) == -1 ? NULL : w;
}

bool
usermanager_start(char *const *argv)
{
	extern char	**environ;
	static char	*words[WORDS_MAX + 1];
	char		 program[PATH_MAX];
	size_t		 n = 0;
	pid_t		 pid;

	if (where_program("mcpgw", program, sizeof(program)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		words[n++] = (char *)(uintptr_t)fixed[i];
	for (char **e = environ; *e != NULL && n < WORDS_MAX / 2; e++)
		if (may_pass(*e, strcspn(*e, "=")))
			words[n++] = word("--setenv=%.*s", (int)strcspn(*e, "="), *e);
	words[n++] = (char *)(uintptr_t)"--";
	words[n++] = program;
	words[n++] = (char *)(uintptr_t)"-f";
	for (; *argv != NULL && n < WORDS_MAX; argv++)
		words[n++] = *argv;
	words[n] = NULL;
	if ((pid = fork()) == 0) {
		execvp(words[0], words);
		_exit(127);
	}
	return pid != -1 && program_wait(pid) == 0;
}
