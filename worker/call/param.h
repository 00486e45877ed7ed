/* SPDX-License-Identifier: Apache-2.0
 *
 * param.h - Mcp-Param-* of a tool call: the client's are checked, the server's are made
 */
#ifndef WORKER_CALL_PARAM_H
#define WORKER_CALL_PARAM_H

#include "mcp/catalogue.h"
#include "worker/call/call.h"

/* Row 10 of mcp-wire 4.3 for a modern client's own call of a tool that has params, which policy has
 * allowed; then makes ask->arguments what the operator wants (worker/lists/change.h), and fills ask->params for an HTTP
 * server.  False: the call was refused, and answered. */
must_check bool	param_take(struct request *rq, struct call_ask *ask, const struct catalogue_item *t);
/* The server's list of tools was asked for again: fills ask->params by what it says now.  False: its definition is
 * not approved any more. */
must_check bool	param_again(struct request *rq, struct call_ask *ask);

#endif
