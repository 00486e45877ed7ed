/* SPDX-License-Identifier: Apache-2.0
 *
 * lease.h - which calls a tool works on, and whose message it is that names none (mcp-wire 14.8)
 *
 * What a tool sends by itself names no call.  It can belong to one only when the tool works on exactly
 * one.  Background work (lists) never counts: nobody is there to hear of it.
 */
#ifndef SANDBOX_RUNNER_LEASE_H
#define SANDBOX_RUNNER_LEASE_H

#include "lib/loop.h"
#include "sandbox/runner/call.h"

#define LEASE_LINGER_MS	1000	/* a call given up counts as worked on so long, or until its late answer */

struct lease {
	size_t			 out;		/* clients' calls in the tool's feed or in the tool */
	size_t			 sent;		/* of these, those the tool has */
	uint64_t		 given_up;	/* id of the call given up last; 0: none that counts */
	uint64_t		 linger_ms;	/* until then */
};

/* The call goes into the tool's feed. */
void		lease_go(struct instance *i, struct call *c);
/* The tool has it. */
void		lease_sent(struct instance *i, struct call *c);
/* It is answered, or leaves; may be said more than once. */
void		lease_leave(struct instance *i, struct call *c);
/* Said before it leaves: the tool may still work on it. */
void		lease_given_up(struct instance *i, struct call *c);
/* An answer to a call that is gone. */
void		lease_late_answer(struct instance *i, uint64_t id);
/* Whose message it must be: borrowed, CALL_SENT; NULL when there is none or it might be another's. */
struct call	*lease_owner(const struct instance *i);

#endif
