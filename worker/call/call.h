/* SPDX-License-Identifier: Apache-2.0
 *
 * call.h - the way of one call, of a tool and its tasks, a prompt, a resource or a completion: from the
 *          decision to the answer
 */
#ifndef WORKER_CALL_CALL_H
#define WORKER_CALL_CALL_H

#include "worker/call/record.h"
#include "worker/front/request.h"

enum call_what {
	CALL_TOOL, CALL_PROMPT, CALL_RESOURCE, CALL_COMPLETION,
	CALL_TASK_GET, CALL_TASK_RESULT, CALL_TASK_UPDATE, CALL_TASK_CANCEL,	/* of a task that a tool made */
	CALL_WHAT_LIMIT
};

/* What is different between them. */
struct call_kind {
	enum object_kind object;
	enum mcp_method	 method;
	const char	*audit;		/* the record's kind */
	int		 unknown;	/* E_* of one that is not there */
	bool		 named;		/* params.name is ours to write */
};
/* Static. */
const struct call_kind *call_kind(enum call_what what);

struct catalogue_item;
struct task;

enum call_style {
	CALL_PLAIN,		/* tools/call of the tool itself */
	CALL_EXECUTE,		/* execute_tool: errors are results with isError (seed 001) */
};

struct call_ask {
	const struct rec_server	*server;
	enum call_what		 what;
	struct span		 tool;		/* the server's own name of it; a resource's URI */
	struct span		 shown;		/* its name for clients, where the operator gave it another */
	uint8_t			 tasks;		/* of a tool: enum catalogue_tasks */
	bool			 defined;	/* its definition is known (worker/call/may.h): */
	uint8_t			 hints, hints_said;	/* enum hint_bits */
	const struct task	*task;		/* that the tool made; NULL: none (worker/call/tasks.h) */
	struct json_value	 ref;		/* of a completion: params.ref, to be named `tool` */
	bool			 own_uri;	/* `tool` is the server's URI; the client wrote it as it is here */
	const struct rpc_message *from;		/* the client's; NULL with CALL_EXECUTE */
	struct json_value	 arguments;
	uint64_t		 timeout_ms;	/* what the client asked for; 0: nothing */
	enum call_style		 style;
	const struct decision	*decided;	/* about this tool, under rq->config; NULL: not yet */
	const struct exchange_field *params;	/* Mcp-Param-* for a modern HTTP server (param.h) */
	size_t			 param_count;
};

/* Decides, limits, records, dispatches, answers.  Texts of `ask` live in the request. */
void	call_begin(struct request *rq, const struct call_ask *ask);

/* refuse.c */
/* The one record of a call that is not made. */
void	call_record_refusal(struct request *rq, const struct call_ask *ask, const struct decision *d,
	    enum audit_outcome outcome, int err);
/* The answer of a denial alone, without a record. */
void	call_reply_denied(struct request *rq, const struct call_ask *ask, const struct decision *d);
/* The answer of a call that waits for approval, without a record. */
struct approval_answer;
void	call_reply_approval(struct request *rq, const struct call_ask *ask, const struct decision *d,
	    const struct approval_answer *a);
/* Answers a call that policy refuses, without looking further: what call_begin() would do. */
void	call_refuse_denied(struct request *rq, const struct call_ask *ask, const struct decision *d);
/* Answers a call whose client's credential was taken away before it began. */
void	call_refuse_revoked(struct request *rq, const struct call_ask *ask, const struct decision *d);
/* A tool whose definition is not approved, though policy allows the call. */
void	call_refuse_held(struct request *rq, const struct call_ask *ask, const struct catalogue_item *tool);
/* A tool that is not there, by the name the client knows; server may be NULL. */
void	call_refuse_unknown(struct request *rq, const struct rec_server *server, struct span shown,
	    enum call_style style);
/* The same of anything else than a tool. */
void	call_refuse_missing(struct request *rq, enum call_what what, const struct rec_server *server,
	    struct span shown);
/* A server whose tools are not known; why is for people. */
void	call_refuse_unavailable(struct request *rq, const struct call_ask *ask, struct span why);
/* An error in the style of the call: JSON-RPC error, or isError result.  detail is appended to the
 * error's text. */
void	call_reply_error(struct request *rq, enum call_style style, int err, struct span detail,
	    struct span rule, uint64_t retry_after_ms);

/* A tool's failure: a result with isError. */
void	call_reply_failed(struct request *rq, struct span text);

/* call.c */
/* Whose instance of this server serves this request (architecture section 6). */
uint64_t call_instance(const struct request *rq, const struct rec_server *server);

/* At the end of the turn, after the audit was written: calls whose `begin` was kept leave. */
void	call_dispatch_turn(void *worker);

#endif
