/* SPDX-License-Identifier: Apache-2.0
 *
 * farewell.h - tasks/cancel for a task whose call is over: sent, and its answer not waited for
 */
#ifndef WORKER_CALL_FAREWELL_H
#define WORKER_CALL_FAREWELL_H

#include "worker/front/request.h"

#define FAREWELL_MS	10000	/* for its answer */
#define FAREWELLS_MAX	256	/* of this worker at one time: what is over that is not told */

/* To this instance of the server, which knows the task by this id.  All is copied or held. */
void	farewell(struct request *rq, const struct rec_server *server, uint64_t instance, uint64_t capabilities,
	    struct span task_id);

#endif
