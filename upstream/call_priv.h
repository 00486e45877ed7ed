/* SPDX-License-Identifier: Apache-2.0
 *
 * call_priv.h - a call to an HTTP upstream, between call.c (its time and its end) and call_way.c (its way)
 */
#ifndef UPSTREAM_CALL_PRIV_H
#define UPSTREAM_CALL_PRIV_H

#include <stddef.h>

#include "lib/bug.h"
#include "upstream/lane.h"

#define CALL_MAGIC	0xca110001u

struct upstream_call {
	uint32_t		 magic;
	struct upstream		*u;
	struct upstream_request	 request;
	struct peer		*peer;		/* lane 0 */
	struct lane_seat	 seat;		/* when it may be asked */
	struct peer_wait	 wait;
	struct loop_timer	 timer;		/* deadline; then a delayed free */
	char			 id[UPSTREAM_ID_BYTES];
	enum mcp_version	 version;	/* the request went out with */
	const struct upstream_target *target;	/* and there; valid while asking */
	unsigned		 server_requests;
	bool			 asking, sent, retried, in_message, unwanted;
	bool			 waits;		/* upstream_call_wait() */
	bool			 paused;	/* upstream_call_pause() */
	bool			 about;		/* answered with what is known: the timer delivers it */
	uint64_t		 begun_ms, until_ms;	/* until: its deadline; paused: what is left */
	upstream_message_fn	*on_message;
	upstream_done_fn	*done;
	void			*arg;
	struct upstream_call	*next_spare;
	/* Cleared by their own beginnings. */
	struct ask		 ask;
	char			 session[ASK_SESSION_MAX];
};

static inline bool
call_is_legacy(const struct upstream_call *c)
{
	return !mcp_version_is_modern(c->version);
}

/* call.c */

/* The last thing done with a call: done() may free it. */
void		call_deliver(struct upstream_call *c, int error, const char *why);
/* Its deadline is so far away from now on. */
void		call_arm(struct upstream_call *c, uint64_t ms);

/* call_way.c */

/* Sent when the peer and, for one that may be asked, its lane's stream are ready; else when they will be.  0, or why
 * it cannot be. */
must_check int	call_go(struct upstream_call *c);
/* Its lane's, when it has one. */
struct peer	*call_peer(const struct upstream_call *c);

#endif
