/* SPDX-License-Identifier: Apache-2.0
 *
 * vars.h - ${VAR}, ${VAR:-default}, ${secret:NAME}, ${file:PATH} in the values of servers.json
 */
#ifndef POLICY_COMPILER_VARS_H
#define POLICY_COMPILER_VARS_H

#include "policy/compiler/job.h"

struct vars_value {
	struct span	text;		/* in the job's arena */
	bool		secret;		/* came from ${secret:} or ${file:}: never into policy or profile */
	bool		missing;	/* ${input:}: only an editor can ask for it; *why says so */
	const char	*why;
};

/* Expands the string n.  Where secrets have no place (may_secret false) they are an error.  False
 * after saying what is wrong. */
bool	vars_expand(struct job *j, const struct source *s, const struct conf_node *n, bool may_secret,
	    struct vars_value *out);

#endif
