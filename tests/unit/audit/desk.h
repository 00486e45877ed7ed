/* SPDX-License-Identifier: Apache-2.0
 *
 * desk.h - what the audit's tests work on: a folder with spool and store, a loop, a spool
 */
#ifndef TESTS_UNIT_AUDIT_DESK_H
#define TESTS_UNIT_AUDIT_DESK_H

#include "audit/db.h"
#include "audit/spool.h"

#define DESK_BOOT UINT64_C(0x1122334455667788)

struct desk {
	char		 path[64], spool_path[80], db_path[80];
	int		 spool_fd;
	struct loop	*loop;
	struct spool	*spool;
	uint32_t	 wanted;		/* the last number asked for */
	uint64_t	 not_kept;		/* what the last failed write lost */
	unsigned	 not_kept_calls;
};

void	desk_init(struct desk *d);
void	desk_fini(struct desk *d);
/* A segment of DESK_BOOT, slot 1, this incarnation; the descriptor is the caller's. */
int	desk_segment(struct desk *d, uint32_t incarnation, uint32_t number);
/* A spool without segments, on a loop of its own. */
void	desk_spool(struct desk *d);
void	desk_turn(struct desk *d);
/* Files in the spool folder. */
unsigned desk_segments(struct desk *d);

/* Fields as large as they can be. */
struct audit_fields desk_large_fields(void);
struct audit_fields desk_fields(const char *object);

/* Rows of the store: all, and those with this outcome, or this object. */
struct desk_rows {
	uint64_t	all, marks, unknown, ok;
};
struct desk_rows desk_rows(struct auditdb *db);
/* How many rows tell of this object? */
unsigned	desk_rows_of(struct auditdb *db, const char *object);

#endif
