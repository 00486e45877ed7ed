/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - what a request leaves in the audit
 */
#ifndef WORKER_CALL_RECORD_H
#define WORKER_CALL_RECORD_H

#include "audit/spool.h"
#include "worker/front/request.h"

/* What was asked for, and what was decided; decision may be NULL: it never came to one. */
struct record_what {
	/* "tool", "prompt", "resource", "completion", "task", "meta", "server" */
	const char		*kind;
	const struct rec_server	*server;	/* NULL: the gateway itself */
	struct span		 name;
	const struct decision	*decision;
	struct span		 shown;		/* a tool's name for clients, if it has another; or empty */
	struct span		 limit;		/* the path of what refused it, or empty */
};

/* The client's address, in the arena; empty: it has none. */
struct span record_client(const struct request *rq);
/* The START fields; texts are borrowed from the request and its snapshot. */
void	record_start(const struct request *rq, const struct record_what *what, struct audit_fields *f);
/* The FINISH fields: outcome, error.data.code, HTTP status, and the time since the request's head. */
void	record_finish(const struct request *rq, enum audit_outcome outcome, int error, unsigned status,
	    struct audit_fields *f);
/* One `once` record: refused, or without effect.  0 or E_AUDIT. */
must_check int record_once(const struct request *rq, const struct record_what *what,
	    enum audit_outcome outcome, int error);

#endif
