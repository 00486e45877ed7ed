/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.h - whether a call that policy allows may be made now, and what its breakers hear afterwards
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "shm/breaker.h"
#include "worker/call.h"

/* Leave of the breakers that a call has, of its server and of its tool. */
struct admitted {
	struct breaker_ticket	server, tool;
	uint64_t		begun_ms;
};

/* What may be answered at all, asked in the order of cost.  0; else E_SERVER (disabled; *text says why), E_AUDIT,
 * E_LIMITED or E_NOMEM.  *retry_after_ms 0: unknown. */
must_check int	admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct span *text, uint64_t *retry_after_ms);
/* What came of the call: 0 or the error it ended with. */
void		admit_settle(struct request *rq, const struct call_ask *ask, struct admitted *t, int error);
/* Nothing was learnt of the server: the call was not made. */
void		admit_forget(struct worker *w, struct admitted *t);

/* What a bucket is of, by content, as limit_key() takes it: words with a NUL behind each.  No text: the arena is
 * full. */
struct span	admit_bucket_key(struct arena *a, const struct span *words, size_t n);

/* A call that was admitted goes to its server, for the first time or once more: false when a breaker is open; else
 * *t is to be settled, or handed to admit_forget(). */
bool		admit_again(struct request *rq, const struct call_ask *ask, struct admitted *t,
		    uint64_t *retry_after_ms);

/* When this server is left alone: what was said of it, and of all. */
struct breaker_rules admit_rules(const struct params *p, const struct snap *policy, const struct rec_server *server);
/* Whose breaker a tool's is, where each has its own. */
uint64_t	admit_tool_key(const struct rec_server *server, struct span tool);

#endif
