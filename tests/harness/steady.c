/* SPDX-License-Identifier: Apache-2.0
 *
 * steady.c - steady load from clients that never retry
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness/procs.h"
#include "tests/harness/steady.h"

#define THREADS_APART	100000000u	/* more than one thread's numbers ever are */

static void __attribute__((format(printf, 3, 4)))
not_well(struct steady *s, atomic_uint *count, const char *fmt, ...)
{
	va_list	ap;

	atomic_fetch_add(count, 1);
	pthread_mutex_lock(&s->lock);
	if (s->first[0] == '\0') {
		va_start(ap, fmt);
		vsnprintf(s->first, sizeof(s->first), fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&s->lock);
}

static void
took(struct steady *s, unsigned ms)
{
	unsigned	longest = atomic_load(&s->longest_ms);

	while (ms > longest && !atomic_compare_exchange_weak(&s->longest_ms, &longest, ms))
		;
}

static void
one(struct steady_client *c, struct mcp *m, unsigned round)
{
	struct steady	*s = c->of;
	const unsigned	 a = c->number * THREADS_APART;
	const long	 began = now_ms();
	struct answer	 answer;
	char		 arguments[64], sum[16];
	const char	*text;

	snprintf(arguments, sizeof(arguments), "{\"a\":%u,\"b\":%u}", a, round);
	snprintf(sum, sizeof(sum), "%u", a + round);
	if (c->kind == STEADY_SHORT)
		client_close(&m->conn);
	atomic_fetch_add(&s->sent, 1);
	if (m->conn.fd == -1 && !client_open(&m->conn, m->address)) {
		not_well(s, &s->refused, "client %u, request %u: no connection to %s", c->number, round, m->address);
		sleep_ms(1);
		return;
	}
	mcp_call(m, c->tool, arguments, &answer);
	took(s, (unsigned)(now_ms() - began));
	text = json_text_at(answer.json, "result.content[0].text");
	if (answer.status == 0)
		not_well(s, &s->reset, "client %u, request %u: no answer after %ld ms, %s", c->number, round,
		    now_ms() - began, answer.end ? "the connection was closed" : "reset, or nothing in time");
	else if (answer.status == 200 && strcmp(text, sum) == 0)
		atomic_fetch_add(&s->well, 1);
	else
		not_well(s, &s->wrong, "client %u, request %u: status %d, want %s: %.300s", c->number, round,
		    answer.status, sum, answer.body == NULL ? "" : answer.body);
	answer_fini(&answer);
}

static void *
run(void *arg)
{
	struct steady_client	*c = arg;
	struct timespec		 pause = { c->pause_us / 1000000, (long)(c->pause_us % 1000000) * 1000 };
	struct mcp		 m;

	mcp_init(&m, c->address, c->path, c->key);
	if (c->kind == STEADY_LEGACY && mcp_initialize(&m) != 200)
		not_well(c->of, &c->of->wrong, "client %u: no session", c->number);
	for (unsigned round = 0; !atomic_load(&c->of->stop); round++) {
		one(c, &m, round);
		if (c->pause_us > 0)
			nanosleep(&pause, NULL);
	}
	mcp_fini(&m);
	return NULL;
}

void
steady_init(struct steady *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
}

void
steady_add(struct steady *s, enum steady_kind kind, const char *address, const char *path, const char *key,
    const char *tool, unsigned pause_us)
{
	struct steady_client	*c = &s->clients[s->count];

	cr_assert(s->count < STEADY_MAX);
	*c = (struct steady_client){ .of = s, .kind = kind, .pause_us = pause_us, .number = s->count };
	snprintf(c->address, sizeof(c->address), "%s", address);
	snprintf(c->path, sizeof(c->path), "%s", path);
	snprintf(c->key, sizeof(c->key), "%s", key);
	snprintf(c->tool, sizeof(c->tool), "%s", tool);
	s->count++;
}

void
steady_start(struct steady *s)
{
	for (unsigned i = 0; i < s->count; i++)
		cr_assert(pthread_create(&s->clients[i].thread, NULL, run, &s->clients[i]) == 0);
}

void
steady_end(struct steady *s)
{
	atomic_store(&s->stop, true);
	for (unsigned i = 0; i < s->count; i++)
		pthread_join(s->clients[i].thread, NULL);
}

unsigned
steady_failed(struct steady *s)
{
	unsigned	failed = s->refused + s->reset + s->wrong;

	cr_log_info("%u requests: %u well, %u refused, %u reset, %u wrong; the longest took %u ms", s->sent, s->well,
	    s->refused, s->reset, s->wrong, s->longest_ms);
	if (failed > 0)
		cr_log_error("first: %s", s->first);
	return failed;
}
