/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.h - per-request memory with a ceiling and a red zone
 *
 * Everything allocated from an arena goes at once, with arena_reset() or arena_fini().  A full arena
 * answers NULL; the caller answers 503.  The first block may be the caller's (a worker's pool).
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include <stdarg.h>
#include <stdint.h>

#include "lib/span.h"

struct arena_block;

struct arena {
	struct arena_block	*blocks;	/* newest first; the oldest may be borrowed */
	char			*next;
	size_t			 left;		/* in the newest block */
	size_t			 used;		/* over all blocks */
	size_t			 ceiling;
	char			*first;		/* borrowed first block, or NULL */
	size_t			 first_bytes;
};

/* `first` may be NULL; otherwise it stays the caller's and must outlive the arena. */
void	 arena_init(struct arena *a, void *first, size_t first_bytes, size_t ceiling);
void	 arena_reset(struct arena *a);
void	 arena_fini(struct arena *a);

/* Aligned to 16, not cleared; NULL when the ceiling or memory is reached. */
void	*arena_alloc(struct arena *a, size_t n);
void	*arena_calloc(struct arena *a, size_t n);
/* A copy, with a NUL behind it; .p is NULL when full. */
struct span arena_dup(struct arena *a, struct span s);
struct span arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct span arena_vfmt(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#endif
