/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.h - issuers.json: ISSUER, AUDIENCE, VERIFIER, STANDIN (mcpgw-issuers(5))
 */
#ifndef POLICY_COMPILER_ISSUERS_H
#define POLICY_COMPILER_ISSUERS_H

#include "policy/compiler/job.h"

/* While the agents are known: agent_index() is asked. */
void	issuers_read(struct job *j);
/* The VERIFIERs of a JWK set (RFC 7517), for those of `algs` that a key can be for; how many.  `s` names the text. */
uint32_t keyset_put(struct job *j, const struct source *s, const struct conf_node *set, uint32_t algs,
	    bool algs_given);

/* keysource.c: "jwks_url", "discovery", "keys_keep" of this issuer, whose ISSUER comes next: its KEYSOURCE.  False: it
 * has none of them. */
bool	keysource_read(struct job *j, const struct source *s, const struct conf_node *issuer, uint32_t algs,
	    bool algs_given);

#endif
