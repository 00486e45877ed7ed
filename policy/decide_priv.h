/* SPDX-License-Identifier: Apache-2.0
 *
 * decide_priv.h - how rules are looked for, between decide.c and roles.c
 */
#ifndef POLICY_DECIDE_PRIV_H
#define POLICY_DECIDE_PRIV_H

#include "policy/decide.h"
#include "policy/policy.h"

struct asked {
	const struct snap	*snap;
	const struct principal	*who;
	const struct object	*what;
	const struct rec_agent	*agent;		/* whose rules are looked at, or a role's */
	uint32_t		 agent_index;	/* as rec_rule.agent has it */
	bool			 deny_first;
	bool			 denies_only;	/* allows are none */
	bool			 whole;		/* not a tool: only "*" speaks about it */
	unsigned		 unsure;	/* as in struct decision */
	struct span		 server, tool;
	uint64_t		 server_sum, tool_sum, every_sum, none_sum;	/* a name is summed once */
};

/* The strongest rule seen so far, and the strongest of those that are not enforced. */
struct best {
	const struct rec_rule	*rule, *shadow;
	uint32_t		 index, shadow_index;
	unsigned		 rank, shadow_rank;
};

/* decide.c */
/* Adds the rules of q->agent about the server, or about what is asked for inside of it. */
void	decide_look(struct asked *q, bool inside, struct best *best);
/* What the strongest one, which is there, says. */
void	decide_answer(const struct asked *q, const struct best *best, struct decision *out);
/* Whoever is allowed by a weaker rule than one that is not enforced is allowed, and is told of that one. */
void	decide_answer_shadow(const struct asked *q, const struct best *best, struct decision *out);
/* Denied: no rule. */
void	decide_answer_none(const struct snap *s, struct decision *out);

/* roles.c */
/* Have rules of roles and workspaces something to say about this principal? */
bool	roles_speak(const struct snap *s, const struct principal *who);
/* What they say.  beside: there are an agent's rules too, which allow it: what they said stays in *out unless these
 * deny. */
void	roles_decide(struct asked *q, bool beside, struct decision *out);
/* Denies what is allowed, when the tool wants a role that the principal has not. */
void	roles_demand(const struct asked *q, struct decision *out);
/* Denies a tool that the operator has hidden: true. */
bool	roles_hide(const struct snap *s, const struct principal *who, const struct object *what, struct decision *out);

#endif
