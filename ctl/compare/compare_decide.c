/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_decide.c - whose calls two policies decide otherwise
 *
 * Process: mcpgwctl.
 * Owns:    the questions, for one run; all texts stay the policies'.
 * Trusts:  both policies, which snap_map() has verified, and policy/decide.c, which workers ask too.
 *
 * What an agent or a role may do hangs on its own rules and on what is said of single tools, so those tools are tried
 * that its rules name, before or after, those of which something is said, and those that are known from elsewhere.  A
 * workspace takes away from roles, or replaces them: it is tried with each of them, where its own rules are others.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/compare/compare_priv.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "lib/nameset.h"
#include "lib/sum.h"
#include "policy/policy.h"

#define TRIED_MAX	(4u << 20)

/* One question to both policies. */
struct tried {
	struct span		tenant, name, server, tool;
	enum compare_who	who;
};

struct trying {
	struct compare	*c;
	struct tried	*all;
	size_t		 count;
	/* known tools, sorted by tenant and server; their name is empty */
	struct tried	*known;
	size_t		 known_count;
};

static int
tried_cmp(const void *x, const void *y)
{
	const struct tried	*a = x, *b = y;
	int			 r;

	if (a->who != b->who)
		return a->who < b->who ? -1 : 1;
	if ((r = span_cmp(a->tenant, b->tenant)) != 0 || (r = span_cmp(a->name, b->name)) != 0 ||
	    (r = span_cmp(a->server, b->server)) != 0)
		return r;
	return span_cmp(a->tool, b->tool);
}

/* ---- what is tried -------------------------------------------------------------------------------- */

static void
try_add(struct trying *t, const struct tried *who, struct span server, struct span tool)
{
	if (t->count == TRIED_MAX) {
		t->c->cut = true;
		return;
	}
	t->all = compare_more(t->all, t->count, sizeof(*t->all));
	t->all[t->count] = *who;
	t->all[t->count].server = server;
	t->all[t->count++].tool = tool;
}

static void
known_add(struct span tenant, struct span server, struct span tool, void *arg)
{
	struct trying	*t = arg;

	t->known = compare_more(t->known, t->known_count, sizeof(*t->known));
	t->known[t->known_count++] = (struct tried){ .tenant = tenant, .server = server, .tool = tool };
}

static bool
is_known(const struct trying *t, struct span tenant, struct span server)
{
	const struct tried	key = { .tenant = tenant, .server = server };
	size_t			low = 0, high = t->known_count;

	while (low < high) {
		size_t	mid = low + (high - low) / 2;

		if (tried_cmp(&t->known[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->known_count && span_eq(t->known[low].tenant, tenant) && span_eq(t->known[low].server, server);
}

/* Where the tools of a server are known, patterns say nothing more. */
static void
try_pattern(struct trying *t, const struct tried *who, struct span server, struct span pattern)
{
	if (glob_is_exact(pattern) || !is_known(t, who->tenant, server))
		try_add(t, who, server, pattern);
}

static bool
owner_of(const struct snap *s, const struct rec_rule *rule, struct tried *who)
{
	const struct rec_agent	*owner = policy_rule_owner(s, rule);
	const struct rec_role	*role = (rule->agent & ROLE_OWNER) == 0 ? NULL :
				    SNAP_AT(s, ROLE, rule->agent & ~ROLE_OWNER);

	if (owner == NULL)
		return false;
	*who = (struct tried){ .tenant = policy_tenant_name(s, owner->tenant), .name = snap_text(s, owner->name),
	    .who = role == NULL ? COMPARE_AGENT : role->kind == ROLE_WORKSPACE ? COMPARE_WORKSPACE : COMPARE_ROLE };
	return true;
}

static void
try_rule(struct trying *t, const struct snap *s, const struct rec_rule *rule)
{
	const struct span	 named = snap_text(s, rule->server), pattern = snap_text(s, rule->pattern);
	const struct rec_server	*server;
	struct tried		 who;

	if (rule->about != RULE_ABOUT_TOOL || !owner_of(s, rule, &who))
		return;
	if (!span_is(named, "*")) {
		try_pattern(t, &who, named, pattern);
		return;
	}
	for (uint64_t i = 0; !t->c->cut && (server = SNAP_AT(s, SERVER, i)) != NULL; i++)
		if (span_eq(policy_tenant_name(s, server->tenant), who.tenant))
			try_pattern(t, &who, snap_text(s, server->name), pattern);
}

/* One caller with each server of its tenant: as a whole, the tools of which something is said, and those known. */
static void
try_one(struct trying *t, const struct tried *who, const struct snap *servers)
{
	const struct rec_server	*server;
	const struct rec_change	*change;

	for (uint64_t k = 0; !t->c->cut && (server = SNAP_AT(servers, SERVER, k)) != NULL; k++) {
		if (!span_eq(policy_tenant_name(servers, server->tenant), who->tenant))
			continue;
		try_add(t, who, snap_text(servers, server->name), SPAN_LIT("*"));
		for (uint32_t i = 0; !t->c->cut && i < server->change_count &&
		    (change = SNAP_AT(servers, CHANGE, (uint64_t)server->change_first + i)) != NULL; i++)
			try_add(t, who, snap_text(servers, server->name), snap_text(servers, change->tool));
	}
	for (size_t k = 0; !t->c->cut && k < t->known_count; k++)
		if (span_eq(t->known[k].tenant, who->tenant))
			try_add(t, who, t->known[k].server, t->known[k].tool);
}

static void
try_callers(struct trying *t, const struct snap *s)
{
	const struct rec_agent	*agent;
	const struct rec_role	*role;
	struct tried		 who;

	for (uint64_t i = 0; (agent = SNAP_AT(s, AGENT, i)) != NULL; i++) {
		who = (struct tried){ .tenant = policy_tenant_name(s, agent->tenant), .name = snap_text(s, agent->name),
		    .who = COMPARE_AGENT };
		try_one(t, &who, t->c->before);
		try_one(t, &who, t->c->after);
	}
	for (uint64_t i = 0; (role = SNAP_AT(s, ROLE, i)) != NULL; i++) {
		who = (struct tried){ .tenant = policy_tenant_name(s, role->set.tenant),
		    .name = snap_text(s, role->set.name),
		    .who = role->kind == ROLE_WORKSPACE ? COMPARE_WORKSPACE : COMPARE_ROLE };
		try_one(t, &who, t->c->before);
		try_one(t, &who, t->c->after);
	}
}

static void
try_all(struct trying *t)
{
	const struct snap	*both[] = { t->c->before, t->c->after };
	const struct rec_rule	*rule;

	for (size_t b = 0; b < 2; b++) {
		try_callers(t, both[b]);
		for (uint64_t i = 0; !t->c->cut && (rule = SNAP_AT(both[b], RULE, i)) != NULL; i++)
			try_rule(t, both[b], rule);
	}
	if (t->count > 1)
		qsort(t->all, t->count, sizeof(*t->all), tried_cmp);
}

/* ---- what is decided ------------------------------------------------------------------------------ */

/* At worst, and where that hangs on what nobody knows here, at best. */
static enum compare_may
ask_one(const struct snap *s, const struct principal *who, const struct tried *q, struct decision *d)
{
	struct facts		facts = { .known = FACT_NAME | FACT_TIME, .wall_ms = out_now_ms() };
	const struct object	what = { .kind = OBJECT_TOOL, .server = q->server, .name = q->tool, .facts = &facts };
	struct decision		best;

	decide(s, who, &what, d);
	if (d->allow || d->unsure == 0)
		return d->allow ? COMPARE_ALLOW : COMPARE_DENY;
	facts.hopeful = true;
	decide(s, who, &what, &best);
	if (!best.allow)
		return COMPARE_DENY;
	*d = best;
	return COMPARE_DEPENDS;
}

/* A set of one name, in `to`; an empty one where the name is too long. */
static struct span
one_name(struct span name, char to[300])
{
	struct arena	a;
	struct span	set;

	arena_init(&a, to, 300, 300);
	return nameset_make(&name, 1, &a, &set) == 0 ? set : SPAN_NONE;
}

static enum compare_may
ask_workspace(const struct snap *s, const struct tried *q, struct decision *d)
{
	struct principal	 who = { .tenant = q->tenant, .traits = { .workspace = q->name } };
	enum compare_may	 best = ask_one(s, &who, q, d), one;
	const struct rec_role	*role;
	struct decision		 other;
	char			 room[300];

	for (uint64_t i = 0; best != COMPARE_ALLOW && (role = SNAP_AT(s, ROLE, i)) != NULL; i++) {
		if (role->kind != ROLE_ROLE || !span_eq(policy_tenant_name(s, role->set.tenant), q->tenant))
			continue;
		who.traits.roles = one_name(snap_text(s, role->set.name), room);
		one = ask_one(s, &who, q, &other);
		/* Of two denies the one that a rule says tells more. */
		if (one > best || (one == best && d->rule == 0 && other.rule != 0)) {
			best = one;
			*d = other;
		}
	}
	return best;
}

static enum compare_may
ask(const struct snap *s, const struct tried *q, struct decision *d)
{
	struct principal	who = { .tenant = q->tenant };
	char			room[300];

	switch (q->who) {
	case COMPARE_WORKSPACE:
		return ask_workspace(s, q, d);
	case COMPARE_ROLE:
		who.traits.roles = one_name(q->name, room);
		return ask_one(s, &who, q, d);
	case COMPARE_AGENT:
	case COMPARE_WHO_LIMIT:
	default:
		who.agent = q->name;
		return ask_one(s, &who, q, d);
	}
}

/* Sums of what a workspace's own rules say. */
static uint64_t
workspace_sum(const struct snap *s, const struct tried *q)
{
	const struct rec_rule	*rule;
	struct tried		 who;
	uint64_t		 all = 0, one;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++) {
		if ((rule->agent & ROLE_OWNER) == 0 || !owner_of(s, rule, &who) || who.who != COMPARE_WORKSPACE ||
		    !span_eq(who.name, q->name) || !span_eq(who.tenant, q->tenant))
			continue;
		one = sum64(snap_text(s, rule->server));
		one = sum64_more(one, SPAN_LIT("."));
		one = sum64_more(one, snap_text(s, rule->pattern));
		one = sum64_more(one, span_make(&rule->deny, sizeof(rule->deny)));
		one = sum64_more(one, span_make(&rule->about, sizeof(rule->about)));
		one = sum64_more(one, span_make(&rule->flags, sizeof(rule->flags)));
		one = sum64_more(one, span_make(&rule->when_count, sizeof(rule->when_count)));
		all += one;			/* their order says nothing */
	}
	return all;
}

static bool
is_there(const struct snap *s, const struct tried *q)
{
	return policy_server_find(s, q->tenant, q->server) != NULL;
}

static bool
is_same_caller(const struct compare_decision *d, const struct tried *q)
{
	return d->who == q->who && span_eq(d->tenant, q->tenant) && span_eq(d->name, q->name);
}

static void
ask_both(struct compare *c, const struct tried *q)
{
	struct compare_decision	one = { .who = q->who, .tenant = q->tenant, .name = q->name, .server = q->server,
	    .tool = q->tool };

	/* Of a server that is in neither, or comes or goes, that is said of the server. */
	if (!is_there(c->before, q) || !is_there(c->after, q))
		return;
	one.was = ask(c->before, q, &one.before);
	one.is = ask(c->after, q, &one.after);
	if (one.was == one.is)
		return;
	if (c->decision_count == 0 || !is_same_caller(&c->decisions[c->decision_count - 1], q)) {
		c->agents += q->who == COMPARE_AGENT;
		c->roles += q->who != COMPARE_AGENT;
	}
	c->decisions = compare_more(c->decisions, c->decision_count, sizeof(*c->decisions));
	c->decisions[c->decision_count++] = one;
}

void
compare_decisions(struct compare *c, compare_known_fn *known, void *known_arg)
{
	struct trying		 t = { .c = c };
	const struct tried	*last = NULL;
	bool			 skip = false;

	if (known != NULL)
		known(known_add, &t, known_arg);
	if (t.known_count > 1)
		qsort(t.known, t.known_count, sizeof(*t.known), tried_cmp);
	try_all(&t);
	for (size_t i = 0; i < t.count; i++) {
		const struct tried	*q = &t.all[i];

		if (i > 0 && tried_cmp(q - 1, q) == 0)
			continue;
		/* What a role changes is said of the role. */
		if (q->who == COMPARE_WORKSPACE && (last == NULL || !span_eq(last->tenant, q->tenant) ||
		    !span_eq(last->name, q->name))) {
			skip = workspace_sum(c->before, q) == workspace_sum(c->after, q);
			last = q;
		}
		if (q->who != COMPARE_WORKSPACE || !skip)
			ask_both(c, q);
	}
	free(t.all);
	free(t.known);
}
