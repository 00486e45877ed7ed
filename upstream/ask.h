/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.h - one JSON-RPC message POSTed to an upstream, and the one answer that has its id
 *
 * The answer comes as JSON or as an event stream (mcp-wire 3.3, 3.4).  A legacy stream that ends early
 * is gone on with by GET when the server has named its events.
 *
 * The other two requests of a legacy session go the same way: GET, for the stream of messages that answer
 * nothing, and DELETE.
 *
 * Over HTTP+SSE of 2024-11-05 (mcp-wire 3.2) the POST is answered with nothing: whoever reads the session's
 * stream finds the ask in its inbox.
 */
#ifndef UPSTREAM_ASK_H
#define UPSTREAM_ASK_H

#include "http/sse.h"
#include "lib/num.h"
#include "mcp/rpc.h"
#include "mcp/schema.h"
#include "mcp/version.h"
#include "upstream/fetch.h"
#include "upstream/inbox.h"
#include "upstream/pace.h"
#include "upstream/target.h"

#define ASK_SESSION_MAX		256
#define ASK_CHALLENGE_MAX	2048	/* of WWW-Authenticate; a longer one is passed over */
#define ASK_PARAMS_MAX		SCHEMA_HEADERS_MAX
#define ASK_HELD_MAX		(64 * 1024)	/* of an answer that may pass */
#define ASK_FIELDS_MAX		(TARGET_HEADERS_MAX + ASK_PARAMS_MAX + 10)

/* What the asks of one worker share. */
struct ask_shared {
	struct pool		*pool;
	struct rpc_scan		*scan;		/* for texts that are whole and small */
	struct http_budget	 answers;	/* memory of answers being held */
	size_t			 answer_max;
	struct snap		*tokens;	/* those in force, held; NULL: none came yet */
};

struct ask;

struct ask_ops {
	/* A notification or request of the server on the stream; may be NULL.  Borrowed. */
	void	(*on_message)(struct ask *a, const struct rpc_answer *m);
	/* Once, last.  0: a->answer, or nothing was expected.  Else E_*, a->why, and perhaps a->status. */
	void	(*on_end)(struct ask *a, int error);
	/* ASK_STREAM: it has begun; may be NULL. */
	void	(*on_open)(struct ask *a);
	/* An answer that passes: its bytes from the first on, as they come. */
	void	(*on_bytes)(struct ask *a, struct span bytes);
	/* Each event as it is, instead of on_message; may be NULL.  Not 0 ends the ask with that error. */
	int	(*on_event)(struct ask *a, const struct sse_event *e);
};

enum ask_kind {
	ASK_POST,
	ASK_STREAM,	/* GET: until the server ends it; gone on with by nobody but the caller */
	ASK_DELETE,	/* the session */
};

struct ask_request {		/* borrowed until the end, target and all */
	enum ask_kind			 kind;
	const struct upstream_target	*target;
	enum mcp_version		 version;	/* governs the headers; NONE: initialize, none yet */
	struct span			 session;	/* or empty */
	enum mcp_method			 method;
	struct span			 name;		/* of Mcp-Name, or empty */
	const struct exchange_field	*params;	/* Mcp-Param-*, encoded */
	size_t				 param_count;
	struct span			 body[FETCH_BODY_PIECES];
	size_t				 body_count;
	struct span			 id;		/* raw token in the body; empty: no answer is expected */
	struct inbox			*inbox;		/* its answer comes there; NULL: in answer to the POST */
	bool				 repeatable;
	uint32_t			 deadline_ms;	/* the server is told; 0: it is not */
	/* An answer that comes as JSON and is larger than ASK_HELD_MAX is not held: on_bytes has it, nobody has
	 * read it, and a->answer stays empty. */
	bool				 passes;
	struct span			 last_event;	/* ASK_STREAM: what was seen of it before, or empty */
};

struct ask {			/* embedded in what asks */
	struct fetch		 fetch;
	struct ask_shared	*shared;
	const struct ask_ops	*ops;
	struct ask_request	 request;
	size_t			 field_count;
	struct buf		 name;		/* encoded Mcp-Name */
	struct buf		 text;		/* the answer, or the body so far */
	struct sse_reader	 sse;
	size_t			 sse_bytes;	/* what ASK_STREAM's reader holds, as far as it is counted */
	uint64_t		 heard_ms;	/* of ASK_STREAM: when bytes came last */
	struct pace		 pace;		/* of a stream */
	struct inbox_seat	 seat;
	struct rpc_scan		*scan;		/* of a large answer, fed as it comes */
	struct loop_timer	 timer;		/* before a stream is gone on with; an answered POST may last so long */
	struct rpc_answer	 answer;
	unsigned		 status;
	unsigned		 resumes;
	uint8_t			 media;
	bool			 begun, running, parsed, found, reported;
	bool			 passing;	/* to on_bytes */
	size_t			 passed;
	struct snap		*tokens;	/* held: what it showed is in them; NULL: nothing was shown */
	uint64_t		 token_serial;	/* of that */
	char			*challenge;	/* of a 401 or 403, or NULL */
	/* Not cleared when it starts, but for the first bytes of the texts. */
	struct exchange_field	 fields[ASK_FIELDS_MAX];
	char			 session[ASK_SESSION_MAX];	/* Mcp-Session-Id of the answer, or "" */
	char			 last_event[ASK_SESSION_MAX];	/* of a stream, when it ends */
	char			 deadline[NUM_DECIMAL_MAX];	/* for the server */
	char			 why[256];	/* for people */
};

/* 0; or E_OVERLOAD, E_SERVER, E_TOOBIG, E_NOMEM: on_end is not called.  Either way ask_fini() is due. */
must_check int	ask_start(struct ask *a, struct ask_shared *shared, const struct ask_ops *ops,
		    const struct ask_request *request);
/* The ask that waits in this seat of an inbox.  It has its answer, which is copied. */
void		ask_take(struct inbox_seat *s, struct span text);
/* Its answer will not come. */
void		ask_lost(struct inbox_seat *s, const char *why);
/* Ends it silently and gives back what it holds, the answer too. */
void		ask_fini(struct ask *a);
/* The server may have acted on it. */
bool		ask_was_sent(const struct ask *a);
/* What is known of an answer that was no success: the parsed JSON-RPC response, or NULL. */
const struct rpc_answer *ask_parsed(const struct ask *a);

#endif
