/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_when.c - what of two policies' rules no single decision shows: conditions, costs, what is only watched
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the policy, which snap_map() has verified.
 */
#include "ctl/compare/compare.h"
#include "lib/sum.h"
#include "policy/policy.h"

static void
digest(uint64_t *sum, struct span s)
{
	*sum = sum64_more(sum64_more(*sum, span_make(&s.n, sizeof(s.n))), s);
}

static void
digest_condition(uint64_t *sum, const struct snap *s, const struct rec_condition *c)
{
	const struct rec_operand	*o;

	digest(sum, snap_text(s, c->key));
	digest(sum, snap_text(s, c->op));
	digest(sum, span_make(&c->zone_s, sizeof(c->zone_s)));
	for (uint32_t i = 0; i < c->operand_count; i++)
		if ((o = SNAP_AT(s, OPERAND, (uint64_t)c->operand_first + i)) != NULL)
			digest(sum, snap_text(s, o->text));
}

uint64_t
compare_rules_sum(const struct snap *s)
{
	const struct rec_condition	*c;
	const struct rec_agent		*agent;
	const struct rec_rule		*r;
	uint64_t			 all = 0, sum;

	for (uint64_t i = 0; (r = SNAP_AT(s, RULE, i)) != NULL; i++) {
		if (r->when_count == 0 && r->cost == 0 && r->log == 0 && r->flags == 0)
			continue;
		agent = policy_rule_owner(s, r);
		sum = sum64(agent == NULL ? SPAN_NONE : snap_text(s, agent->name));
		digest(&sum, agent == NULL ? SPAN_NONE : policy_tenant_name(s, agent->tenant));
		digest(&sum, (r->agent & ROLE_OWNER) == 0 ? SPAN_NONE : SPAN_LIT("role"));
		digest(&sum, snap_text(s, r->server));
		digest(&sum, snap_text(s, r->pattern));
		digest(&sum, span_make(&r->rule_class, sizeof(r->rule_class)));
		digest(&sum, span_make(&r->cost, sizeof(r->cost)));
		digest(&sum, span_make(&r->log, sizeof(r->log)));
		digest(&sum, span_make(&r->flags, sizeof(r->flags)));
		for (uint32_t k = 0; k < r->when_count; k++)
			if ((c = SNAP_AT(s, CONDITION, (uint64_t)r->when_first + k)) != NULL)
				digest_condition(&sum, s, c);
		all += sum;			/* their order says nothing */
	}
	return all;
}
