/* SPDX-License-Identifier: Apache-2.0
 *
 * buf.h - bounded byte buffer with read cursor
 *
 * The one way we build and take apart bytes off the way of a call.  A buffer has a ceiling; going
 * past it is E_TOOBIG and changes nothing.  Integers are little-endian (day-one: x86-64 and arm64).
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdint.h>
#include <stdarg.h>

#include "lib/err.h"
#include "lib/span.h"

struct buf {
	char	*data;
	size_t	 at;		/* read cursor */
	size_t	 used;		/* bytes written */
	size_t	 room;		/* bytes allocated */
	size_t	 ceiling;
	bool	 borrowed;	/* data is the caller's: reading only */
};

/* An empty buffer that may grow to `ceiling` bytes; allocates nothing yet. */
void	buf_init(struct buf *b, size_t ceiling);
/* A buffer to read `bytes` from; they stay the caller's and must outlive it. */
void	buf_init_from(struct buf *b, struct span bytes);
void	buf_fini(struct buf *b);
/* Forgets the content, keeps the memory. */
void	buf_clear(struct buf *b);

/* Writing: 0, E_TOOBIG or E_NOMEM. */
must_check int	buf_reserve(struct buf *b, size_t n, char **out);	/* then buf_commit */
void		buf_commit(struct buf *b, size_t n);
must_check int	buf_put(struct buf *b, struct span bytes);
must_check int	buf_put_u8(struct buf *b, uint8_t v);
must_check int	buf_put_u16(struct buf *b, uint16_t v);
must_check int	buf_put_u32(struct buf *b, uint32_t v);
must_check int	buf_put_u64(struct buf *b, uint64_t v);
must_check int	buf_put_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
must_check int	buf_put_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Here, so that the length of a literal is known when it is compiled. */
must_check static inline int
buf_put_str(struct buf *b, const char *cstr)
{
	return buf_put(b, span_of(cstr));
}

/* Reading at the cursor: 0 or E_SHORT.  Spans point into the buffer, valid until it changes. */
must_check int	buf_get(struct buf *b, size_t n, struct span *out);
must_check int	buf_get_u8(struct buf *b, uint8_t *out);
must_check int	buf_get_u16(struct buf *b, uint16_t *out);
must_check int	buf_get_u32(struct buf *b, uint32_t *out);
must_check int	buf_get_u64(struct buf *b, uint64_t *out);

/* What is written and not yet read. */
static inline struct span
buf_rest(const struct buf *b)
{
	return span_make(b->data == NULL ? "" : b->data + b->at, b->used - b->at);
}

/* Takes n bytes off the front of the rest; the space is reclaimed when it pays. */
void	buf_drain(struct buf *b, size_t n);

#endif
