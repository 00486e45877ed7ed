/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.h - ${vault:MOUNT/PATH#FIELD}: what is wanted of a vault, and what mcpgw-scout found there
 */
#ifndef POLICY_COMPILER_VAULT_H
#define POLICY_COMPILER_VAULT_H

#include "policy/compiler/job.h"

enum vault_found {
	VAULT_FOUND,
	VAULT_WAITS,		/* there is no value now */
	VAULT_WRONG,		/* what was written names nothing that could be there */
	VAULT_NOBODY_KNOWS,	/* nobody who was asked could know: this is a check */
};

/* Notes that `named`, which is MOUNT/PATH#FIELD, is wanted.  FOUND: *value, borrowed from the job; else *why, for
 * people (the job's), but for NOBODY_KNOWS. */
enum vault_found vault_want(struct job *j, struct span named, struct span *value, const char **why);
/* VAULT, when something is wanted; after all servers, in the tenant "default". */
void		vault_finish(struct job *j);

#endif
