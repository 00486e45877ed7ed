/* SPDX-License-Identifier: Apache-2.0
 *
 * jsonl.h - audit_log: a line for each row that comes into the store, in the shape seed 001's readers know
 */
#ifndef AUDIT_AUDITOR_JSONL_H
#define AUDIT_AUDITOR_JSONL_H

#include "audit/db.h"
#include "lib/buf.h"

struct jsonl {
	int		fd;		/* -1: nobody wants it */
	uint64_t	done;		/* the last row that was written, or was there before */
};

void		jsonl_init(struct jsonl *j);
void		jsonl_fini(struct jsonl *j);
/* Takes the file, which is appended to, and lets go of the one before; *fd is -1 then. */
void		jsonl_take(struct jsonl *j, int *fd);
/* From the next row on; before anything is imported. */
void		jsonl_begin(struct jsonl *j, struct auditdb *db);
/* Writes the rows since, outside of a transaction.  What goes wrong is logged, and tried again with the next. */
void		jsonl_follow(struct jsonl *j, struct auditdb *db);

/* Appends one row as a line.  0, E_TOOBIG, E_NOMEM. */
must_check int	jsonl_put(struct buf *to, const struct auditdb_row *row);

#endif
