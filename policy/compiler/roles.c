/* SPDX-License-Identifier: Apache-2.0
 *
 * roles.c - ROLE: roles and workspaces of rules.json, and of policy_file; what that says of tools
 *
 * Process: mcpgw-compile.  Owns: the text of policy_file for the length of the call.
 * Trusts:  nobody to have written what the manual page says.
 *
 * In rules.json a role looks as an agent does.  policy_file is seed 002's policy.yaml (seed-contracts 3.3), whose
 * tools are names without a server: of an allowed one that tools_file has it is that very tool, else, as of a denied
 * one, it is the tool of that name of whichever server.
 */
#include <stdlib.h>

#include "lib/glob.h"
#include "policy/compiler/changes.h"
#include "policy/compiler/files.h"
#include "policy/compiler/registry.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"

#define ROLES_MAX	10000
#define NAME_MAX_BYTES	256

static const struct span every = { "*", 1 };

struct group {			/* a role or a workspace */
	enum role_kind		 kind;
	const struct source	*source;
	const struct conf_node	*node;
	bool			 seed;		/* of policy_file */
};

struct groups {
	struct group	*all;		/* malloc'ed */
	size_t		 count;
};

/* --- seed 002's lists ------------------------------------------------------------------------- */

/* "tool", "server/tool" or "server/pattern". */
static bool
split(const struct job *j, struct span text, bool deny, struct span *server, struct span *tool)
{
	const char	*slash = text.n == 0 ? NULL : memchr(text.p, '/', text.n);
	struct span	 first = slash == NULL ? SPAN_NONE : span_part(text, 0, (size_t)(slash - text.p));
	struct span	 registered;

	*server = every;
	*tool = text;
	if (slash != NULL && (span_eq(first, every) || job_server(j, first) != NULL)) {
		*server = first;
		*tool = span_part(text, first.n + 1, text.n);
	} else if (!deny && (registered = registry_server(j, text)).n > 0) {
		*server = registered;
	}
	return tool->n > 0;
}

static void
read_list(struct rules_reading *rd, const char *key, bool deny)
{
	const struct conf_node	*list = NULL, *n;
	struct span		 server, tool;
	const char		*wrong;

	if (!typed_list(rd->j, rd->s, rd->a.node, key, JSON_ARRAY, true, &list))
		return;
	rd->deny = deny;
	for (n = list->first; n != NULL; n = n->next) {
		const struct entry	e = { .node = n };
		bool			named, exact;

		if (!split(rd->j, n->text, deny, &server, &tool)) {
			job_error(rd->j, rd->s, n, "want the name of a tool, \"*\", or SERVER/TOOL");
			continue;
		}
		if ((wrong = glob_check(tool)) != NULL) {
			job_error(rd->j, rd->s, n, "\"%.*s\": %s", SHOWN(n->text), wrong);
			continue;
		}
		named = !span_eq(server, every);
		exact = glob_is_exact(tool);
		if (!deny)
			rules_put(rd, &e, RULE_ABOUT_SERVER, rules_class(rd, named, named), server, SPAN_NONE, true);
		rules_put(rd, &e, RULE_ABOUT_TOOL, rules_class(rd, named, exact), server, tool, exact);
	}
}

static void
read_seed(struct rules_reading *rd, enum role_kind kind)
{
	static const char *const	role_keys[] = { "allowed_tools", "description", NULL };
	static const char *const	workspace_keys[] = { "allowed_tools", "denied_tools", "description", NULL };
	const struct conf_node		*n = rd->a.node;

	if (n->type == JSON_NULL)
		return;
	typed_keys(rd->j, rd->s, n, kind == ROLE_ROLE ? role_keys : workspace_keys);
	read_list(rd, "allowed_tools", false);
	if (kind == ROLE_WORKSPACE)
		read_list(rd, "denied_tools", true);
}

/* "tools": what is asked of whoever calls one, on whichever server. */
static void
read_seed_tools(struct job *j, const struct source *s, const struct conf_node *top)
{
	static const char *const	keys[] = { "risk_tier", "required_roles", "description", NULL };
	const struct conf_node		*tools = NULL, *n;
	struct change_list		 changes = { 0 };
	struct rec_change		*rec;

	if (!typed_list(j, s, top, "tools", JSON_OBJECT, false, &tools))
		return;
	for (n = tools->first; n != NULL; n = n->next) {
		if (n->type == JSON_NULL || !typed_is(j, s, n, JSON_OBJECT))
			continue;
		typed_keys(j, s, n, keys);
		rec = changes_add(&changes, n->key);
		rec->risk = changes_read_risk(j, s, n, "risk_tier");
		changes_read_roles(j, s, n, rec);
	}
	changes_put_every(j, &changes);
}

/* --- records ---------------------------------------------------------------------------------- */

static unsigned
flags_of(const struct group *g, const struct agent_rules *a)
{
	bool		servers = false, tools = false;
	unsigned	flags = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct rule	*r = &a->rules[i];

		if (r->deny || r->passes || !span_eq(r->server, every))
			continue;
		servers |= r->about == RULE_ABOUT_SERVER;
		tools |= r->about == RULE_ABOUT_TOOL && span_eq(r->tool, every);
	}
	if (servers && tools)
		flags |= ROLE_FLAG_EVERYTHING;
	for (size_t i = 0; g->kind == ROLE_WORKSPACE && i < a->count; i++)
		if (!a->rules[i].deny)
			flags |= ROLE_FLAG_REPLACES;
	return flags;
}

static void
group_put(struct job *j, const struct group *g, uint32_t index)
{
	static const char *const	keys[] = { "allow", "deny", "hide", "description", NULL };
	struct rules_reading		 rd;
	struct rec_role			*rec;

	if ((!g->seed || g->node->type != JSON_NULL) && !typed_is(j, g->source, g->node, JSON_OBJECT))
		return;
	rules_begin(&rd, j, g->source, g->node, ROLE_OWNER | index);
	if (g->seed) {
		read_seed(&rd, g->kind);
	} else {
		typed_keys(j, g->source, g->node, keys);
		rules_read_sections(&rd);
	}
	if ((rec = build_at(j->policy, SECTION_ROLE, index)) != NULL)
		rec->flags = flags_of(g, &rd.a);
	ruleset_put(j, &rd.a);
	rules_end(&rd);
}

static int
group_cmp(const void *a, const void *b)
{
	const struct group	*x = a, *y = b;
	int			 r;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if ((r = span_cmp(x->node->key, y->node->key)) != 0)
		return r;
	return x->seed < y->seed ? -1 : x->seed > y->seed;
}

static void
groups_put(struct job *j, struct groups *g)
{
	const uint32_t		 first = (uint32_t)build_count(j->policy, SECTION_ROLE);
	struct rec_tenant	*tenant;

	if (g->count > 1)
		qsort(g->all, g->count, sizeof(*g->all), group_cmp);
	for (size_t i = 0; i < g->count; i++) {
		struct rec_role	rec = { .kind = g->all[i].kind };

		if (i > 0 && g->all[i].kind == g->all[i - 1].kind &&
		    span_eq(g->all[i].node->key, g->all[i - 1].node->key))
			job_error_key(j, g->all[i].source, g->all[i].node, "is in %s:%u already; want it in one of "
			    "them", g->all[i - 1].source->shown, g->all[i - 1].node->key_line);
		rec.set.name = put_text(j->policy, g->all[i].node->key);
		rec.set.tenant = j->tenant_index;
		put_record(j->policy, SECTION_ROLE, &rec);
	}
	if ((tenant = build_at(j->policy, SECTION_TENANT, j->tenant_index)) != NULL) {
		tenant->role_first = first;
		tenant->role_count = (uint32_t)g->count;
	}
	for (size_t i = 0; i < g->count; i++)
		group_put(j, &g->all[i], first + (uint32_t)i);
}

static void
groups_take(struct job *j, struct groups *g, const struct source *s, const char *key, enum role_kind kind, bool seed)
{
	const struct conf_node	*list = NULL, *n;

	if (!typed_list(j, s, conf_top(s->conf), key, JSON_OBJECT, false, &list))
		return;
	if (list->count > ROLES_MAX) {
		job_error_key(j, s, list, "more than %d of them", ROLES_MAX);
		return;
	}
	for (n = list->first; n != NULL; n = n->next) {
		if (n->key.n == 0 || n->key.n > NAME_MAX_BYTES) {
			job_error_key(j, s, n, "a name has 1 to %d bytes", NAME_MAX_BYTES);
			continue;
		}
		g->all = list_more(g->all, g->count, sizeof(*g->all));
		g->all[g->count++] = (struct group){ kind, s, n, seed };
	}
}

static void
seed_take(struct job *j, struct groups *g, const struct source *s)
{
	static const char *const keys[] = { "default_action", "roles", "workspaces", "tools", "version", NULL };
	static const char *const actions[] = { "deny", NULL };
	const struct conf_node	*top = conf_top(s->conf);
	uint32_t		 action;

	if (top->type == JSON_NULL || !typed_is(j, s, top, JSON_OBJECT))
		return;
	typed_keys(j, s, top, keys);
	(void)typed_word(j, s, top, "default_action", actions, &action);
	groups_take(j, g, s, "roles", ROLE_ROLE, true);
	groups_take(j, g, s, "workspaces", ROLE_WORKSPACE, true);
	read_seed_tools(j, s, top);
}

void
roles_read(struct job *j, const struct source *rules)
{
	const struct span	path = job_value(j, PARAM_ID_policy_file);
	struct groups		g = { NULL, 0 };
	struct source		s = { .conf = NULL };

	if (rules->conf != NULL && conf_top(rules->conf)->type == JSON_OBJECT) {
		groups_take(j, &g, rules, "roles", ROLE_ROLE, false);
		groups_take(j, &g, rules, "workspaces", ROLE_WORKSPACE, false);
	}
	if (path.n > 0 && source_open(j, path.p, &s) && s.conf != NULL)
		seed_take(j, &g, &s);
	groups_put(j, &g);
	source_close(&s);
	free(g.all);
}
