/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c - a fixture program of the tests' own folder
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/program.h"

unsigned
program_start(const char *const *argv, pid_t *pid)
{
	char	path[600], line[32], *tests;
	int	fds[2];
	ssize_t	got = readlink("/proc/self/exe", path, 500);

	/* It lies in the tests folder of the build, below which we are. */
	cr_assert(got > 0);
	path[got] = '\0';
	tests = strstr(path, "/tests/");
	cr_assert(tests != NULL);
	snprintf(tests, 100, "/tests/%s", argv[0]);
	cr_assert(pipe(fds) == 0);
	if ((*pid = fork()) == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	for (got = 0; got < (ssize_t)sizeof(line) - 1 && read(fds[0], line + got, 1) == 1 && line[got] != '\n'; got++)
		;
	line[got] = '\0';
	close(fds[0]);
	cr_assert(atoi(line) > 0, "%s said its port", path);
	return (unsigned)atoi(line);
}

void
program_stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}
