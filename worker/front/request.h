/* SPDX-License-Identifier: Apache-2.0
 *
 * request.h - one request as the worker sees it: who, where, under which policy
 *
 * Lives in its exchange's arena and holds a reference on the exchange until request_done().  The
 * client may go away before: then `gone` is set and answers are dropped, but memory stays.
 */
#ifndef WORKER_FRONT_REQUEST_H
#define WORKER_FRONT_REQUEST_H

#include "mcp/era.h"
#include "mcp/level.h"
#include "mcp/rpc.h"
#include "policy/decide.h"
#include "worker/worker.h"

enum view_bits {
	VIEW_HAS_DISCOVERY = 1,		/* the gateway's own tools */
	VIEW_HAS_CATALOG = 2,		/* every server's, under composed names */
	VIEW_HAS_SERVER = 4,		/* one server's, under its own names */
	VIEW_HAS_SEARCH = 8,		/* search_tools is listed; it may be called wherever discovery is */
	VIEW_IS_AUTO = 16,		/* discovery or catalog is listed (worker/lists/adapt.h); both may be called */
};

/* Which of the transports speaks, by the path. */
enum request_front {
	FRONT_MCP,			/* the one endpoint of a view */
	FRONT_STREAM,			/* HTTP+SSE: a client's stream (worker/httpsse/httpsse.h) */
	FRONT_MESSAGES,			/* and where its messages go */
};
#define FRONT_STREAM_END	"/sse"
#define FRONT_MESSAGES_END	"/messages"

/* That somebody approved this call (worker/call/approvals.h): which one it was, and which round of it a retry is. */
struct approved {
	bool			given;
	struct crypt_digest	digest;
	uint64_t		round;
};

/* requestState and inputResponses of a modern client, opened (worker/talk/inputs.h). */
struct retry {
	bool		 given;
	uint64_t	 server;	/* hash of the server's name that it goes to */
	struct span	 state;		/* that server's own, a raw JSON string, or empty */
	struct span	 responses;	/* raw object, or empty */
	struct approved	 approved;	/* the call that asked; whether or not `given` */
};

struct request;
typedef void request_gone_fn(struct request *);
typedef void request_credit_fn(struct request *, size_t bytes);

struct request {
	uint32_t		 magic;
	struct worker		*w;
	struct exchange		*x;		/* over which it is answered; referenced */
	struct exchange		*first;		/* another one that it came over, and whose arena it is in; or NULL */
	struct config		*config;	/* held: the policy this request started with */
	struct principal	 who;
	const struct rec_tenant	*tenant;	/* whose it is, in config's policy; NULL until that is known */
	uint64_t		 shown;		/* hash of whose credential it is, whomever it is for */
	uint64_t		 changes;	/* worker.changes when it was found good last */
	struct span		 authorization;	/* the header's value; lives as long as x */
	uint64_t		 id;		/* audit/requestid.h */
	char			 id_text[REQUESTID_CHARS + 1];

	bool			 origin_ok;	/* it came from a page, of an origin that is allowed */
	enum request_front	 front;
	struct span		 path;		/* of the view's one endpoint, whatever the front */
	struct span		 asked_tenant;	/* NAME of a path that begins with /t/NAME; else empty */
	unsigned		 view;		/* enum view_bits */
	const struct rec_server	*server;	/* VIEW_HAS_SERVER */

	struct rpc_scan		*scan;		/* of a large body, while it comes in */
	struct rpc_message	 msg;		/* spans into the body */
	struct span		 body;
	uint64_t		 capabilities;	/* enum mcp_capability bits this client declared */
	enum mcp_level		 log_level;	/* it wants; NONE: it did not say */
	uint32_t		 timeout_ms;	/* the client waits for its answer; 0: it did not say */
	bool			 counted;	/* in worker.requests */
	bool			 events;	/* its answer has begun as an event stream */
	bool			 plain_call;	/* the answer is the tool's own, not execute_tool's */
	enum mcp_version	 version;	/* of this client */
	bool			 modern;
	struct session_ref	 session;	/* legacy, when has_session */
	bool			 has_session;
	uint64_t		 session_hash;

	struct retry		 retry;		/* what it answers of an earlier answer of ours */
	struct approved		 approved;	/* the call that it makes */
	unsigned		 holds;		/* request_hold() */
	struct replay		*replay;	/* its stream can be resumed, until it is answered; or NULL */
	bool			 gone;		/* the client went away */
	request_gone_fn		*on_gone;	/* may be NULL */
	request_gone_fn		*on_back;	/* the client resumed the stream; may be NULL */
	request_gone_fn		*on_away;	/* it has been away for resume_time, again and again; may be NULL */
	request_credit_fn	*on_credit;	/* the client took bytes of a streamed answer; may be NULL */
	void			*job;		/* of whoever works on it */
};

/* A head is whole: checks, identifies, and takes it from there. */
void	request_begin(struct worker *w, struct exchange *x);
/* The same from who it is on, once: what it waited for came, or did not. */
void	request_go_on(struct request *rq);
/* auth_identify() of this request, with another value for Authorization; .p NULL: without one.  Texts of *who live in
 * the exchange's arena. */
must_check int	request_identify_as(struct request *rq, struct span authorization, struct principal *who,
		    struct auth_refusal *refusal);
/* Is its credential good for the same by the policy and the keys of now?  For what outlives both; rq->who.ends_ms is
 * then that of now. */
bool	request_still_holds(struct request *rq);
/* It is a stream from here on, and no request that keeps this worker busy. */
void	request_is_stream(struct request *rq);
/* The answer was given, or nobody wants it: lets go of everything.  rq is no more, unless it is held. */
void	request_done(struct request *rq);
/* From here on it is decided by the policy of now. */
void	request_renew(struct request *rq);
/* Its tenant's server i, in configured order, whoever may see it; NULL behind the last. */
const struct rec_server *request_server_at(const struct request *rq, uint64_t i);
/* Is it one of this session with this id?  An empty id: any of it. */
static inline bool
request_is_of(const struct request *rq, uint64_t session_hash, struct span id)
{
	return rq->has_session && rq->session_hash == session_hash && (id.n == 0 || span_eq(rq->msg.id, id));
}
/* From here on it is answered over this exchange, which is referenced too. */
void	request_answer_over(struct request *rq, struct exchange *x);
/* One more request_done() is due: somebody works on under it when it is answered. */
void	request_hold(struct request *rq);

/* post.c: reads the whole body into rq->msg.  0, or what rpc_scan_end() says. */
must_check int	request_read(struct request *rq);
/* The body is whole (POST), or there is none (GET, DELETE). */
void	request_judge(struct request *rq, enum era_http http);

#endif
