/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens.h - tokens that were proven, by their digest: who bears them, until when (architecture 3.2)
 *
 * One for each worker, never shared.  It holds identities, never a decision, and those of one policy: what another one
 * put in is not found, so a key or an issuer that is taken out counts at once.
 */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include "auth/issuers.h"
#include "lib/crypt.h"

struct tokens;

must_check int	tokens_new(struct tokens **out);
void		tokens_free(struct tokens **t);
/* Borrowed until the next call that puts.  False: not there, for another path than this, or it has ended. */
bool		tokens_find(const struct tokens *t, const struct crypt_digest *digest, uint64_t generation,
		    struct span path, uint64_t wall_ms, struct bearer *out);
/* Copies; without memory it is not kept. */
void		tokens_put(struct tokens *t, const struct crypt_digest *digest, uint64_t generation,
		    const struct bearer *b);

#endif
