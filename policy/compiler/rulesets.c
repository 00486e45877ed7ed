/* SPDX-License-Identifier: Apache-2.0
 *
 * rulesets.c - EXACT and WILD of one agent: the tables a decision looks into
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 *
 * EXACT is an open table, at most half full, so that a look-up is short; of rules with the same key
 * it holds the strongest, which is a deny in both orders of precedence.  One that may not count, having conditions,
 * leads to the next weaker one, up to the first that always does.  WILD stands by server and,
 * within, in order of precedence, which for wildcards is the same in both: the first that matches
 * decides.  Their number per server is bounded, since they are tried one after the other.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "lib/log.h"
#include "policy/compiler/rules.h"

#define WILD_MAX	1000	/* of one agent and server */
#define CHAIN_MAX	1000	/* of one key, with conditions; policy/decide.c goes no further */

/* Hiding denies first, then denies, then allows; then as written. */
static int
strength_cmp(const struct rule *a, const struct rule *b)
{
	if (a->hide != b->hide)
		return a->hide ? -1 : 1;
	if (a->deny != b->deny)
		return a->deny ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

int
ruleset_key_cmp(const struct rule *a, const struct rule *b)
{
	int	r;

	if (a->about != b->about)
		return a->about < b->about ? -1 : 1;
	if ((r = span_cmp(a->server, b->server)) != 0)
		return r;
	return span_cmp(a->tool, b->tool);
}

static int
rule_cmp(const void *x, const void *y)
{
	const struct rule	*a = x, *b = y;
	int			 r;

	if (a->exact != b->exact)
		return a->exact ? -1 : 1;
	r = a->exact ? ruleset_key_cmp(a, b) : span_cmp(a->server, b->server);
	return r != 0 ? r : strength_cmp(a, b);
}

static void
put_chains(struct job *j, const struct agent_rules *a, size_t count)
{
	struct rec_rule	*rec;
	size_t		 same = 0;

	for (size_t n = 1; n < count; n++) {
		const struct rule *before = &a->rules[n - 1];

		same = ruleset_key_cmp(before, &a->rules[n]) == 0 ? same + 1 : 0;
		if (same == 0 || !before->passes)
			continue;
		if (same == CHAIN_MAX)
			job_error(j, a->source, a->rules[n].node, "more than %d rules with conditions about the same",
			    CHAIN_MAX);
		if ((rec = build_at(j->policy, SECTION_RULE, before->index)) != NULL)
			rec->next = a->rules[n].index + 1;
	}
}

/* Of rules with the same key the first, the strongest, stays. */
static uint32_t
put_exact(struct job *j, const struct rule *rules, size_t count)
{
	struct rec_exact	 e;
	size_t			*table, i;
	uint32_t		 slots = 2;

	if (count == 0)
		return 0;
	while (slots < count * 2)
		slots *= 2;
	if ((table = calloc(slots, sizeof(*table))) == NULL)
		fatal(EX_OSERR, "out of memory");
	for (size_t n = 0; n < count; n++) {
		if (n > 0 && ruleset_key_cmp(&rules[n - 1], &rules[n]) == 0)
			continue;
		for (i = rules[n].hash & (slots - 1); table[i] != 0; i = (i + 1) & (slots - 1))
			;
		table[i] = n + 1;
	}
	for (i = 0; i < slots; i++) {
		e = (struct rec_exact){ 0 };
		if (table[i] != 0) {
			e.hash = rules[table[i] - 1].hash;
			e.rule = rules[table[i] - 1].index + 1;
		}
		put_record(j->policy, SECTION_EXACT, &e);
	}
	free(table);
	return slots;
}

static void
put_wild(struct job *j, const struct agent_rules *a, size_t first)
{
	size_t	same = 0;

	for (size_t i = first; i < a->count; i++) {
		const struct rule	*r = &a->rules[i];
		struct rec_wild		 w = { .rule = r->index };

		same = i > first && span_eq(r->server, a->rules[i - 1].server) ? same + 1 : 1;
		if (same == WILD_MAX + 1)
			job_error(j, a->source, r->node, "more than %d patterns for one agent and server; "
			    "name tools without wildcards", WILD_MAX);
		w.server = put_text(j->policy, r->server);
		put_record(j->policy, SECTION_WILD, &w);
	}
}

static struct rec_agent *
place_of(struct job *j, uint32_t owner)
{
	struct rec_role	*role;

	if ((owner & ROLE_OWNER) == 0)
		return build_at(j->policy, SECTION_AGENT, owner);
	role = build_at(j->policy, SECTION_ROLE, owner & ~ROLE_OWNER);
	return role == NULL ? NULL : &role->set;
}

void
ruleset_put(struct job *j, struct agent_rules *a)
{
	struct rec_agent	 rec, *place;
	size_t			 exact = 0;

	if (a->count > 1)
		qsort(a->rules, a->count, sizeof(*a->rules), rule_cmp);
	while (exact < a->count && a->rules[exact].exact)
		exact++;
	rec.exact_first = (uint32_t)build_count(j->policy, SECTION_EXACT);
	rec.exact_slots = put_exact(j, a->rules, exact);
	rec.wild_first = (uint32_t)build_count(j->policy, SECTION_WILD);
	rec.wild_count = (uint32_t)(a->count - exact);
	put_chains(j, a, exact);
	put_wild(j, a, exact);

	if ((place = place_of(j, a->agent)) == NULL)
		return;
	place->exact_first = rec.exact_first;
	place->exact_slots = rec.exact_slots;
	place->wild_first = rec.wild_first;
	place->wild_count = rec.wild_count;
}
