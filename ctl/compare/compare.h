/* SPDX-License-Identifier: Apache-2.0
 *
 * compare.h - two policies: whose calls are decided otherwise, which servers and parameters are others
 */
#ifndef CTL_COMPARE_COMPARE_H
#define CTL_COMPARE_COMPARE_H

#include "ctl/ctl.h"
#include "policy/decide.h"

enum compare_who {
	COMPARE_AGENT,
	COMPARE_ROLE,		/* a caller that has this role and no agent */
	COMPARE_WORKSPACE,	/* one in it, with whichever role helps most */
	COMPARE_WHO_LIMIT
};
enum compare_may { COMPARE_DENY, COMPARE_DEPENDS, COMPARE_ALLOW };

/* Of one of these about one tool.  The tool "*" stands for every one that no other line names, and for what is no tool;
 * a pattern of a rule stands for the tools it fits.  Borrowed from the policies. */
struct compare_decision {
	enum compare_who who;
	struct span	tenant, name, server, tool;
	enum compare_may was, is;
	struct decision	before, after;		/* the better ones, of those that depend on something */
};

enum compare_server_change {
	SERVER_COMES, SERVER_GOES, SERVER_DISABLED, SERVER_ENABLED,
	SERVER_RESTARTS,	/* it runs in another way: its tools start anew, HTTP ones are connected to anew */
	SERVER_DIFFERS		/* in what needs no restart */
};
struct compare_server {
	const struct rec_server	*before, *after;	/* NULL: not there */
	enum compare_server_change change;
};

struct compare {
	const struct snap	*before, *after;	/* borrowed */
	struct compare_decision	*decisions;
	struct compare_server	*servers;
	size_t			 decision_count, server_count;
	size_t			 agents, roles, restarts;	/* how many it is about; roles: and workspaces */
	unsigned		*params;		/* enum param_id */
	size_t			 param_count;
	bool			 limits, peers, issuers, others;	/* differ too; others: hosts, defaults */
	bool			 conditions;		/* of rules; also costs, and what is only watched */
	bool			 cut;			/* there was more to compare than room */
	const char		*file, *shown;		/* a file of this name stood in for that one; or NULL */
};

/* Tools of a server that are known from elsewhere than the rules; calls fn for each.  May be NULL. */
typedef void compare_tool_fn(struct span tenant, struct span server, struct span tool, void *arg);
typedef void compare_known_fn(compare_tool_fn *fn, void *arg, void *known);

/* Exits when memory ends. */
void	compare_make(const struct snap *before, const struct snap *after, compare_known_fn *known, void *known_arg,
	    struct compare *out);
void	compare_fini(struct compare *c);
/* Does anything differ? */
bool	compare_any(const struct compare *c);

/* compare_print.c: one line each, and the sum; or lines of JSON. */
void	compare_print(const struct ctl *ctl, const struct compare *c);
/* Where a rule stands, as an operator knows the file. */
struct span compare_file(const struct compare *c, struct span file);

/* compare_when.c: of what rules have beside names. */
uint64_t	compare_rules_sum(const struct snap *s);

#endif
