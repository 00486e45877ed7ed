/* SPDX-License-Identifier: Apache-2.0
 *
 * cached.h - calls that are answered by what an equal call was answered with, a while ago or just now
 *
 * Of tools that the operator marked ("cache", mcpgw-servers(5)), and of resources whose modern server says how long
 * they may be kept.  Each call is decided, limited and recorded as ever; what is saved is the server's work.  Equal
 * calls that come while one is under way wait for it, each with its own deadline and client.
 */
#ifndef WORKER_CACHE_CACHED_H
#define WORKER_CACHE_CACHED_H

#include "audit/record.h"
#include "lib/crypt.h"
#include "worker/call/call.h"

struct answer_ready;
struct call;
struct flight;

enum cached_how {
	CACHED_NO,		/* it goes to its server, and nobody waits for it */
	CACHED_LEADS,		/* it goes to its server, for itself and for those who wait */
	CACHED_WAITS,		/* for another call */
	CACHED_SHARED,		/* it waited, and was answered by what that one brought */
	CACHED_HIT,		/* its answer was there */
};

struct cached {				/* embedded in a call */
	enum cached_how		 how;
	bool			 left;		/* it waited, and goes to its server: the breaker is to be asked */
	struct crypt_digest	 key;
	uint64_t		 keep_ms;
	uint32_t		 epoch;
	struct flight		*flight;	/* LEADS, WAITS */
	struct call		*next, **prev;	/* WAITS: of its flight, in the order they came */
	struct span		 found;		/* HIT: borrowed until the end of the turn's handler */
	bool			 modern;	/* its server's era */
	uint64_t		 ttl_ms;	/* HIT of a resource: what is left of its time */
};

must_check int	cached_new(struct worker *w);
void		cached_free(struct worker *w);
/* How it will be with this call, which is admitted; the rest of *out is for cached_join(). */
void		cached_look(struct request *rq, const struct call_ask *ask, struct cached *out);
/* Takes its place; c is whole but for its answer.  True: it was answered, or waits; else it goes to its server. */
bool		cached_join(struct call *c);
/* Its server answered: whoever waits for it is answered too, where that may be. */
void		cached_settle(struct call *c, const struct answer_ready *ready);
/* It turned out to be for its own client alone: its server asks something, or says too much. */
void		cached_spoil(struct call *c);
/* It ends: who waited goes on without it. */
void		cached_end(struct call *c, enum audit_outcome outcome);
/* It waited, and goes to its server now.  0; E_AGAIN: as many run as may, it comes here again; E_BREAKER, E_QUOTA,
 * E_QUOTA_STORE or E_CONCURRENT. */
must_check int	cached_go(struct call *c, uint64_t *retry_after_ms);
/* For the audit: how it was answered; static, or empty. */
struct span	cached_word(const struct call *c);

/* A server said that something changed, a list came that is another one, or there are other pins or policies. */
void		cached_stale(struct worker *w, uint64_t profile);
void		cached_clear(struct worker *w);
/* Too long an answer to be kept. */
bool		cached_is_large(const struct call *c, uint64_t bytes);
/* Parameters are in force. */
void		cached_set_params(struct worker *w, const struct params *p);

#endif
