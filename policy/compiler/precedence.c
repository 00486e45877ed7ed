/* SPDX-License-Identifier: Apache-2.0
 *
 * precedence.c - warns of rules whose effect depends on rules_precedence (seed-contracts C1, C2)
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 *
 * Rules with conditions, and those that are not enforced, are let be: what they do is not known here.
 *
 * The two orders part in two places: an explicit allow against a wildcard deny, and a server that is
 * allowed without any list of tools.  Both are said, so that nobody finds out by a call.
 */
#include <stdlib.h>

#include "lib/glob.h"
#include "policy/compiler/rules.h"

static const struct span every = { "*", 1 };

struct check {
	struct job			*j;
	const struct agent_rules	*a;
	size_t				 exact;		/* rules[0, exact) are explicit, the others wild */
	bool				 deny_first;
};

/* The first rule in [low, high) that is not before the key. */
static size_t
first_of(const struct check *c, size_t low, size_t high, const struct rule *key, bool by_server)
{
	while (low < high) {
		size_t			 mid = low + (high - low) / 2;
		const struct rule	*r = &c->a->rules[mid];

		if ((by_server ? span_cmp(r->server, key->server) : ruleset_key_cmp(r, key)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct rule *
find_exact(const struct check *c, enum rule_about about, bool deny, struct span server, struct span tool)
{
	struct rule	key = { .about = (uint8_t)about, .server = server, .tool = tool };

	for (size_t i = first_of(c, 0, c->exact, &key, false); i < c->exact; i++) {
		const struct rule *r = &c->a->rules[i];

		if (ruleset_key_cmp(r, &key) != 0)
			return NULL;
		if ((r->deny != 0) == deny && !r->passes)
			return r;
	}
	return NULL;
}

static const struct rule *
wild_deny_of(const struct check *c, struct span server, struct span tool)
{
	struct rule	key = { .server = server };

	for (size_t i = first_of(c, c->exact, c->a->count, &key, true); i < c->a->count; i++) {
		const struct rule *r = &c->a->rules[i];

		if (!r->deny || !span_eq(r->server, server))
			return NULL;
		if (!r->passes && glob_match(r->tool, tool))
			return r;
	}
	return NULL;
}

/* The wildcard deny that meets this explicit allow of a tool, or NULL. */
static const struct rule *
wild_deny(const struct check *c, const struct rule *allow)
{
	const struct rule	*r = wild_deny_of(c, allow->server, allow->tool);

	return r != NULL ? r : wild_deny_of(c, every, allow->tool);
}

static void
conflict_say(const struct check *c, const struct rule *allow, const struct rule *deny)
{
	struct span	path = job_path(c->j, deny->node);
	struct span	name = deny->about == RULE_ABOUT_SERVER ? deny->server : deny->tool;

	if (c->deny_first)
		job_warn(c->j, c->a->source, allow->node, "has no effect: %.*s \"%.*s\" denies it "
		    "(rules_precedence = seed would allow it)", SPAN_FMT(path), SHOWN(name));
	else
		job_warn(c->j, c->a->source, allow->node, "is allowed although %.*s \"%.*s\" denies it "
		    "(rules_precedence = deny-first would deny it)", SPAN_FMT(path),
		    SHOWN(name));
}

static void
check_conflicts(const struct check *c)
{
	const struct rule	*deny;

	for (size_t i = 0; i < c->exact; i++) {
		const struct rule *r = &c->a->rules[i];

		if (r->rule_class != RULE_EXPLICIT_ALLOW)
			continue;
		deny = r->about == RULE_ABOUT_SERVER ?
		    find_exact(c, RULE_ABOUT_SERVER, true, every, SPAN_NONE) : wild_deny(c, r);
		if (deny == NULL || find_exact(c, (enum rule_about)r->about, true, r->server, r->tool) != NULL)
			continue;
		if (r->about == RULE_ABOUT_TOOL &&
		    find_exact(c, RULE_ABOUT_TOOL, true, every, r->tool) != NULL)
			continue;
		conflict_say(c, r, deny);
	}
}

/* --- servers without a list of tools ------------------------------------------------------------ */

static const struct conf_node *
tool_lists(const struct check *c)
{
	return conf_find(conf_find(c->a->node, "allow"), "tools");
}

static bool
list_of(const struct conf_node *tools, struct span server)
{
	for (const struct conf_node *n = tools == NULL ? NULL : tools->first; n != NULL; n = n->next)
		if (span_eq(n->key, server) || span_eq(n->key, every))
			return true;
	return false;
}

static void
no_list_say(const struct check *c, const struct conf_node *n, struct span server)
{
	if (c->deny_first)
		job_warn(c->j, c->a->source, n, "server \"%.*s\" is allowed without a list in allow.tools, "
		    "which grants all its tools (rules_precedence = seed would deny them)", SHOWN(server));
	else
		job_warn(c->j, c->a->source, n, "server \"%.*s\" is allowed, but none of its tools: there is "
		    "no allow.tools list for it (rules_precedence = deny-first would grant them all)",
		    SHOWN(server));
}

static void
check_lists(const struct check *c)
{
	const struct conf_node	*tools = tool_lists(c);

	for (size_t i = 0; i < c->exact; i++) {
		const struct rule *r = &c->a->rules[i];

		if (r->about != RULE_ABOUT_SERVER || r->deny)
			continue;
		if (!span_eq(r->server, every)) {
			if (job_server(c->j, r->server) != NULL && !list_of(tools, r->server) &&
			    find_exact(c, RULE_ABOUT_SERVER, true, r->server, SPAN_NONE) == NULL)
				no_list_say(c, r->node, r->server);
			continue;
		}
		for (size_t k = 0; k < c->j->server_count; k++) {
			struct span name = c->j->servers[k].name;

			if (!list_of(tools, name) &&
			    find_exact(c, RULE_ABOUT_SERVER, true, name, SPAN_NONE) == NULL &&
			    find_exact(c, RULE_ABOUT_SERVER, false, name, SPAN_NONE) == NULL)
				no_list_say(c, r->node, name);
		}
	}
}

void
precedence_check(struct job *j, const struct agent_rules *a)
{
	struct check	c = { .j = j, .a = a };

	while (c.exact < a->count && a->rules[c.exact].exact)
		c.exact++;
	c.deny_first = job_number(j, PARAM_ID_rules_precedence) == PRECEDENCE_DENY_FIRST;
	check_conflicts(&c);
	check_lists(&c);
}
