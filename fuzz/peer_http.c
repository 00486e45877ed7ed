/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_http.c - HTTP as another parser reads it
 */
#include <http_parser.h>
#include <string.h>

#include "fuzz/peer_http.h"

/* Texts may come in pieces, which follow each other. */
static void
more(struct span *s, const char *at, size_t n)
{
	if (s->n == 0)
		s->p = at;
	s->n = (size_t)(at + n - s->p);
}

static int
on_url(http_parser *p, const char *at, size_t n)
{
	more(&((struct peer_http *)p->data)->url, at, n);
	return 0;
}

static int
on_name(http_parser *p, const char *at, size_t n)
{
	struct peer_http	*peer = p->data;

	if (peer->head)
		return 0;			/* a trailer */
	if (peer->count == 0 || peer->in_value)
		peer->count++;
	peer->in_value = false;
	if (peer->count > PEER_FIELDS_MAX)
		return 1;
	more(&peer->name[peer->count - 1], at, n);
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t n)
{
	struct peer_http	*peer = p->data;

	if (peer->head)
		return 0;
	peer->in_value = true;
	more(&peer->value[peer->count - 1], at, n);
	return 0;
}

static int
on_head(http_parser *p)
{
	struct peer_http	*peer = p->data;

	peer->head = true;
	peer->chunked = (p->flags & F_CHUNKED) != 0;
	peer->length = p->content_length;
	peer->keeps = http_should_keep_alive(p);
	peer->method = http_method_str((enum http_method)p->method);
	peer->status = p->status_code;
	peer->upgrades = p->upgrade;
	peer->major = p->http_major;
	peer->minor = p->http_minor;
	return 0;
}

static int
on_body(http_parser *p, const char *at, size_t n)
{
	struct peer_http	*peer = p->data;

	memcpy(peer->body + peer->body_bytes, at, n);
	peer->body_bytes += n;
	return 0;
}

static int
on_whole(http_parser *p)
{
	((struct peer_http *)p->data)->whole = true;
	http_parser_pause(p, 1);
	return 0;
}

bool
peer_http_knows(struct span method)
{
	for (int m = 0; m < 64; m++)
		if (span_is(method, http_method_str((enum http_method)m)))
			return true;
	return false;
}

void
peer_http_read(struct peer_http *p, bool response, const char *bytes, size_t n)
{
	static const http_parser_settings settings = {
		.on_url = on_url, .on_header_field = on_name, .on_header_value = on_value, .on_headers_complete = on_head,
		.on_body = on_body, .on_message_complete = on_whole,
	};
	http_parser	parser;

	http_parser_init(&parser, response ? HTTP_RESPONSE : HTTP_REQUEST);
	parser.data = p;
	p->taken = http_parser_execute(&parser, &settings, bytes, n);
	p->refuses = HTTP_PARSER_ERRNO(&parser) != HPE_OK && HTTP_PARSER_ERRNO(&parser) != HPE_PAUSED;
}
