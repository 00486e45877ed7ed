/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_when.c - the conditions of rules in words: what is asked, what there is, whether that does
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  policy/when.c, which the workers ask too; no text.
 */
#include "ctl/explain.h"
#include "ctl/out.h"
#include "policy/policy.h"

#define VALUE_MAX	200		/* bytes that are shown of a value */
#define OPERANDS_SHOWN	8

static struct principal
principal_of(const struct explain_question *q)
{
	return (struct principal){ .tenant = q->tenant, .agent = q->agent, .how = q->how, .subject = q->subject,
	    .traits = q->traits };
}

enum truth
explain_holds(const struct snap *s, const struct explain_question *q, const struct rec_rule *rule)
{
	const struct principal	who = principal_of(q);
	const struct object	what = { OBJECT_TOOL, q->server, q->tool, &q->facts };
	unsigned		unsure = 0;

	return when_holds(s, rule->when_first, rule->when_count, &who, &what, &unsure);
}

static void
print_operands(FILE *f, const struct snap *s, const struct rec_condition *c)
{
	const struct rec_operand	*o;
	char				 text[VALUE_MAX];

	for (uint32_t i = 0; i < c->operand_count && i < OPERANDS_SHOWN; i++)
		if ((o = SNAP_AT(s, OPERAND, (uint64_t)c->operand_first + i)) != NULL)
			fprintf(f, "%s%s", i > 0 ? ", " : " ", out_clean(snap_text(s, o->text), text, sizeof(text)));
	if (c->operand_count > OPERANDS_SHOWN)
		fprintf(f, ", ...");
}

static void
print_condition(FILE *f, const struct snap *s, const struct explain_question *q, const struct rec_condition *c)
{
	static const char *const	words[] = { [TRUTH_NO] = "no", [TRUTH_YES] = "yes", [TRUTH_UNKNOWN] = "open" };
	const struct principal		who = principal_of(q);
	const struct object		what = { OBJECT_TOOL, q->server, q->tool, &q->facts };
	unsigned			unsure = 0;
	char				text[VALUE_MAX];
	struct buf			value;

	fprintf(f, "    when   %.*s %s", SPAN_FMT(snap_text(s, c->op)),
	    out_clean(snap_text(s, c->key), text, sizeof(text)));
	print_operands(f, s, c);
	buf_init(&value, 64 * 1024);
	if (when_put_value(s, c, &who, &what, &value) != 0)
		buf_clear(&value);		/* longer than anybody reads */
	fprintf(f, ":  %s, it is %s\n", words[when_one(s, c, &who, &what, &unsure)],
	    out_clean(buf_rest(&value), text, sizeof(text)));
	buf_fini(&value);
}

void
explain_when(FILE *f, const struct snap *s, const struct explain_question *q, const struct rec_rule *rule)
{
	const struct rec_condition	*c;

	for (uint32_t i = 0; i < rule->when_count; i++)
		if ((c = SNAP_AT(s, CONDITION, (uint64_t)rule->when_first + i)) != NULL)
			print_condition(f, s, q, c);
}

void
explain_unsaid(const struct snap *s, const struct explain_question *q, explain_key_fn *fn, void *arg)
{
	const struct principal		 who = principal_of(q);
	const struct object		 what = { OBJECT_TOOL, q->server, q->tool, &q->facts };
	const struct rec_agent		*agent = policy_agent_find(s, q->tenant, q->agent);
	const struct rec_condition	*c;
	const struct rec_rule		*rule;
	unsigned			 unsure = 0;

	for (uint64_t i = 0; agent != NULL && (rule = SNAP_AT(s, RULE, i)) != NULL; i++) {
		if (rule->when_count == 0 ||
		    !explain_rule_speaks(s, rule, (uint32_t)(agent - SNAP_AT(s, AGENT, 0)), q) ||
		    explain_holds(s, q, rule) != TRUTH_UNKNOWN)
			continue;
		for (uint32_t n = 0; n < rule->when_count; n++)
			if ((c = SNAP_AT(s, CONDITION, (uint64_t)rule->when_first + n)) != NULL &&
			    when_one(s, c, &who, &what, &unsure) == TRUTH_UNKNOWN)
				fn(snap_text(s, c->key), arg);
	}
}
