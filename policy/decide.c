/* SPDX-License-Identifier: Apache-2.0
 *
 * decide.c - principal + object -> allow or deny, with the rule that decided
 *
 * Process: worker; mcpgwctl's queries through one.  Owns: nothing.
 * Trusts:  nothing of the object's name.  A record that is not there, or not about what its place in
 *          a table promises, is no rule.
 *
 * Seed 001: explicit deny, explicit allow, wildcard deny, wildcard allow, then deny (seed-contracts
 * C1).  deny-first puts wildcard deny second, and a server that is allowed without any list of tools
 * grants them all (C2).  A tool is reachable only when its server is.  The seed knows rules for tools
 * only, so what is no tool (a resource, a prompt) needs the whole server: an allow of all its tools,
 * and no deny of them all.
 */
#include "lib/glob.h"
#include "lib/sum.h"
#include "policy/decide.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/scopes.h"

struct asked {
	const struct snap	*snap;
	const struct rec_agent	*agent;
	uint32_t		 agent_index;
	bool			 deny_first;
	bool			 whole;		/* not a tool: only "*" speaks about it */
	struct span		 server, tool;
	uint64_t		 server_sum, tool_sum, every_sum, none_sum;	/* a name is summed once */
};

/* The strongest rule seen so far. */
struct best {
	const struct rec_rule	*rule;
	uint32_t		 index;
	unsigned		 rank;
};

static const struct span every = { "*", 1 };

static const char *const class_text[] = {
	[RULE_EXPLICIT_DENY] = "explicit deny",
	[RULE_EXPLICIT_ALLOW] = "explicit allow",
	[RULE_WILDCARD_DENY] = "wildcard deny",
	[RULE_WILDCARD_ALLOW] = "wildcard allow",
	[RULE_IMPLICIT_GRANT] = "implicit grant",
	[RULE_DEFAULT] = "no rule",
};

static unsigned
rank_of(const struct asked *q, uint8_t rule_class)
{
	static const uint8_t seed[] = { 0, 1, 2, 3 }, deny_first[] = { 0, 2, 1, 3 };

	return q->deny_first ? deny_first[rule_class] : seed[rule_class];
}

static void
take(const struct asked *q, struct best *best, uint32_t index)
{
	const struct rec_rule	*rule = SNAP_AT(q->snap, RULE, index);
	unsigned		 rank;

	if (rule == NULL || rule->rule_class > RULE_WILDCARD_ALLOW)
		return;
	rank = rank_of(q, rule->rule_class);
	if (best->rule == NULL || rank < best->rank)
		*best = (struct best){ rule, index, rank };
}

/* The rule the exact table holds for this key: its index + 1, or 0. */
static uint32_t
exact_find(const struct asked *q, enum rule_about about, bool every_server)
{
	const struct span	 server = every_server ? every : q->server;
	const uint64_t		 hash = policy_exact_hash(about, every_server ? q->every_sum : q->server_sum,
	    about == RULE_ABOUT_TOOL ? q->tool_sum : q->none_sum);
	const uint32_t		 slots = q->agent->exact_slots;
	const struct rec_exact	*e;
	const struct rec_rule	*rule;

	if (slots == 0 || (slots & (slots - 1)) != 0)
		return 0;
	for (uint32_t n = 0; n < slots; n++) {
		e = SNAP_AT(q->snap, EXACT, (uint64_t)q->agent->exact_first + ((hash + n) & (slots - 1)));
		if (e == NULL || e->rule == 0)
			return 0;
		if (e->hash != hash || (rule = SNAP_AT(q->snap, RULE, e->rule - 1)) == NULL)
			continue;
		if (rule->about == about && rule->agent == q->agent_index &&
		    span_eq(snap_text(q->snap, rule->server), server) &&
		    (about != RULE_ABOUT_TOOL || span_eq(snap_text(q->snap, rule->pattern), q->tool)))
			return e->rule;
	}
	return 0;
}

/* What is said about this server, and what about every one. */
static void
take_exact(const struct asked *q, struct best *best, enum rule_about about)
{
	uint32_t	found;

	if ((found = exact_find(q, about, false)) > 0)
		take(q, best, found - 1);
	if ((found = exact_find(q, about, true)) > 0)
		take(q, best, found - 1);
}

/* Wildcards of one server: the first that matches is the strongest. */
static void
take_wild(const struct asked *q, struct best *best, struct span server)
{
	const uint64_t		 first = q->agent->wild_first;
	uint64_t		 low = first, high = first + q->agent->wild_count;
	const struct rec_wild	*w;
	const struct rec_rule	*rule;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if ((w = SNAP_AT(q->snap, WILD, mid)) == NULL)
			return;
		if (span_cmp(server, snap_text(q->snap, w->server)) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < first + q->agent->wild_count; low++) {
		if ((w = SNAP_AT(q->snap, WILD, low)) == NULL ||
		    !span_eq(snap_text(q->snap, w->server), server))
			return;
		if ((rule = SNAP_AT(q->snap, RULE, w->rule)) == NULL || rule->agent != q->agent_index)
			continue;
		if (q->whole ? span_eq(snap_text(q->snap, rule->pattern), every) :
		    glob_match(snap_text(q->snap, rule->pattern), q->tool)) {
			take(q, best, w->rule);
			return;
		}
	}
}

static void
decide_inside(const struct asked *q, struct best *best)
{
	if (!q->whole)
		take_exact(q, best, RULE_ABOUT_TOOL);
	take_wild(q, best, q->server);
	take_wild(q, best, every);
}

static bool
has_list(const struct asked *q)
{
	return exact_find(q, RULE_ABOUT_LIST, false) != 0 || exact_find(q, RULE_ABOUT_LIST, true) != 0;
}

static void
answer(const struct asked *q, const struct best *best, struct decision *out)
{
	const struct rec_rule	*rule = best->rule;

	out->allow = rule->deny == 0;
	out->hide = !out->allow && (out->hide || rule->hide != 0);
	out->rule = best->index + 1;
	out->rule_class = rule->rule_class;
	out->class_text = class_text[rule->rule_class];
	out->path = snap_text(q->snap, rule->path);
	out->file = snap_text(q->snap, rule->file);
	out->line = rule->line;
}

static uint64_t
param_number(const struct snap *s, enum param_id id)
{
	const struct rec_param	*p = SNAP_AT(s, PARAM, id);

	return p == NULL ? 0 : p->number;
}

static void
decide_by_rules(const struct snap *s, const struct principal *who, const struct object *what,
    struct decision *out)
{
	struct asked	q = { .snap = s, .server = what->server, .tool = what->name };
	struct best	server = { 0 }, inside = { 0 };

	*out = (struct decision){
		.rule_class = RULE_DEFAULT, .path = SPAN_LIT("default"),
		.class_text = class_text[RULE_DEFAULT],
	};
	if (s == NULL)
		return;
	out->hide = param_number(s, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE;
	if ((q.agent = policy_agent_find(s, who->tenant, who->agent)) == NULL) {
		out->class_text = "unknown agent";
		return;
	}
	if (what->kind >= OBJECT_KIND_LIMIT || what->server.n == 0)
		return;
	q.agent_index = (uint32_t)(q.agent - SNAP_AT(s, AGENT, 0));
	q.deny_first = param_number(s, PARAM_ID_rules_precedence) == PRECEDENCE_DENY_FIRST;
	q.whole = what->kind != OBJECT_TOOL;

	q.server_sum = sum64(q.server);
	q.every_sum = sum64(every);
	q.none_sum = sum64(SPAN_NONE);
	take_exact(&q, &server, RULE_ABOUT_SERVER);
	if (server.rule == NULL)
		return;
	answer(&q, &server, out);
	if (what->kind == OBJECT_SERVER || !out->allow)
		return;

	out->hide = param_number(s, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE;
	q.tool_sum = sum64(q.tool);
	decide_inside(&q, &inside);
	if (inside.rule != NULL) {
		answer(&q, &inside, out);
		return;
	}
	if (q.deny_first && !has_list(&q)) {
		out->rule_class = RULE_IMPLICIT_GRANT;		/* by the rule that allows the server */
		out->class_text = class_text[RULE_IMPLICIT_GRANT];
		out->hide = false;
		return;
	}
	*out = (struct decision){
		.hide = out->hide, .rule_class = RULE_DEFAULT, .path = SPAN_LIT("default"),
		.class_text = class_text[RULE_DEFAULT],
	};
}

void
decide(const struct snap *s, const struct principal *who, const struct object *what,
    struct decision *out)
{
	decide_by_rules(s, who, what, out);
	/* Rules come first: who may not use something with any scope is told that, and asks for none. */
	if (out->allow && !scope_allows(s, who, what)) {
		out->allow = false;
		out->lacks_scope = scope_wanted(s, who->tenant, what).n > 0;
		out->hide = !out->lacks_scope && param_number(s, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE;
		out->class_text = "the credential lacks the scope";
		out->path = SPAN_LIT("scopes");
	}
}
