/* SPDX-License-Identifier: Apache-2.0
 *
 * admit.h - whether a call that policy allows may be made now, and what its breakers hear afterwards
 */
#ifndef WORKER_CALL_ADMIT_H
#define WORKER_CALL_ADMIT_H

#include "shm/breaker.h"
#include "worker/cache/cached.h"
#include "worker/call/call.h"
#include "worker/limits/limits.h"

/* Leave of the breakers that a call has, of its server and of its tool. */
struct admitted {
	struct breaker_ticket	server, tool;
	uint64_t		begun_ms;
};

/* What a call goes on with, or was refused by. */
struct admission {
	struct admitted		 ticket;	/* to be settled, or handed to admit_forget() */
	struct cached		 cached;	/* a HIT, or one that WAITS, holds nothing and has no ticket */
	struct limit_set	*limits;	/* to be ended by limits_end(); NULL: it has none */
	struct limit_said	 said;
	struct span		 text;		/* why, for people; or empty */
};

/* Asks in the order of cost.  0: go; E_AGAIN: it may wait for it (waitroom.h), with what was charged in a; else
 * E_SERVER (disabled), E_OVERLOAD (drained), E_AUDIT, E_LIMITED, E_QUOTA, E_BREAKER or E_NOMEM, and a holds nothing. */
must_check int	admit_call(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    struct admission *a);
/* The same of one that waits: 0, E_AGAIN, E_QUOTA or E_BREAKER. */
must_check int	admit_waited(struct request *rq, const struct call_ask *ask, struct admission *a);
/* A call that was admitted and is not made: it took nothing. */
void		admit_undo(struct worker *w, struct admission *a);
/* What came of the call: 0 or the error it ended with. */
void		admit_settle(struct request *rq, const struct call_ask *ask, struct admitted *t, int error);
/* Nothing was learnt of the server: the call was not made.  One that was settled stays so. */
void		admit_forget(struct worker *w, struct admitted *t);

/* A call that was admitted goes to its server, for the first time or once more: false when a breaker is open; else
 * *t is to be settled, or handed to admit_forget(). */
bool		admit_again(struct request *rq, const struct call_ask *ask, struct admitted *t,
		    uint64_t *retry_after_ms);

/* When this server is left alone: what was said of it, and of all. */
struct breaker_rules admit_rules(const struct params *p, const struct snap *policy, const struct rec_server *server);
/* Whose breaker a tool's is, where each has its own. */
uint64_t	admit_tool_key(const struct rec_server *server, struct span tool);

#endif
