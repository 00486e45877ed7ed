/* SPDX-License-Identifier: Apache-2.0
 *
 * region.h - shared memory: create, map, check; the layout is in docs/shm-layout.md
 *
 * Any worker can write any byte of a region, so nothing in it is trusted further than its use: no
 * pointers, no pids, nothing the master acts on.  What the head said is copied at map and never
 * read again.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"
#include "lib/sum.h"

#define REGION_MAGIC	"MCPGWSHM"
#define REGION_VERSION	3

enum region_kind {
	REGION_LIMITS = 1,
	REGION_BREAKERS,
	REGION_SESSIONS,
	REGION_UPSTREAM_SESSIONS,
	REGION_INFLIGHT,
	REGION_METRICS,
	REGION_GATE,
	REGION_SHARES,
	REGION_QUOTAS,
	REGION_LIMIT
};

struct region_head {
	char		magic[8];
	uint32_t	version, kind;
	uint64_t	bytes, count;
	uint32_t	slot_bytes, spare;
	uint64_t	key[2];
	uint64_t	spare2;
};
_Static_assert(sizeof(struct region_head) == 64, "region head is 64 bytes");

/* A mapping; embedded by its owner.  All zero: not mapped. */
struct region {
	void		*slots;		/* behind the head */
	uint64_t	 count;
	uint64_t	 bytes;		/* of the whole mapping */
	uint32_t	 slot_bytes;
	enum region_kind kind;
	struct sum_key	 key;
};

/* A new, zeroed region for this many workers as a close-on-exec memfd that cannot change its size;
 * *fd is the caller's.  E_RANGE for an unknown kind or workers outside 1-255; E_SYS. */
must_check int	region_create(enum region_kind kind, uint32_t workers, int *fd);
/* Bytes that region_create() gives it: what a REGION message says. */
uint64_t	region_bytes(enum region_kind kind, uint32_t workers);
/* Maps and checks; fd stays the caller's and may be closed at once.  E_FORMAT, E_VERSION, E_DENIED
 * (its size can change) or E_SYS, with *out unmapped. */
must_check int	region_map(int fd, enum region_kind kind, struct region *out);
/* The same, and nothing in it can be written by way of this mapping.  A descriptor for reading is enough. */
must_check int	region_map_read(int fd, enum region_kind kind, struct region *out);
void		region_unmap(struct region *r);
const char	*region_name(enum region_kind kind);

/* The keyed hash of this region's tables; never 0. */
uint64_t	region_hash(const struct region *r, struct span content);

/* Slot i; i is masked by nobody: it must be below count. */
static inline void *
region_slot(const struct region *r, uint64_t i)
{
	return (char *)r->slots + i * r->slot_bytes;
}

#endif
