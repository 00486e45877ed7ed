/* SPDX-License-Identifier: Apache-2.0
 *
 * familydb.h - the store: session tokens, and the refresh tokens that give others (RFC 6749, RFC 9700 4.14)
 *
 * A family is what one credential was given at one time.  It has one refresh token, of which the SHA-256 alone is kept,
 * in the table `meta`:
 *	family:PRINCIPAL ID	8 bytes of the principal's hash, 16 of its own -> struct, scope, claims
 * Each refresh token is good once.  Who comes with one that was used has stolen it, or it was stolen from them: the
 * family ends, and its tokens do.  Those that were given are told by a mark from what was never one, which ends
 * nothing: the rest of a token is no secret.
 */
#ifndef STORE_FAMILYDB_H
#define STORE_FAMILYDB_H

#include "store/familycount.h"
#include "store/tokendb.h"

#define FAMILYDB_SCOPE_MAX	2048
#define FAMILYDB_EACH		32	/* of one principal; the oldest goes */
#define FAMILYDB_MAX		100000
#define FAMILYDB_AT_BYTES	24	/* PRINCIPAL ID */
#define FAMILYDB_REFRESH_CHARS	(4 + 2 * FAMILYDB_AT_BYTES + 1 + 43)	/* "mgr_", hexadecimal, "_", base64url */

struct family_begin {
	uint64_t	who;		/* the principal's hash */
	bool		bound;		/* refreshed by a client alone that shows the same again */
	struct span	key;		/* SHA-256 of the API key that it is given for; empty: another credential */
	struct span	tenant, agent;	/* its own, as the claims have them */
	struct span	claims;		/* a JSON object, without scope and family */
	bool		scoped, chosen;	/* chosen: by the client, whose credential has none (auth/own.h) */
	struct span	scope;		/* words between blanks */
	uint64_t	for_ms, ends_ms, now_ms;	/* of a token; of the family */
};
struct family_refresh {
	struct span	token;		/* as it was shown */
	uint64_t	who;		/* what its connection shows: a hash, or 0 */
	bool		must;		/* it said so itself: it must be the family's */
	struct span	tenant;		/* that it asks for; empty: any */
	bool		scope_given;
	struct span	scope;
	uint64_t	for_ms, now_ms;
};
struct family_made {
	struct tokendb_token	token;
	char			refresh[FAMILYDB_REFRESH_CHARS + 1];
	bool			scoped;
	char			scope[FAMILYDB_SCOPE_MAX + 1];
	bool			keys_changed;	/* workers must know what ended */
	uint64_t		tenant;		/* whose: sum64() of its name; 0: it is not told */
	uint64_t		gone;		/* families of the tenant that ended with it, whatever it answers */
};

/* The token is appended.  E_NOTFOUND: there is no such key any more; E_FORMAT: claims that are none, or too long. */
must_check int	familydb_begin(struct keydb *db, const struct family_begin *b, struct buf *token,
		    struct family_made *out);
/* E_NOTFOUND: no such family, or not any more, or never a token of it; E_EXISTS: the token was used before, and the
 * family is ended; E_DENIED: it is another's; E_RANGE: the scope is wider. */
must_check int	familydb_refresh(struct keydb *db, const struct family_refresh *f, struct buf *token,
		    struct family_made *out);
/* Forgets what is over; *left, which is empty, is told what is left. */
must_check int	familydb_tidy(struct keydb *db, uint64_t now_ms, struct family_counts *left);

#endif
