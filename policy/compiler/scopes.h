/* SPDX-License-Identifier: Apache-2.0
 *
 * scopes.h - "scopes" of issuers.json: SCOPE, GRANT (mcpgw-issuers(5))
 */
#ifndef POLICY_COMPILER_SCOPES_H
#define POLICY_COMPILER_SCOPES_H

#include "policy/compiler/job.h"

/* Of the text whose top object this is, for this tenant.  Are there any? */
bool	scopes_read(struct job *j, const struct source *s, const struct conf_node *top, uint32_t tenant);

#endif
