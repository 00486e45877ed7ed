/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_remedy.c - the command that would allow what is denied, where there is one
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no name: they come from rules, clients and records.
 *
 * `rule allow` takes away a deny of exactly this tool, and writes an explicit allow.  What is left then decides; a
 * command is shown only where that is the allow.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/explain.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "policy/params.h"
#include "policy/policy.h"

static bool
is_deny_first(const struct snap *s)
{
	const struct rec_param	*p = SNAP_AT(s, PARAM, PARAM_ID_rules_precedence);

	return p != NULL && p->number == PRECEDENCE_DENY_FIRST;
}

/* `rule allow` would take it out of its list. */
static bool
is_opposite(const struct snap *s, const struct rec_rule *rule, const struct explain_question *q)
{
	return rule->about == RULE_ABOUT_TOOL && rule->when_count == 0 &&
	    span_eq(snap_text(s, rule->server), q->server) &&
	    span_eq(snap_text(s, rule->pattern), q->tool);
}

/* A rule that would deny it still; NULL: none. */
static const struct rec_rule *
in_the_way(const struct snap *s, const struct explain_question *q, uint32_t agent)
{
	const bool		 deny_first = is_deny_first(s);
	const struct rec_rule	*rule;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++)
		if (rule->deny && explain_rule_speaks(s, rule, agent, q) && !is_opposite(s, rule, q) &&
		    (rule->flags & RULE_FLAG_SHADOW) == 0 && explain_holds(s, q, rule) != TRUTH_NO &&
		    (rule->rule_class == RULE_EXPLICIT_DENY || deny_first))
			return rule;
	return NULL;
}

static bool
has_opposite(const struct snap *s, const struct explain_question *q, uint32_t agent)
{
	const struct rec_rule	*rule;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++)
		if (rule->deny && rule->agent == agent && is_opposite(s, rule, q))
			return true;
	return false;
}

/* As a shell takes it for one word. */
static void
print_word(FILE *f, struct span word)
{
	char	text[512];
	bool	plain = word.n > 0;

	for (size_t i = 0; i < word.n; i++)
		plain = plain && (isalnum((unsigned char)word.p[i]) || strchr("_.-/:", word.p[i]) != NULL);
	out_clean(word, text, sizeof(text));
	if (plain) {
		fprintf(f, " %s", text);
		return;
	}
	fprintf(f, " '");
	for (const char *p = text; *p != '\0'; p++)
		fprintf(f, *p == '\'' ? "'\\''" : "%c", *p);
	fprintf(f, "'");
}

/* Which no command edits. */
static bool
is_yaml(const struct snap *s)
{
	const struct rec_param	*p = SNAP_AT(s, PARAM, PARAM_ID_rules_file);
	const struct span	 file = p == NULL ? SPAN_NONE : snap_text(s, p->text);

	return span_is(span_part(file, file.n > 5 ? file.n - 5 : 0, 5), ".yaml") ||
	    span_is(span_part(file, file.n > 4 ? file.n - 4 : 0, 4), ".yml");
}

static void
print_command(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d, bool opposite)
{
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);
	char			 pattern[256], server[256];

	if (is_yaml(s)) {
		fprintf(f, "To allow just this tool, add it to agents.%s.allow.tools.%s",
		    out_clean(q->agent, pattern, sizeof(pattern)), out_clean(q->server, server, sizeof(server)));
		fprintf(f, ", and its server to allow.servers if it is not there.\n");
		return;
	}
	fprintf(f, "To allow just this tool:\n  mcpgwctl rule allow");
	print_word(f, q->agent);
	print_word(f, q->server);
	print_word(f, q->tool);
	if (opposite)
		fprintf(f, "     (takes its deny away)");
	else if (rule != NULL && d->rule_class == RULE_WILDCARD_DENY)
		fprintf(f, "     (explicit allow beats \"%s\")",
		    out_clean(snap_text(s, rule->pattern), pattern, sizeof(pattern)));
	fprintf(f, "\n");
}

void
explain_remedy(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	const struct rec_agent	*agent = policy_agent_find(s, q->tenant, q->agent);
	const struct rec_rule	*rule;
	uint32_t		 index;

	/* What is no name of a tool stands for several in a rule, or in none. */
	if (d->allow || agent == NULL || policy_server_find(s, q->tenant, q->server) == NULL)
		return;
	index = (uint32_t)(agent - SNAP_AT(s, AGENT, 0));
	if ((rule = in_the_way(s, q, index)) != NULL) {
		fprintf(f, "To allow it, take that rule away, or narrow it: nothing beats %.*s:%u%s.\n",
		    SPAN_FMT(snap_text(s, rule->file)), rule->line,
		    rule->rule_class == RULE_EXPLICIT_DENY ? ", an explicit deny" :
		    " with rules_precedence = deny-first");
		return;
	}
	if (!glob_is_exact(q->tool) || glob_check(q->tool) != NULL)
		return;
	print_command(f, s, q, d, has_opposite(s, q, index));
}
