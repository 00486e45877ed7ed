/* SPDX-License-Identifier: Apache-2.0
 *
 * own.h - tokens that the gateway itself issued (`mcpgwctl token`), by the signers in the `keys` snapshot
 *
 * Their header begins with a type of its own, so that no token of an issuer is taken for one, nor one of them for an
 * issuer's.
 */
#ifndef AUTH_OWN_H
#define AUTH_OWN_H

#include "auth/issuers.h"

#define OWN_TYPE	"mcpgw+jwt"
/* The claim of a session token: which credential it was given for.  It stands for the same principal, and for no
 * longer. */
#define OWN_VIA		"via"
/* The claim, true, of a session token whose credential has no scopes: those in it are the client's choice. */
#define OWN_CHOSEN	"scope_chosen"
#define OWN_GROUP	"gid"		/* in it: the group by which a local user stands for the agent */
#define OWN_ID_BYTES	16		/* jti: twice as many hexadecimal digits */

/* Does it say that it is one?  Proves nothing. */
bool		own_claims_to_be(struct span token);
/* Its id from its text, as it was issued: in lower case.  False: it is none. */
bool		own_id_read(struct span text, uint8_t id[OWN_ID_BYTES]);
/* Whose it is; texts live in the arena.  keys may be NULL.  0; E_HTTP_CREDENTIAL: it is not accepted, *why and *told as
 * in issuers_bearer(); E_NOMEM, E_INTERNAL. */
must_check int	own_bearer(const struct snap *keys, struct span token, uint64_t wall_ms, struct arena *a,
		    struct bearer *out, const char **why, const char **told);

#endif
