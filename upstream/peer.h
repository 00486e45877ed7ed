/* SPDX-License-Identifier: Apache-2.0
 *
 * peer.h - an HTTP server as one isolation key sees it: its era, and a legacy one's session
 *
 * The era is one for all peers of a server's profile; the session is the peer's own.  It is shared with
 * the other workers where the region of sessions is mapped, unless the server may ask its client, or the
 * session is a stream (HTTP+SSE), which has one owner.
 */
#ifndef UPSTREAM_PEER_H
#define UPSTREAM_PEER_H

#include <limits.h>

#include "upstream/upstream_priv.h"

#define PEER_LANE_NEWS	UINT_MAX	/* not lane.c's: a session that is this worker's own, for news.c */

/* error: 0 the peer is ready; else E_*, why is for people. */
typedef void peer_wait_fn(void *arg, int error, const char *why);

struct peer_wait {		/* embedded in what waits */
	struct peer_wait	*next, *prev;
	struct peer		*peer;		/* NULL: does not wait */
	uint64_t		 round;
	peer_wait_fn		*fn;
	void			*arg;
};

/* With one reference for the caller.  capabilities: what a legacy server's session is initialized with, so
 * it has one for each (mcp-wire 14.7).  lane: 0, PEER_LANE_NEWS; others are lane.c's.  E_OVERLOAD or E_NOMEM. */
must_check int	peer_find(struct upstream *u, const struct upstream_target *target, uint64_t instance,
		    uint64_t capabilities, unsigned lane, struct peer **out);
void		peer_unref(struct peer **p);
/* As unref, and what nobody else holds is forgotten at once.  Not while a peer is being found. */
void		peer_discard(struct peer **p);
/* Where lane.c keeps the lanes that belong to this peer, which is lane 0 of them. */
struct lanes	**peer_lanes(struct peer *p);

/* May requests be sent now?  Looks at what is known and asks nobody. */
bool		peer_is_ready(struct peer *p, const struct upstream_target *target);
/* Makes it ready; fn is called later, once.  What is needed of target is copied.  0 or E_*: cannot
 * even begin. */
must_check int	peer_wait(struct peer *p, const struct upstream_target *target, struct peer_wait *w,
		    peer_wait_fn *fn, void *arg);
void		peer_wait_cancel(struct peer_wait *w);

/* While it is ready. */
enum mcp_version peer_version(const struct peer *p);
struct span	peer_session(const struct peer *p);	/* valid until the peer is waited for again */

/* NULL: over Streamable HTTP.  Else the session itself, whose stream has all that the server says. */
/* Within a peer_wait_fn: what the server answered with 401 or 403; else NULL. */
const struct ask *peer_refusal(const struct peer *p);
struct sse_session *peer_sse(const struct peer *p);
/* Where messages of its session go; target: the url's, of the same server. */
const struct upstream_target *peer_target(const struct peer *p, const struct upstream_target *target);
/* Sets q's target and, for one with an id, its inbox: where it goes in this peer's session, and where its
 * answer comes.  Valid as sse_session.h says. */
void		peer_route(const struct peer *p, const struct upstream_target *target, struct ask_request *q);

/* What a legacy server answered initialize with, the raw result; empty when another worker made the
 * session, and this one none of its own.  Valid until the peer is waited for again. */
struct span	peer_about(const struct peer *p);

/* The server does not know this session (HTTP 404). */
void		peer_session_lost(struct peer *p, struct span session);
/* It behaves as if it were of the other era: to be asked again. */
void		peer_doubt(struct peer *p);

/* Frees all; nobody may hold or wait. */
void		peer_free_all(struct upstream *u);

#endif
