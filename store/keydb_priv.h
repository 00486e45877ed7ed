/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb_priv.h - the store's environment, between keydb.c and pindb.c
 */
#ifndef STORE_KEYDB_PRIV_H
#define STORE_KEYDB_PRIV_H

#include "lib/kv.h"
#include "store/keydb.h"

enum keydb_table { DB_KEY, DB_KEYNAME, DB_POLICY, DB_META, DB_PIN, DB_GRANT, DB_LIMIT };

struct keydb {
	struct kv	*kv;
};

/* One write transaction, again with a larger map when that was full; so fn may run more than once. */
typedef int keydb_write_fn(struct kv_txn *t, void *arg);
must_check int	keydb_write(struct keydb *db, keydb_write_fn *fn, void *arg);

#endif
