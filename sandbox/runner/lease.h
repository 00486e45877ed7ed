/* SPDX-License-Identifier: Apache-2.0
 *
 * lease.h - which calls a tool works on, and whose message it is that names none (mcp-wire 14.8)
 *
 * What a tool sends by itself names no call.  It can belong to one only when the tool works on exactly
 * one.  So in a legacy instance whose clients can be asked, a call that may ask is alone: it waits until
 * no other is out, and holds the lease until it is answered; the others wait in order of arrival.  While it
 * waits for its client, which may be a person, the lease is lent: the next one goes, and the answer of the
 * client reaches the tool when no other call runs.  So one runs at a time, and what the tool asks is its.
 * Which calls those are is learnt by name (learn.h).  Background work (lists) never counts and never
 * waits: nobody is there to be asked.
 */
#ifndef SANDBOX_RUNNER_LEASE_H
#define SANDBOX_RUNNER_LEASE_H

#include "lib/loop.h"
#include "sandbox/runner/call.h"

#define LEASE_LEND_MS	200	/* a tool that asks several things asks them within this */
#define LEASE_LINGER_MS	1000	/* a call given up counts as worked on so long, or until its late answer */

struct lease {
	struct call		*holder;	/* out, and alone; NULL: calls are shared */
	size_t			 out;		/* clients' calls in the tool's feed or in the tool */
	size_t			 sent;		/* of these, those the tool has */
	size_t			 lent;		/* of these, those that wait for their clients */
	size_t			 waiting;	/* whole, and not out for the lease's sake */
	bool			 kick;		/* one of these may go now */
	bool			 all_ask;	/* every call that is sent is known to ask */
	uint64_t		 given_up;	/* id of the call given up last; 0: none that counts */
	struct loop_timer	 linger;	/* armed: it counts */
	struct loop_timer	 lend;		/* armed: the holder has asked */
};

void		lease_init(struct instance *i);
void		lease_fini(struct instance *i);

/* May this whole call be put into the feed of its tool, which is up?  True: it counts as out.  False: it
 * waits, and lease_pump() puts it when its turn has come. */
must_check bool	lease_take(struct instance *i, struct call *c);
/* Something changed: what waits may look again. */
void		lease_kick(struct instance *i);
/* End of the turn: what waits and may go now. */
void		lease_pump(struct instance *i);
/* The tool has it. */
void		lease_sent(struct instance *i, struct call *c);
/* The tool's answer: what it teaches.  Before lease_leave(). */
void		lease_answered(struct instance *i, struct call *c, const struct line *answer);
/* It is answered, or leaves; may be said more than once. */
void		lease_leave(struct instance *i, struct call *c);
/* Said before it leaves: the tool may still work on it. */
void		lease_given_up(struct instance *i, struct call *c);
/* An answer to a call that is gone. */
void		lease_late_answer(struct instance *i, uint64_t id);

/* Whose message it must be: borrowed, CALL_SENT; NULL when there is none or it might be another's. */
struct call	*lease_owner(const struct instance *i);
/* This call, the owner, asks its client; it is alone from now on when it can be. */
void		lease_asks(struct instance *i, struct call *c);
/* A client's answer came for a call that lent the lease: it gets it back when no other runs. */
void		lease_reply_came(struct instance *i);
/* The tool asked, and it was not clear for whom: any of them may have. */
void		lease_unclear(struct instance *i);

#endif
