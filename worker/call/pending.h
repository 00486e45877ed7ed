/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.h - a call that cannot begin yet, since its server's list is waited for
 *
 * Its client may give it up: a modern one by leaving, a legacy one with notifications/cancelled (mcp-wire
 * 14.9).  Then it ends at once, with its one record and no response; the list is fetched all the same.
 */
#ifndef WORKER_CALL_PENDING_H
#define WORKER_CALL_PENDING_H

#include "worker/front/request.h"
#include "worker/lists/lists.h"

/* Leaves the record of one that was given up, and nothing else. */
typedef void pending_record_fn(void *arg);

struct pending {		/* embedded in whatever waits, in its request's arena */
	struct request		*rq;
	struct lists_wait	 wait;
	lists_done_fn		*done;
	pending_record_fn	*record;
	void			*arg;
	bool			 waits;		/* and may be given up */
	struct pending		*next, **prev;	/* of legacy sessions; prev NULL: not among them */
};

/* As lists_begin() and lists_ready(): done comes once, unless the call is given up; lists are wanted with p->wait.
 * record NULL: it cannot be given up, and rq->job stays as it is. */
void		pending_begin(struct pending *p, struct request *rq, lists_done_fn *done, pending_record_fn *record,
		    void *arg);
void		pending_ready(struct pending *p);
/* The one of this session with this raw id is given up; false: there is none. */
must_check bool	pending_cancel(struct worker *w, uint64_t session_hash, struct span id);

#endif
