/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.h - what a tool asks: answered here, or sent to the client that caused it (mcp-wire 14.8)
 */
#ifndef SANDBOX_RUNNER_ASK_H
#define SANDBOX_RUNNER_ASK_H

#include "sandbox/runner/instance.h"

/* A request that went to the client of a call and is not answered. */
struct ask {
	struct ask	*next;		/* in the instance */
	struct call	*call;
	enum mcp_method	 method;
	char		*held;		/* its reply, which waits for the lease (lease.h) */
	size_t		 held_bytes;
	uint32_t	 id_bytes;
	char		 id[];		/* raw */
};

/* A request of the tool; it may be its last, when it floods us with them. */
void		ask_take(struct instance *i, const struct line *line);
/* The tool withdraws the one with this raw id.  Borrowed: the call it was sent for; NULL: there is none. */
struct call	*ask_withdraw(struct instance *i, struct span id);
/* A REPLY frame of a known call.  0 (the call may be gone) or E_FORMAT: the link must end. */
must_check int	ask_reply(struct call *c, struct span part, bool more);

/* Replies to what this call asked that wait; gives them to the tool. */
bool		ask_has_held(const struct instance *i, const struct call *c);
void		ask_give_held(struct instance *i, struct call *c);
/* The tool answered the call: it waits for nothing any more. */
void		ask_forget(struct instance *i, struct call *c);
/* The call leaves without an answer: what it asked is answered in its client's place. */
void		ask_abandon(struct instance *i, struct call *c);

#endif
