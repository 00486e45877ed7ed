/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.h - messages to and from other workers (ipc/peer.h)
 *
 * Between two processes messages arrive whole and in the order they were sent, or a gone handler is
 * told.  No answer is promised: one that never comes is found by its waiter's own deadline.
 */
#ifndef WORKER_PEERS_H
#define WORKER_PEERS_H

#include <stdint.h>

#include "ipc/peer.h"
#include "lib/err.h"
#include "lib/loop.h"
#include "lib/span.h"

#define PEERS_QUEUE_MAX	(64 * 1024 * 1024)	/* for one worker, not yet written */

struct peers;

/* Asks the master for a pair: peers_attach() or peers_none() answer.  0 or what kept it from asking. */
typedef int peers_wanted_fn(uint32_t slot, uint32_t incarnation, uint64_t after, void *arg);
/* A message came from this worker.  The payload is borrowed for the call.  0, or E_FORMAT when the
 * message is not as its type demands: the pair ends. */
typedef int peers_fn(uint32_t slot, uint32_t incarnation, const struct peer_head *head,
    struct span payload, void *arg);
/* What was sent to this incarnation and is not answered is lost; with 0, what was sent to whoever has
 * the slot and found nobody.  Who sent with 0 and found somebody takes any of these for its own.  A
 * worker whose pair broke may still live: sending again tells.  The handler may send. */
typedef void peers_gone_fn(uint32_t slot, uint32_t incarnation, void *arg);

/* Written out at the end of each turn, after the audit: what is registered before it within
 * LOOP_RANK_FLUSH still gets into the same turn. */
must_check int	peers_new(struct loop *l, peers_wanted_fn *wanted, void *arg, struct peers **out);
/* Closes all pairs; no handler is told. */
void		peers_free(struct peers **ps);
/* BOOT came: who we are, and how many there are. */
void		peers_set_self(struct peers *ps, uint32_t slot, uint32_t incarnation, uint32_t workers);

/* One handler for each type; messages of a type without one are dropped. */
void		peers_on(struct peers *ps, enum peer_type type, peers_fn *fn, void *arg);
/* At most 8, in this order. */
void		peers_on_gone(struct peers *ps, peers_gone_fn *fn, void *arg);

/* After READY.  Queues a copy; incarnation 0: for whoever has the slot.  head->bytes is set here, the rest
 * is sent as given.  E_NOTFOUND: that incarnation is gone, or nobody ever has the slot; E_FULL, E_TOOBIG,
 * E_NOMEM; E_CLOSED: its pair just broke, or the master is gone; E_RANGE: that is ourselves, which the
 * caller has to see by itself.  After an error no handler is told of this message. */
must_check int	peers_send(struct peers *ps, uint32_t slot, uint32_t incarnation,
		    const struct peer_head *head, struct span payload);
/* Bytes that wait, for pairs or in them. */
size_t		peers_queued(const struct peers *ps);

/* What the master says.  attach takes fd; none is about what was asked, and tells that every incarnation
 * before `living` is gone. */
void		peers_attach(struct peers *ps, uint32_t slot, uint32_t incarnation, uint64_t pair, int fd);
void		peers_none(struct peers *ps, uint32_t slot, uint32_t incarnation, uint32_t living);
/* It says nothing any more: what waits for a pair is lost. */
void		peers_master_gone(struct peers *ps);

#endif
