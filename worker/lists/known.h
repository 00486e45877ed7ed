/* SPDX-License-Identifier: Apache-2.0
 *
 * known.h - which server a URI came from: resources that results point to need not be listed
 *           (mcp-wire 14.2)
 *
 * A small table of this worker, overwritten as it fills: what it forgets can still be listed, or match
 * a template.  Kept for merged views only; the URL of one server needs none.
 */
#ifndef WORKER_LISTS_KNOWN_H
#define WORKER_LISTS_KNOWN_H

#include "worker/front/request.h"

struct known;

/* Takes the URIs in a result of this server: of what was read, of links and embedded resources. */
void	known_learn(struct request *rq, const struct rec_server *server, const struct rpc_answer *answer);
/* The server that last returned this URI to this request's principal, in the policy in force; or NULL. */
const struct rec_server *known_find(const struct request *rq, struct span uri);

#endif
