/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_rules.c - the rules about one question: which decided, which let it pass on, and which were beaten
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  the snapshot, and decides with the same function the workers use.
 */
#include "ctl/explain/explain.h"
#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/policy.h"

void
explain_rule(FILE *f, const struct snap *s, const struct decision *d)
{
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);
	struct span		 pattern = rule == NULL ? SPAN_NONE : snap_text(s, rule->pattern);

	if (d->file.n > 0)
		fprintf(f, "%.*s:%u  %.*s", SPAN_FMT(d->file), d->line, SPAN_FMT(d->path));
	if (rule != NULL)
		fprintf(f, " \"%.*s\"", SPAN_FMT(pattern));
	fprintf(f, "%s%s%s", d->file.n > 0 ? "  " : "", d->class_text,
	    d->approval ? ", once somebody has approved it (mcpgwctl approval)" : "");
}

void
explain_print(FILE *f, const struct snap *s, const struct decision *d)
{
	fprintf(f, "%s  ", d->allow ? "allowed" : "DENIED");
	if (d->shadow)
		fprintf(f, "(enforced, it would be denied)  ");
	explain_rule(f, s, d);
}

/* Is it a rule of the agent, or of a role or the workspace of the credential? */
static bool
is_about_caller(const struct snap *s, const struct rec_rule *rule, const struct explain_question *q)
{
	const struct rec_agent	*owner = policy_rule_owner(s, rule);
	const struct rec_role	*role = (rule->agent & ROLE_OWNER) == 0 ? NULL :
				    SNAP_AT(s, ROLE, rule->agent & ~ROLE_OWNER);
	const struct span	 name = owner == NULL ? SPAN_NONE : snap_text(s, owner->name);

	if (owner == NULL || !span_eq(policy_tenant_name(s, owner->tenant), q->tenant))
		return false;
	if (role == NULL)
		return span_eq(name, q->agent);
	return role->kind == ROLE_WORKSPACE ? span_eq(name, q->traits.workspace) : nameset_has(q->traits.roles, name);
}

bool
explain_rule_speaks(const struct snap *s, const struct rec_rule *rule, const struct explain_question *q)
{
	const struct span	server = snap_text(s, rule->server);

	if (rule->about == RULE_ABOUT_LIST || (!span_eq(server, q->server) && !span_is(server, "*")) ||
	    !is_about_caller(s, rule, q))
		return false;
	return rule->about == RULE_ABOUT_SERVER || glob_match(snap_text(s, rule->pattern), q->tool);
}

/* What became of a rule that did not decide.  gate: what was decided about the server as a whole. */
static const char *
fate_of(const struct snap *s, const struct explain_question *q, const struct rec_rule *rule, uint64_t i,
    const struct decision *d, const struct decision *gate)
{
	switch (explain_holds(s, q, rule)) {
	case TRUTH_NO:
		return "unmet ";
	case TRUTH_UNKNOWN:
		return "open  ";
	case TRUTH_YES:
	default:
		break;
	}
	if ((rule->flags & RULE_FLAG_SHADOW) != 0)
		return "watched";
	/* Without it nothing of the server would have been looked at. */
	if (rule->about == RULE_ABOUT_SERVER && rule->deny == 0 && gate->allow &&
	    (gate->rule == i + 1 || (rule->agent & ROLE_OWNER) != 0))
		return "server";
	/* Agent and roles must both allow it. */
	return d->allow && rule->deny == 0 && (rule->agent & ROLE_OWNER) != 0 ? "agrees" : "beaten";
}

void
explain_beaten(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	static const char *const	kinds[] = { [RULE_EXPLICIT_DENY] = "explicit deny",
		[RULE_EXPLICIT_ALLOW] = "explicit allow", [RULE_WILDCARD_DENY] = "wildcard deny",
		[RULE_WILDCARD_ALLOW] = "wildcard allow" };
	const struct rec_rule		*rule;
	struct decision			 gate;

	explain_server(s, q, &gate);
	for (unsigned kind = RULE_EXPLICIT_DENY; kind <= RULE_WILDCARD_ALLOW; kind++)
		for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++)
			if (rule->rule_class == kind && i + 1 != d->rule && explain_rule_speaks(s, rule, q)) {
				fprintf(f, "  %-7s  %.*s:%u  %.*s \"%.*s\"  %s\n", fate_of(s, q, rule, i, d, &gate),
				    SPAN_FMT(snap_text(s, rule->file)), rule->line, SPAN_FMT(snap_text(s, rule->path)),
				    SPAN_FMT(snap_text(s, rule->pattern)), kinds[kind]);
				explain_when(f, s, q, rule);
			}
}
