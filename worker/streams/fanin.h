/* SPDX-License-Identifier: Apache-2.0
 *
 * fanin.h - what servers say outside of calls, and what they are asked to say (mcp-wire 14.6)
 *
 * The one door for both kinds of servers.  Every worker hears every event of its tenants' stdio servers, as
 * long as it has a stream to their runner; HTTP servers it listens to itself (worker/streams/listens.h).
 */
#ifndef WORKER_STREAMS_FANIN_H
#define WORKER_STREAMS_FANIN_H

#include "ipc/link.h"
#include "worker/lists/lists.h"

#define FANIN_LISTENERS	8
#define FANIN_SUBS	65536		/* of this worker */
#define FANIN_BYTES	(16u << 20)	/* of their URIs */

struct fanin;
struct link;
struct news;

/* A server of this profile said so, in the instance for this owner (whose capabilities are those a legacy
 * instance was initialized with, and say nothing of a modern one).  The URI is the server's own, borrowed,
 * and empty but of UPDATED; it may be one below a URI that was subscribed to.  Lists are expired by then. */
typedef void fanin_fn(enum link_event_kind kind, uint64_t profile, struct list_owner owner, struct span uri,
	    void *arg);

must_check int	fanin_new(struct worker *w, struct fanin **out);
/* All events from now on; for parts that live as long as the worker.  At most FANIN_LISTENERS. */
void		fanin_on(struct worker *w, fanin_fn *fn, void *arg);

/* Somebody here listens to this tenant's servers: from now on there is a stream to its runner, which is
 * started if need be, and another one when it ends.  0 or E_NOMEM; then nothing is to be let go. */
must_check int	fanin_keep(struct worker *w, struct span tenant);
void		fanin_let_go(struct worker *w, struct span tenant);

/* Updates of this resource of the server are wanted; counted, so each is to be taken back once.  0; E_FORMAT:
 * no URI that can be subscribed to; E_SERVER as listens_want() says; E_FULL, E_NOMEM.  Nobody is told whether the
 * server takes it, and no stdio server is started for it (ipc/link.h). */
must_check int	fanin_subscribe(struct worker *w, const struct config *config, const struct rec_server *server,
		    struct list_owner owner, struct span uri);
/* By profile, since the configuration may have changed.  What is not there is passed over. */
void		fanin_unsubscribe(struct worker *w, uint64_t profile, struct list_owner owner, struct span uri);

/* The HTTP server that was subscribed to so; NULL: it is none, or was not.  Borrowed while it is. */
struct news	*fanin_news(struct worker *w, uint64_t profile, struct list_owner owner, struct span uri);

/* This list, or a resource, may have changed; nobody is told. */
void		fanin_stale(struct worker *w, enum link_event_kind kind, uint64_t profile, uint64_t instance);
/* A server said something; from the runner's link here, from an HTTP server's stream by its reader. */
void		fanin_event(struct worker *w, enum link_event_kind kind, uint64_t profile, struct list_owner owner,
		    struct span uri);
/* Another policy is in force; the runner may get it later than this worker. */
void		fanin_policy_changed(struct worker *w);
/* For worker_link(): the link's events and moves, with the worker as arg. */
void		fanin_on_link_event(const struct link_event *what, struct span uri, void *arg);
void		fanin_on_link_moved(struct link *l, void *arg);

#endif
