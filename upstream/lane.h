/* SPDX-License-Identifier: Apache-2.0
 *
 * lane.h - sessions side by side, so that what a legacy server asks finds its call (mcp-wire 9.1, 14.8)
 *
 * What comes on a session's own stream names no call.  It can belong to one only when no other call that
 * may be asked runs in that session.  So for clients that can be asked a peer has lanes, each a session
 * with its stream: a call that may ask is alone in its lane, and the next one takes another lane.  Which
 * calls do ask is learnt by name; those that do not run together.  The first lane that suits is taken, so
 * that calls one after the other share a session.
 *
 * Where the server has no such stream, all comes on the streams of the calls themselves, and nothing of
 * this is needed: all calls share lane 0.
 */
#ifndef UPSTREAM_LANE_H
#define UPSTREAM_LANE_H

#include "upstream/peer.h"

#define LANES_MAX	1024	/* of one (profile, instance, capabilities) */

struct lane;
struct lanes;
struct lane_seat;

struct lane_ops {
	/* lane_listen() said E_AGAIN: it is to be called again.  Never inside a call to this file. */
	void	(*on_ready)(struct lane_seat *s);
	/* Of the session's stream, and this call's.  Borrowed. */
	void	(*on_message)(struct lane_seat *s, const struct rpc_answer *m);
};

struct lane_seat {		/* embedded in a call: its place in a lane; all zero: it has none */
	struct lane		*lane;
	struct lane_seat	*next, *prev;
	const struct lane_ops	*ops;
	uint64_t		 name;		/* learn_hash() of what it calls */
	struct span		 progress_token;	/* raw, in the request's body; or empty */
	bool			 sent, asked, waits, told;
};

/* A place for this request; home: the peer of lane 0, held until it leaves, and ready.  0; E_OVERLOAD: too
 * many lanes; E_NOMEM. */
must_check int	lane_take(struct lane_seat *s, const struct lane_ops *ops, struct upstream *u,
		    struct peer *home, const struct upstream_request *r);
/* Its session; borrowed while it has its place. */
struct peer	*lane_peer(const struct lane_seat *s);
/* Opens the stream of the lane, whose peer is ready.  0: the call may be sent.  E_AGAIN: on_ready comes.
 * Else E_*: it cannot be opened. */
must_check int	lane_listen(struct lane_seat *s, const struct upstream_target *target);
void		lane_sent(struct lane_seat *s);
/* The server asked on the call's own stream. */
void		lane_asks(struct lane_seat *s);
/* 404 for a call: the session is over, and was before the call. */
void		lane_session_lost(struct lane_seat *s, struct span session);
/* The server's answer: what it teaches.  Before leaving. */
void		lane_answered(struct lane_seat *s, const struct rpc_answer *answer);
/* given_up: the server may still work on it.  No-op when it has no place. */
void		lane_leave(struct lane_seat *s, bool given_up);

/* peer.c: the peer goes, nobody has a place. */
void		lanes_free(struct lanes **l);
void		lanes_free_all(struct upstream *u);

#endif
