/* SPDX-License-Identifier: Apache-2.0
 *
 * offers.h - what this gateway offers a client: capabilities and instructions (mcp-wire 14.2, 14.3)
 *
 * The one place that decides what is advertised; the ladder refuses methods of what is not.
 */
#ifndef WORKER_FRONT_OFFERS_H
#define WORKER_FRONT_OFFERS_H

#include "worker/front/request.h"
#include "worker/lists/lists.h"

struct offers {
	uint32_t	bits;		/* enum mcp_offer */
	bool		certain;	/* every server in view has said what it has */
};

/* On one server's URL waits for what that server says of itself, however long it takes to start; merged
 * views start nothing and go by what is known. */
void		offers_want(struct request *rq, struct lists_wait *wait);
/* For who is going to listen: HTTP servers of a merged view are asked too, since they are connected to anyway. */
void		offers_want_told(struct request *rq, struct lists_wait *wait);
/* From what is known now: a server that has said nothing yet may have everything, but for tasks. */
struct offers	offers_now(const struct request *rq);
/* The same of one server: enum mcp_offer. */
uint32_t	offers_of_server(const struct request *rq, const struct rec_server *s);
/* What the ladder is told for this method.  Tools are always there: servers may have them without saying
 * so, and calls of them are what must not wait. */
uint32_t	offers_for(const struct request *rq, enum mcp_method method);
/* The servers' instructions, in the request's arena; empty when there are none. */
struct span	offers_instructions(struct request *rq);

#endif
