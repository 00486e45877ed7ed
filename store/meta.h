/* SPDX-License-Identifier: Apache-2.0
 *
 * meta.h - the store: entries of the table `meta` by the beginning of their keys
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/keydb_priv.h"

/* Entries with this prefix, in order; `rest` is what stands behind it.  fn answers 0, or what ends the walk; it may
 * delete what the cursor is at. */
typedef int meta_fn(struct kv_cursor *c, struct span rest, struct span value, void *arg);
must_check int	meta_each(struct kv_txn *t, struct span prefix, meta_fn *fn, void *arg);

#endif
