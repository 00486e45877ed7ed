/* SPDX-License-Identifier: Apache-2.0
 *
 * import.h - from the spool folder into the audit store, each record exactly once
 */
#ifndef AUDIT_AUDITOR_IMPORT_H
#define AUDIT_AUDITOR_IMPORT_H

#include <stdbool.h>

#include "audit/db.h"

struct import;

/* `db` is borrowed until free; boot is this start of the gateway.  E_NOMEM or E_SYS (the folder). */
must_check int	import_new(struct auditdb *db, const char *spool_path, uint64_t boot,
		    struct import **out);
void		import_free(struct import **im);

/* This writer is dead: when its segments are read, its open calls get outcome=unknown. */
must_check int	import_writer_over(struct import *im, uint32_t slot, uint32_t incarnation);
/* The same for every writer that holds no segment any more: at start, and at the end. */
must_check int	import_all_over(struct import *im);

enum import_news {
	IMPORT_QUIET,		/* nothing came */
	IMPORT_MOVED,		/* all there was is taken; look again soon */
	IMPORT_MORE,		/* not all: go on at once */
};

/* Takes what there is, up to a few MiB, in one transaction; deletes the segments that are through.
 * 0, E_NOMEM, E_SYS (errno: ENOSPC is a full disk; nothing was lost, try again) or E_FORMAT (the
 * store is damaged). */
must_check int	import_pass(struct import *im, enum import_news *news);
/* All there was when it began, and perhaps some that came meanwhile. */
must_check int	import_all(struct import *im);
/* Records that wait; reads the segments. */
uint64_t	import_behind(struct import *im);
/* Does any worker still hold a segment?  As of the last pass. */
bool		import_has_live(const struct import *im);
/* Start: drops what interrupted makers left, and what is known of writers of earlier boots. */
must_check int	import_tidy(struct import *im);

#endif
