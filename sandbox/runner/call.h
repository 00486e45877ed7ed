/* SPDX-License-Identifier: Apache-2.0
 *
 * call.h - one call of a worker, from CALL to END
 */
#ifndef SANDBOX_RUNNER_CALL_H
#define SANDBOX_RUNNER_CALL_H

#include "mcp/level.h"
#include "sandbox/runner/lines.h"
#include "sandbox/runner/reply.h"
#include "sandbox/runner/runner.h"

struct instance;
struct native;
struct server;

enum call_state {
	CALL_COLLECTING,	/* its body is arriving */
	CALL_WHOLE,		/* waits for the tool to come up */
	CALL_QUEUED,		/* its line stands in the tool's feed */
	CALL_SENT,		/* the tool has it */
	CALL_ANSWERING,		/* the answer goes out as credit comes */
};

struct call {
	struct runner		*r;
	struct wlink		*link;
	struct call		*link_next;	/* in the link's bucket */
	struct instance		*instance;	/* NULL: its tool is gone, the answer is not */
	struct native		*native;	/* instead, when it is of a program; NULL once it is answered */
	struct call		*next, **prev;	/* in the instance, in order of arrival */
	struct call		*id_next;	/* in the instance's bucket, once `id` is given */
	uint32_t		 number;	/* the worker's */
	char			 request[LINK_REQUEST];	/* its id, for the operator */
	uint64_t		 id;		/* ours, in the line; 0: none yet */
	enum call_state		 state;
	bool			 list;		/* background work, not a client's */
	bool			 about;		/* and of that, a server/discover */
	enum mcp_level		 log_level;	/* its client wants; MCP_LEVEL_NONE: did not say */
	bool			 out, waits;	/* counted in the instance's lease */
	bool			 asked;		/* the tool asked its client, or may have meant it */
	bool			 lent;		/* it waits for its client, and others may go meanwhile */
	unsigned		 lacks;		/* LINK_FLAG_LACKS_*, for its ANSWER */
	uint64_t		 name_hash;	/* learn_hash(); 0: was not needed */

	uint32_t		 deadline_ms;
	uint64_t		 arrived_ms, until_ms;
	uint64_t		 most_ms;	/* progress does not give it more */
	uint64_t		 paused_ms;	/* while ask_count > 0: since when the deadline waits */
	struct loop_timer	 deadline;

	char			*body;
	uint32_t		 body_bytes, body_have;
	uint32_t		 credit_up;	/* the worker may still send */
	struct link_span	 id_span, meta_span, progress_span, method_span, name_span;

	char			*answer;	/* what did not go out at once */
	size_t			 answer_bytes, answer_at;
	uint64_t		 credit_down;

	unsigned		 ask_count;	/* requests to its client, unanswered (ask.c) */
	struct reply		 reply;		/* the answer to one of them, being received */
};

/* A CALL frame.  0 (the call may have ended already), or E_FORMAT: the link must end. */
must_check int	call_open(struct wlink *link, const struct link_head *head, struct span payload);
/* A BODY, CREDIT or CANCEL frame of a known call.  0 or E_FORMAT; the call may be gone afterwards. */
must_check int	call_body(struct call *c, struct span bytes);
must_check int	call_credit(struct call *c, uint32_t bytes);
void		call_cancel(struct call *c);

/* The line for the tool, malloc'ed, with its line feed: `id` over the client's, modern members left
 * out unless `modern`.  The body is freed.  0 or E_NOMEM. */
must_check int	call_take_line(struct call *c, bool modern, char **line, size_t *bytes);
/* Its line is in the pipe. */
void		call_written(struct call *c);
/* A program works on it: its body is not needed any more. */
void		call_started(struct call *c);
/* An answer, whose id stands at `id` in it, with enum link_flags; ends the call as call_answer() does.  No instance
 * waits for one. */
void		call_give(struct call *c, struct span text, struct span id, unsigned flags);
/* The tool's answer; ends the call, now or when the worker has taken it all. */
void		call_answer(struct call *c, const struct line *answer, bool modern);
/* Sends what credit and the link's queue allow. */
void		call_pump(struct call *c);
/* The tool reports progress: it gets more time, up to thrice its deadline. */
void		call_progress(struct call *c);
/* Its client is asked: the deadline waits, LINK_ASK_MS from now at most. */
void		call_pause(struct call *c);
/* Its client has answered all: the deadline runs anew. */
void		call_resume(struct call *c);

/* END to the worker, and free.  `text` is for people. */
void		call_end(struct call *c, enum link_end why, const char *text);
/* The link is gone: cancelled and freed without a word. */
void		call_forget(struct call *c);

#endif
