/* SPDX-License-Identifier: Apache-2.0
 *
 * entry.c - one entry of a list of rules: a name, or an object with a name, conditions, and what else is to be done
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  nobody to have written what the manual page says.
 */
#include "lib/log.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"

#define COST_MAX	1000

static bool
read_options(struct job *j, const struct source *s, const struct conf_node *node, bool deny, struct entry *out)
{
	static const char *const	levels[] = { "debug", "info", "notice", "warning", NULL };
	const struct conf_node		*when = conf_find(node, "when");
	uint64_t			 cost = 0;
	uint32_t			 level = 0;
	bool				 shadow = false, approval = false;

	if (when != NULL && !conditions_read(j, s, when, &out->when_first, &out->when_count))
		return false;
	if (deny && typed_flag(j, s, node, "shadow", &shadow) && shadow)
		out->flags |= RULE_FLAG_SHADOW;
	if (!deny && typed_flag(j, s, node, "require_approval", &approval) && approval)
		out->flags |= RULE_FLAG_APPROVAL;
	if (!deny && typed_number(j, s, node, "cost", 1, COST_MAX, &cost))
		out->cost = (uint16_t)cost;
	if (!deny && typed_word(j, s, node, "log", levels, &level))
		out->log = (uint8_t)(LOG_LEVEL_DEBUG - level + 1);
	return true;
}

bool
entry_read(struct job *j, const struct source *s, const struct conf_node *node, const char *key, bool deny,
    struct entry *out)
{
	const char *const	 deny_keys[] = { key, "when", "shadow", NULL };
	const char *const	 server_keys[] = { key, "when", NULL };
	const char *const	 tool_keys[] = { key, "when", "cost", "log", "require_approval", NULL };
	const bool		 is_tool = span_is(span_of(key), "tool");
	const struct conf_node	*name = NULL;

	*out = (struct entry){ .node = node, .name = node->text };
	if (node->type == JSON_NUMBER) {
		job_error(j, s, node, "want a string; write \"%.*s\"", SHOWN(node->text));
		return false;
	}
	if (node->type != JSON_OBJECT)
		return typed_is(j, s, node, JSON_STRING);
	typed_keys(j, s, node, deny ? deny_keys : is_tool ? tool_keys : server_keys);
	if (conf_find(node, key) == NULL) {
		job_error(j, s, node, "\"%s\" is missing: which %s is the rule about?", key, key);
		return false;
	}
	if (!typed_string(j, s, node, key, &name))
		return false;
	out->name = name->text;
	return read_options(j, s, node, deny, out);
}
