/* SPDX-License-Identifier: Apache-2.0
 *
 * notes.h - a server's notifications on their way to the client whose call they belong to
 */
#ifndef WORKER_CALL_NOTES_H
#define WORKER_CALL_NOTES_H

#include "mcp/level.h"
#include "worker/front/request.h"

struct notes {
	struct span	 token;		/* the client's progressToken, raw; empty: it wants no progress */
	enum mcp_level	 level;		/* log messages from this on; NONE: a modern client that wants none */
	double		 progress;	/* said last */
	bool		 any;
};

/* For a call of this request. */
void	notes_init(struct notes *n, const struct request *rq);
/* Passes it on, or drops it: progress that was not asked for or does not grow, log messages below the
 * level, and whatever belongs to no single call (mcp-wire 14.5, 14.6, 14.9).  task_id: the client's, raw, of
 * the task that its call is about; empty: none. */
void	notes_relay(struct notes *n, struct request *to, const struct rpc_answer *m, struct span task_id);

#endif
