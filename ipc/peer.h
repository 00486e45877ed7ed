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

/* A client's request that only another worker can serve is served there, over an exchange whose wire is the
 * pair (worker/forward.c); ref is the asking worker's number of it, in both directions. */
enum peer_type {
	PEER_REQUEST = 1,	/* payload: struct forward_wire, groups, head, body */
	PEER_HEAD,		/* its answer begins: a = status, b = length of the body, payload: fields */
	PEER_DATA,		/* the next bytes of the body */
	PEER_END,		/* a = enum flow_end */
	PEER_CREDIT,		/* the client took a bytes */
	PEER_GONE,		/* the client went away */
	PEER_CANCEL,		/* a legacy client cancels: a = its session's hash, payload: the raw request id, or
				 * nothing: all of that session */
	PEER_STALE,		/* a list changed: a = the server's profile, b = instance, flags = link_event_kind */
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
