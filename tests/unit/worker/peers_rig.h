/* SPDX-License-Identifier: Apache-2.0
 *
 * peers_rig.h - one worker's messages to others, with a master and another worker played by the test
 */
#ifndef TESTS_UNIT_WORKER_PEERS_RIG_H
#define TESTS_UNIT_WORKER_PEERS_RIG_H

#include "worker/peers.h"

#define ME	2	/* our slot, incarnation 4, of 8 */
#define OTHER	5

struct rig {
	struct loop	*loop;
	struct peers	*peers;
	int		 other;		/* the other worker's end; -1: none */
	uint64_t	 pair_number;	/* of the last pair */
	struct {
		uint32_t	slot, incarnation;
		uint64_t	after;
		int		count, answer;	/* what asking comes to */
	} asked;
	struct {			/* PEER_GONE or PEER_REQUEST, the last one */
		uint32_t		 slot, incarnation;
		struct peer_head	 head;
		char			*payload;
		int			 count, answer;	/* what it comes to */
		char			 order[64];	/* the ref of each, modulo 10 */
	} got;
	char		 gone[256];	/* "slot/incarnation " each */
};

extern struct rig rig;

void	rig_start(void);
void	rig_stop(void);
void	rig_turns(int n);
/* An event, with marks in its head. */
int	rig_send(uint32_t slot, uint32_t incarnation, uint64_t ref, struct span payload);
/* The master's answer, with room for so many bytes on the way there (0: the system's). */
void	rig_attach_small(uint32_t incarnation, int room);
void	rig_attach(uint32_t incarnation);
/* The other worker writes; bytes is what its head says. */
void	rig_say(int fd, uint16_t type, uint32_t bytes, uint64_t ref, struct span payload);
/* One whole message at the other end: its payload's bytes, or -1: nothing came. */
int	rig_hear(struct peer_head *h, char *payload, size_t room);
void	rig_expect_ref(uint64_t ref);
/* Exactly these, since the last time. */
void	rig_expect_gone(const char *want);

#endif
