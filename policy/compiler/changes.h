/* SPDX-License-Identifier: Apache-2.0
 *
 * changes.h - what an operator says of single tools: CHANGE, RENAMED, ARGUMENT
 */
#ifndef POLICY_COMPILER_CHANGES_H
#define POLICY_COMPILER_CHANGES_H

#include "policy/compiler/server.h"

/* One tool's, beside its record.  In job memory. */
struct change {
	struct span		 tool, name;	/* name: empty, or clients' */
	const struct conf_node	*node;
	struct rec_change	 rec;
};

struct change_list {
	struct change	*items;		/* malloc'ed */
	size_t		 count;
	uint64_t	 sum;		/* over what lists show */
};

/* "tools" of a server in servers.json. */
void	changes_read(struct server *sv);
/* One tool more, whose texts are the job's: its record, to be filled in before the next. */
struct rec_change *changes_add(struct change_list *l, struct span tool);
/* Sorts, and makes the records; of two that name one tool the first counts.  Frees the list. */
void	changes_put(struct server *sv, struct change_list *l);
/* The same of tools on whichever server of the tenant. */
void	changes_put_every(struct job *j, struct change_list *l);

/* A list of roles: the set, in the policy's text, and where it stands. */
void	changes_read_roles(struct job *j, const struct source *s, const struct conf_node *object,
	    struct rec_change *out);
/* risk_level or whatever `key` is: enum risk_level, RISK_LEVEL_UNSAID where it is not there. */
uint32_t changes_read_risk(struct job *j, const struct source *s, const struct conf_node *object, const char *key);

#endif
