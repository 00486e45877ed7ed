/* SPDX-License-Identifier: Apache-2.0
 *
 * region.c - shared memory: create, map, check
 *
 * Process: master creates; all map.
 * Owns:    the mapping in a struct region.
 * Trusts:  the size and the seals of the file, which the kernel keeps; of the head nothing that was
 *          not compared with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "shm/inflight_priv.h"
#include "shm/metric.h"
#include "shm/quota.h"
#include "shm/region.h"
#include "shm/share.h"

#define WORKERS_MAX	255
#define SEALS		(F_SEAL_GROW | F_SEAL_SHRINK)
#define ROUND_UP(n, to)	(((n) + (to) - 1) / (to) * (to))

struct shape {
	const char	*name;
	uint32_t	 slot_bytes;
	uint32_t	 count;		/* 0: one slab per worker */
};

static const struct shape shapes[REGION_LIMIT] = {
	[REGION_LIMITS]		   = { "limits", 16, 65536 },
	[REGION_BREAKERS]	   = { "breakers", 32, 4096 },
	[REGION_SESSIONS]	   = { "sessions", 64, 65536 },
	[REGION_UPSTREAM_SESSIONS] = { "upstream-sessions", 256, 4096 },
	[REGION_INFLIGHT]	   = { "inflight", sizeof(struct inflight_slab), 0 },
	[REGION_METRICS]	   = { "metrics", ROUND_UP(METRIC_WORDS * 8, 64), 0 },
	[REGION_GATE]		   = { "gate", 64, 0 },
	[REGION_SHARES]		   = { "shares", sizeof(struct share_slab), 0 },
	[REGION_QUOTAS]		   = { "quotas", sizeof(struct quota_slot), 65536 },
};

static bool
kind_ok(enum region_kind kind)
{
	return kind > 0 && kind < REGION_LIMIT;
}

static uint64_t
count_of(enum region_kind kind, uint32_t workers)
{
	return shapes[kind].count != 0 ? shapes[kind].count : workers;
}

uint64_t
region_bytes(enum region_kind kind, uint32_t workers)
{
	if (!kind_ok(kind))
		return 0;
	return sizeof(struct region_head) + count_of(kind, workers) * shapes[kind].slot_bytes;
}

const char *
region_name(enum region_kind kind)
{
	return kind_ok(kind) ? shapes[kind].name : "unknown";
}

int
region_create(enum region_kind kind, uint32_t workers, int *out)
{
	struct region_head	head = { .magic = REGION_MAGIC };
	int			fd = -1, r;

	*out = -1;
	if (!kind_ok(kind) || workers < 1 || workers > WORKERS_MAX)
		return E_RANGE;
	head.version = REGION_VERSION;
	head.kind = kind;
	head.bytes = region_bytes(kind, workers);
	head.count = count_of(kind, workers);
	head.slot_bytes = shapes[kind].slot_bytes;
	if (getrandom(head.key, sizeof(head.key), 0) != (ssize_t)sizeof(head.key))
		return E_SYS;
	if ((r = fd_memfd(shapes[kind].name, &fd)) != 0)
		return r;
	if ((r = fd_write_all(fd, span_make(&head, sizeof(head)))) != 0)
		goto fail;
	if (ftruncate(fd, (off_t)head.bytes) == -1 || fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1) {
		r = E_SYS;
		goto fail;
	}
	*out = fd;
	return 0;
 fail:
	fd_close(&fd);
	return r;
}

/* The head against what this program expects and what the kernel says of the file. */
static int
head_check(const struct region_head *h, enum region_kind kind, uint64_t bytes)
{
	if (memcmp(h->magic, REGION_MAGIC, sizeof(h->magic)) != 0 || h->kind != kind)
		return E_FORMAT;
	if (h->version != REGION_VERSION)
		return E_VERSION;
	if (h->slot_bytes != shapes[kind].slot_bytes || h->bytes != bytes || h->count == 0)
		return E_FORMAT;
	if (shapes[kind].count != 0 ? h->count != shapes[kind].count : h->count > WORKERS_MAX)
		return E_FORMAT;
	return h->bytes == sizeof(*h) + h->count * h->slot_bytes ? 0 : E_FORMAT;
}

static int
map(int fd, enum region_kind kind, int protection, struct region *out)
{
	struct region_head	 head;
	struct stat		 st;
	void			*at;
	int			 seals, r;

	*out = (struct region){ .slots = NULL };
	if (!kind_ok(kind))
		return E_RANGE;
	if (fstat(fd, &st) == -1)
		return E_SYS;
	if ((uint64_t)st.st_size < sizeof(head))
		return E_FORMAT;
	if ((seals = fcntl(fd, F_GET_SEALS)) == -1 || (seals & SEALS) != SEALS)
		return E_DENIED;
	at = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return E_SYS;
	memcpy(&head, at, sizeof(head));	/* checked and used is one copy */
	if ((r = head_check(&head, kind, (uint64_t)st.st_size)) != 0) {
		munmap(at, (size_t)st.st_size);
		return r;
	}
	out->slots = (char *)at + sizeof(head);
	out->count = head.count;
	out->bytes = head.bytes;
	out->slot_bytes = head.slot_bytes;
	out->kind = kind;
	out->key = (struct sum_key){ head.key[0], head.key[1] };
	return 0;
}

int
region_map(int fd, enum region_kind kind, struct region *out)
{
	return map(fd, kind, PROT_READ | PROT_WRITE, out);
}

int
region_map_read(int fd, enum region_kind kind, struct region *out)
{
	return map(fd, kind, PROT_READ, out);
}

void
region_unmap(struct region *r)
{
	if (r->slots != NULL)
		munmap((char *)r->slots - sizeof(struct region_head), (size_t)r->bytes);
	*r = (struct region){ .slots = NULL };
}

uint64_t
region_hash(const struct region *r, struct span content)
{
	uint64_t	h = hash64(&r->key, content);

	return h == 0 ? 1 : h;
}
