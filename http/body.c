/* SPDX-License-Identifier: Apache-2.0
 *
 * body.c - where a body ends: Content-Length, chunked, or the connection's end
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  nobody.  A chunk's size has no blanks and no sign, and fits; bare CR or LF is refused.
 */
#include "http/body.h"
#include "lib/num.h"

enum chunk_state {
	CHUNK_SIZE_FIRST,	/* the first digit */
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_FIRST,	/* the first byte of a line */
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE,
};

void
http_body_init(struct http_body *b, const struct http_head *h, bool answers_head)
{
	bool	none = h->role == HTTP_RESPONSE &&
	    (answers_head || h->status < 200 || h->status == 204 || h->status == 304);

	*b = (struct http_body){ 0 };
	if (none)
		b->kind = HTTP_BODY_NONE;
	else if (h->chunked)
		b->kind = HTTP_BODY_CHUNKED;
	else if (h->has_length) {
		b->kind = HTTP_BODY_LENGTH;
		b->left = h->length;
	} else
		b->kind = h->role == HTTP_RESPONSE ? HTTP_BODY_CLOSE : HTTP_BODY_NONE;
}

/* A byte of framing; CHUNK_DATA does not come here. */
static int
chunk_byte(struct http_body *b, char c)
{
	int	digit;

	if (++b->overhead > HTTP_CHUNK_OVERHEAD_MAX + b->content_bytes)
		return E_HTTP_HEAD;
	switch ((enum chunk_state)b->state) {
	case CHUNK_SIZE_FIRST:
	case CHUNK_SIZE:
		if (++b->line_bytes > HTTP_CHUNK_LINE_MAX)
			return E_HTTP_HEAD;
		if ((digit = num_hex_digit(c)) >= 0) {
			if (b->left >> 55 != 0)
				return E_HTTP_SYNTAX;
			b->left = b->left * 16 + (uint64_t)digit;
			b->state = CHUNK_SIZE;
			return 0;
		}
		if (b->state == CHUNK_SIZE_FIRST)
			return E_HTTP_SYNTAX;
		if (c == ';')
			b->state = CHUNK_EXTENSION;
		else if (c == '\r')
			b->state = CHUNK_SIZE_LF;
		else
			return E_HTTP_SYNTAX;
		return 0;
	case CHUNK_EXTENSION:
		if (++b->line_bytes > HTTP_CHUNK_LINE_MAX)
			return E_HTTP_HEAD;
		if (c == '\r')
			b->state = CHUNK_SIZE_LF;
		else if ((unsigned char)c < 0x20 && c != '\t')
			return E_HTTP_SYNTAX;
		return 0;
	case CHUNK_SIZE_LF:
		if (c != '\n')
			return E_HTTP_SYNTAX;
		b->line_bytes = 0;
		b->state = b->left == 0 ? CHUNK_TRAILER_FIRST : CHUNK_DATA;
		return 0;
	case CHUNK_DATA_CR:
		if (c != '\r')
			return E_HTTP_SYNTAX;
		b->state = CHUNK_DATA_LF;
		return 0;
	case CHUNK_DATA_LF:
		if (c != '\n')
			return E_HTTP_SYNTAX;
		b->state = CHUNK_SIZE_FIRST;
		return 0;
	case CHUNK_TRAILER_FIRST:
	case CHUNK_TRAILER:
		if (++b->trailer_bytes > HTTP_TRAILER_BYTES_MAX)
			return E_HTTP_HEAD;
		if (c == '\r')
			b->state = b->state == CHUNK_TRAILER_FIRST ? CHUNK_LAST_LF : CHUNK_TRAILER_LF;
		else if (((unsigned char)c < 0x20 && c != '\t') ||
		    (b->state == CHUNK_TRAILER_FIRST && (c == ' ' || c == '\t')))
			return E_HTTP_SYNTAX;
		else
			b->state = CHUNK_TRAILER;
		return 0;
	case CHUNK_TRAILER_LF:
		if (c != '\n')
			return E_HTTP_SYNTAX;
		b->state = CHUNK_TRAILER_FIRST;
		return 0;
	case CHUNK_LAST_LF:
		if (c != '\n')
			return E_HTTP_SYNTAX;
		b->state = CHUNK_DONE;
		return 0;
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return E_HTTP_SYNTAX;
}

/* Content of which `left` bytes remain. */
static void
take_data(struct http_body *b, struct span *in, struct span *data)
{
	*data = span_part(*in, 0, b->left < in->n ? (size_t)b->left : in->n);
	*in = span_part(*in, data->n, in->n);
	b->left -= data->n;
	b->content_bytes += data->n;
}

static int
feed_chunked(struct http_body *b, struct span *in, struct span *data)
{
	int	r;

	while (b->state != CHUNK_DONE) {
		if (in->n == 0)
			return 0;
		if (b->state == CHUNK_DATA) {
			take_data(b, in, data);
			if (b->left == 0)
				b->state = CHUNK_DATA_CR;
			return 0;
		}
		if ((r = chunk_byte(b, in->p[0])) != 0)
			return r;
		*in = span_part(*in, 1, in->n);
	}
	return E_EOF;
}

int
http_body_feed(struct http_body *b, struct span *in, struct span *data)
{
	*data = span_part(*in, 0, 0);
	switch ((enum http_body_kind)b->kind) {
	case HTTP_BODY_NONE:
		return E_EOF;
	case HTTP_BODY_LENGTH:
		take_data(b, in, data);
		return b->left == 0 ? E_EOF : 0;
	case HTTP_BODY_CHUNKED:
		return feed_chunked(b, in, data);
	case HTTP_BODY_CLOSE:
		*data = *in;
		*in = span_part(*in, in->n, 0);
		b->content_bytes += data->n;
		return 0;
	}
	return E_INTERNAL;
}

int
http_body_close(struct http_body *b)
{
	switch ((enum http_body_kind)b->kind) {
	case HTTP_BODY_NONE:
	case HTTP_BODY_CLOSE:
		return 0;
	case HTTP_BODY_LENGTH:
		return b->left == 0 ? 0 : E_SHORT;
	case HTTP_BODY_CHUNKED:
		return b->state == CHUNK_DONE ? 0 : E_SHORT;
	}
	return E_SHORT;
}

size_t
http_body_left(const struct http_body *b)
{
	if (b->kind == HTTP_BODY_LENGTH)
		return b->left < SIZE_MAX ? (size_t)b->left : SIZE_MAX - 1;
	return b->kind == HTTP_BODY_NONE ? 0 : SIZE_MAX;
}
