/* SPDX-License-Identifier: Apache-2.0
 *
 * trip.h - one message's way to the gateway, and what comes back
 */
#ifndef STDIO_TRIP_H
#define STDIO_TRIP_H

#include "http/sse.h"
#include "stdio/relay.h"

#define ANSWER_MAX	(LINES_MAX + 64u * 1024)
#define SMALL_BODY	(64u * 1024)		/* kept to the end: it might have to go again */

enum trip_kind {
	TRIP_REQUEST,		/* owes the client an answer */
	TRIP_OPEN,		/* the client's initialize: and it opens the session */
	TRIP_BATCH,		/* an array (2025-03-26): answers, but for no id in particular */
	TRIP_NOTE,		/* a notification, or a response: 202 */
	TRIP_REOPEN,		/* initialize, said again by us */
	TRIP_REOPENED,		/* and initialized */
	TRIP_STREAM,		/* the GET stream */
	TRIP_END,		/* DELETE */
};

enum trip_state {
	TRIP_WAITS_TURN,	/* notes go one after the other */
	TRIP_WAITS_SESSION,	/* for SESSION_LIVE */
	TRIP_WAITS_TIME,	/* until wake_ms */
	TRIP_RUNS,
	TRIP_DONE,		/* freed at the end of the turn */
};

enum trip_type { TYPE_OTHER, TYPE_JSON, TYPE_EVENTS };

struct trip {
	struct trip	*next, *prev;
	struct relay	*relay;
	enum trip_kind	 kind;
	enum trip_state	 state;
	bool		 modern;
	bool		 listen;	/* nobody waits for its end */
	bool		 initialized;	/* the note that makes the session ready */
	struct buf	 id;		/* raw, or empty */
	struct buf	 body, fields;	/* fields: of the modern era */
	struct wire	*wire;		/* of TRIP_RUNS */
	unsigned	 epoch;		/* of the session it was sent in */
	bool		 again_session;	/* sent once more, in a new session */
	uint8_t		 again_wire;	/* so often unheard */
	uint64_t	 wake_ms, give_up_ms;

	unsigned	 status;
	enum trip_type	 type;
	struct buf	 text;		/* of the answer, unless it is events */
	struct sse_reader sse;
	bool		 answered;	/* the client has what it is owed */
	bool		 resuming;	/* by GET */
	bool		 heard;		/* an event, since it was sent */
	struct buf	 last_id;	/* Last-Event-ID */
	struct buf	 session_id;	/* that an initialize was answered with */
	uint64_t	 retry_ms, wait_ms;	/* as the gateway wants; as we do */
	unsigned	 fruitless;	/* times resumed with nothing heard */
};

/* One more, at the end of the list, in TRIP_WAITS_TURN.  The texts are copied.  0 or E_NOMEM. */
must_check int	trip_new(struct relay *r, enum trip_kind kind, struct span body, struct span id,
		    struct trip **out);
/* Sends it, or lets it wait for what is missing. */
void		trip_go(struct trip *t);
/* The next note, when none is under way. */
void		trip_next_note(struct relay *r);
/* No answer will come: the client hears this error if it is owed one, people do if not. */
void		trip_fail(struct trip *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets it, hanging up if need be; the client hears nothing. */
void		trip_done(struct trip *t);
/* Does the client wait for its end? */
bool		trip_is_owed(const struct trip *t);
/* Sends it again at this time. */
void		trip_sleep(struct trip *t, uint64_t ms);

/* Bytes of an answer that are held until it is whole; of a body that are not sent yet. */
size_t		trip_held(const struct trip *t);
size_t		trip_unsent(const struct trip *t);
/* Lets go of a large body that was sent.  With `all` also of one that might have to go again. */
void		trip_let_body_go(struct trip *t, bool all);
/* Frees what is done. */
void		trips_sweep(struct relay *r);

/* --- answer.c: what comes back ------------------------------------------------------------------------ */

extern const struct wire_user	answer_user;	/* its arg is the trip */
sse_event_fn			answer_event;

/* --- for session.c, stream.c ----------------------------------------------------------------------- */

/* What answer.c hands on, once the answer is there or there will be none. */
void		session_trip_ended(struct trip *t, int err);
void		stream_ended(struct trip *t, int err);
/* An answer of 404 to something said in a session. */
void		session_missing(struct trip *t);
/* The initialize of the client was answered well. */
void		session_opened(struct trip *t, struct json_value version);

void		session_init(struct session *s);
void		session_fini(struct session *s);
/* Appends Mcp-Session-Id and MCP-Protocol-Version, if there is a session. */
must_check int	session_put_fields(const struct session *s, struct buf *to);
/* False: the trip waits, for a session is being made. */
bool		session_may_go(struct trip *t);
/* Of whatever kind: it is over. */
void		session_trip_done(struct trip *t);
/* The client's initialized was accepted. */
void		session_ready(struct relay *r);
/* DELETE, if there is something to end. */
bool		session_end(struct relay *r);
void		stream_start(struct relay *r);

#endif
