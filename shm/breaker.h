/* SPDX-License-Identifier: Apache-2.0
 *
 * breaker.h - circuit breaker: closed, open, half-open; one per upstream (by profile hash)
 *
 * After `failures` in a row the upstream is left alone for open_ms; then one call may try.  When the
 * one that tries dies, the next may try after probe_ms.  Where the table has no room there is no
 * breaker: calls are made.
 */
#ifndef SHM_BREAKER_H
#define SHM_BREAKER_H

#include <stdbool.h>

#include "shm/region.h"

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,
};

/* What breaker_may_call() allowed; its outcome is told with it, so that an answer from before the
 * breaker opened does not close it. */
struct breaker_ticket {
	uint32_t	slot;
	uint16_t	epoch;
	bool		probe;		/* this call is the one that tries */
	bool		none;		/* no breaker */
};

/* May this call be made?  Fills *t either way; when not, *retry_after_ms is more than 0.  A call that
 * was allowed ends in exactly one of breaker_ok, breaker_fail, breaker_unknown. */
must_check bool	breaker_may_call(const struct region *r, uint64_t profile, uint64_t now_ms,
		    uint64_t probe_ms, struct breaker_ticket *t, uint64_t *retry_after_ms);
/* The upstream answered, an error of the tool included. */
void		breaker_ok(const struct region *r, const struct breaker_ticket *t);
/* It could not be reached, died, or did not answer in time. */
void		breaker_fail(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms,
		    uint32_t failures, uint64_t open_ms);
/* Nothing was learnt: the client went away. */
void		breaker_unknown(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms);
/* For status. */
enum breaker_state breaker_state(const struct region *r, uint64_t profile, uint64_t now_ms);
/* Breakers that refuse now. */
uint64_t	breaker_open_count(const struct region *r, uint64_t now_ms);

#endif
