/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_remedy.c - the command that would allow what is denied, where there is one
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no name: they come from rules, clients and records.
 *
 * `rule allow` takes away a deny of exactly this tool, and writes an explicit allow of the agent.  What is left then
 * decides; a command is shown only where that is the allow.  What roles, workspaces, scopes and the tool itself demand
 * stands beside it, and no rule of an agent helps there: that is said by its name and its place.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/explain/explain.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "lib/nameset.h"
#include "lib/shell.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/scopes.h"

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
in_the_way(const struct snap *s, const struct explain_question *q)
{
	const bool		 deny_first = is_deny_first(s);
	const struct rec_rule	*rule;

	for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++)
		if (rule->deny && (rule->agent & ROLE_OWNER) == 0 && explain_rule_speaks(s, rule, q) &&
		    !is_opposite(s, rule, q) && (rule->flags & RULE_FLAG_SHADOW) == 0 &&
		    explain_holds(s, q, rule) != TRUTH_NO &&
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

void
explain_word(FILE *f, struct span word)
{
	char	text[512], quoted[4 * sizeof(text) + 3];
	bool	plain = word.n > 0;

	for (size_t i = 0; i < word.n; i++)
		plain = plain && (isalnum((unsigned char)word.p[i]) || strchr("_.-/:", word.p[i]) != NULL);
	out_clean(word, text, sizeof(text));
	if (plain) {
		fprintf(f, " %s", text);
		return;
	}
	if (shell_quote(span_of(text), quoted, sizeof(quoted)))
		fprintf(f, " %s", quoted);
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
	explain_word(f, q->agent);
	explain_word(f, q->server);
	explain_word(f, q->tool);
	if (!span_is(q->tenant, "default")) {
		fprintf(f, " --tenant");
		explain_word(f, q->tenant);
	}
	if (opposite)
		fprintf(f, "     (takes its deny away)");
	else if (rule != NULL && d->rule_class == RULE_WILDCARD_DENY)
		fprintf(f, "     (explicit allow beats \"%s\")",
		    out_clean(snap_text(s, rule->pattern), pattern, sizeof(pattern)));
	fprintf(f, "\n");
}

/* ---- what no rule of an agent helps against --------------------------------------------------------- */

static void
print_names(FILE *f, struct span set)
{
	struct span	one;
	char		text[256];

	for (bool first = true; (one = nameset_take(&set)).n > 0; first = false)
		fprintf(f, "%s%s", first ? "" : ", ", out_clean(one, text, sizeof(text)));
}

/* What is said of the tool that wants a role which the caller has not; NULL: nothing does. */
static const struct rec_change *
wanting(const struct snap *s, const struct explain_question *q)
{
	const struct rec_server	*server = policy_server_find(s, q->tenant, q->server);
	const struct rec_change	*both[2] = { NULL, NULL };

	if (server != NULL) {
		both[0] = policy_change_find(s, server, q->tool);
		both[1] = policy_change_every(s, server->tenant, q->tool);
	}
	for (size_t i = 0; i < 2; i++)
		if (both[i] != NULL && snap_text(s, both[i]->roles).n > 0 &&
		    !nameset_meets(snap_text(s, both[i]->roles), q->traits.roles))
			return both[i];
	return NULL;
}

static void
print_wanting(FILE *f, const struct snap *s, const struct rec_change *c, const char *before)
{
	fprintf(f, "%s one of these roles: ", before);
	print_names(f, snap_text(s, c->roles));
	fprintf(f, " (%.*s:%u); the caller's key or token has to name one, as by key add --role.\n",
	    SPAN_FMT(snap_text(s, c->file)), c->roles_line);
}

/* The rules of roles and of the workspace deny it: d. */
static void
print_roles(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);
	const struct rec_change	*c = wanting(s, q);
	const struct rec_agent	*owner = rule == NULL ? NULL : policy_rule_owner(s, rule);
	const struct rec_role	*role = owner == NULL || (rule->agent & ROLE_OWNER) == 0 ? NULL :
				    SNAP_AT(s, ROLE, rule->agent & ~ROLE_OWNER);
	char			 name[256];

	if (role != NULL)
		fprintf(f, "To allow it, take that rule away, or narrow it: nothing beats %.*s:%u, a deny of %s %s.\n",
		    SPAN_FMT(d->file), d->line, role->kind == ROLE_WORKSPACE ? "workspace" : "role",
		    out_clean(snap_text(s, owner->name), name, sizeof(name)));
	else if (c != NULL && d->file.n > 0)
		print_wanting(f, s, c, "The tool wants");
	else if (q->traits.workspace.n > 0)
		fprintf(f, "To allow it, add it to a role of the caller, or to workspace %s, by hand: no rule of an "
		    "agent helps.\n", out_clean(q->traits.workspace, name, sizeof(name)));
	else
		fprintf(f, "To allow it, add it to a role of the caller, by hand: no rule of an agent helps.\n");
}

static void
print_scope(FILE *f, const struct snap *s, const struct explain_question *q)
{
	const struct object	what = { .kind = OBJECT_TOOL, .server = q->server, .name = q->tool };
	const struct span	scope = scope_wanted(s, q->tenant, &what);
	char			text[256];

	if (scope.n == 0)
		fprintf(f, "No scope is good for it: a credential without scopes is, or one that \"scopes\" of "
		    "issuers.json gives it.\n");
	else
		fprintf(f, "To allow it, the caller's key or token needs the scope %s, as by key add --scope.\n",
		    out_clean(scope, text, sizeof(text)));
}

/* Behind a rule of the agent roles and the tool's own demands are asked. */
static void
print_beyond(FILE *f, const struct snap *s, const struct explain_question *q)
{
	struct explain_question	 beyond = *q;
	const struct rec_change	*c = wanting(s, q);
	struct decision		 d;

	beyond.agent = SPAN_NONE;
	if (policy_has_roles(s, q->tenant) && (q->traits.roles.n > 0 || q->traits.workspace.n > 0)) {
		explain_decide(s, &beyond, &d);
		if (!d.allow && d.by_roles && c == NULL) {
			fprintf(f, "That alone is not enough.  ");
			print_roles(f, s, q, &d);
		}
	}
	if (c != NULL)
		print_wanting(f, s, c, "That alone is not enough: the tool wants");
}

/* Is it denied by something else than the agent's rules?  Says so. */
static bool
print_others(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	const struct rec_server	*server = policy_server_find(s, q->tenant, q->server);
	const struct rec_change	*c = policy_change_find(s, server, q->tool);

	if (c != NULL && (c->flags & CHANGE_FLAG_HIDE) != 0) {
		fprintf(f, "Nobody may use it: to change that, take \"hide\" away, %.*s:%u.\n",
		    SPAN_FMT(snap_text(s, c->file)), c->hide_line);
		return true;
	}
	if (d->by_roles)
		print_roles(f, s, q, d);
	else if (span_is(d->path, "scopes") && d->rule == 0)
		print_scope(f, s, q);
	else
		return false;
	return true;
}

void
explain_remedy(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	const struct rec_agent	*agent = policy_agent_find(s, q->tenant, q->agent);
	const struct rec_rule	*rule;

	if (d->allow || policy_server_find(s, q->tenant, q->server) == NULL || print_others(f, s, q, d) ||
	    agent == NULL)
		return;
	if ((rule = in_the_way(s, q)) != NULL) {
		fprintf(f, "To allow it, take that rule away, or narrow it: nothing beats %.*s:%u%s.\n",
		    SPAN_FMT(snap_text(s, rule->file)), rule->line,
		    rule->rule_class == RULE_EXPLICIT_DENY ? ", an explicit deny" :
		    " with rules_precedence = deny-first");
		return;
	}
	/* What is no name of a tool stands for several in a rule, or in none. */
	if (!glob_is_exact(q->tool) || glob_check(q->tool) != NULL)
		return;
	print_command(f, s, q, d, has_opposite(s, q, (uint32_t)(agent - SNAP_AT(s, AGENT, 0))));
	print_beyond(f, s, q);
}
