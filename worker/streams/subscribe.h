/* SPDX-License-Identifier: Apache-2.0
 *
 * subscribe.h - the requests by which clients ask to hear of changes (mcp-wire 8, 9, 14.6)
 */
#ifndef WORKER_STREAMS_SUBSCRIBE_H
#define WORKER_STREAMS_SUBSCRIBE_H

#include "worker/front/request.h"

/* GET of a legacy session, which can read events.  missed: it had one, and what was said there is lost. */
void	subscribe_stream(struct request *rq, bool missed);
/* resources/subscribe and resources/unsubscribe of one. */
void	subscribe_resource(struct request *rq);
/* subscriptions/listen. */
void	subscribe_listen(struct request *rq);

#endif
