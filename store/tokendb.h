/* SPDX-License-Identifier: Apache-2.0
 *
 * tokendb.h - the store: who signs the gateway's own tokens, and which of those do not count any more
 *
 * In the table `meta`, so that a store of an older release has all tables there are:
 *	issuer		the name of this gateway in its tokens, made with the first signer
 *	signer:KID	a signing key, Ed25519; the private half is nowhere else and leaves the store never
 *	gone:ID		a token that was revoked -> when no token of that time is good any more (big-endian ms)
 */
#ifndef STORE_TOKENDB_H
#define STORE_TOKENDB_H

#include "auth/own.h"
#include "auth/sign.h"
#include "store/keydb.h"

#define TOKENDB_KID_CHARS	12		/* "mgs_7f3a0c12" */
#define TOKENDB_ISSUER_MAX	64
#define TOKENDB_CLAIMS_MAX	8192
#define TOKENDB_FOR_MS_MAX	UINT64_C(86400000)
#define TOKENDB_GONE_MAX	10000

struct tokendb_signer {
	char		kid[TOKENDB_KID_CHARS + 1];
	uint8_t		public_key[SIGN_KEY_BYTES];
	bool		current;
	uint64_t	created_ms;
	uint64_t	last_ends_ms;		/* when the last of its tokens ends */
	uint64_t	before_ms;		/* tokens issued before are revoked; 0: none */
};
typedef int tokendb_signer_fn(const struct tokendb_signer *s, struct span issuer, void *arg);
typedef int tokendb_gone_fn(const uint8_t id[OWN_ID_BYTES], uint64_t ends_ms, void *arg);

/* Signers whose tokens may be good yet; then revoked tokens, in order of their id.  An error of fn ends the walk. */
must_check int	tokendb_each(struct keydb *db, uint64_t now_ms, tokendb_signer_fn *on_signer, tokendb_gone_fn *on_gone,
		    void *arg);

/* Makes a signer when there is none. */
must_check int	tokendb_ready(struct keydb *db, uint64_t now_ms);

struct tokendb_token {
	char		id[2 * OWN_ID_BYTES + 1];
	uint64_t	ends_ms;
	bool		new_signer;	/* which nobody knows yet */
};
/* A token of these claims, a JSON object without those that the gateway writes itself (iss, aud, jti, iat, exp, nbf,
 * via), good for so long.  E_FORMAT: they are none; E_RANGE: for 0, or for longer than a day. */
must_check int	tokendb_issue(struct keydb *db, struct span claims, uint64_t for_ms, uint64_t now_ms, struct buf *token,
		    struct tokendb_token *out);

/* Another signing key; tokens of those before are good until they end, or with `at_once` no more. */
must_check int	tokendb_rotate(struct keydb *db, uint64_t now_ms, bool at_once);
/* This one counts no more.  E_FORMAT: not an id; E_TOOBIG: too many were revoked. */
must_check int	tokendb_revoke(struct keydb *db, struct span id, uint64_t now_ms);
/* Those that were issued before this moment. */
must_check int	tokendb_revoke_before(struct keydb *db, uint64_t before_ms);

#endif
