/* SPDX-License-Identifier: Apache-2.0
 *
 * fetched.c - the key sets of issuers that were fetched last
 *
 * Process: mcpgw-store.  Owns: nothing; "keysets" in meta is the snapshot as it was offered.
 * Trusts:  nothing in it: who maps it looks at it again.
 */
#include "lib/fd.h"
#include "store/fetched.h"
#include "store/keydb_priv.h"

#define NAME	SPAN_LIT("keysets")

static int
txn_save(struct kv_txn *t, void *arg)
{
	return kv_put(t, DB_META, NAME, *(const struct span *)arg);
}

int
fetched_save(struct keydb *db, struct span snapshot)
{
	return snapshot.n > FETCHED_BYTES_MAX ? E_TOOBIG : keydb_write(db, txn_save, &snapshot);
}

int
fetched_load(struct keydb *db, int *fd)
{
	struct kv_txn	*t;
	struct span	 v;
	int		 r;

	*fd = -1;
	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = kv_get(t, DB_META, NAME, &v)) == 0)
		r = fd_memfd_sealed("keysets", v, fd);
	kv_abort(&t);
	return r;
}
