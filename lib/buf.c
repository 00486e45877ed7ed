/* SPDX-License-Identifier: Apache-2.0
 *
 * buf.c - bounded byte buffer with read cursor
 *
 * Process: all.  Owns: the bytes of a buffer that is not borrowed.
 * Trusts:  nobody: every read is checked against what is there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/buf.h"

#define BUF_FIRST 512	/* a small message, without growing */

void
buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf){ .ceiling = ceiling };
}

void
buf_init_from(struct buf *b, struct span bytes)
{
	*b = (struct buf){ .data = (char *)(uintptr_t)bytes.p, .used = bytes.n, .room = bytes.n,
	    .ceiling = bytes.n, .borrowed = true };
}

void
buf_fini(struct buf *b)
{
	if (!b->borrowed)
		free(b->data);
	*b = (struct buf){ .ceiling = b->ceiling };
}

void
buf_clear(struct buf *b)
{
	b->at = b->used = 0;
}

int
buf_reserve(struct buf *b, size_t n, char **out)
{
	size_t	 room;
	char	*data;

	BUG_ON(b->borrowed);
	*out = NULL;
	if (n > b->ceiling || b->used > b->ceiling - n)
		return E_TOOBIG;
	if (n > b->room - b->used) {
		room = b->room == 0 ? BUF_FIRST : b->room;
		while (room < b->used + n)
			room = room > b->ceiling / 2 ? b->ceiling : room * 2;
		if ((data = realloc(b->data, room)) == NULL)
			return E_NOMEM;
		b->data = data;
		b->room = room;
	}
	*out = b->data + b->used;
	return 0;
}

void
buf_commit(struct buf *b, size_t n)
{
	BUG_ON(n > b->room - b->used);
	b->used += n;
}

int
buf_put(struct buf *b, struct span bytes)
{
	char	*to;
	int	 r;

	if (bytes.n == 0)
		return 0;
	if ((r = buf_reserve(b, bytes.n, &to)) != 0)
		return r;
	memcpy(to, bytes.p, bytes.n);
	b->used += bytes.n;
	return 0;
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_put(b, span_make(&v, sizeof(v)));
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	return buf_put(b, span_make(&v, sizeof(v)));
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	return buf_put(b, span_make(&v, sizeof(v)));
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	return buf_put(b, span_make(&v, sizeof(v)));
}

int
buf_put_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list	 again;
	char	*to;
	int	 n, r;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n == -1)
		return E_FORMAT;
	/* One more for the NUL that vsnprintf insists on; it is not committed. */
	if ((r = buf_reserve(b, (size_t)n + 1, &to)) != 0)
		return r;
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	b->used += (size_t)n;
	return 0;
}

int
buf_put_fmt(struct buf *b, const char *fmt, ...)
{
	va_list	ap;
	int	r;

	va_start(ap, fmt);
	r = buf_put_vfmt(b, fmt, ap);
	va_end(ap);
	return r;
}

int
buf_get(struct buf *b, size_t n, struct span *out)
{
	if (n > b->used - b->at)
		return E_SHORT;
	*out = span_make(b->data + b->at, n);
	b->at += n;
	return 0;
}

#define BUF_GET(name, type)						\
int									\
name(struct buf *b, type *out)						\
{									\
	struct span	s;						\
	int		r;						\
									\
	if ((r = buf_get(b, sizeof(*out), &s)) != 0)			\
		return r;						\
	memcpy(out, s.p, sizeof(*out));					\
	return 0;							\
}

BUF_GET(buf_get_u8, uint8_t)
BUF_GET(buf_get_u16, uint16_t)
BUF_GET(buf_get_u32, uint32_t)
BUF_GET(buf_get_u64, uint64_t)

void
buf_drain(struct buf *b, size_t n)
{
	BUG_ON(n > b->used - b->at);
	b->at += n;
	if (b->at == b->used) {
		b->at = b->used = 0;
	} else if (!b->borrowed && b->at >= b->used - b->at && b->at >= 4096) {
		memmove(b->data, b->data + b->at, b->used - b->at);
		b->used -= b->at;
		b->at = 0;
	}
}
