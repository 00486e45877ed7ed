/* SPDX-License-Identifier: Apache-2.0
 *
 * lying.c - an HTTP server that misbehaves as told, beside a gateway
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/client.h"
#include "tests/harness/lying.h"

#define WORDS_MAX	16

void
lying_start(struct lying *l, const char *words)
{
	const char	*build = getenv("BUILD");
	char		 path[512], line[32], *copy = strdup(words), *argv[WORDS_MAX + 2] = { path };
	int		 fds[2], n = 1;
	ssize_t		 got;

	snprintf(path, sizeof(path), "%s/tests/lying-http", build == NULL ? "build" : build);
	for (char *w = strtok(copy, " "); w != NULL && n <= WORDS_MAX; w = strtok(NULL, " "))
		argv[n++] = w;
	cr_assert(pipe(fds) == 0);
	if ((l->pid = fork()) == 0) {
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
	l->port = (unsigned)atoi(line);
	cr_assert(l->port > 0, "%s said its port", path);
}

void
lying_stop(struct lying *l)
{
	kill(l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
}

size_t
lying_saw(const struct lying *l, const char *text)
{
	char		address[64];
	struct answer	a;
	size_t		n = 0;

	snprintf(address, sizeof(address), "127.0.0.1:%u", l->port);
	client_once(address, "GET", "/log", "", NULL, &a);
	for (const char *p = a.body; p != NULL && (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	answer_fini(&a);
	return n;
}
