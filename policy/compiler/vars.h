/* SPDX-License-Identifier: Apache-2.0
 *
 * vars.h - ${VAR}, ${VAR:-default}, and ${secret:}, ${cred:}, ${vault:}, ${file:} in the values of servers.json
 */
#ifndef POLICY_COMPILER_VARS_H
#define POLICY_COMPILER_VARS_H

#include "policy/compiler/job.h"

struct vars_value {
	struct span	text;		/* in the job's arena */
	bool		secret;		/* came from ${secret:} and its like: never into policy or profile */
	bool		vault;		/* ${vault:} stands there */
	bool		missing;	/* only an editor can ask for it (${input:}), or the vault has none now: *why */
	const char	*why;
};

/* Expands the string n.  Where secrets have no place (may_secret false) they are an error.  False
 * after saying what is wrong. */
bool	vars_expand(struct job *j, const struct source *s, const struct conf_node *n, bool may_secret,
	    struct vars_value *out);

#endif
