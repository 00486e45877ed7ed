/* SPDX-License-Identifier: Apache-2.0
 *
 * limit_priv.h - taking a token, one atomic operation at a time
 *
 * limit_take() runs these steps to their end; the model test runs the same steps of several takers in
 * every order.  docs/shm-layout.md says why the protocol holds.
 */
#ifndef SHM_LIMIT_PRIV_H
#define SHM_LIMIT_PRIV_H

#include "shm/limit.h"

#define LIMIT_WINDOW	8
#define LIMIT_LOOKS	64		/* before a contended bucket refuses */
#define LIMIT_HOLD_NS	UINT64_C(10000000)	/* how long a claim may take before others end it */

struct limit_slot {
	_Atomic uint64_t	owner;	/* 48 bits of hash, 16 bits counting owners */
	_Atomic uint64_t	time;	/* arrival time, or BUSY */
};
_Static_assert(sizeof(struct limit_slot) == 16, "limit slot is 16 bytes");

#define LIMIT_TAG(word)		((word) & ~UINT64_C(0xffff))
#define LIMIT_OWNER(tag, prev)	(LIMIT_TAG(tag) | (((prev) + 1) & 0xffff))

#define LIMIT_BUSY		(UINT64_C(1) << 63)
#define LIMIT_UNTIL_SHIFT	10
#define LIMIT_UNTIL_MASK	((UINT64_C(1) << 55) - 1)
#define LIMIT_IS_BUSY(time)	(((time) & LIMIT_BUSY) != 0)
#define LIMIT_UNTIL(time)	(((time) & LIMIT_UNTIL_MASK) << LIMIT_UNTIL_SHIFT)

enum limit_at {
	LIMIT_AT_LOOK_TIME,	/* each slot: is it ours, may it be taken? */
	LIMIT_AT_LOOK_OWNER,
	LIMIT_AT_LOOK_CLOCK,	/* ours, and empty by a clock that may be late */
	LIMIT_AT_CHARGE,
	LIMIT_AT_CLAIM,		/* time -> BUSY */
	LIMIT_AT_CLAIM_READ,
	LIMIT_AT_CLAIM_CHECK,	/* is the BUSY still ours, after owner was read? */
	LIMIT_AT_CLAIM_OWNER,	/* owner -> ours */
	LIMIT_AT_CLAIM_TWINS,
	LIMIT_AT_CLAIM_CLOCK,
	LIMIT_AT_CLAIM_DONE,	/* BUSY -> charged */
	LIMIT_AT_YIELD_OWNER,	/* owner -> nobody */
	LIMIT_AT_YIELD_TIME,	/* BUSY -> past */
	LIMIT_AT_END,
};

struct limit_taker {
	/* given */
	struct limit_slot	*window;
	uint64_t		(*clock_ns)(void);
	uint64_t		 tag, interval, room;	/* room = interval * burst */
	uint32_t		 width, claimer;
	/* local */
	uint64_t		 now;
	uint64_t		 time, owner, busy;	/* last read; own BUSY word */
	uint64_t		 victim_time;
	uint64_t		 wait_until;		/* of a BUSY slot that is ours, or 0 */
	uint64_t		 soonest;		/* when the first slot of the window is past */
	enum limit_at		 at;
	uint32_t		 i, victim, looks;	/* victim == width: none */
	/* outcome */
	enum limit_verdict	 verdict;
	uint64_t		 retry_after;
	uint64_t		 before, after;		/* of LIMIT_OK: the bucket's time */
};

/* Sets a taker to its first step; the fields under `given` and now are the caller's. */
void	limit_taker_begin(struct limit_taker *t);
/* One step: at most one atomic operation, or one reading of the clock.  True when it has ended. */
bool	limit_taker_step(struct limit_taker *t);
/* Gives back what a taker took from this window, in one atomic operation; false: it stays taken. */
bool	limit_window_give(struct limit_slot *window, uint32_t width, uint64_t tag, uint64_t before, uint64_t after);

#endif
