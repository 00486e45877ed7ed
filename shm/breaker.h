/* SPDX-License-Identifier: Apache-2.0
 *
 * breaker.h - circuit breaker: closed, open, half-open; one per place of a server, or per tool (by a hash of it)
 *
 * After `failures` in a row, or when `error_percent` of the calls within a window failed or were slow, it is left
 * alone for open_ms; then `probes` calls may try, and all of them must succeed.  Each time one fails it is left
 * alone twice as long, up to BREAKER_GROWTH times.  When those that try die, others may after probe_ms.  Where the
 * table has no room there is no breaker: calls are made.
 */
#ifndef SHM_BREAKER_H
#define SHM_BREAKER_H

#include <stdbool.h>

#include "shm/region.h"

#define BREAKER_PROBES_MAX	7
#define BREAKER_GROWTH		16

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,
};

struct breaker_rules {
	uint32_t	failures;	/* in a row; 0 is 1 */
	uint32_t	probes;		/* at most BREAKER_PROBES_MAX; 0 is 1 */
	uint32_t	error_percent;	/* 0: calls are not counted, and slow ones are like others */
	uint32_t	min_calls;	/* within a window, before the percentage means something */
	uint64_t	open_ms, probe_ms, window_ms;
	uint64_t	slow_ms;	/* an answer that takes longer is bad for the window; 0: none is */
};

/* What breaker_may_call() allowed; its outcome is told with it, so that an answer from before the
 * breaker opened does not close it. */
struct breaker_ticket {
	uint32_t	slot;
	uint16_t	epoch;
	bool		probe;		/* this call is one that tries */
	bool		none;		/* no breaker */
};

struct breaker_view {			/* for people */
	enum breaker_state state;
	uint32_t	failures;	/* closed: in a row; else how often it opened since it was closed */
	uint32_t	calls, bad;	/* of the window */
	uint64_t	retry_after_ms;	/* open: the next call may try then */
};

/* May this call be made?  Fills *t either way; when not, *retry_after_ms is more than 0.  A call that
 * was allowed ends in exactly one of breaker_ok, breaker_fail, breaker_unknown. */
must_check bool	breaker_may_call(const struct region *r, uint64_t profile, uint64_t now_ms,
		    const struct breaker_rules *rules, struct breaker_ticket *t, uint64_t *retry_after_ms);
/* The upstream answered, an error of the tool included, and that took so long. */
void		breaker_ok(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms,
		    const struct breaker_rules *rules, uint64_t took_ms);
/* It could not be reached, died, or did not answer in time. */
void		breaker_fail(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms,
		    const struct breaker_rules *rules);
/* Nothing was learnt: the client went away. */
void		breaker_unknown(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms);
/* Changes nothing; HALF_OPEN: the next call may try, or one does. */
enum breaker_state breaker_state(const struct region *r, uint64_t profile, uint64_t now_ms);
void		breaker_look(const struct region *r, uint64_t profile, uint64_t now_ms, struct breaker_view *out);
/* Closed, as if nothing had failed yet.  False: there was nothing to forget. */
bool		breaker_reset(const struct region *r, uint64_t profile);
/* Breakers that refuse now. */
uint64_t	breaker_open_count(const struct region *r, uint64_t now_ms);

#endif
