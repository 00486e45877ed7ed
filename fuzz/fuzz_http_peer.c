/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_http_peer.c - messages that we take are the same messages to another parser (http-parser, of Node before llhttp)
 *
 * Two readers that see different messages in the same bytes are what request smuggling lives on.  We may refuse more, not
 * see something else.  The first byte chooses the role; the rest is the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/peer_http.h"
#include "http/body.h"
#include "http/head.h"
#include "lib/bug.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What ends the message for us: its bytes, head included, and the content.  False: it is not whole, or refused. */
static bool
read_body(const struct http_head *h, const char *all, size_t n, char *content, size_t *content_bytes, size_t *taken)
{
	struct http_body	b;
	struct span		in = span_make(all + h->head_bytes, n - h->head_bytes), data;
	int			r = 0;

	*content_bytes = 0;
	http_body_init(&b, h, false);
	while (r == 0) {
		r = http_body_feed(&b, &in, &data);
		memcpy(content + *content_bytes, data.p == NULL ? "" : data.p, data.n);
		*content_bytes += data.n;
		if (r == 0 && in.n == 0)
			return false;
	}
	*taken = n - in.n;
	return r == E_EOF;
}

static void
compare_heads(const struct http_head *h, const struct peer_http *p)
{
	struct span	target = http_head_part(h, h->target.at, h->target.bytes);

	BUG_ON(p->count != h->count || p->major != 1 || p->minor != h->minor);
	for (size_t i = 0; i < h->count; i++) {
		BUG_ON(!span_eq(http_field_name(h, i), p->name[i]));
		/* Blanks behind a value are the peer's to keep. */
		BUG_ON(!span_starts(p->value[i], http_field_value(h, i)));
	}
	BUG_ON(h->chunked != p->chunked);
	BUG_ON(h->has_length && !h->chunked && h->length != p->length);
	if (h->role == HTTP_REQUEST) {
		BUG_ON(!span_eq(target, p->url));
		BUG_ON(!span_is(http_head_method(h), p->method));
		/* We may close where the peer would not. */
		BUG_ON(h->keep_alive && !p->keeps);
	} else {
		BUG_ON(h->status != p->status);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_head	h;
	static struct peer_http	peer;
	const bool		response = n > 0 && (data[0] & 1) != 0;
	char			*all, *content;
	size_t			content_bytes, taken;

	if (n < 2)
		return 0;
	n--;
	all = malloc(n);
	content = malloc(n + 1);
	peer = (struct peer_http){ .body = malloc(n + 1) };
	BUG_ON(all == NULL || content == NULL || peer.body == NULL);
	memcpy(all, data + 1, n);
	http_head_init(&h, response ? HTTP_RESPONSE : HTTP_REQUEST);
	if (http_head_parse(&h, all, n) == 0 && (response || peer_http_knows(http_head_method(&h)))) {
		peer_http_read(&peer, response, all, n);
		/* It may refuse what we take, such as a name that begins like Transfer-Encoding. */
		BUG_ON(!peer.head && !peer.refuses);
		if (peer.head)
			compare_heads(&h, &peer);
		if (!response && !peer.refuses && !peer.upgrades && read_body(&h, all, n, content, &content_bytes, &taken)) {
			/* The peer does not always count the byte that made it whole. */
			BUG_ON(!peer.whole || content_bytes != peer.body_bytes || taken - peer.taken > 1);
			BUG_ON(memcmp(content, peer.body, content_bytes) != 0);
		}
	}
	free(all);
	free(content);
	free(peer.body);
	return 0;
}
