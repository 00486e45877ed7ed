/* SPDX-License-Identifier: Apache-2.0
 *
 * fetched.h - the key sets of issuers that were fetched last, for a start while their servers are out of reach
 */
#ifndef STORE_FETCHED_H
#define STORE_FETCHED_H

#include "store/keydb.h"

#define FETCHED_BYTES_MAX	(8 * 1024 * 1024)	/* of a snapshot that is kept */

/* Instead of those before.  E_TOOBIG: those before stay. */
must_check int	fetched_save(struct keydb *db, struct span snapshot);
/* *fd is a sealed memfd, the caller's.  E_NOTFOUND. */
must_check int	fetched_load(struct keydb *db, int *fd);

#endif
