/* SPDX-License-Identifier: Apache-2.0
 *
 * rules.h - rules.json: AGENT, RULE, EXACT, WILD (mcpgw-rules(5))
 */
#ifndef POLICY_COMPILER_RULES_H
#define POLICY_COMPILER_RULES_H

#include "policy/compiler/job.h"

void	rules_read(struct job *j);

/* --- what the files of the rules share ----------------------------------------------------------- */

/* One rule of one agent, beside its record. */
struct rule {
	const struct conf_node	*node;		/* the pattern, or the name of a server */
	struct span		 server, tool;
	uint32_t		 index;		/* into RULE */
	uint64_t		 hash;		/* explicit ones: policy_exact_hash() */
	uint8_t			 rule_class, deny, hide, about;
	bool			 exact;		/* stands in EXACT; else in WILD */
	bool			 passes;	/* it may not count: it has conditions, or is not enforced */
};

/* An element of a list of rules. */
struct entry {
	const struct conf_node	*node;
	struct span		 name;		/* of a server, or a pattern of tools */
	uint32_t		 when_first, when_count;	/* into CONDITION */
	uint16_t		 cost;
	uint8_t			 log, flags;	/* as in struct rec_rule */
};

struct agent_rules {
	const struct source	*source;
	const struct conf_node	*node;		/* agents.NAME */
	uint32_t		 agent;		/* as rec_rule.agent has it */
	struct rule		*rules;		/* malloc'ed */
	size_t			 count;
};

/* Rules on their way from a text into a set. */
struct rules_reading {
	struct job		*j;
	const struct source	*s;
	struct agent_rules	 a;
	struct buf		 path;
	struct stext		 file;
	bool			 deny, hide;
	bool			 lists;		/* say for which servers there is a list: deny-first asks */
};
/* owner: as rec_rule.agent has it.  ruleset_put() is the caller's to call before the end. */
void	rules_begin(struct rules_reading *rd, struct job *j, const struct source *s, const struct conf_node *node,
	    uint32_t owner);
void	rules_end(struct rules_reading *rd);
/* allow, deny and hide of the node. */
void	rules_read_sections(struct rules_reading *rd);
enum rule_class	rules_class(const struct rules_reading *rd, bool server_named, bool tool_named);
void	rules_put(struct rules_reading *rd, const struct entry *e, enum rule_about about, enum rule_class strength,
	    struct span server, struct span tool, bool exact);

/* roles.c: "roles" and "workspaces" of rules.json (whose conf may be NULL), and policy_file. */
void	roles_read(struct job *j, const struct source *rules);

/* rulesets.c: EXACT and WILD of one agent.  Sorts a->rules: exact ones first, by key, then wildcards
 * by server; within, the strongest first. */
void	ruleset_put(struct job *j, struct agent_rules *a);
int	ruleset_key_cmp(const struct rule *a, const struct rule *b);
/* precedence.c: warns of rules whose effect depends on rules_precedence.  After ruleset_put(). */
void	precedence_check(struct job *j, const struct agent_rules *a);

/* entry.c: `key` names what the entry is about, "server" or "tool".  False after saying what is wrong. */
bool	entry_read(struct job *j, const struct source *s, const struct conf_node *node, const char *key, bool deny,
	    struct entry *out);
/* conditions.c: "when". */
bool	conditions_read(struct job *j, const struct source *s, const struct conf_node *when, uint32_t *first,
	    uint32_t *count);

/* The agents of the file, sorted as AGENT is: their index, or UINT32_MAX. */
uint32_t	agent_index(struct job *j, struct span name);
/* "; did you mean "NAME"?" of one that is not there, or "". */
const char	*agent_hint(struct job *j, struct span name);

/* peers.c: "peers", and the owner in personal mode; PEER in its order, when all tenants are read.  limits.c:
 * "limits"; tenantlimits.c: what stands in parameters, behind them. */
void	peers_read(struct job *j, const struct source *s, const struct conf_node *peers);
void	peers_sort(struct job *j);
void	limits_read(struct job *j, const struct source *s, const struct conf_node *limits);
void	limits_of_tenant(struct job *j);
void	limits_of_address(struct job *j);	/* behind all tenants' */

#endif
