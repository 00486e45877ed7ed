/* SPDX-License-Identifier: Apache-2.0
 *
 * spread.h - a request to an HTTP server with several endpoints: to which one, and to which one then
 */
#ifndef WORKER_CALL_SPREAD_H
#define WORKER_CALL_SPREAD_H

#include "worker/call/route.h"

struct spread;

/* Of route.c: r's target, arena and secrets are ready to be filled; up is copied, its target is r's.  0; E_BREAKER: all
 * endpoints are left alone; or what target_find(), tokenwait_start() and route_http_go() say. */
must_check int	spread_start(struct worker *w, struct route *r, const struct route_request *q,
		    const struct upstream_request *up);
/* What came of the last attempt.  True: there will be another one, and r's call and token are of no use any more. */
bool		spread_again(struct route *r, const struct upstream_result *result);
/* Accepts NULL inside. */
void		spread_free(struct spread **s);

/* Where to listen to a server with several endpoints, outside of calls; NULL: it has one url. */
const struct rec_endpoint *spread_listens_at(struct worker *w, const struct snap *policy,
		    const struct rec_server *server);

#endif
