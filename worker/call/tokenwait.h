/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenwait.h - a request to an HTTP server with "auth": it waits for a token, and for another one when that is refused
 *
 * Tokens are mcpgw-scout's (scout/accounts.h); a worker has them as a snapshot and says which was refused.
 */
#ifndef WORKER_CALL_TOKENWAIT_H
#define WORKER_CALL_TOKENWAIT_H

#include "worker/call/route.h"

/* Sends the request, whose target is the route's, or lets it wait; of_user: its token is one user's.  The request and
 * what it points to are borrowed until the route's end.  0: route_http_end() comes, at once it never does; or E_*,
 * and there is nothing that waits. */
must_check int	tokenwait_start(struct worker *w, struct route *r, const struct upstream_request *up,
		    bool of_user);
/* The server refused it, and it was not executed.  True: it is on its way again, or waits; the upstream's call may be
 * freed.  False: this is its end, with *why for people (static, until the next one). */
bool		tokenwait_again(struct route *r, const struct upstream_result *result, struct span *why);
void		tokenwait_free(struct tokenwait **b);

/* control.c: there are other tokens. */
void		tokenwaits_on_tokens(struct worker *w);

#endif
