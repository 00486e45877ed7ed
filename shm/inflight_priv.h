/* SPDX-License-Identifier: Apache-2.0
 *
 * inflight_priv.h - a worker's slab of calls in flight, for region.c and inflight.c
 */
#ifndef SHM_INFLIGHT_PRIV_H
#define SHM_INFLIGHT_PRIV_H

#include <stdatomic.h>
#include <stdint.h>

#define INFLIGHT_KEYS 512

struct inflight_entry {
	_Atomic uint64_t	key, count;
	_Atomic uint64_t	calls;		/* ever begun under this key, by this slot's workers */
	uint64_t		spare;
};

struct inflight_slab {
	_Atomic uint64_t	total;
	uint64_t		spare[7];
	struct inflight_entry	entries[INFLIGHT_KEYS];
};
_Static_assert(sizeof(struct inflight_slab) == 16448, "in-flight slab is 16,448 bytes");

#endif
