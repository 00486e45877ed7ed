/* SPDX-License-Identifier: Apache-2.0
 *
 * chan.h - a control channel: one socketpair, two known roles, rules checked at arrival
 *
 * The sender is known from the descriptor, never from a field.  An unlisted, untimely or malformed
 * message ends the peer: on_closed is told why, and nothing else happens.
 */
#ifndef IPC_CHAN_H
#define IPC_CHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/codec.h"
#include "ipc/frame.h"
#include "ipc/wait.h"
#include "lib/buf.h"
#include "lib/loop.h"

struct chan;
struct chan_queued;

struct chan_msg {
	uint16_t		 type;		/* enum msg_type */
	uint64_t		 ref;
	const union msg_any	*body;		/* decoded; texts borrowed for the call */
	int			*fds;		/* FRAME_FDS; take one by setting its place to -1,
						 * the others are closed after the handler */
};

typedef void chan_msg_fn(struct chan *, const struct chan_msg *, void *arg);
/* The peer is gone or broke the rules; why is E_CLOSED, E_FORMAT, E_UNTIMELY or E_SYS.  The handler
 * may chan_fini() the channel. */
typedef void chan_closed_fn(struct chan *, int why, void *arg);

struct chan {
	uint32_t		 magic;
	int			 fd;		/* owned */
	enum role		 me, peer;
	bool			 ready;		/* the child of this pair has said READY */
	bool			 dead;
	struct loop_io		 io;
	struct chan_queued	*first, **last;	/* not yet sent */
	size_t			 queued_bytes;
	chan_msg_fn		*on_msg;
	chan_closed_fn		*on_closed;
	void			*arg;
};

/* Takes fd, makes it non-blocking, reads when the loop runs. */
must_check int	chan_init(struct chan *c, struct loop *l, int fd, enum role me, enum role peer,
		    chan_msg_fn *on_msg, chan_closed_fn *on_closed, void *arg);
void		chan_fini(struct chan *c);

/* Queued when the peer is slow: at most 1 MiB, then E_FULL.  Descriptors are duplicated while
 * queued; they stay the caller's.  fds may be NULL.  E_CLOSED after the peer is gone. */
must_check int	chan_send(struct chan *c, uint16_t type, uint64_t ref, const void *msg, const int *fds,
		    unsigned fd_count);
/* The same of what has no descriptors and nobody waits for: what the peer does not take is logged. */
void		chan_tell(struct chan *c, uint16_t type, uint64_t ref, const void *msg);
/* A child's answer to SNAPSHOT_OFFER: in force when error is 0, else refused, and logged. */
void		chan_answer_offer(struct chan *c, const struct chan_msg *offer, int error);

#endif
