/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.h - the stream of a legacy session for messages that answer nothing (mcp-wire 3.3, 9.1)
 *
 * One GET; it is opened again when it breaks, while it is needed.  Once it was stopped and is started
 * anew nothing is asked for again: what was missed then was meant for nobody who is still there.
 *
 * A session over HTTP+SSE has its one stream anyway, and the listen joins it.
 */
#ifndef UPSTREAM_LISTEN_H
#define UPSTREAM_LISTEN_H

#include "upstream/pause.h"
#include "upstream/sse_session.h"

struct listen;

enum listen_end {
	LISTEN_NONE,		/* the server has no such stream */
	LISTEN_LOST,		/* 404: no such session, or no such stream */
	LISTEN_OVER,		/* the session itself ended, with its stream */
};

struct listen_ops {
	/* Nobody need wait for it any longer: it is open, or will not be soon. */
	void	(*on_settled)(struct listen *l);
	/* Borrowed.  The listen may not be stopped in it. */
	void	(*on_message)(struct listen *l, const struct rpc_answer *m);
	/* It is off; on_settled does not come. */
	void	(*on_end)(struct listen *l, enum listen_end why);
	/* It is open, for the first time or again; last_event is what it was gone on from.  May be NULL. */
	void	(*on_open)(struct listen *l);
};

enum listen_state { LISTEN_OFF, LISTEN_OPENING, LISTEN_OPEN, LISTEN_BROKEN };

struct listen {			/* embedded */
	struct ask		 ask;
	struct upstream		*u;
	const struct listen_ops	*ops;
	struct arena		 arena;
	struct upstream_target	 target;	/* a copy; stays when it is stopped, not when it is forgotten */
	struct loop_timer	 again, patience;
	enum listen_state	 state;
	struct sse_session	*joined;	/* whose stream it is; NULL: it is its own */
	struct pause		 pause;		/* most_ms is the owner's to change */
	bool			 settled, in_message;
	bool			 needed;	/* the owner's: it is opened again when it breaks */
	enum mcp_version	 version;
	char			 session[ASK_SESSION_MAX];
	char			 last_event[ASK_SESSION_MAX];
};

void		listen_init(struct listen *l, struct upstream *u, const struct listen_ops *ops);
void		listen_fini(struct listen *l);
/* It must be off.  target and session are copied.  0, or what ask_start() says, and it is off. */
must_check int	listen_start(struct listen *l, const struct upstream_target *target, enum mcp_version version,
		    struct span session);
/* The same for a session over HTTP+SSE: it is open at once, and settled.  0 or E_NOMEM. */
must_check int	listen_join(struct listen *l, struct sse_session *s, enum mcp_version version);
/* Ends it silently. */
void		listen_stop(struct listen *l);
/* As stop; target goes too. */
void		listen_forget(struct listen *l);
/* One that is broken is opened now. */
void		listen_hurry(struct listen *l);

#endif
