/* SPDX-License-Identifier: Apache-2.0
 *
 * balance.h - which of a server's endpoints a request goes to
 *
 * What is known of an endpoint by all workers is its breaker (shm/breaker.h) and what the scout's visits found; how
 * many requests each has, and whose turn it is, is this worker's.  A legacy server's sessions stay where they are:
 * all workers know where, by the same table as the sessions themselves (shm/upsession.h).
 */
#ifndef UPSTREAM_BALANCE_H
#define UPSTREAM_BALANCE_H

#include "policy/endpoints.h"
#include "shm/breaker.h"

struct balance;			/* of one worker */
struct balanced;		/* one server of it */

struct balance_ask {			/* borrowed for the call */
	const struct snap		*policy;
	const struct snap		*catalogue;	/* of the scout; NULL: none came yet */
	const struct rec_server		*server;	/* with several endpoints */
	const struct breaker_rules	*rules;
	uint64_t			 hash;		/* whose it is, for "balance": "hash" */
	uint64_t			 sticky;	/* stays where the last one of this number went; 0: does not */
	uint64_t			 avoid;		/* bit i: not endpoint i, it was tried */
};

struct balance_pick {
	const struct rec_endpoint	*at;		/* borrowed from the policy */
	struct balanced			*of;		/* NULL: nothing is to be ended */
	unsigned			 place;		/* its number */
	bool				 moved;		/* what is sticky was elsewhere before */
	struct breaker_ticket		 breaker;
	struct breaker_rules		 rules;
	uint32_t			 eject_percent;
	uint64_t			 begun_ms;
};

enum balance_outcome {
	BALANCE_ANSWERED,
	BALANCE_FAILED,		/* not reached, no answer in time, or nonsense */
	BALANCE_UNKNOWN,	/* nothing was learnt of the endpoint */
};

/* Both regions are borrowed; sessions may be unmapped: nothing is sticky beyond this call then.  E_NOMEM, E_SYS. */
must_check int	balance_new(const struct region *breakers, const struct region *sessions, struct balance **out);
/* All picks must be ended. */
/* Servers that this policy has not, and that nobody uses, are forgotten. */
void		balance_sweep(struct balance *b, const struct snap *policy);

/* Is there an endpoint that may be asked?  Changes nothing; when not, *retry_after_ms is more than 0. */
bool		balance_may_call(struct balance *b, const struct balance_ask *q, uint64_t now_ms,
		    uint64_t *retry_after_ms);
/* One that may; balance_end() is due.  0; E_BREAKER: all are left alone;
 * E_NOTFOUND: all but those to be avoided; E_NOMEM. */
must_check int	balance_pick(struct balance *b, const struct balance_ask *q, uint64_t now_ms, struct balance_pick *out);
/* What came of it.  True: its breaker opened.  Once; a pick that is ended does nothing more. */
bool		balance_end(struct balance *b, struct balance_pick *p, enum balance_outcome what, uint64_t now_ms);

/* While a pick is not ended.  A request of this server begins: it brings percent / 100 of a second attempt, for it or
 * another one.  May one be sent once more?  That is paid for then; when no other place was picked, in the same handler,
 * it is not. */
void		balance_count(struct balanced *of, uint32_t percent);
bool		balance_may_retry(struct balanced *of);
void		balance_not_retried(struct balanced *of);
/* How long to wait before attempt n, from 2 on: longer each time, never the same for all. */
uint64_t	balance_pause_ms(struct balance *b, unsigned attempt);

#endif
