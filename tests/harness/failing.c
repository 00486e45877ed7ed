/* SPDX-License-Identifier: Apache-2.0
 *
 * failing.c - an HTTP server that fails as it is told while it runs
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/client.h"
#include "tests/harness/failing.h"
#include "tests/harness/procs.h"
#include "tests/harness/program.h"

void
failing_start(struct failing *f, const char *era, const char *name)
{
	f->port = program_start((const char *const []){ "failing-http", era, name, NULL }, &f->pid);
}

void
failing_stop(struct failing *f)
{
	program_stop(&f->pid);
}

static void
address(const struct failing *f, char to[64])
{
	snprintf(to, 64, "127.0.0.1:%u", f->port);
}

void
failing_mode(const struct failing *f, const char *mode)
{
	char		at[64], path[64];
	struct answer	a;

	address(f, at);
	snprintf(path, sizeof(path), "/mode?%s", mode);
	client_once(at, "GET", path, "", NULL, &a);
	cr_assert(a.status == 200, "mode %s", mode);
	answer_fini(&a);
}

static bool
is_there(void *arg)
{
	const struct failing	*f = arg;
	struct client		 c;
	char			 at[64];
	bool			 there;

	address(f, at);
	if ((there = client_open(&c, at)))
		client_close(&c);
	return there;
}

static bool
is_gone(void *arg)
{
	return !is_there(arg);
}

void
failing_down(const struct failing *f)
{
	cr_assert(kill(f->pid, SIGUSR1) == 0 && wait_until(is_gone, (void *)(uintptr_t)f, 5000));
	sleep_ms(20);
}

void
failing_up(const struct failing *f)
{
	cr_assert(kill(f->pid, SIGUSR2) == 0 && wait_until(is_there, (void *)(uintptr_t)f, 5000));
}

size_t
failing_saw(const struct failing *f, const char *begin)
{
	char		at[64];
	struct answer	a;
	size_t		n = 0;

	address(f, at);
	client_once(at, "GET", "/log", "", NULL, &a);
	for (const char *p = a.body; p != NULL && *p != '\0'; p = strchr(p, '\n') + 1)
		n += strncmp(p, begin, strlen(begin)) == 0;
	answer_fini(&a);
	return n;
}

size_t
failing_calls(const struct failing *f)
{
	return failing_saw(f, "") - failing_saw(f, "deadline ");
}

size_t
failing_calls_of(const struct failing *f, unsigned n)
{
	char	begin[32];

	snprintf(begin, sizeof(begin), "%u ", n);
	return failing_saw(f, begin);
}
