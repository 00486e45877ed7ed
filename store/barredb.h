/* SPDX-License-Identifier: Apache-2.0
 *
 * barredb.h - the store: tokens of issuers that do not count any more, one by its id or all of a subject
 *
 * In the table `meta`: "barred:" and a SHA-256 of what is barred -> struct, its issuer, and the id or subject.
 */
#ifndef STORE_BARREDB_H
#define STORE_BARREDB_H

#include "store/keydb.h"

#define BARREDB_TEXT_MAX	1024	/* of a name */
#define BARREDB_MAX		10000
#define BARREDB_MS_MAX		(UINT64_C(366) * 86400000)

struct barred {
	bool		is_subject;
	struct span	issuer, name;
	uint64_t	before_ms, ends_ms;	/* as rec_barred has them */
};

/* In place of what was said of the same before.  E_FORMAT: a name is empty, too long or not plain text; E_RANGE: it
 * ends later than in a year; E_TOOBIG: too many are barred. */
must_check int	barredb_put(struct keydb *db, const struct barred *b, uint64_t now_ms);
/* Those that bar something yet; an error of fn ends the walk. */
typedef int barredb_fn(const struct barred *b, void *arg);
must_check int	barredb_each(struct keydb *db, uint64_t now_ms, barredb_fn *fn, void *arg);

#endif
