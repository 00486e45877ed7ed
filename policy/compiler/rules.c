/* SPDX-License-Identifier: Apache-2.0
 *
 * rules.c - rules.json: AGENT and RULE
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 * Trusts:  nobody to have written what the manual page says.
 *
 * A rule is explicit when neither its server nor its tool holds a wildcard.  A deny that names one
 * tool of every server ("*") counts as explicit too, the same allow does not: of two readings of the
 * seed this is the one that grants less.
 */
#include <stdlib.h>

#include "lib/glob.h"
#include "lib/near.h"
#include "lib/sum.h"
#include "policy/compiler/files.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"
#include "policy/policy.h"
#include "policy/tenants.h"

static const struct span every = { "*", 1 };

/* --- records ------------------------------------------------------------------------------------ */

enum rule_class
rules_class(const struct rules_reading *rd, bool server_named, bool tool_named)
{
	if (rd->deny)
		return tool_named ? RULE_EXPLICIT_DENY : RULE_WILDCARD_DENY;
	return server_named && tool_named ? RULE_EXPLICIT_ALLOW : RULE_WILDCARD_ALLOW;
}

void
rules_put(struct rules_reading *rd, const struct entry *e, enum rule_about about, enum rule_class class,
    struct span server, struct span tool, bool exact)
{
	const struct conf_node	*n = e->node;
	struct rec_rule		 r = { .line = n->line, .column = n->column, .agent = rd->a.agent,
				    .rule_class = (uint8_t)class, .deny = rd->deny, .hide = rd->hide,
				    .about = (uint8_t)about, .file = rd->file, .when_first = e->when_first,
				    .when_count = e->when_count, .cost = e->cost, .log = e->log, .flags = e->flags };
	struct rule		*rule;

	buf_clear(&rd->path);
	if (conf_path(n, &rd->path) == 0)
		r.path = put_text(rd->j->policy, buf_rest(&rd->path));
	r.pattern = put_text(rd->j->policy, about == RULE_ABOUT_TOOL ? tool : server);
	r.server = put_text(rd->j->policy, server);
	rd->a.rules = list_more(rd->a.rules, rd->a.count, sizeof(*rd->a.rules));
	rule = &rd->a.rules[rd->a.count++];
	*rule = (struct rule){ .node = n, .server = server, .tool = tool, .rule_class = r.rule_class,
	    .deny = r.deny, .hide = r.hide, .about = r.about, .exact = exact,
	    .passes = r.when_count > 0 || (r.flags & RULE_FLAG_SHADOW) != 0 };
	if (exact)
		rule->hash = policy_exact_hash(about, sum64(server), sum64(tool));
	rule->index = put_record(rd->j->policy, SECTION_RULE, &r);
}

/* --- one agent ---------------------------------------------------------------------------------- */

/* Is it "*" or a name?  An unknown name is a warning only: the server may come later. */
static bool
server_check(struct rules_reading *rd, const struct conf_node *n, struct span server, bool at_key)
{
	if (span_eq(server, every))
		return true;
	if (!name_ok(server)) {
		if (at_key)
			job_error_key(rd->j, rd->s, n, "\"%.*s\": want the name of a server, or \"*\"",
			    SHOWN(server));
		else
			job_error(rd->j, rd->s, n, "\"%.*s\": want the name of a server, or \"*\"",
			    SHOWN(server));
		return false;
	}
	if (job_server(rd->j, server) == NULL)
		job_warn(rd->j, rd->s, n, "there is no server \"%.*s\"; the rule sleeps until there is",
		    SHOWN(server));
	return true;
}

static void
read_servers(struct rules_reading *rd, const struct conf_node *section)
{
	const struct conf_node	*list = NULL, *n;
	struct entry		 e;

	if (!typed_list(rd->j, rd->s, section, "servers", JSON_ARRAY, false, &list))
		return;
	for (n = list->first; n != NULL; n = n->next) {
		if (!entry_read(rd->j, rd->s, n, "server", rd->deny, &e))
			continue;
		const bool named = !span_eq(e.name, every);

		if (server_check(rd, n, e.name, false))
			rules_put(rd, &e, RULE_ABOUT_SERVER, rules_class(rd, named, named), e.name, SPAN_NONE, true);
	}
}

static void
read_patterns(struct rules_reading *rd, const struct conf_node *list)
{
	const bool		 named = !span_eq(list->key, every);
	const struct conf_node	*n;
	const char		*wrong;
	struct entry		 e;
	bool			 exact;

	for (n = list->first; n != NULL; n = n->next) {
		if (!entry_read(rd->j, rd->s, n, "tool", rd->deny, &e))
			continue;
		if ((wrong = glob_check(e.name)) != NULL) {
			job_error(rd->j, rd->s, n, "\"%.*s\": %s", SHOWN(e.name), wrong);
			continue;
		}
		exact = glob_is_exact(e.name);
		rules_put(rd, &e, RULE_ABOUT_TOOL, rules_class(rd, named, exact), list->key, e.name, exact);
	}
}

static void
read_tools(struct rules_reading *rd, const struct conf_node *section)
{
	const struct conf_node	*tools = NULL, *list;

	if (!typed_list(rd->j, rd->s, section, "tools", JSON_OBJECT, false, &tools))
		return;
	for (list = tools->first; list != NULL; list = list->next) {
		if (!server_check(rd, list, list->key, true) || !typed_is(rd->j, rd->s, list, JSON_ARRAY))
			continue;
		if (rd->lists && !rd->deny)
			rules_put(rd, &(struct entry){ .node = list }, RULE_ABOUT_LIST, RULE_DEFAULT, list->key,
			    SPAN_NONE, true);
		read_patterns(rd, list);
	}
}

static void
read_section(struct rules_reading *rd, const char *key, bool deny, bool hide)
{
	static const char *const keys[] = { "servers", "tools", NULL };
	const struct conf_node	*section = NULL;

	if (!typed_list(rd->j, rd->s, rd->a.node, key, JSON_OBJECT, false, &section))
		return;
	typed_keys(rd->j, rd->s, section, keys);
	rd->deny = deny;
	rd->hide = hide;
	read_servers(rd, section);
	read_tools(rd, section);
}

void
rules_begin(struct rules_reading *rd, struct job *j, const struct source *s, const struct conf_node *node,
    uint32_t owner)
{
	*rd = (struct rules_reading){ .j = j, .s = s, .a = { .source = s, .node = node, .agent = owner },
	    .file = put_text(j->policy, span_of(s->shown)) };
	buf_init(&rd->path, 64 * 1024);
}

void
rules_read_sections(struct rules_reading *rd)
{
	read_section(rd, "allow", false, false);
	read_section(rd, "deny", true, false);
	read_section(rd, "hide", true, true);
}

void
rules_end(struct rules_reading *rd)
{
	buf_fini(&rd->path);
	free(rd->a.rules);
}

/* Nothing that is denied here is denied: whoever wrote it should not find out by accident. */
static void
read_shadow(struct rules_reading *rd)
{
	struct rec_agent	*agent;
	bool			 shadow = false;

	if (!typed_flag(rd->j, rd->s, rd->a.node, "shadow", &shadow) || !shadow ||
	    (agent = build_at(rd->j->policy, SECTION_AGENT, rd->a.agent)) == NULL)
		return;
	agent->flags |= AGENT_FLAG_SHADOW;
	job_warn(rd->j, rd->s, conf_find(rd->a.node, "shadow"), "what rules deny this agent passes, and is recorded");
}

static void
read_agent(struct job *j, const struct source *s, const struct conf_node *node)
{
	static const char *const keys[] = { "allow", "deny", "hide", "description", "shadow", NULL };
	struct rules_reading	 rd;

	if (!typed_is(j, s, node, JSON_OBJECT))
		return;
	typed_keys(j, s, node, keys);
	rules_begin(&rd, j, s, node, agent_index(j, node->key));
	rd.lists = job_number(j, PARAM_ID_rules_precedence) == PRECEDENCE_DENY_FIRST;
	rules_read_sections(&rd);
	read_shadow(&rd);
	ruleset_put(j, &rd.a);
	precedence_check(j, &rd.a);
	rules_end(&rd);
}

/* --- all agents --------------------------------------------------------------------------------- */

static int
node_cmp(const void *a, const void *b)
{
	return span_cmp((*(const struct conf_node *const *)a)->key,
	    (*(const struct conf_node *const *)b)->key);
}

uint32_t
agent_index(struct job *j, struct span name)
{
	size_t	low = 0, high = j->agent_count;

	while (low < high) {
		size_t	mid = low + (high - low) / 2;
		int	r = span_cmp(name, j->agents[mid]->key);

		if (r == 0)
			return j->agent_first + (uint32_t)mid;
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return UINT32_MAX;
}

static const char *
agent_name(size_t i, const void *arg)
{
	struct job	*j = (struct job *)(uintptr_t)arg;

	return job_fmt(j, "%.*s", SPAN_FMT(j->agents[i]->key));
}

const char *
agent_hint(struct job *j, struct span name)
{
	const char	*near = name.n < 3 ? NULL : near_find(name, agent_name, j, j->agent_count);

	return near == NULL ? "" : job_fmt(j, "; did you mean \"%s\"?", near);
}

static void
agents_put(struct job *j, const struct source *s, const struct conf_node *agents)
{
	const struct conf_node	*n;

	for (n = agents->first; n != NULL; n = n->next) {
		if (!name_ok(n->key))
			job_error_key(j, s, n, "an agent's name is of letters, digits, _ . -, at most 64");
		j->agents = list_more(j->agents, j->agent_count, sizeof(struct conf_node *));
		j->agents[j->agent_count++] = n;
	}
	if (j->agent_count > 1)
		qsort(j->agents, j->agent_count, sizeof(struct conf_node *), node_cmp);
	j->agent_first = (uint32_t)build_count(j->policy, SECTION_AGENT);
	for (size_t i = 0; i < j->agent_count; i++) {
		struct rec_agent a = { .name = put_text(j->policy, j->agents[i]->key), .tenant = j->tenant_index };

		put_record(j->policy, SECTION_AGENT, &a);
	}
}

static void
read_defaults(struct job *j, const struct source *s, const struct conf_node *top)
{
	static const char *const keys[] = { "deny_on_missing_agent", NULL };
	const struct conf_node	*defaults = NULL;
	struct rec_tenant	*tenant = build_at(j->policy, SECTION_TENANT, j->tenant_index);
	struct span		 name = job_value(j, PARAM_ID_fallback_agent);
	bool			 deny = true;

	if (name.n == 0)
		name = SPAN_LIT("default");
	if (!typed_list(j, s, top, "defaults", JSON_OBJECT, false, &defaults))
		return;
	typed_keys(j, s, defaults, keys);
	if (!typed_flag(j, s, defaults, "deny_on_missing_agent", &deny) || deny)
		return;
	tenant->flags |= TENANT_FLAG_DEFAULT_AGENT;
	tenant->fallback = agent_index(j, name) + 1;	/* 0 when there is none */
	if (tenant->fallback == 0)
		job_warn(j, s, conf_find(defaults, "deny_on_missing_agent"), "there is no agent \"%.*s\", so "
		    "callers without an agent are denied all the same", SHOWN(name));
}

static void
read_top(struct job *j, const struct source *s, const struct conf_node *top)
{
	static const char *const keys[] = { "agents", "defaults", "peers", "limits", "roles", "workspaces", "$schema",
		NULL };
	const struct conf_node	*agents = NULL, *n = NULL;

	if (!typed_is(j, s, top, JSON_OBJECT))
		return;
	typed_keys(j, s, top, keys);
	if (typed_list(j, s, top, "agents", JSON_OBJECT, false, &agents)) {
		agents_put(j, s, agents);
		for (n = agents->first; n != NULL; n = n->next)
			read_agent(j, s, n);
	}
	read_defaults(j, s, top);
	if (typed_list(j, s, top, "limits", JSON_OBJECT, false, &n))
		limits_read(j, s, n);
	n = NULL;
	(void)typed_list(j, s, top, "peers", JSON_OBJECT, true, &n);
	peers_read(j, s, n);
}

static void
anonymous_check(struct job *j)
{
	const struct setting	*set = &j->settings[PARAM_ID_anonymous_agent];

	if (strcmp(j->tenant, TENANT_DEFAULT) == 0 && !set->wrong && set->value.n > 0 &&
	    agent_index(j, set->value) == UINT32_MAX)
		job_note(j, NOTE_WARNING, set->file, set->line, set->column, "anonymous_agent",
		    "there are no rules for an agent \"%.*s\", so it may do nothing%s", SHOWN(set->value),
		    agent_hint(j, set->value));
}

void
rules_read(struct job *j)
{
	struct span	path = job_value(j, PARAM_ID_rules_file);
	struct source	s;

	s = (struct source){ .conf = NULL };
	if (path.n > 0 && !source_open(j, path.p, &s))
		return;
	if (s.conf != NULL)
		read_top(j, &s, conf_top(s.conf));
	roles_read(j, &s);
	anonymous_check(j);
	issuers_read(j);
	source_close(&s);
}
