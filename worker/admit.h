/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.h - whether a call that policy allows may be made now, and what its breaker hears afterwards
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "worker/call.h"
#include "worker/limits.h"

/* What a call goes on with, or was refused by. */
struct admission {
	struct breaker_ticket	 ticket;	/* to be settled, or handed to breaker_unknown() */
	struct limit_set	*limits;	/* to be ended by limits_end(); NULL: it has none */
	struct limit_said	 said;
	struct span		 text;		/* why, for people; or empty */
};

/* Asks in the order of cost.  0: go; E_AGAIN: it may wait for it (waitroom.h), with what was charged in a; else
 * E_SERVER (disabled), E_AUDIT, E_LIMITED, E_QUOTA, E_BREAKER or E_NOMEM, and a holds nothing. */
must_check int	admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct admission *a);
/* The same of one that waits: 0, E_AGAIN, E_QUOTA or E_BREAKER. */
must_check int	admit_waited(struct request *rq, const struct call_ask *ask, struct admission *a);
/* A call that was admitted and is not made: it took nothing. */
void		admit_undo(struct worker *w, struct admission *a);
/* What came of the call: 0 or the error it ended with. */
void		admit_settle(struct request *rq, const struct rec_server *server, struct breaker_ticket *t,
		    int error);

/* A call that was admitted goes to its server once more: false when its breaker has opened since. */
bool		admit_again(struct request *rq, const struct rec_server *server, struct breaker_ticket *t,
		    uint64_t *retry_after_ms);

#endif
