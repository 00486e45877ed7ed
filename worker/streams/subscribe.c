/* SPDX-License-Identifier: Apache-2.0
 *
 * subscribe.c - the requests by which clients ask to hear of changes
 *
 * Process: worker; what is of a legacy session goes to the worker that its hash names, so that its stream and
 *          its subscriptions meet, whichever worker a request came to.
 * Owns:    nothing beyond a request.
 * Trusts:  no client: a resource is subscribed to only where it may be read.
 */
#include "ipc/link.h"
#include "mcp/news.h"
#include "mcp/write.h"
#include "worker/call/objects.h"
#include "worker/forward.h"
#include "worker/front/offers.h"
#include "worker/front/reply.h"
#include "worker/lists/view.h"
#include "worker/streams/events.h"
#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"
#include "worker/streams/streams.h"
#include "worker/streams/subscribe.h"

/* true: the request went to the worker that has the session's stream. */
static bool
went_home(struct request *rq)
{
	uint32_t	home = worker_home(rq->w, rq->session_hash);

	/* When that one is just away, what begins here is found by nobody there: the client begins anew when
	 * it hears nothing of what it subscribed to, as after any restart. */
	return home != rq->w->slot && !forward_is_from_peer(rq) && forward_request(rq, home, 0) == 0;
}

/* Changes of these are told of: 1 << enum link_event_kind. */
static unsigned
lists_of(uint32_t offers)
{
	return (offers & MCP_OFFER_TOOLS_CHANGED ? 1u << LINK_EVENT_TOOLS : 0) |
	    (offers & MCP_OFFER_PROMPTS_CHANGED ? 1u << LINK_EVENT_PROMPTS : 0) |
	    (offers & MCP_OFFER_RESOURCES_CHANGED ? 1u << LINK_EVENT_RESOURCES : 0);
}

void
subscribe_stream(struct request *rq, bool missed)
{
	struct stream	*s;
	uint32_t	 offers;

	if (went_home(rq))
		return;
	if ((s = streams_of_session(rq)) == NULL)
		reply_refuse(rq, E_OVERLOAD, NULL);
	else {
		offers = offers_now(rq).bits;
		streams_want(s, lists_of(offers));
		if (missed)
			streams_missed(s);
		streams_attach(s, rq, offers, SPAN_NONE);
	}
}

/* --- resources/subscribe ---------------------------------------------------------------------- */

static void
done(struct request *rq)
{
	struct buf	b;

	buf_init(&b, 4096);
	reply_message(rq, mcp_write_result(&b, rq->msg.id, rq->version, SPAN_NONE), &b);
	buf_fini(&b);
}

/* An HTTP server is told before the client is. */
struct telling {
	struct request		*rq;
	const struct rec_server	*server;
	struct news_wait	 wait;
};

static void
refuse(struct request *rq)
{
	reply_error(rq, E_RPC_METHOD, SPAN_LIT("this server tells of no updates"), SPAN_NONE, 0);
}

static void
finish(struct request *rq, const struct rec_server *server)
{
	struct stream	*s;

	if (rq->gone) {
		request_done(rq);
	} else if ((offers_of_server(rq, server) & MCP_OFFER_UPDATED) != 0) {
		done(rq);
	} else {
		/* It turned out that it cannot be listened to. */
		if ((s = streams_of_session(rq)) != NULL)
			streams_unsubscribe(s, rq->msg.uri);
		refuse(rq);
	}
}

static void
on_told(void *arg)
{
	struct telling	*t = arg;

	finish(t->rq, t->server);
}

static void
tell(struct request *rq, const struct rec_server *server, struct span own)
{
	struct news	*n = fanin_news(rq->w, server->profile, view_list_instance(rq, server), own);
	struct telling	*t;

	if (n == NULL || news_is_settled(n) || (t = arena_calloc(&rq->x->arena, sizeof(*t))) == NULL) {
		finish(rq, server);
		return;
	}
	t->rq = rq;
	t->server = server;
	news_wait(n, &t->wait, on_told, t);
}

static void
on_resource(struct request *rq, const struct rec_server *server, struct span own)
{
	struct stream	*s;
	int		 r;

	if (server == NULL) {
		reply_resource_missing(rq, rq->msg.uri);
		return;
	}
	if ((s = streams_of_session(rq)) == NULL)
		r = E_OVERLOAD;
	else
		r = streams_subscribe(s, rq, server, rq->msg.uri, own);
	if (r == 0)
		tell(rq, server, own);
	else if (r == E_RPC_METHOD)
		refuse(rq);
	else if (r == E_FORMAT)
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("uri cannot be subscribed to"), SPAN_NONE, 0);
	else
		reply_error(rq, r == E_FULL ? E_OVERLOAD : r, SPAN_NONE, SPAN_NONE, 0);
}

void
subscribe_resource(struct request *rq)
{
	struct stream	*s;

	if (rq->msg.uri_value.type != JSON_STRING || rq->msg.uri.n == 0) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("uri must be a string"), SPAN_NONE, 0);
	} else if (went_home(rq)) {
		return;
	} else if (rq->msg.method == MCP_RESOURCES_SUBSCRIBE) {
		if (objects_find_resource(rq, rq->msg.uri, on_resource) != 0)
			reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
	} else {
		if ((s = streams_of_session(rq)) != NULL)
			streams_unsubscribe(s, rq->msg.uri);
		done(rq);
	}
}

/* --- subscriptions/listen --------------------------------------------------------------------- */

/* URIs are looked for one after the other; then the stream begins.  In the request's arena. */
struct listening {
	struct request		*rq;
	struct lists_wait	 wait;		/* for what servers say of themselves */
	struct json_value	 wanted;
	struct listens		 listens;	/* until its stream has them */
	uint32_t		 offers;	/* enum mcp_offer: what it wants to hear of, and somebody tells */
	struct json_iter	 left;
	struct found {
		struct found		*next;
		const struct rec_server	*server;
		struct json_value	 raw;
		struct span		 uri, own;	/* as the client knows it, and its server */
	} *found, *now;
	size_t			 count;
};

/* Those it can be told of. */
static int
subscribe_found(struct request *rq, struct listening *l, struct stream *s, struct buf *uris)
{
	int	r;

	for (struct found *f = l->found; f != NULL; f = f->next) {
		if (streams_subscribe(s, rq, f->server, f->uri, f->own) != 0)
			continue;
		if ((buf_rest(uris).n > 0 && (r = buf_put_str(uris, ",")) != 0) ||
		    (r = buf_put(uris, f->raw.raw)) != 0)
			return r;
	}
	return 0;
}

static void
listen_begin(struct request *rq, struct listening *l)
{
	unsigned	 lists = lists_of(l->offers);
	struct stream	*s = streams_of_listen(rq);
	struct buf	 b, uris;
	struct span	 ack;
	int		 r;

	if (s == NULL) {
		reply_error(rq, E_OVERLOAD, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	buf_init(&b, 1u << 20);
	buf_init(&uris, 1u << 19);
	streams_want(s, lists);
	if ((r = subscribe_found(rq, l, s, &uris)) != 0 ||
	    (r = mcp_write_listen_ack(&b, rq->msg.id, l->offers, buf_rest(&uris))) != 0) {
		streams_end(s);
		reply_error(rq, r, SPAN_NONE, SPAN_NONE, 0);
	} else if (lists == 0 && buf_rest(&uris).n == 0) {
		/* Acknowledged, and over (mcp-wire 8). */
		streams_end(s);
		ack = buf_rest(&b);
		(void)!events_give(rq, &ack, 1, false);
		buf_clear(&b);
		reply_message(rq, mcp_write_listen_end(&b, rq->msg.id), &b);
	} else {
		streams_attach(s, rq, l->offers | MCP_OFFER_UPDATED, buf_rest(&b));
	}
	buf_fini(&b);
	buf_fini(&uris);
}

/* Servers are listened to, or it is known that they cannot be: no more is acknowledged than will be told. */
static void
on_listens(void *arg)
{
	struct listening	*l = arg;
	struct request		*rq = l->rq;
	struct listens		 held = l->listens;	/* l may go with its request */

	l->offers &= offers_now(rq).bits;
	if (rq->gone)
		request_done(rq);
	else
		listen_begin(rq, l);
	listens_end(&held);
}

static void	listen_next(struct request *rq, struct listening *l);

static void
on_listened(struct request *rq, const struct rec_server *server, struct span own)
{
	struct listening	*l = rq->job;
	struct found		*f = l->now;

	rq->job = NULL;
	if (server != NULL) {
		f->server = server;
		f->own = own;
		f->next = l->found;
		l->found = f;
	}
	listen_next(rq, l);
}

static void
listen_next(struct request *rq, struct listening *l)
{
	struct json_value	 v;
	struct found		*f;
	struct span		 key;

	if (!json_iter_next(&l->left, &key, &v)) {
		if (listens_begin(&l->listens, rq, l->offers | MCP_OFFER_UPDATED, on_listens, l))
			on_listens(l);
		return;
	}
	if (++l->count > STREAM_SUBS_MAX || v.type != JSON_STRING) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("resourceSubscriptions must be at most 256 strings"),
		    SPAN_NONE, 0);
		return;
	}
	if ((f = arena_calloc(&rq->x->arena, sizeof(*f))) == NULL ||
	    json_string(v, &rq->x->arena, &f->uri) != 0) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	f->raw = v;
	l->now = f;
	rq->job = l;
	if (objects_find_resource(rq, f->uri, on_listened) != 0)
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
}

static uint32_t
wanted(struct json_value notifications, const char *name, enum mcp_offer offer)
{
	return json_get(notifications, name).type == JSON_TRUE ? (uint32_t)offer : 0;
}

static void
on_offers(struct lists_wait *wait, void *arg)
{
	struct listening	*l = arg;
	struct request		*rq = l->rq;
	struct json_value	 n = l->wanted;

	(void)wait;
	if (rq->gone) {
		request_done(rq);
		return;
	}
	l->offers = offers_now(rq).bits & (wanted(n, "toolsListChanged", MCP_OFFER_TOOLS_CHANGED) |
	    wanted(n, "promptsListChanged", MCP_OFFER_PROMPTS_CHANGED) |
	    wanted(n, "resourcesListChanged", MCP_OFFER_RESOURCES_CHANGED));
	json_iter_init(&l->left, json_get(n, "resourceSubscriptions"));
	listen_next(rq, l);
}

void
subscribe_listen(struct request *rq)
{
	struct json_value	 n = json_get(rq->msg.params, "notifications");
	struct json_value	 uris = json_get(n, "resourceSubscriptions");
	struct listening	*l;

	if (n.type != JSON_OBJECT || (uris.type != JSON_NONE && uris.type != JSON_ARRAY)) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("notifications must be an object, and resourceSubscriptions "
		    "an array"), SPAN_NONE, 0);
		return;
	}
	if (!events_possible(rq)) {
		reply_refuse(rq, E_HTTP_ACCEPT, NULL);
		return;
	}
	if ((l = arena_calloc(&rq->x->arena, sizeof(*l))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	l->rq = rq;
	l->wanted = n;
	lists_begin(&l->wait, on_offers, l);
	offers_want_told(rq, &l->wait);
	lists_ready(&l->wait);
}
