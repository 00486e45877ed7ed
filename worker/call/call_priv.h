/* SPDX-License-Identifier: Apache-2.0
 *
 * call_priv.h - one running call, for the files that carry it
 */
#ifndef WORKER_CALL_CALL_PRIV_H
#define WORKER_CALL_CALL_PRIV_H

#include "worker/cache/cached.h"
#include "worker/call/admit.h"
#include "worker/call/answer.h"
#include "worker/call/call.h"
#include "worker/call/notes.h"
#include "worker/call/route.h"
#include "worker/lists/lists.h"
#include "worker/talk/asks.h"

#define CALL_MAGIC	0xca110001u
/* How every answer for a client begins (mcp/bridge.c); its id follows. */
#define CALL_ANSWER_BEFORE_ID	"{\"jsonrpc\":\"2.0\",\"id\":"

struct call {
	uint32_t		 magic;
	struct call		*next;		/* waiting for the end of the turn */
	struct request		*rq;		/* whose it is: identity, policy, record, memory */
	struct request		*client;	/* to be answered now: rq, or a retry; NULL: it is parked, and
						 * nobody is there */
	struct call_ask		 ask;
	/* What goes to the server now, when it is not what the client asked: about a task (drive.c). */
	enum mcp_method		 method;
	struct span		 task_id;	/* the server's own id of that, or of the client's; or empty */
	uint64_t		 patience_ms;	/* for the answer; 0: as the client and the configuration say */
	uint64_t		 declares;	/* to a modern server, beyond asks.capabilities */
	struct span		 task;		/* params.task for a legacy server, raw; empty: none */
	bool			 drives;	/* a task that the server makes of it is not the client's */
	struct decision		 decision;
	uint64_t		 begin_seq;
	uint64_t		 until_ms;	/* monotonic: its deadline */
	struct loop_timer	 again;		/* the runner said STALE, the tools were listed again, or it is to be
						 * given up */
	unsigned		 tries;
	struct lists_wait	 listing;
	bool			 listed;
	struct admitted		 breaker;
	struct cached		 cached;
	struct limit_set	*limits;	/* what it holds of them; NULL: nothing */
	uint64_t		 answer_bytes;	/* that came of its server */
	uint64_t		 retry_after_ms;	/* that its refusal says; or 0 */
	bool			 counted;	/* in flight */
	bool			 cancelled;	/* by a legacy client: it gets no answer */
	int			 failed;	/* with this, before anything went out; or 0 */
	int			 given_up;	/* by us, with this error, while its server works; or 0 */
	bool			 as_result;	/* its failure is the tool's, not the gateway's: isError */
	struct route		 route;
	struct buf		 up;		/* the request to the server */
	struct bridge_mark	 up_id, up_meta;
	struct span		 up_token;	/* for progress, or empty */
	struct answer		 answer;

	/* what is said before the answer (talk.c) */
	struct notes		 notes;
	struct asks		 asks;
	struct asking		 asking;
	struct park		*park;		/* it asked a modern client */
	struct rounds		*rounds;	/* a modern server asks a legacy client */
	struct drive		*drive;		/* the server made a task of it, for a client that cannot have one */
	struct call		*session_next, **session_prev;	/* of calls in legacy sessions */
	struct call		*run_next, **run_prev;	/* of all that run in this worker */
};

struct call	*call_of_asks(struct asks *a);
/* Of its server, as the operator wrote it; borrowed from the policy it runs under. */
struct span	 call_server_name(const struct call *c);
/* A retry takes the place of the request that was answered with input_required. */
void		 call_take_client(struct call *c, struct request *rq);
/* finish.c */
/* Everything it holds outside of its request, and its `end`. */
void		 call_close(struct call *c, enum audit_outcome outcome, int error);
/* It ends here; the client, if it still is there, is told. */
void		 call_fail(struct call *c, int error, bool sent, struct span text);
/* Its server answered. */
void		 call_finish(struct call *c, const struct answer_ready *ready);

/* call.c */
struct admission;
/* What was admitted is made: its ticket and what it holds of limits are the call's. */
void		 call_go_on(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct admission *a);
/* Has somebody approved it, where this decision wants that?  False: it was refused, and a is undone. */
bool		 call_is_approved(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct admission *a);
/* What waited and is to begin: under the policy now in force, when that has the same server.  True: rq->config and
 * ask->server are others, and nothing is decided. */
bool		 call_catch_up(struct request *rq, struct call_ask *ask);
/* refuse.c: what was not: the record, and the answer. */
void		 call_refuse_admission(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    const struct admission *a, int err);
/* Its client wants no answer any more. */
void		 call_cancel(struct call *c);
/* Is somebody at it, who would hear call_cancel()?  Else it waits to be sent again. */
bool		 call_is_anywhere(const struct call *c);
/* It ends with this error once its server's message is dealt with: the server is told, whatever it answers. */
void		 call_give_up(struct call *c, int error);
/* What its route says. */
extern const struct route_ops call_route_ops;

/* dispatch.c */
/* Its request is written, and its `begin`; it goes out at the turn's end.  0, or E_*: it does not begin. */
must_check int	 call_prepare(struct call *c);
/* What its record says of it from the start. */
void		 call_record_start(const struct call *c, struct audit_fields *f);
/* When an answer to what is sent now is late; monotonic ms. */
uint64_t	 call_until(const struct call *c);
/* Of c->again: it goes out again, if the policy now in force allows it. */
void		 call_on_again(struct loop_timer *t, void *c);
/* The same request goes to the server again, with these in it; texts are copied.  0 or E_*: it did not. */
must_check int	 call_again_with(struct call *c, struct span state, struct span responses);

#endif
