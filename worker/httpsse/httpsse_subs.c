/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsse_subs.c - what HTTP+SSE clients subscribed to, for when their session's stream begins anew
 *
 * Process: worker.  Owns: a copy of each URI, bounded as the subscriptions are.
 * Trusts:  nobody: each is asked for again as the client itself would, and refused where it may not be had now.
 *
 * A client of the one endpoint sees its stream end and subscribes anew.  This one's stream goes on, so that is done
 * for it; and what changed in between is made up for by saying that it may have.
 */
#include <stdlib.h>

#include "ipc/link.h"
#include "mcp/news.h"
#include "worker/front/rehead.h"
#include "worker/httpsse/httpsse_priv.h"
#include "worker/streams/events.h"
#include "worker/streams/streams.h"

struct httpsse_sub {
	struct httpsse_sub	*next;
	size_t			 bytes;
	char			 uri[];
};

static struct span
uri_of(const struct httpsse_sub *sub)
{
	return span_make(sub->uri, sub->bytes);
}

static void
add(struct httpsse_sub **at, struct span uri)
{
	struct httpsse_sub	*sub = malloc(sizeof(*sub) + uri.n);

	if (sub == NULL)
		return;			/* it hears of this one until its stream begins anew */
	sub->next = NULL;
	sub->bytes = uri.n;
	memcpy(sub->uri, uri.p, uri.n);
	*at = sub;
}

static void
drop(struct httpsse_sub **at)
{
	struct httpsse_sub	*sub = *at;

	*at = sub->next;
	free(sub);
}

void
httpsse_subs_note(struct httpsse *s, const struct rpc_message *m)
{
	struct httpsse_sub	**at = &s->subs;
	size_t			  count = 0;

	if (m->kind != RPC_REQUEST || m->uri.n == 0 || m->uri.n > LINK_URI_MAX ||
	    (m->method != MCP_RESOURCES_SUBSCRIBE && m->method != MCP_RESOURCES_UNSUBSCRIBE))
		return;
	for (; *at != NULL && !span_eq(uri_of(*at), m->uri); at = &(*at)->next)
		count++;
	if (m->method == MCP_RESOURCES_UNSUBSCRIBE && *at != NULL)
		drop(at);
	else if (m->method == MCP_RESOURCES_SUBSCRIBE && *at == NULL && count < STREAM_SUBS_MAX)
		add(at, m->uri);
}

static int
subscribe(struct httpsse *s, struct span uri)
{
	/* Nobody waits for its answer. */
	const struct rpc_message	 none = { .kind = RPC_NOTIFICATION };
	struct http_head		 head;
	struct buf			 body, b;
	int				 r;

	buf_init(&body, 65536 + uri.n * 6);
	buf_init(&b, HTTP_HEAD_BYTES_MAX);
	if ((r = buf_put_str(&body, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"resources/subscribe\","
	    "\"params\":{\"uri\":")) == 0 &&
	    (r = json_put_string(&body, uri)) == 0 && (r = buf_put_str(&body, "}}")) == 0 &&
	    (r = rehead_write(&b, &s->rq->x->head, "POST", s->rq->path, httpsse_session(s), body.used, &head)) == 0 &&
	    httpsse_begin(s, s->rq, &none, &head, buf_rest(&body)) == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	buf_fini(&body);
	return r;
}

static int
say_updated(struct httpsse *s, struct span uri)
{
	struct buf	b;
	struct span	text;
	int		r;

	buf_init(&b, 65536 + uri.n * 6);
	if ((r = mcp_write_news(&b, "notifications/resources/updated", uri, SPAN_NONE)) == 0) {
		text = buf_rest(&b);
		r = events_give(s->rq, &text, 1, false);
	}
	buf_fini(&b);
	return r;
}

void
httpsse_subs_again(struct httpsse *s)
{
	for (const struct httpsse_sub *sub = s->subs; sub != NULL; sub = sub->next)
		if (subscribe(s, uri_of(sub)) != 0 || say_updated(s, uri_of(sub)) != 0)
			return;		/* out of memory, or the client is gone */
}

void
httpsse_subs_fini(struct httpsse *s)
{
	while (s->subs != NULL)
		drop(&s->subs);
}
