/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb_priv.h - the store's environment, between keydb.c, keychange.c and pindb.c
 */
#ifndef STORE_KEYDB_PRIV_H
#define STORE_KEYDB_PRIV_H

#include "lib/kv.h"
#include "store/keydb.h"

enum keydb_table { DB_KEY, DB_KEYNAME, DB_POLICY, DB_META, DB_PIN, DB_GRANT, DB_QUOTA, DB_LIMIT };

struct keydb {
	struct kv	*kv;
};

/* One write transaction, again with a larger map when that was full; so fn may run more than once. */
typedef int keydb_write_fn(struct kv_txn *t, void *arg);
must_check int	keydb_write(struct keydb *db, keydb_write_fn *fn, void *arg);

/* --- keys --------------------------------------------------------------------------------------- */

#define KEYNAME_MAX	(KEYDB_TENANT_MAX + 1 + KEYDB_NAME_MAX)
#define KEY_VALUE_MAX	16384

/* keycodec.c.  A value as it is kept; spans of what is decoded point into it. */
must_check int	key_encode(struct buf *b, const struct keydb_key *key);
must_check int	key_decode(struct span digest, struct span value, struct keydb_key *out);
bool		key_is_plain(struct span s, size_t max);

/* keydb.c */
struct span	key_at(struct span tenant, struct span name, char to[KEYNAME_MAX]);
must_check int	key_each(struct kv_txn *t, keydb_key_fn *fn, void *arg);
/* In the place of what is kept of this digest, if anything. */
must_check int	key_put(struct kv_txn *t, const struct keydb_key *key);

#endif
