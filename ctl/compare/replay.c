/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c - recorded calls, decided by another policy
 *
 * Process: mcpgwctl.
 * Owns:    the groups.  Exits when memory ends.
 * Trusts:  no text of a record; policy/decide.c, which workers ask too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/replay.h"
#include "ctl/lines.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/reach.h"

#define LINE_MAX_BYTES	(64 * 1024)

struct question {
	struct span		tenant, agent, principal, how, server, kind, object, client, decision;
	enum object_kind	what;
};

static bool
what_of(struct span kind, enum object_kind *out)
{
	static const struct {
		const char		*word;
		enum object_kind	 kind;
	} rows[] = {
		{ "tool", OBJECT_TOOL }, { "prompt", OBJECT_PROMPT }, { "resource", OBJECT_RESOURCE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is(kind, rows[i].word)) {
			*out = rows[i].kind;
			return true;
		}
	return false;
}

static enum principal_how
how_of(struct span word)
{
	for (int h = HOW_NONE + 1; h < HOW_LIMIT; h++)
		if (span_is(word, decide_how((enum principal_how)h)))
			return (enum principal_how)h;
	return HOW_NONE;
}

/* A name that was longer than its record has room for is another one: tables/auditfields.def. */
static bool
is_cut(struct span s)
{
	return s.n > 17 && s.p[s.n - 17] == '~' && s.n >= 61;
}

static void
decide_as(const struct snap *s, const struct question *q, bool hopeful, struct decision *out)
{
	const struct principal	who = { .tenant = q->tenant, .agent = q->agent, .subject = q->principal,
				    .how = how_of(q->how) };
	struct facts		facts = { .known = FACT_NAME, .hopeful = hopeful };
	const struct object	what = { q->what, q->server, q->object, &facts };
	struct reach_host	host;

	if (reach_host_parse(q->client, &host, NULL) == 0 && host.is_address)
		facts.client = host.address;
	if (facts.client.family != 0 || span_is(q->client, "unix"))
		facts.known |= FACT_CLIENT;
	decide(s, &who, &what, out);
}

static void
keep(struct replay *r, const struct question *q, bool allowed, enum replay_verdict becomes, const struct decision *by,
    uint64_t count, uint64_t first_ms, uint64_t last_ms)
{
	struct replay_group	*g;

	/* Room doubles at the powers of two. */
	if (r->group_count == 0 || (r->group_count & (r->group_count - 1)) == 0) {
		r->groups = realloc(r->groups, (r->group_count == 0 ? 1 : r->group_count * 2) * sizeof(*g));
		if (r->groups == NULL)
			fatal(EX_OSERR, "out of memory");
	}
	g = &r->groups[r->group_count++];
	*g = (struct replay_group){ .allowed = allowed, .becomes = becomes, .count = count, .first_ms = first_ms,
	    .last_ms = last_ms, .line = by->rule == 0 ? 0 : by->line };
	out_clean(q->tenant, g->tenant, sizeof(g->tenant));
	out_clean(q->agent, g->agent, sizeof(g->agent));
	out_clean(q->principal, g->principal, sizeof(g->principal));
	out_clean(q->server, g->server, sizeof(g->server));
	out_clean(q->kind, g->kind, sizeof(g->kind));
	out_clean(q->object, g->object, sizeof(g->object));
	out_clean(by->path, g->rule, sizeof(g->rule));
	out_clean(by->file, g->file, sizeof(g->file));
	out_clean(span_of(by->class_text), g->why, sizeof(g->why));
}

static void
judge(struct replay *r, const struct question *q, uint64_t count, uint64_t first_ms, uint64_t last_ms)
{
	const bool		allowed = !span_is(q->decision, "deny");
	struct decision		strict, hope;
	enum replay_verdict	becomes;

	r->calls += count;
	decide_as(r->policy, q, false, &strict);
	decide_as(r->policy, q, true, &hope);
	becomes = strict.allow ? REPLAY_ALLOW : REPLAY_DENY;
	if (policy_server_find(r->policy, q->tenant, q->server) == NULL) {
		/* Whatever rules say of it. */
		strict = (struct decision){ .class_text = "no such server" };
		becomes = REPLAY_DENY;
	} else if (strict.allow != hope.allow || is_cut(q->object) || is_cut(q->server) || is_cut(q->agent)) {
		becomes = REPLAY_UNKNOWN;
	}
	if (becomes == (allowed ? REPLAY_ALLOW : REPLAY_DENY))
		return;
	*(becomes == REPLAY_UNKNOWN ? &r->unknown : &r->changing) += count;
	keep(r, q, allowed, becomes, becomes == REPLAY_UNKNOWN && strict.rule == 0 ? &hope : &strict, count, first_ms,
	    last_ms);
}

static struct span
member(struct json_value line, const char *name, struct arena *a)
{
	struct json_value	v = json_get(line, name);
	struct span		s = SPAN_NONE;

	if (v.type == JSON_STRING && json_string(v, a, &s) != 0)
		fatal(EX_OSERR, "out of memory");
	return s;
}

void
replay_take(struct replay *r, struct span text)
{
	struct json_value	line;
	struct question		q;
	struct arena		a;
	char			room[8192];
	uint64_t		count;

	arena_init(&a, room, sizeof(room), LINE_MAX_BYTES);
	if (json_parse(text, false, &line, NULL) != 0 || line.type != JSON_OBJECT) {
		r->broken = true;
		return;
	}
	count = lines_u64(line, "count");
	q = (struct question){ .tenant = member(line, "tenant", &a), .agent = member(line, "agent", &a),
	    .principal = member(line, "principal", &a), .how = member(line, "how", &a),
	    .server = member(line, "server", &a), .kind = member(line, "kind", &a),
	    .object = member(line, "object", &a), .client = member(line, "client", &a),
	    .decision = member(line, "decision", &a) };
	/* What operators did, and tokens that were given, are no calls that anybody would look for here. */
	if (span_is(q.kind, "admin") || span_is(q.kind, "session"))
		;
	else if (q.decision.n == 0 || q.server.n == 0 || q.object.n == 0 || !what_of(q.kind, &q.what))
		r->other += count;
	else
		judge(r, &q, count, lines_u64(line, "first_ms"), lines_u64(line, "last_ms"));
	arena_fini(&a);
}

static int
group_cmp(const void *x, const void *y)
{
	const struct replay_group	*a = x, *b = y;
	int				 r;

	if ((a->becomes == REPLAY_UNKNOWN) != (b->becomes == REPLAY_UNKNOWN))
		return a->becomes == REPLAY_UNKNOWN ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	if ((r = strcmp(a->agent, b->agent)) != 0 || (r = strcmp(a->principal, b->principal)) != 0 ||
	    (r = strcmp(a->server, b->server)) != 0)
		return r;
	return strcmp(a->object, b->object);
}

static bool
is_same(const struct replay_group *a, const struct replay_group *b)
{
	return a->becomes == b->becomes && a->allowed == b->allowed && a->line == b->line &&
	    strcmp(a->tenant, b->tenant) == 0 && strcmp(a->agent, b->agent) == 0 &&
	    strcmp(a->principal, b->principal) == 0 && strcmp(a->server, b->server) == 0 &&
	    strcmp(a->kind, b->kind) == 0 && strcmp(a->object, b->object) == 0 && strcmp(a->rule, b->rule) == 0;
}

static int
name_cmp(const void *x, const void *y)
{
	const struct replay_group	*a = x, *b = y;
	const char *const		 texts[][2] = { { a->tenant, b->tenant }, { a->agent, b->agent },
		{ a->principal, b->principal }, { a->server, b->server }, { a->kind, b->kind },
		{ a->object, b->object }, { a->rule, b->rule } };
	int				 r = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
		r = strcmp(texts[i][0], texts[i][1]);
	if (r == 0)
		r = (int)a->becomes - (int)b->becomes;
	return r != 0 ? r : (int)a->allowed - (int)b->allowed;
}

void
replay_sort(struct replay *r)
{
	size_t	kept = 0;

	if (r->group_count == 0)
		return;
	/* The query told clients' addresses apart. */
	qsort(r->groups, r->group_count, sizeof(*r->groups), name_cmp);
	for (size_t i = 1; i < r->group_count; i++) {
		struct replay_group	*a = &r->groups[kept], *b = &r->groups[i];

		if (!is_same(a, b)) {
			r->groups[++kept] = *b;
			continue;
		}
		a->count += b->count;
		if (b->first_ms < a->first_ms)
			a->first_ms = b->first_ms;
		if (b->last_ms > a->last_ms)
			a->last_ms = b->last_ms;
	}
	r->group_count = kept + 1;
	qsort(r->groups, r->group_count, sizeof(*r->groups), group_cmp);
}

void
replay_init(struct replay *r, const struct snap *policy)
{
	*r = (struct replay){ .policy = policy };
}

void
replay_fini(struct replay *r)
{
	free(r->groups);
	*r = (struct replay){ .policy = NULL };
}
