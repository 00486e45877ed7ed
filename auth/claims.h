/* SPDX-License-Identifier: Apache-2.0
 *
 * claims.h - what a token's claims say of its bearer, whatever its issuer calls them
 *
 * `names` are the names that a claim may have, each with a NUL behind it (lib/nameset.h, but in their order); the
 * first that is there counts.  One that begins with "/" is a JSON pointer (RFC 6901): "/realm_access/roles".
 */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H

#include "auth/jwt.h"

/* A text, decoded; empty: there is none, or it is no text.  E_NOMEM. */
must_check int	claims_text(const struct jwt *t, struct span names, struct arena *a, struct span *out);
/* The texts of an array, or a single one, as a set (lib/nameset.h); what is no text is none of it.  With `words` each
 * is cut at its blanks (RFC 6749 3.3).  E_FULL: more than a set holds; E_NOMEM. */
must_check int	claims_set(const struct jwt *t, struct span names, bool words, struct arena *a, struct span *out);
/* Is it one of these texts, each with a NUL behind it?  A number counts as it is written. */
bool		claims_is_one_of(const struct jwt *t, struct span names, struct span values);

#endif
