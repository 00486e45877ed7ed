/* SPDX-License-Identifier: Apache-2.0
 *
 * peer.h - the stream between two workers, made by the master when one of them asks
 *
 * Frames of a head and a payload, the same in both directions and in the order they were sent.  Who is
 * at the other end is known from the descriptor (WORKER_PEER), never from a field.  Both ends check
 * every head before they believe it; a bad frame ends the pair, never the process.
 *
 * What ref, a, b, flags and the payload mean is the type's own business, and checked by who handles it:
 * a number in them is looked up, never trusted.
 */
#ifndef IPC_PEER_H
#define IPC_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_SLOTS_MAX		64	/* of workers */
/* The largest answer, and what describes it. */
#define PEER_PAYLOAD_MAX	(16 * 1024 * 1024 + 64 * 1024)

enum peer_type {
	PEER_ANSWER = 1,	/* a client's response to a request that the other worker sent */
	PEER_RETRY,		/* a retry of a call parked there; ref to answer with */
	PEER_RESULT,		/* what PEER_RETRY came to */
	PEER_CANCEL,		/* cancel what that worker runs for this session */
	PEER_SESSION,		/* an order about a session's streams */
	PEER_EVENT,		/* an event for a session's stream */
	PEER_TYPE_LIMIT
};

struct peer_head {
	uint32_t	bytes;		/* of the payload that follows */
	uint16_t	type;		/* enum peer_type */
	uint16_t	flags;
	uint64_t	ref;		/* ties an answer to its question; 0 = none */
	uint64_t	a, b;
};
_Static_assert(sizeof(struct peer_head) == 32, "peer head is 32 bytes");

/* May a frame begin like this? */
static inline bool
peer_head_is_good(const struct peer_head *h)
{
	return h->type > 0 && h->type < PEER_TYPE_LIMIT && h->bytes <= PEER_PAYLOAD_MAX;
}

#endif
