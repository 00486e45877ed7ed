/* SPDX-License-Identifier: Apache-2.0
 *
 * body.h - where a body ends: Content-Length, chunked, or the connection's end
 *
 * Takes the framing off, piece by piece; holds and copies nothing.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/head.h"

#define HTTP_CHUNK_LINE_MAX	256		/* size and extensions */
#define HTTP_TRAILER_BYTES_MAX	(4 * 1024)
#define HTTP_CHUNK_OVERHEAD_MAX	(64 * 1024)	/* framing a body may hold more than content */

enum http_body_kind {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE,	/* response: to the end of the connection */
};

struct http_body {
	uint8_t		kind;		/* enum http_body_kind */
	uint8_t		state;
	uint16_t	line_bytes;	/* of the chunk or trailer line so far */
	uint16_t	trailer_bytes;
	uint32_t	overhead;
	uint64_t	left;		/* in this chunk, or in all */
	uint64_t	content_bytes;	/* given so far */
};

/* From a whole head.  answers_head: the response to a HEAD, which has no body whatever it says. */
void		http_body_init(struct http_body *b, const struct http_head *h, bool answers_head);

/* Moves *in over what it took, and sets *data to the content among it (inside of *in, may be
 * empty).  0: call again, with the rest or with more.  E_EOF: the body is whole; *in is at what
 * follows.  E_HTTP_SYNTAX or E_HTTP_HEAD (framing too large): refuse and close. */
must_check int	http_body_feed(struct http_body *b, struct span *in, struct span *data);

/* The connection ended: 0 when that ends the body properly, else E_SHORT. */
must_check int	http_body_close(struct http_body *b);

/* How much may be read without touching what follows the body; SIZE_MAX when that is not known. */
size_t		http_body_left(const struct http_body *b);

#endif
