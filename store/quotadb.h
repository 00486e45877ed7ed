/* SPDX-License-Identifier: Apache-2.0
 *
 * quotadb.h - the store: how much of a quota counts as used, in a period
 */
#ifndef STORE_QUOTADB_H
#define STORE_QUOTADB_H

#include "store/keydb.h"

#define QUOTADB_OF_MAX	500		/* bytes; a key of the environment */

struct quotadb_row {
	struct span	of;		/* what it is of, and in which period */
	uint64_t	used, ends_ms;	/* wall clock */
	bool		warned;		/* somebody was told that it is nearly used up */
};

/* In one transaction, each in the place of what is kept of it. */
must_check int	quotadb_put(struct keydb *db, const struct quotadb_row *rows, size_t count);
/* Deletes rows whose period ended before `past_ms`, and calls fn for each that ended at `from_ms` or later, or not yet.
 * Texts are borrowed for the call.  fn NULL: deletes alone. */
typedef int	quotadb_fn(const struct quotadb_row *row, void *arg);
must_check int	quotadb_load(struct keydb *db, uint64_t past_ms, uint64_t from_ms, quotadb_fn *fn, void *arg);
/* What is kept of this one: out->of is `of`.  0, E_NOTFOUND or what the store answers. */
must_check int	quotadb_get(struct keydb *db, struct span of, struct quotadb_row *out);

#endif
