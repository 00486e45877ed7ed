/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_when.c - the conditions of rules in words: what is asked, what there is, whether that does
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  policy/when.c, which the workers ask too; no text.
 */
#include "ctl/explain/explain.h"
#include "ctl/out.h"

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
	unsigned		lacks = 0;
	const enum truth	t = when_holds(s, rule->when_first, rule->when_count, &who, &what, &lacks);

	if (t != TRUTH_UNKNOWN)
		return t;
	if (rule->deny == 0)
		return (lacks & q->facts.known) != 0 ? TRUTH_NO : t;
	return (lacks & ~q->facts.known) == 0 ? TRUTH_YES : t;
}

/* Not known, and not only of a kind that cannot be compared. */
static bool
is_open(enum truth t, const struct explain_question *q, unsigned lacks)
{
	return t == TRUTH_UNKNOWN && (lacks & q->facts.known) == 0;
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
	unsigned			lacks = 0;
	const enum truth		t = when_one(s, c, &who, &what, &lacks);
	char				text[VALUE_MAX];
	struct buf			value;

	fprintf(f, "    when   %.*s %s", SPAN_FMT(snap_text(s, c->op)),
	    out_clean(snap_text(s, c->key), text, sizeof(text)));
	print_operands(f, s, c);
	buf_init(&value, 64 * 1024);
	if (when_put_value(s, c, &who, &what, &value) != 0)
		buf_clear(&value);		/* longer than anybody reads */
	fprintf(f, ":  %s, it is %s\n", t == TRUTH_UNKNOWN && !is_open(t, q, lacks) ? "cannot be compared" : words[t],
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
	const struct rec_condition	*c;
	const struct rec_rule		*rule;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++) {
		if (rule->when_count == 0 || !explain_rule_speaks(s, rule, q) ||
		    explain_holds(s, q, rule) != TRUTH_UNKNOWN)
			continue;
		for (uint32_t n = 0; n < rule->when_count; n++) {
			unsigned	lacks = 0;

			if ((c = SNAP_AT(s, CONDITION, (uint64_t)rule->when_first + n)) != NULL &&
			    is_open(when_one(s, c, &who, &what, &lacks), q, lacks))
				fn(snap_text(s, c->key), arg);
		}
	}
}
