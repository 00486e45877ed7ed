/* SPDX-License-Identifier: Apache-2.0
 *
 * front.c - TLS before a fixture server
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/front.h"

#define WORDS_MAX	8

/* The program lies in the tests folder of the build, below which we are. */
static void
program(char to[600])
{
	ssize_t	n = readlink("/proc/self/exe", to, 500);
	char	*tests;

	cr_assert(n > 0);
	to[n] = '\0';
	tests = strstr(to, "/tests/");
	cr_assert(tests != NULL);
	strcpy(tests, "/tests/tls-front");
}

void
front_start(struct front *f, unsigned port, const char *pem, const char *words)
{
	char	 path[600], number[16], line[32], *copy = strdup(words), *argv[WORDS_MAX + 5];
	int	 fds[2], n = 0;
	ssize_t	 got;

	program(path);
	snprintf(number, sizeof(number), "%u", port);
	snprintf(f->log, sizeof(f->log), "%s.log", pem);
	unlink(f->log);
	argv[n++] = path;
	argv[n++] = number;
	argv[n++] = (char *)(uintptr_t)pem;
	argv[n++] = f->log;
	for (char *w = strtok(copy, " "); w != NULL && n < WORDS_MAX + 4; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[n] = NULL;
	cr_assert(pipe(fds) == 0);
	if ((f->pid = fork()) == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execv(path, argv);
		_exit(127);
	}
	close(fds[1]);
	for (got = 0; got < (ssize_t)sizeof(line) - 1 && read(fds[0], line + got, 1) == 1 && line[got] != '\n'; got++)
		;
	line[got] = '\0';
	close(fds[0]);
	free(copy);
	f->port = (unsigned)atoi(line);
	cr_assert(f->port > 0, "%s said its port", path);
}

void
front_stop(struct front *f)
{
	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
}

size_t
front_saw(const struct front *f, const char *text)
{
	static char	log[1 << 20];
	FILE		*file = fopen(f->log, "r");
	size_t		 n = file == NULL ? 0 : fread(log, 1, sizeof(log) - 1, file), times = 0;

	if (file != NULL)
		fclose(file);
	log[n] = '\0';
	for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
		times++;
	return times;
}
