/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - what a request may see: servers, and tools under the names of its view
 *
 * Everything here asks decide(): what is listed is exactly what may be called.
 */
#ifndef WORKER_VIEW_H
#define WORKER_VIEW_H

#include "worker/lists.h"
#include "worker/request.h"

/* May this request's agent see the server at all? */
bool		view_sees_server(const struct request *rq, const struct rec_server *server);
/* Whose instance lists the tools for this request.  An instance per call or session would start a
 * tool for each list: those are listed by one per principal. */
uint64_t	view_list_instance(const struct request *rq, const struct rec_server *server);
/* Waits for the lists of every server this request sees (of its one server in a server's view). */
void		view_want_all(struct request *rq, struct lists_wait *wait);

/* tools/list of the view; lists must have been waited for. */
void		view_reply_tools(struct request *rq);
/* tools/call of `name` as shown in the view. */
void		view_call(struct request *rq, struct span name);

#endif
