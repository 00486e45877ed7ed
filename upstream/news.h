/* SPDX-License-Identifier: Apache-2.0
 *
 * news.h - HTTP servers that are listened to outside of calls (mcp-wire 3.3, 8, 14.6)
 *
 * Of a server and an instance there is one while somebody here wishes it, and a little longer.  A legacy server gets
 * a session of this worker's own for it, with its stream: sessions of calls are shared by workers, and a server
 * may give one stream to a session only.  There resources are subscribed to.  A modern server gets a
 * subscriptions/listen with all that is subscribed to; a new one takes the place of the old one when that
 * changes.
 *
 * What is told is told at once, and then the same thing at most every LINK_EVENT_QUIET_MS.  After a stream was lost
 * all is told that may have been missed.
 */
#ifndef UPSTREAM_NEWS_H
#define UPSTREAM_NEWS_H

#include "mcp/news.h"
#include "upstream/call.h"

#define NEWS_MAX	1024	/* of this worker */
#define NEWS_TENANT_MAX	512	/* of those, of one tenant */

struct news;

struct news_ops {
	/* It changed, and somebody wishes to hear of it.  The URI is one that was subscribed to, and it changed or
	 * one below it; empty for lists.  Never inside a call to this file. */
	void	(*on_event)(enum link_event_kind what, uint64_t profile, uint64_t instance, uint64_t capabilities,
		    struct span uri, void *arg);
	/* This list may have changed; nobody need be told. */
	void	(*on_stale)(enum link_event_kind what, uint64_t profile, uint64_t instance, void *arg);
};

/* Once, before the first wish. */
void		news_on(struct upstream *u, const struct news_ops *ops, void *arg);

/* A wish, to be let go of once.  target is copied: its headers are the credentials it listens with; tenant: any
 * number that tells tenants apart; capabilities: what a new legacy session is initialized with.  0; E_FULL: too many
 * are listened to; E_NOMEM. */
must_check int	news_want(struct upstream *u, const struct upstream_target *target, uint64_t tenant,
		    uint64_t instance, uint64_t capabilities, struct news **out);
void		news_let_go(struct news **n);

/* Updates of this URI are wanted; told once, taken back once.  0; E_FULL: more than a server is asked for;
 * E_NOMEM. */
must_check int	news_subscribe(struct news *n, struct span uri);
void		news_unsubscribe(struct news *n, struct span uri);

/* Nothing need be waited for: it is listened to and was told of all subscriptions, or will not be soon. */
bool		news_is_settled(const struct news *n);

typedef void news_wait_fn(void *arg);
struct news_wait {		/* embedded in what waits; all zero: it does not */
	struct news_wait	*next;
	news_wait_fn		*fn;
	void			*arg;
};
/* It is not settled: fn comes once, when it is, or after a little while, or when it goes. */
void		news_wait(struct news *n, struct news_wait *w, news_wait_fn *fn, void *arg);
/* No-op when it does not wait there. */
void		news_wait_cancel(struct news *n, struct news_wait *w);

/* Nothing is heard of this server outside of calls: it said so, lately. */
bool		news_is_mute(const struct upstream *u, uint64_t profile);

/* Policy, keys or credentials are others: all that is open is closed.  What is wished for hears nothing any
 * more; who wishes anew is listened for anew. */
void		news_end_all(struct upstream *u);
/* What nobody wishes for any more is closed at once. */
void		news_end_unwished(struct upstream *u);

/* For upstream/: a message that came elsewhere than on a stream of news. */
void		news_overheard(struct upstream *u, uint64_t profile, uint64_t instance, const struct rpc_answer *m);
void		news_free_all(struct upstream *u);

#endif
