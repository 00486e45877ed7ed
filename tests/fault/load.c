/* SPDX-License-Identifier: Apache-2.0
 *
 * load.c - clients that never retry, and write down what they asked and what came
 *
 * Each connection is to one server, in one of the two eras, and calls some of its tools, each once.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fault/load.h"
#include "tests/harness/mcp.h"
#include "tests/harness/procs.h"

#define TOOL_MS		40		/* a tool takes so long at most */
#define PATIENCE_US	29000000	/* of tests/harness/client.c, about */

int64_t
fault_now_us(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

unsigned
fault_random(uint64_t *state, unsigned n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned)((*state >> 16) % n);
}

struct speaking {
	struct load	*l;
	struct mcp	 m;
	uint64_t	 random;
	uint32_t	 address;
	uint8_t		 place;
	int64_t		 opened;
};

static enum came
what_came(const struct answer *a, int64_t took, bool connected)
{
	if (a->status == 0)
		return !connected ? CAME_UNCONNECTED : took > PATIENCE_US ? CAME_NOTHING : CAME_RESET;
	if (json_at(a->json, "result") != NULL)
		return json_object_get_boolean(json_at(a->json, "result.isError")) ? CAME_TOOL_ERROR : CAME_RESULT;
	return json_at(a->json, "error") != NULL ? CAME_ERROR : CAME_HTTP;
}

static void
write_down(struct speaking *sp, unsigned tool, int64_t begun, bool connected, const struct answer *a)
{
	struct load	*l = sp->l;
	struct asked	*e, it = {
		.key = key_make(sp->address, tool), .place = sp->place, .status = (uint16_t)a->status, .begun = begun,
		.opened = sp->opened, .ended = fault_now_us(),
	};

	it.came = (uint8_t)what_came(a, it.ended - begun, connected);
	it.echo = (uint32_t)strtoul(json_text_at(a->json, "result.content[0].text"), NULL, 10);
	it.code = json_int_at(a->json, "error.code");
	snprintf(it.symbol, sizeof(it.symbol), "%s", json_text_at(a->json, "error.data.code"));
	snprintf(it.request, sizeof(it.request), "%s", json_text_at(a->json, "error.data.request_id"));
	pthread_mutex_lock(&l->lock);
	e = log_more(&l->asked);
	*e = it;
	pthread_mutex_unlock(&l->lock);
	if (it.came == CAME_RESULT && tool < TOOL_LIMIT) {
		if (begun > l->well_us[sp->place])
			l->well_us[sp->place] = begun;
		atomic_fetch_add(&l->well[sp->place], 1);
	}
}

static void
call(struct speaking *sp, unsigned tool)
{
	struct answer	a;
	int64_t		begun = fault_now_us();
	char		name[16], arguments[96];

	snprintf(name, sizeof(name), tool == TOOL_NEVER ? "never" : "t%u", tool);
	snprintf(arguments, sizeof(arguments), "{\"id\":%u,\"ms\":%u}", key_make(sp->address, tool),
	    fault_random(&sp->random, 4) == 0 ? fault_random(&sp->random, TOOL_MS) : 0);
	mcp_call(&sp->m, name, arguments, &a);
	write_down(sp, tool, begun, true, &a);
	answer_fini(&a);
}

/* False: there is none, or it is gone already. */
static bool
open_session(struct speaking *sp)
{
	const struct answer	nothing = { .status = 0 };
	int64_t			begun = fault_now_us();
	bool			connected = client_open_from(&sp->m.conn, sp->m.address, sp->m.source);

	/* What begins after a process was killed is not accepted by it. */
	sp->opened = begun;
	if (!connected) {
		write_down(sp, TOOL_SESSION, begun, false, &nothing);
		sleep_ms(20);
		return false;
	}
	if (fault_random(&sp->random, 4) != 0)
		return true;
	if (mcp_initialize(&sp->m) != 200 || sp->m.conn.fd == -1) {
		write_down(sp, TOOL_SESSION, begun, true, &nothing);
		return false;
	}
	return true;
}

static void
one_connection(struct speaking *sp)
{
	unsigned	n = 1 + fault_random(&sp->random, TOOL_LIMIT), from = fault_random(&sp->random, TOOL_LIMIT);
	char		source[20], path[64];

	sp->address = 0x010000 + atomic_fetch_add(&sp->l->next_address, 1);
	sp->place = (uint8_t)fault_random(&sp->random, PLACE_LIMIT);
	snprintf(source, sizeof(source), "127.%u.%u.%u", sp->address >> 16 & 255, sp->address >> 8 & 255,
	    sp->address & 255);
	snprintf(path, sizeof(path), "/servers/%s/mcp", places[sp->place].server);
	mcp_init(&sp->m, sp->l->address, path, sp->l->keys[strcmp(places[sp->place].tenant, "acme") == 0]);
	sp->m.source = source;
	if (open_session(sp)) {
		for (unsigned i = 0; i < n && sp->m.conn.fd != -1 && !atomic_load(&sp->l->stop); i++) {
			call(sp, (from + i) % TOOL_LIMIT);
			if (sp->l->pause_ms > 0)
				sleep_ms((int)fault_random(&sp->random, sp->l->pause_ms + 1));
		}
	}
	mcp_fini(&sp->m);
}

static void *
one_client(void *arg)
{
	struct load	*l = arg;
	struct speaking	 sp = { .l = l };

	sp.random = (uint64_t)l->seed * 1000003 + atomic_fetch_add(&l->next_client, 1) + 1;
	for (int i = 0; i < 20; i++)
		(void)fault_random(&sp.random, 2);
	while (!atomic_load(&l->stop))
		one_connection(&sp);
	return NULL;
}

void
load_start(struct load *l)
{
	pthread_mutex_init(&l->lock, NULL);
	for (int i = 0; i < LOAD_CLIENTS; i++)
		cr_assert(pthread_create(&l->threads[i], NULL, one_client, l) == 0);
}

void
load_stop(struct load *l)
{
	atomic_store(&l->stop, true);
	for (int i = 0; i < LOAD_CLIENTS; i++)
		pthread_join(l->threads[i], NULL);
}
