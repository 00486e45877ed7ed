/* SPDX-License-Identifier: Apache-2.0
 *
 * wellknown.h - what the gateway says of itself as a protected resource (RFC 9728; mcp-wire 15.1)
 *
 * For each path of MCP, where public_url is set and an issuer of issuers.json gives out tokens: what it is called, who
 * gives tokens for it, which scopes there are.  Everybody may read it, also pages of any origin, and it says nothing of
 * which servers there are: it is there for each name.
 */
#ifndef WORKER_FRONT_WELLKNOWN_H
#define WORKER_FRONT_WELLKNOWN_H

#include "worker/front/request.h"

/* Where the metadata of what is asked for is, in the arena; empty: there is none. */
struct span	wellknown_url(struct request *rq);
/* What is asked for, by its own URL, as tokens name it; empty where there is no such URL. */
struct resource	wellknown_resource(const struct request *rq);
/* Answers, and lets go of the request; false: it is no such path, or nothing can be told.  Host was not looked at. */
bool		wellknown_serve(struct request *rq);

#endif
