/* SPDX-License-Identifier: Apache-2.0
 *
 * grantdb.h - the store: what logins at HTTP servers gave, sealed with a key that is not in the store
 *
 * grant	tenant, NUL, server, NUL, SHA-256 of the issuer -> u8 format, u8 number of the key, nonce, tag, and
 *		sealed (AES-256-GCM, with the row's key as additional data): u32 bytes of the issuer, issuer, the grant
 *
 * A tenant's server has one grant, and one of each user (auth/users.h): "server" is its name, LF, and what stands for
 * the user: another issuer's takes the place of the one before.
 */
#ifndef STORE_GRANTDB_H
#define STORE_GRANTDB_H

#include "lib/keyring.h"
#include "store/keydb.h"

#define GRANTDB_MAX		4096		/* grants */
#define GRANTDB_BYTES_MAX	(64 * 1024)	/* of one */

struct grantdb_grant {
	struct span	tenant, server, issuer, bytes;
};

/* Empty bytes: forgets it.  E_FORMAT: not usable names; E_TOOBIG; E_FULL; else as kv.h. */
must_check int	grantdb_keep(struct keydb *db, const struct keyring *ring, const struct grantdb_grant *g);
/* Every grant that a key of the ring opens, borrowed for the call; *sealed counts the others.  fn answers 0, or an
 * error that ends the walk and is handed on. */
typedef int grantdb_fn(const struct grantdb_grant *g, void *arg);
must_check int	grantdb_each(struct keydb *db, const struct keyring *ring, grantdb_fn *fn, void *arg, uint32_t *sealed);

#endif
