/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.h - the limits of one call: buckets that are charged, shares that are held, quotas that are counted
 *
 * All or nothing: a call that one of them refuses takes of none.  The order is that of cost: buckets, once; then
 * shares and quotas, which a call may wait for (waitroom.h).
 */
#ifndef WORKER_LIMITS_LIMITS_H
#define WORKER_LIMITS_LIMITS_H

#include "shm/limit.h"
#include "worker/call/call.h"

#define LIMITS_OF_CALL	24		/* an agent's, a tool's, a server's, and those of a tenant */

/* One quota in the period that is now. */
struct quota_use {
	struct rec_quota	 rec;
	struct span		 content;	/* what it is of, and when */
	uint64_t		 key, ahead, ends_ms;
	bool			 counted;	/* of QUOTA_CALLS */
};

/* One limit, as it is for this call: texts are copies in the request's arena. */
struct limit_use {
	struct span		 path, content;
	uint64_t		 interval_ns, bucket, share;	/* keys */
	uint32_t		 burst, max_concurrent;
	bool			 charged, held;
	struct limit_taken	 taken;
	struct quota_use	*quotas;
	uint32_t		 quota_count;
};

struct limit_set {
	uint64_t		 begun_ns;	/* since when its calls' time counts */
	uint64_t		 blocked;	/* the share that it waits for; 0: the store, for a quota */
	uint32_t		 count;
	struct limit_use	 of[];
};

/* What a call was refused by, for whoever is told. */
struct limit_said {
	struct span	path;			/* empty: by none of these */
	uint64_t	retry_after_ms;		/* 0: not known */
	uint64_t	most, left, reset_s;	/* X-RateLimit-* */
};

/* Those that this call has; *out is NULL when there are none.  E_NOMEM. */
must_check int	limits_of(struct request *rq, const struct call_ask *ask, struct limit_set **out);
/* Charges all buckets, or none.  0, E_LIMITED. */
must_check int	limits_charge(struct request *rq, struct limit_set *set, uint64_t cost, struct limit_said *said);
/* Takes all shares and counts the call in all quotas, or none.  0; E_AGAIN: it may wait for it (said is of what it
 * waits for); E_QUOTA. */
must_check int	limits_hold(struct request *rq, struct limit_set *set, struct limit_said *said);
/* As many run as may: what limits_hold() says of that. */
void		limits_say_crowded(const struct limit_use *u, struct limit_said *said);
/* What was charged is given back, as far as that is exact (limit_give()). */
void		limits_give(struct worker *w, struct limit_set *set);
/* The end of a call that was held: gives the shares back, counts time and bytes.  One that was not sent is no call. */
void		limits_end(struct worker *w, struct limit_set *set, bool sent, uint64_t bytes);

/* limitkeys.c: words as limit_key() takes them, with a NUL behind each.  No text: the arena is full. */
struct span	limits_words(struct arena *a, const struct span *words, size_t n);
/* Whose a client's address is, in bytes that live as long as p: of IPv6 what one customer has, its /64; of a local
 * user the uid. */
struct span	limits_address(const struct exchange_peer *p);
/* What a limit is of, by content: words with a NUL behind each, as limit_key() takes them.  No text: the
 * arena is full.  Of LIMIT_OF_EACH it is that of this call. */
struct span	limits_content(struct arena *a, const struct snap *policy, const struct rec_limit *l,
		    const struct request *rq, const struct call_ask *ask);
/* The same of a quota in its period now, and when that ends. */
struct span	limits_quota_content(struct arena *a, struct span of, const struct rec_quota *q, uint64_t wall_ms,
		    uint64_t *ends_ms);
/* How much of a quota the store marks as used before it is. */
uint64_t	limits_ahead(const struct rec_quota *q);
/* Tells the store that a mark has to be moved, or a quota begun anew; not too often. */
void		limits_tell_store(struct worker *w, const struct quota_use *u, bool reset);

#endif
