/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.c - per-request memory with a ceiling and a red zone
 *
 * Process: worker, runner.  Owns: all blocks but a borrowed first one.
 * Trusts:  our own callers not to write past what they asked; the red zone catches them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/bug.h"

#define ARENA_ALIGN	16
#define ARENA_BLOCK	(16 * 1024)
#define ARENA_RED	UINT64_C(0xfeedfacecafebeef)

struct arena_block {
	struct arena_block	*older;
	size_t			 bytes;		/* of data, without the red zone */
	_Alignas(ARENA_ALIGN) char data[];
};

static void
red_write(struct arena_block *b)
{
	const uint64_t red = ARENA_RED;

	memcpy(b->data + b->bytes, &red, sizeof(red));
}

static void
red_check(const struct arena_block *b)
{
	uint64_t red;

	memcpy(&red, b->data + b->bytes, sizeof(red));
	BUG_ON(red != ARENA_RED);
}

static void
block_use(struct arena *a, struct arena_block *b, size_t bytes)
{
	b->older = a->blocks;
	b->bytes = bytes;
	red_write(b);
	a->blocks = b;
	a->next = b->data;
	a->left = bytes;
}

void
arena_init(struct arena *a, void *first, size_t first_bytes, size_t ceiling)
{
	*a = (struct arena){ .ceiling = ceiling, .first = first, .first_bytes = first_bytes };
	if (first != NULL) {
		BUG_ON((uintptr_t)first % ARENA_ALIGN != 0);
		BUG_ON(first_bytes < sizeof(struct arena_block) + 64);
		block_use(a, first, first_bytes - sizeof(struct arena_block) - sizeof(uint64_t));
	}
}

void
arena_reset(struct arena *a)
{
	struct arena_block	*b, *older;

	for (b = a->blocks; b != NULL; b = older) {
		older = b->older;
		red_check(b);
		if ((char *)b != a->first)
			free(b);
	}
	arena_init(a, a->first, a->first_bytes, a->ceiling);
}

void
arena_fini(struct arena *a)
{
	a->first = a->blocks != NULL ? a->first : NULL;
	arena_reset(a);
	*a = (struct arena){ 0 };
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block	*b;
	size_t			 bytes;
	char			*p;

	if (n > a->ceiling)
		return NULL;
	n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (n > a->ceiling - a->used)
		return NULL;
	if (n > a->left) {
		bytes = n > ARENA_BLOCK ? n : ARENA_BLOCK;
		if ((b = malloc(sizeof(*b) + bytes + sizeof(uint64_t))) == NULL)
			return NULL;
		block_use(a, b, bytes);
	}
	p = a->next;
	a->next += n;
	a->left -= n;
	a->used += n;
	return p;
}

void *
arena_calloc(struct arena *a, size_t n)
{
	void	*p = arena_alloc(a, n);

	return p == NULL ? NULL : memset(p, 0, n);
}

struct span
arena_dup(struct arena *a, struct span s)
{
	char	*p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return SPAN_NONE;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return span_make(p, s.n);
}

struct span
arena_vfmt(struct arena *a, const char *fmt, va_list ap)
{
	va_list	 again;
	char	*p;
	int	 n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (p = arena_alloc(a, (size_t)n + 1)) == NULL)
		return SPAN_NONE;
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return span_make(p, (size_t)n);
}

struct span
arena_fmt(struct arena *a, const char *fmt, ...)
{
	struct span	text;
	va_list		ap;

	va_start(ap, fmt);
	text = arena_vfmt(a, fmt, ap);
	va_end(ap);
	return text;
}
