/* SPDX-License-Identifier: Apache-2.0
 *
 * peers_priv.h - what peers.c (who gets what) and peers_wire.c (bytes of one pair) share
 */
#ifndef WORKER_PEERS_PRIV_H
#define WORKER_PEERS_PRIV_H

#include "lib/buf.h"
#include "worker/peers.h"

#define PEER_MAGIC		0x9ee20001u
#define PEER_READ_BYTES		(64 * 1024)
#define PEER_GONE_MAX		8

struct peer_message {
	struct peer_message	*next;
	uint32_t		 to;	/* incarnation; 0: whoever has the slot */
	size_t			 bytes, sent;
	char			 wire[];	/* head and payload */
};

struct peer_queue {
	struct peer_message	*first, **last;
};

struct peer {
	uint32_t	 magic;
	struct peers	*set;
	uint32_t	 slot;
	bool		 up;		/* there is a pair */
	bool		 deaf;		/* takes nothing more; its last words and its end are to be read */
	uint32_t	 incarnation;	/* at the other end, when up */
	uint32_t	 living;	/* every incarnation before it is gone */
	uint64_t	 pair;		/* number of the last one; 0 none yet */
	int		 fd;
	struct loop_io	 io;
	struct peer_queue out;		/* for this pair */
	struct peer_queue waiting;	/* for one that was asked for, once for each incarnation in it */
	size_t		 queued;	/* bytes in both */
	struct buf	 in;		/* the part of a message that came; never more than that one */
};

struct peers {
	struct loop	*loop;
	peers_wanted_fn	*wanted;
	void		*wanted_arg;
	uint32_t	 slot, incarnation, workers;
	struct peer	*at[PEER_SLOTS_MAX];	/* NULL: nothing was ever said */
	uint64_t	 dirty;			/* a bit for each slot: to be written at the turn's end */
	size_t		 queued;
	struct { peers_fn *fn; void *arg; } on[PEER_TYPE_LIMIT];
	struct { peers_gone_fn *fn; void *arg; } gone[PEER_GONE_MAX];
	char		 room[PEER_READ_BYTES];	/* for whoever reads */
};

static inline uint64_t
peer_bit(const struct peer *p)
{
	return UINT64_C(1) << p->slot;
}

/* peers.c */
struct peer_message *peer_queue_take(struct peer_queue *q);	/* NULL when it is empty */
void	peer_queue_drop(struct peer *p, struct peer_queue *q);
void	peer_message_free(struct peer *p, struct peer_message *m);
/* Every gone handler hears of it. */
void	peer_tell_gone(struct peer *p, uint32_t incarnation);

/* peers_wire.c */
/* From here on there is a pair; takes fd. */
void	peer_up(struct peer *p, int fd);
/* There is none any more, and what was meant for it is lost. */
void	peer_down(struct peer *p);
/* So many reads at most, and what comes of them; the pair may be down then. */
void	peer_read(struct peer *p, int reads);
/* Writes what the socket takes; tells nobody. */
void	peer_flush(struct peer *p);

#endif
