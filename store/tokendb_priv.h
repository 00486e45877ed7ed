/* SPDX-License-Identifier: Apache-2.0
 *
 * tokendb_priv.h - the store: a signature within a transaction, between tokendb.c and familydb.c
 */
#ifndef STORE_TOKENDB_PRIV_H
#define STORE_TOKENDB_PRIV_H

#include "store/keydb_priv.h"
#include "store/tokendb.h"

/* On disk, for ever: what comes later is appended. */
struct tokendb_stored {
	uint8_t		version, current, spare[6];
	uint8_t		public_key[SIGN_KEY_BYTES], private_key[SIGN_KEY_BYTES];
	uint64_t	created_ms, last_ends_ms, before_ms;
};
_Static_assert(sizeof(struct tokendb_stored) == 96, "a signer as it is kept");

struct tokendb_current {
	bool		found;
	char		kid[TOKENDB_KID_CHARS + 1];
	struct tokendb_stored	d;
	uint64_t	last_ends_ms;		/* of all */
};

struct tokendb_signing {
	uint64_t		 now_ms;
	struct tokendb_current	 cur;		/* to be wiped */
	char			 issuer[TOKENDB_ISSUER_MAX];
	struct tokendb_token	*out;
};

/* An id, and its end. */
must_check int	tokendb_token_begin(uint64_t ends_ms, struct tokendb_token *out);
/* The signer, with the end of this token noted before there is one. */
must_check int	tokendb_sign_begin(struct kv_txn *t, struct tokendb_signing *i);
/* Appends the token. */
must_check int	tokendb_sign(const struct tokendb_signing *i, struct span claims, struct buf *token);
/* Tokens of this family count no more.  Where too many are revoked already they end by themselves. */
must_check int	tokendb_family_gone(struct kv_txn *t, const uint8_t id[OWN_ID_BYTES], uint64_t ends_ms,
		    uint64_t now_ms);

#endif
