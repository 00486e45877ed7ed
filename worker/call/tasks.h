/* SPDX-License-Identifier: Apache-2.0
 *
 * tasks.h - tasks between a client and a server of one era (mcp-wire 10, 14.12)
 *
 * A call of a tool may be answered with a task; what its client asks about it later are calls of their own,
 * to the server and under the tool's name that the sealed id holds (mcp/task.h).
 */
#ifndef WORKER_CALL_TASKS_H
#define WORKER_CALL_TASKS_H

#include "worker/call/call.h"

struct answer_ready;
struct call;

#define TASKS_RESULT_MS	(600u * 1000)	/* a legacy tasks/result is waited for; then its client asks again */

/* tasks/get, tasks/result, tasks/update, tasks/cancel: to the server that has the task. */
void		tasks_request(struct request *rq);
/* Can a task outlive the call that made it there? */
bool		tasks_possible(const struct rec_server *server);
/* Does a call of this tool come with `task` as the tool wants it (2025-11-25)?  False: it was refused. */
bool		tasks_may_call(struct request *rq, const struct call_ask *ask);
/* What this call and its server are to do about tasks, at the beginning. */
void		tasks_plan(struct call *c);
/* The server made a task: ready->pieces for the client, with an id of ours.  0, E_UPSTREAM, or E_NOMEM, E_SYS. */
must_check int	tasks_name(struct call *c, struct answer_ready *ready);

#endif
