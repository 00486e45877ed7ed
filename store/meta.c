/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.c - the store: entries of the table `meta` by the beginning of their keys
 *
 * Process: mcpgw-store.  Owns: nothing.
 */
#include "store/meta.h"

int
meta_each(struct kv_txn *t, struct span prefix, meta_fn *fn, void *arg)
{
	struct kv_cursor	*c;
	struct span		 k, v;
	int			 r;

	if ((r = kv_cursor_open(t, DB_META, &c)) != 0)
		return r;
	for (r = kv_cursor_seek(c, prefix, &k, &v); r == 0 && span_starts(k, prefix);
	    r = kv_cursor_move(c, KV_NEXT, &k, &v))
		if ((r = fn(c, span_part(k, prefix.n, k.n), v, arg)) != 0)
			break;
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}
