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
#include "policy/decide_priv.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/scopes.h"
#include "policy/when.h"

#define CHAIN_MAX	1000	/* rules of one key that are asked, one after the other */

static const struct span every = { "*", 1 };

static const char *const class_text[] = {
	[RULE_EXPLICIT_DENY] = "explicit deny",
	[RULE_EXPLICIT_ALLOW] = "explicit allow",
	[RULE_WILDCARD_DENY] = "wildcard deny",
	[RULE_WILDCARD_ALLOW] = "wildcard allow",
	[RULE_IMPLICIT_GRANT] = "implicit grant",
	[RULE_DEFAULT] = "no rule",
};

const char *
decide_how(enum principal_how how)
{
	static const char *const words[HOW_LIMIT] = {
		[HOW_NONE] = "", [HOW_KEY] = "key", [HOW_PEER] = "peer", [HOW_ANONYMOUS] = "anonymous",
		[HOW_TOKEN] = "token", [HOW_CERT] = "cert",
	};

	return how < HOW_LIMIT ? words[how] : "";
}

static unsigned
rank_of(const struct asked *q, uint8_t rule_class)
{
	static const uint8_t seed[] = { 0, 1, 2, 3 }, deny_first[] = { 0, 2, 1, 3 };

	return q->deny_first ? deny_first[rule_class] : seed[rule_class];
}

/* May the conditions of this rule, which are open for want of these facts, come out well for the caller? */
static bool
is_hope(const struct asked *q, const struct rec_rule *rule, unsigned lacks)
{
	const struct facts	*f = q->what->facts;

	if (f == NULL || !f->hopeful)
		return false;
	if (!f->settled)
		return true;
	/* Of an allow all conditions must be met; of a deny one that is not is enough. */
	return rule->deny == 0 ? (lacks & f->known) == 0 : (lacks & ~f->known) != 0;
}

/* A rule whose conditions do not hold is as if it were not there.  What is not known counts against the caller, in
 * hope for it: then an allow is taken, and a deny is not. */
static bool
applies(struct asked *q, const struct rec_rule *rule)
{
	unsigned		lacks = 0;
	const enum truth	t = when_holds(q->snap, rule->when_first, rule->when_count, q->who, q->what, &lacks);

	q->unsure |= lacks;
	switch (t) {
	case TRUTH_YES:
		return true;
	case TRUTH_UNKNOWN:
		return (rule->deny == 0) == is_hope(q, rule, lacks);
	case TRUTH_NO:
	default:
		return false;
	}
}

/* Weaker rules of the same key, or wildcards behind it, count only where this one does not.  True: this one does. */
static bool
take(struct asked *q, struct best *best, uint32_t index)
{
	const struct rec_rule	*rule = SNAP_AT(q->snap, RULE, index);
	unsigned		 rank;

	if (rule == NULL || rule->rule_class > RULE_WILDCARD_ALLOW)
		return false;
	rank = rank_of(q, rule->rule_class);
	if (best->rule != NULL && rank >= best->rank)
		return true;			/* nor will one that is weaker still */
	if (q->denies_only && rule->deny == 0)
		return false;
	if (rule->when_count > 0 && !applies(q, rule))
		return false;
	if (rule->deny && (rule->flags & RULE_FLAG_SHADOW) != 0) {
		if (best->shadow == NULL || rank < best->shadow_rank) {
			best->shadow = rule;
			best->shadow_index = index;
			best->shadow_rank = rank;
		}
		return false;
	}
	best->rule = rule;
	best->index = index;
	best->rank = rank;
	return true;
}

/* Of rules with one key, the strongest first. */
static void
take_chain(struct asked *q, struct best *best, uint32_t found)
{
	const struct rec_rule	*rule;

	for (unsigned n = 0; found != 0 && n < CHAIN_MAX && !take(q, best, found - 1); n++)
		found = (rule = SNAP_AT(q->snap, RULE, found - 1)) == NULL ? 0 : rule->next;
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
take_exact(struct asked *q, struct best *best, enum rule_about about)
{
	take_chain(q, best, exact_find(q, about, false));
	take_chain(q, best, exact_find(q, about, true));
}

/* Wildcards of one server: the first that matches, and holds, is the strongest. */
static void
take_wild(struct asked *q, struct best *best, struct span server)
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
		if ((q->whole ? span_eq(snap_text(q->snap, rule->pattern), every) :
		    glob_match(snap_text(q->snap, rule->pattern), q->tool)) && take(q, best, w->rule))
			return;
	}
}

static void
decide_inside(struct asked *q, struct best *best)
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
name_rule(const struct asked *q, const struct rec_rule *rule, uint32_t index, struct decision *out)
{
	out->rule = index + 1;
	out->rule_class = rule->rule_class;
	out->class_text = class_text[rule->rule_class];
	out->path = snap_text(q->snap, rule->path);
	out->file = snap_text(q->snap, rule->file);
	out->line = rule->line;
}

void
decide_look(struct asked *q, bool inside, struct best *best)
{
	if (inside)
		decide_inside(q, best);
	else
		take_exact(q, best, RULE_ABOUT_SERVER);
}

void
decide_answer(const struct asked *q, const struct best *best, struct decision *out)
{
	const struct rec_rule	*rule = best->rule;

	out->allow = rule->deny == 0;
	out->hide = !out->allow && (out->hide || rule->hide != 0);
	out->approval = out->allow && (rule->flags & RULE_FLAG_APPROVAL) != 0;
	out->cost = rule->cost;
	out->log = rule->log;
	name_rule(q, rule, best->index, out);
}

void
decide_answer_shadow(const struct asked *q, const struct best *best, struct decision *out)
{
	if (!out->allow || best->shadow == NULL || (best->rule != NULL && best->rank < best->shadow_rank))
		return;
	out->shadow = true;
	name_rule(q, best->shadow, best->shadow_index, out);
}

static uint64_t
param_number(const struct snap *s, enum param_id id)
{
	const struct rec_param	*p = s == NULL ? NULL : SNAP_AT(s, PARAM, id);

	return p == NULL ? 0 : p->number;
}

void
decide_answer_none(const struct snap *s, struct decision *out)
{
	*out = (struct decision){
		.rule_class = RULE_DEFAULT, .path = SPAN_LIT("default"), .class_text = class_text[RULE_DEFAULT],
		.hide = param_number(s, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE,
	};
}

/* Seed 001: the rules of the agent. */
static void
decide_by_rules(struct asked *q, struct decision *out)
{
	const enum object_kind	kind = q->what->kind;
	struct best		server = { 0 }, inside = { 0 };

	q->agent_index = (uint32_t)(q->agent - SNAP_AT(q->snap, AGENT, 0));
	q->deny_first = param_number(q->snap, PARAM_ID_rules_precedence) == PRECEDENCE_DENY_FIRST;
	take_exact(q, &server, RULE_ABOUT_SERVER);
	if (server.rule == NULL)
		return;
	decide_answer(q, &server, out);
	if (kind != OBJECT_SERVER && out->allow) {
		decide_inside(q, &inside);
		if (inside.rule != NULL) {
			out->hide = param_number(q->snap, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE;
			decide_answer(q, &inside, out);
		} else if (q->deny_first && !has_list(q)) {
			out->rule_class = RULE_IMPLICIT_GRANT;	/* by the rule that allows the server */
			out->class_text = class_text[RULE_IMPLICIT_GRANT];
		} else {
			decide_answer_none(q->snap, out);
		}
		decide_answer_shadow(q, &inside, out);
	}
	if (!out->shadow)
		decide_answer_shadow(q, &server, out);
}

/* What rules deny passes while they are not enforced. */
static bool
is_shadowed(const struct asked *q)
{
	const struct rec_param	*enforce = SNAP_AT(q->snap, PARAM, PARAM_ID_enforce);

	return (q->agent != NULL && (q->agent->flags & AGENT_FLAG_SHADOW) != 0) ||
	    (enforce != NULL && enforce->number == 0);
}

void
decide(const struct snap *s, const struct principal *who, const struct object *what,
    struct decision *out)
{
	struct asked		 q = { .snap = s, .who = who, .what = what, .server = what->server,
				    .tool = what->name };
	const struct rec_agent	*agent = NULL;

	decide_answer_none(s, out);
	if (s == NULL || what->kind >= OBJECT_KIND_LIMIT || what->server.n == 0)
		return;
	/* 1. What the operator hides is denied. */
	if (roles_hide(s, who, what, out))
		return;
	/* 2. Rules: the agent's, then those of roles and workspaces.  All that have something to say must allow. */
	q.whole = what->kind != OBJECT_TOOL;
	q.server_sum = sum64(q.server);
	q.tool_sum = q.whole ? 0 : sum64(q.tool);
	q.every_sum = sum64(every);
	q.none_sum = sum64(SPAN_NONE);
	if ((q.agent = policy_agent_find(s, who->tenant, who->agent)) != NULL) {
		decide_by_rules(&q, out);
		agent = q.agent;
	} else if (who->agent.n > 0 || !roles_speak(s, who)) {
		out->class_text = "unknown agent";
		return;
	}
	if ((agent == NULL || out->allow) && roles_speak(s, who))
		roles_decide(&q, agent != NULL, out);
	if (out->allow)
		roles_demand(&q, out);
	q.agent = agent;
	out->unsure = q.unsure;
	/* 3. What is not enforced. */
	if (!out->allow && is_shadowed(&q)) {
		out->allow = out->shadow = true;
		out->hide = false;
	}
	/* 4. What the credential is no good for; no shadow lets it pass.  Rules come first: who may not use something
	 * with any scope is told that, and asks for none. */
	if (out->allow && !scope_allows(s, who, what)) {
		decide_answer_none(s, out);
		out->lacks_scope = scope_wanted(s, who->tenant, what).n > 0;
		out->hide = !out->lacks_scope && param_number(s, PARAM_ID_deny_detail) == DENY_DETAIL_HIDE;
		out->class_text = "the credential lacks the scope";
		out->path = SPAN_LIT("scopes");
	}
}
