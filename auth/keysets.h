/* SPDX-License-Identifier: Apache-2.0
 *
 * keysets.h - the keys that were fetched for issuers, as one process has them parsed
 */
#ifndef AUTH_KEYSETS_H
#define AUTH_KEYSETS_H

#include "auth/jwt.h"
#include "policy/records.h"

struct keysets;

/* Of this snapshot (SNAP_KEYSETS), which is held.  A key that is none is left out.  E_NOMEM. */
must_check int	keysets_new(struct snap *s, struct keysets **out);
void		keysets_free(struct keysets **k);
/* Another one whenever other keys prove tokens, and not when only times changed; 0 for NULL. */
uint64_t	keysets_generation(const struct keysets *k);

/* By a key of that source's set, one of the token's kid where both name one.  k may be NULL.  0; E_DENIED: none proves
 * it; E_NOTFOUND: the set has no key of that kid; E_ISSUER_KEYS with *why: there is none yet, or it is kept no longer;
 * E_NOMEM, E_INTERNAL. */
must_check int	keysets_prove(const struct keysets *k, const struct rec_keysource *source, const struct jwt *t,
		    uint64_t wall_ms, const char **why);
/* What came of that source, borrowed; NULL: nothing was heard of it yet. */
const struct rec_keyset *keysets_find(const struct keysets *k, uint64_t id);

#endif
