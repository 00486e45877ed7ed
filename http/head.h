/* SPDX-License-Identifier: Apache-2.0
 *
 * head.h - the head of an HTTP/1.1 message, strictly, in both roles
 *
 * What two parsers could read differently is refused (T17): bare LF or CR, folded lines, a blank
 * before the colon, two lengths, length and chunked together, any coding but chunked, a missing or
 * second Host, control bytes.  The parsed head holds offsets, not pointers: the bytes may move.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define HTTP_HEAD_BYTES_MAX	(16 * 1024)
#define HTTP_HEAD_FIELDS_MAX	100

enum http_header {
	HTTP_OTHER,
#define HEADER(name, text, repeat, doc) HTTP_##name,
#include "tables/headers.def"
#undef HEADER
	HTTP_HEADER_LIMIT
};

enum http_role {
	HTTP_REQUEST,
	HTTP_RESPONSE,
	HTTP_PROXY_REQUEST,	/* the target of CONNECT is HOST:PORT, and Host says nothing beside it */
};

enum http_method {
	HTTP_METHOD_OTHER, HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OPTIONS, HTTP_METHOD_LIMIT
};

struct http_field {		/* offsets from the head's first byte; the value is trimmed */
	uint16_t	name_at, name_bytes;
	uint16_t	value_at, value_bytes;
	uint16_t	id;		/* enum http_header */
};

struct http_head {
	const char	*bytes;		/* the head's first byte; valid as long as those bytes are */
	uint16_t	 head_bytes;	/* with the empty line; what follows is the body */
	uint16_t	 line_at;	/* parser: the line being looked at */
	uint16_t	 scanned;	/* parser: no line end before this */
	uint8_t		 role;		/* enum http_role */
	uint8_t		 minor;		/* HTTP/1.minor */
	uint8_t		 method;	/* enum http_method */
	uint8_t		 count;		/* of fields */
	uint16_t	 status;	/* response */
	bool		 keep_alive;	/* may the connection be used again? */
	bool		 chunked;
	bool		 has_length;
	bool		 expect_continue;
	uint64_t	 length;	/* Content-Length, when has_length */
	struct { uint16_t at, bytes; } method_text, target, path, query;	/* request */
	uint8_t		 first[HTTP_HEADER_LIMIT];	/* 1 + index of the first field of this name */
	uint8_t		 times[HTTP_HEADER_LIMIT];
	struct http_field fields[HTTP_HEAD_FIELDS_MAX];
};

void		http_head_init(struct http_head *h, enum http_role role);

/* Parses the head at `bytes`, of which n are there so far; goes on where the last call on h stopped.
 * 0: whole, h->head_bytes long.  E_AGAIN: more is needed.  E_HTTP_SYNTAX, E_HTTP_VERSION,
 * E_HTTP_HEAD (too large), E_HTTP_LENGTH, E_HTTP_CODING: refuse and close.  RFC 9112. */
must_check int	http_head_parse(struct http_head *h, const char *bytes, size_t n);

/* The bytes now stand here. */
static inline void
http_head_moved(struct http_head *h, const char *bytes)
{
	h->bytes = bytes;
}

/* All spans are borrowed from the head's bytes. */
static inline struct span
http_head_part(const struct http_head *h, uint16_t at, uint16_t bytes)
{
	return span_make(h->bytes + at, bytes);
}

/* The value of the first field of this name; .p is NULL when there is none. */
static inline struct span
http_head_get(const struct http_head *h, enum http_header id)
{
	const struct http_field *f;

	if (h->first[id] == 0)
		return SPAN_NONE;
	f = &h->fields[h->first[id] - 1];
	return http_head_part(h, f->value_at, f->value_bytes);
}

/* How often the field came: 0, 1, or more. */
static inline unsigned
http_head_count(const struct http_head *h, enum http_header id)
{
	return h->times[id];
}

/* A field by its name in lower case, of any name; .p is NULL when there is none.  *times (may be
 * NULL) says how often it came. */
struct span	http_head_find(const struct http_head *h, const char *name, unsigned *times);
struct span	http_field_name(const struct http_head *h, size_t i);
struct span	http_field_value(const struct http_head *h, size_t i);

static inline struct span
http_head_method(const struct http_head *h)
{
	return http_head_part(h, h->method_text.at, h->method_text.bytes);
}

/* The target's path, undecoded; "*" for OPTIONS *. */
static inline struct span
http_head_path(const struct http_head *h)
{
	return http_head_part(h, h->path.at, h->path.bytes);
}

/* What follows the question mark; .n is 0 when there is none. */
static inline struct span
http_head_query(const struct http_head *h)
{
	return http_head_part(h, h->query.at, h->query.bytes);
}

/* Does any value of a LIST field name this token?  Compared without case, parameters (";q=1")
 * cut off: http_head_lists(h, HTTP_ACCEPT, "text/event-stream"). */
bool		http_head_lists(const struct http_head *h, enum http_header id, const char *token);

/* "application/json" of "application/json; charset=utf-8": compared without case. */
bool		http_media_is(struct span content_type, const char *media);

/* RFC 9110 5.6.2: not empty, only token characters. */
bool		http_is_token(struct span s);
/* May these bytes stand in a field value we write?  No control bytes but TAB, no blanks at the ends. */
bool		http_is_value(struct span s);

#endif
