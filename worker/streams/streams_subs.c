/* SPDX-License-Identifier: Apache-2.0
 *
 * streams_subs.c - which resources a client's stream hears of
 *
 * Process: worker.  Owns: a stream's subscriptions, and what they keep open at servers (fanin.c).
 * Trusts:  as streams.c.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/news.h"
#include "worker/front/offers.h"
#include "worker/lists/view.h"
#include "worker/streams/streams_priv.h"

static struct span
own_uri(const struct sub *sub)
{
	return span_make(sub->uri + sub->head, sub->bytes - sub->head);
}

void
stream_sub_end(struct stream *s, struct sub **at)
{
	struct sub	*sub = *at;

	*at = sub->next;
	s->sub_count--;
	fanin_unsubscribe(s->w, sub->profile, sub->owner, own_uri(sub));
	free(sub);
}

bool
stream_sub_concerns(const struct sub *sub, uint64_t profile, struct list_owner owner, struct span uri)
{
	return sub->profile == profile && sub->owner.instance == owner.instance && mcp_uri_covers(own_uri(sub), uri);
}

static struct sub **
sub_find(struct stream *s, struct span uri)
{
	struct sub	**at = &s->subs;

	while (*at != NULL && !span_eq(span_make((*at)->uri, (*at)->bytes), uri))
		at = &(*at)->next;
	return at;
}

int
streams_subscribe(struct stream *s, struct request *rq, const struct rec_server *server, struct span uri,
    struct span own)
{
	struct list_owner	 owner = view_list_instance(rq, server);
	struct sub		*sub;
	int			 r;

	MAGIC_CHECK(s, STREAM_MAGIC);
	if ((offers_of_server(rq, server) & MCP_OFFER_UPDATED) == 0)
		return E_RPC_METHOD;
	if (*sub_find(s, uri) != NULL)
		return 0;
	if (s->sub_count >= STREAM_SUBS_MAX)
		return E_FULL;
	if ((sub = calloc(1, sizeof(*sub) + uri.n)) == NULL)
		return E_NOMEM;
	if ((r = fanin_subscribe(s->w, rq->config, server, owner, own)) != 0) {
		free(sub);
		return r;
	}
	sub->profile = server->profile;
	sub->owner = owner;
	sub->bytes = (uint32_t)uri.n;
	sub->head = (uint32_t)(uri.n - own.n);
	memcpy(sub->uri, uri.p, uri.n);
	sub->next = s->subs;
	s->subs = sub;
	s->sub_count++;
	return 0;
}

void
streams_unsubscribe(struct stream *s, struct span uri)
{
	struct sub	**at;

	MAGIC_CHECK(s, STREAM_MAGIC);
	if (*(at = sub_find(s, uri)) != NULL)
		stream_sub_end(s, at);
}
