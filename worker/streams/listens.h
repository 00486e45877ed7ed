/* SPDX-License-Identifier: Apache-2.0
 *
 * listens.h - which HTTP servers are listened to, and for whom (upstream/news.h)
 *
 * With the instance, the capabilities and the credentials that lists are asked for with, and under the policy in
 * force only.
 */
#ifndef WORKER_STREAMS_LISTENS_H
#define WORKER_STREAMS_LISTENS_H

#include "upstream/news.h"
#include "worker/front/request.h"
#include "worker/lists/lists.h"

struct listens_wish;
typedef void listens_fn(void *arg);

struct listens {		/* embedded in what hears; all zero: nothing is listened to */
	struct listens_wish	*first;
	size_t			 left;		/* those that are waited for */
	listens_fn		*ready;
	void			*arg;
};

/* What is heard goes to worker/streams/fanin.h; the worker's upstreams are there. */
void		listens_init(struct worker *w);
/* Every HTTP server that the request sees and that may tell something of `offers` (enum mcp_offer).  True: all are
 * listened to that can be; else ready comes once, later.  rq is not kept.  What there is no room for goes unheard. */
bool		listens_begin(struct listens *l, const struct request *rq, uint32_t offers, listens_fn *ready,
		    void *arg);
/* ready does not come any more. */
void		listens_end(struct listens *l);
/* One server, for a subscription; news_let_go() is due.  0; E_FULL, E_NOMEM; E_SERVER: it cannot be reached, or
 * not under this policy. */
must_check int	listens_want(struct worker *w, const struct config *config, const struct rec_server *server,
		    struct list_owner owner, struct news **out);
/* Policy, keys or credentials are others: nothing is listened to under the old ones. */
void		listens_changed(struct worker *w);
/* Who heard was turned out: what was listened to for it alone is closed, and not in a while. */
void		listens_end_unwished(struct worker *w);

#endif
