/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.c - the addresses of HTTP upstreams: ADDRESS records
 *
 * Process: mcpgw-compile.  Owns: the list of questions until they are answered.
 * Trusts:  the machine's resolver; the gateway never asks again until the next reload.
 *
 * One name after the other: a confined process has no threads, and the resolver is told to wait for
 * each name server for a second only.  When 2 s are over, the names that are left are not asked.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "policy/compiler/server.h"

#define WITHIN_MS	2000
#define ADDRESSES_MAX	16	/* of one server */

struct question {
	const struct source	*source;
	const struct conf_node	*node;
	uint32_t		 server;	/* index into SERVER */
	const char		*name;		/* in the job's arena */
};

static struct question	*questions;
static size_t		 question_count;

void
resolve_add(struct job *j, struct span host, const struct source *s, const struct conf_node *n,
    uint32_t server_index)
{
	questions = list_more(questions, question_count, sizeof(*questions));
	questions[question_count++] = (struct question){ .source = s, .node = n, .server = server_index,
	    .name = job_dup(j, host).p };
}

static void
address_put(struct job *j, struct rec_server *rec, const struct rec_address *a)
{
	uint32_t	index = put_record(j->policy, SECTION_ADDRESS, a);

	if (rec->address_count++ == 0)
		rec->address_first = index;
}

static void
answer_take(struct job *j, struct rec_server *rec, const struct addrinfo *ai)
{
	for (; ai != NULL && rec->address_count < ADDRESSES_MAX; ai = ai->ai_next) {
		struct rec_address a = { .family = (uint16_t)ai->ai_family };

		if (ai->ai_family == AF_INET)
			memcpy(a.bytes, &((struct sockaddr_in *)(void *)ai->ai_addr)->sin_addr, 4);
		else if (ai->ai_family == AF_INET6)
			memcpy(a.bytes, &((struct sockaddr_in6 *)(void *)ai->ai_addr)->sin6_addr, 16);
		else
			continue;
		address_put(j, rec, &a);
	}
}

static bool
is_numeric(const char *name, struct rec_address *a)
{
	*a = (struct rec_address){ 0 };
	if (inet_pton(AF_INET, name, a->bytes) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, name, a->bytes) == 1)
		a->family = AF_INET6;
	return a->family != 0;
}

static void
question_answer(struct job *j, const struct question *q, uint64_t end)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct rec_server	*rec = build_at(j->policy, SECTION_SERVER, q->server);
	struct addrinfo		*ai = NULL;
	struct rec_address	 numeric;
	const char		*why = "has no address";
	int			 error;

	if (is_numeric(q->name, &numeric)) {
		address_put(j, rec, &numeric);
	} else if (clock_mono_ms() >= end) {
		why = "names before it took more than 2 s";
	} else if ((error = getaddrinfo(q->name, NULL, &hints, &ai)) != 0) {
		why = gai_strerror(error);
	} else {
		answer_take(j, rec, ai);
		freeaddrinfo(ai);
	}
	if (rec->address_count > 0)
		return;
	job_warn(j, q->source, q->node, "%s: %s; the server is down until the next reload", q->name, why);
	rec->flags |= SERVER_FLAG_DISABLED;
	rec->why = put_text(j->policy, span_of(job_fmt(j, "%s: %s", q->name, why)));
}

void
resolve_all(struct job *j)
{
	const uint64_t	end = clock_mono_ms() + WITHIN_MS;

	(void)setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
	for (size_t i = 0; i < question_count && j->errors == 0; i++)
		question_answer(j, &questions[i], end);
	free(questions);
	questions = NULL;
	question_count = 0;
}
