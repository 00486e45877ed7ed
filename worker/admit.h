/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.h - whether a call that policy allows may be made now, and what its breaker hears afterwards
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "worker/call.h"

/* Asks in the order of cost.  0: go, and *t is to be settled, or handed to breaker_unknown(); else E_SERVER (disabled)
 * or E_OVERLOAD (drained), where *text says why, E_AUDIT, E_LIMITED, E_BREAKER or E_NOMEM.
 * *retry_after_ms 0: unknown. */
must_check int	admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct breaker_ticket *t, struct span *text, uint64_t *retry_after_ms);
/* What came of the call: 0 or the error it ended with. */
void		admit_settle(struct request *rq, const struct rec_server *server, struct breaker_ticket *t,
		    int error);

/* What a bucket is of, by content, as limit_key() takes it: words with a NUL behind each.  No text: the arena is
 * full. */
struct span	admit_bucket_key(struct arena *a, const struct span *words, size_t n);

/* A call that was admitted goes to its server once more: false when its breaker has opened since. */
bool		admit_again(struct request *rq, const struct rec_server *server, struct breaker_ticket *t,
		    uint64_t *retry_after_ms);

#endif
