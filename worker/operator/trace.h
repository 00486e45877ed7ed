/* SPDX-License-Identifier: Apache-2.0
 *
 * trace.h - calls as they pass, for `mcpgwctl trace`: one datagram of JSON a stage
 *
 * When nobody follows, each place that would tell costs one look at a pointer.
 */
#ifndef WORKER_OPERATOR_TRACE_H
#define WORKER_OPERATOR_TRACE_H

#include "worker/call/call.h"

struct traces;

/* Takes the descriptor: it hears until its other end is closed.  agent, server: only calls of these, copied; empty:
 * any.  Too many of them, or no memory: it is closed. */
void	trace_add(struct worker *w, int fd, struct span agent, struct span server);
void	traces_free(struct worker *w);

/* The stages; only while w->traces is there. */
void	trace_refused(const struct request *rq, const struct record_what *what, const struct audit_fields *f);
void	trace_begun(const struct request *rq, const struct record_what *what);
void	trace_sent(const struct request *rq, const struct rec_server *server, unsigned tries);
void	trace_ended(const struct request *rq, const struct rec_server *server, const struct audit_fields *f);

#endif
