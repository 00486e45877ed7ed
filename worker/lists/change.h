/* SPDX-License-Identifier: Apache-2.0
 *
 * change.h - what the operator changes of servers' tools, between policy's records and mcp/change.h
 */
#ifndef WORKER_LISTS_CHANGE_H
#define WORKER_LISTS_CHANGE_H

#include "mcp/catalogue.h"
#include "worker/call/call.h"

/* Whose tools a list shows; lives until the list is finished. */
struct change_source {
	const struct snap	*policy;
	const struct rec_server	*server;
};

/* The list is shown as the operator wants it. */
void	change_list(struct catalogue *list, struct change_source *from, const struct snap *policy,
	    const struct rec_server *server);
/* ask->arguments of this tool become what its server gets, in the request's arena.  0, E_TOOBIG or E_NOMEM. */
must_check int	change_arguments(struct request *rq, struct call_ask *ask);

#endif
