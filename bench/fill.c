/* SPDX-License-Identifier: Apache-2.0
 *
 * fill.c - an audit of so many calls: bench-fill FOLDER CALLS
 *
 * 50 principals of 8 agents call 25 tools of each of 4 servers, over the last seven days; one in twenty is denied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "audit/db.h"
#include "lib/bug.h"

#define BATCH		10000u
#define NS_PER_S	1000000000ull
#define SPAN_S		(7ull * 24 * 3600)

struct texts {
	char	principal[32], agent[32], server[32], object[32];
};

static void
make(uint64_t i, uint64_t count, uint64_t now_ns, struct texts *t, struct record *r)
{
	const uint64_t	who = i * 7919 % 50, tool = i * 104729 % 100;

	snprintf(t->principal, sizeof(t->principal), "key-%02u", (unsigned)who);
	snprintf(t->agent, sizeof(t->agent), "agent%u", (unsigned)(who % 8));
	snprintf(t->server, sizeof(t->server), "server%u", (unsigned)(tool / 25));
	snprintf(t->object, sizeof(t->object), "tool_%02u", (unsigned)(tool % 25));
	*r = (struct record){ .kind = RECORD_ONCE, .seq = i + 1, .generation = 1,
	    .wall_ns = now_ns - (count - i) * (SPAN_S * NS_PER_S / count), .f = { .tenant = SPAN_LIT("default"),
	    .principal = span_of(t->principal), .how = SPAN_LIT("key"), .agent = span_of(t->agent),
	    .server = span_of(t->server), .kind = SPAN_LIT("tool"), .object = span_of(t->object),
	    .method = SPAN_LIT("tools/call"), .decision = tool % 20 == 7 ? SPAN_LIT("deny") : SPAN_LIT("allow"),
	    .rule = SPAN_LIT("agents.agent.allow.tools"), .client = SPAN_LIT("127.0.0.1"),
	    .listener = SPAN_LIT("mcp"), .outcome = SPAN_LIT("ok"), .latency_us = 1000 + i % 500 } };
}

static void
batch(struct auditdb *db, uint64_t from, uint64_t to, uint64_t count, uint64_t now_ns)
{
	const struct segment_id	writer = { 1, 1, 1, 1 };
	struct record_look	look;
	struct texts		t;
	struct record		r;
	char			bytes[RECORD_MAX];
	size_t			n;
	int			e;

	do {
		BUG_ON(auditdb_begin(db) != 0);
		e = 0;
		for (uint64_t i = from; i < to && e == 0; i++) {
			make(i, count, now_ns, &t, &r);
			BUG_ON(record_encode(&r, bytes, sizeof(bytes), &n) != 0);
			BUG_ON(record_check(span_make(bytes, n), &look) != 0);
			e = auditdb_take(db, &writer, &look, false);
		}
		if (e == 0)
			e = auditdb_commit(db);
		else
			auditdb_abort(db);
		BUG_ON(e != 0 && (e != E_FULL || auditdb_grow(db) != 0));
	} while (e != 0);
}

int
main(int argc, char **argv)
{
	const uint64_t	now_ns = (uint64_t)time(NULL) * NS_PER_S;
	struct auditdb	*db;
	uint64_t	 count;

	if (argc != 3 || (count = strtoull(argv[2], NULL, 10)) == 0)
		return EX_USAGE;
	if (auditdb_open(argv[1], false, &db) != 0)
		return EX_CANTCREAT;
	for (uint64_t i = 0; i < count; i += BATCH)
		batch(db, i, i + BATCH < count ? i + BATCH : count, count, now_ns);
	auditdb_close(&db);
	return EX_OK;
}
