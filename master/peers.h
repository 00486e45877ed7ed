/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.h - the pairs between workers, made when one of them asks
 */
#ifndef MASTER_PEERS_H
#define MASTER_PEERS_H

#include "ipc/peer.h"
#include "master/children.h"

/* The last pair made for two slots, lower slot first. */
struct peer_pair {
	uint64_t	number;		/* 0: none yet */
	uint64_t	made_ms;
	uint32_t	incarnation[2];
};

struct peer_pairs {
	uint64_t		last;	/* number given to a pair */
	struct peer_pair	made[PEER_SLOTS_MAX][PEER_SLOTS_MAX];	/* [lower][higher] */
};

/* One end of a stream between this worker and one of the master that took our place. */
void	peers_take(struct child *worker, uint32_t slot, uint32_t incarnation, int fd);
/* A worker asks: WORKER_PEER to both, nothing when that is on its way already, or WORKER_PEER_NONE. */
void	peers_want(struct child *worker, const struct msg_WORKER_PEER_WANTED *want);

#endif
