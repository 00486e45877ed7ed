/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c - a fixture program of the tests' own folder
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
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

unsigned
port_free(void)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	for (;;) {
		uint16_t	any;
		int		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool		ours;

		cr_assert(fd != -1 && getrandom(&any, sizeof(any), 0) == sizeof(any));
		at.sin_port = htons((uint16_t)(20000 + any % 12000));
		ours = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
		close(fd);
		if (ours)
			return ntohs(at.sin_port);
	}
}
