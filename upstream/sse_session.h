/* SPDX-License-Identifier: Apache-2.0
 *
 * sse_session.h - a session over HTTP+SSE of 2024-11-05: the stream that it is (mcp-wire 3.2, 3.6)
 *
 * GET opens the stream, whose first event names the endpoint; what is POSTed there is answered on the stream,
 * and the server speaks there by itself.  Stream and session are one: there is no other way to end it, and
 * nothing is gone on with.  It is its owner's, the peer's; a listen may hear what answers nothing.
 */
#ifndef UPSTREAM_SSE_SESSION_H
#define UPSTREAM_SSE_SESSION_H

#include "upstream/upstream_priv.h"

struct sse_session;

struct sse_ops {		/* never inside sse_session_open() */
	/* The endpoint is known: messages may be sent. */
	void	(*on_open)(void *owner);
	/* Once, last; the session is not the owner's any more.  error 0: it was not used for long.  refused: the
	 * server answered, but not as one of HTTP+SSE does at this URL.  why is for people. */
	void	(*on_over)(void *owner, int error, bool refused, const char *why);
};

struct sse_hearer {
	/* A notification or a request.  Borrowed. */
	void	(*on_message)(void *arg, const struct rpc_answer *m);
	/* It hears nothing any more. */
	void	(*on_over)(void *arg);
};

/* target, the URL's, is copied.  0, or what ask_start() says. */
must_check int	sse_session_open(struct upstream *u, const struct upstream_target *target,
		    const struct sse_ops *ops, void *owner, struct sse_session **out);
/* The server has been greeted: from now on it may be ended when nobody uses it. */
void		sse_session_ready(struct sse_session *s);
/* No-op for NULL.  Nobody new uses it; who waits for answers gets them still, or is told the end. */
void		sse_session_let_go(struct sse_session **s);

/* What it is called here; no other session of this worker is.  Valid while it is the caller's. */
struct span	sse_session_name(const struct sse_session *s);
/* Where messages go; valid, as the inbox is, while it is the caller's or the caller's ask waits in the inbox. */
const struct upstream_target *sse_session_target(const struct sse_session *s);
struct inbox	*sse_session_inbox(struct sse_session *s);
/* A call had no answer in time.  If nothing at all was heard since it began, the stream may be cut where nobody
 * says so: the server is asked for a sign of life, and without any the session ends. */
void		sse_session_doubt(struct sse_session *s, uint64_t since_ms);

/* One at a time.  Without any, requests are refused, pings answered, and notifications passed over. */
void		sse_session_hear(struct sse_session *s, const struct sse_hearer *hearer, void *arg);
void		sse_session_unhear(struct sse_session *s);

/* All of a worker; nobody waits in them. */
void		sse_sessions_free(struct upstream *u);

#endif
