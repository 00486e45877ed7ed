/* SPDX-License-Identifier: Apache-2.0
 *
 * subscribe.c - which resources workers want to hear of, and what their tools were told
 *
 * Process: mcpgw-runner.  Owns: the subscriptions of each server, by isolation key.
 * Trusts:  no worker: URIs are looked at, their number and bytes are bounded.  What a tool answers to a
 *          subscription is not looked at: the client was answered long ago.
 *
 * A subscription is what somebody wants; what the tool knows is brought in line with it at the end of the
 * turn, and only as fast as the tool reads.  So who subscribes and unsubscribes a thousand times costs
 * neither memory nor, mostly, a word to the tool.
 */
#include <stdlib.h>

#include "mcp/news.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/listen.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/tool.h"
#include "sandbox/runner/wlink.h"

#define TELL_BYTES	(TOOL_OWN_MAX / 2)	/* more than this untaken: it is told the rest later */

struct holder {
	struct holder		*next;
	const struct wlink	*link;
};

struct sub {
	struct sub	*next;
	struct holder	*holders;	/* the links that want it; NULL: goes when the tool was told so */
	uint64_t	 told;		/* tool.ref of the legacy tool that was told to subscribe; 0: none */
	uint32_t	 bytes;
	char		 uri[];
};

struct subs {
	struct subs	*next;
	uint64_t	 key;
	struct sub	*first, **last;
	size_t		 count, bytes;
	bool		 stale;		/* its tool may have to be told something */
};

static struct subs *
subs_find(const struct server *s, uint64_t key)
{
	struct subs	*set;

	for (set = s->subs; set != NULL; set = set->next)
		if (set->key == key)
			break;
	return set;
}

static struct sub **
sub_find(struct subs *set, struct span uri)
{
	struct sub	**at;

	for (at = &set->first; *at != NULL; at = &(*at)->next)
		if (span_eq(span_make((*at)->uri, (*at)->bytes), uri))
			break;
	return at;
}

static struct subs *
subs_get(struct server *s, uint64_t key)
{
	struct subs	*set = subs_find(s, key);

	if (set != NULL || (set = calloc(1, sizeof(*set))) == NULL)
		return set;
	set->key = key;
	set->last = &set->first;
	set->next = s->subs;
	s->subs = set;
	return set;
}

static void
subs_stale(struct runner *r, struct subs *set)
{
	set->stale = true;
	r->subs_stale = true;
	runner_wrote(r);
}

static int
sub_new(struct runner *r, struct subs *set, struct span uri, struct sub **out)
{
	struct sub	*sub;

	*out = NULL;
	if (set->count >= LINK_URIS_MAX || uri.n > LINK_URIS_BYTES - set->bytes || r->sub_count >= SUBS_ALL)
		return E_FULL;
	if ((sub = calloc(1, sizeof(*sub) + uri.n)) == NULL)
		return E_NOMEM;
	memcpy(sub->uri, uri.p, uri.n);
	sub->bytes = (uint32_t)uri.n;
	*set->last = sub;
	set->last = &sub->next;
	set->count++;
	set->bytes += uri.n;
	r->sub_count++;
	*out = sub;
	return 0;
}

/* Nobody wants it any more, and no tool has it. */
static void
sub_remove(struct runner *r, struct subs *set, struct sub **at)
{
	struct sub	*sub = *at;

	if ((*at = sub->next) == NULL)
		set->last = at;
	set->count--;
	set->bytes -= sub->bytes;
	r->sub_count--;
	free(sub);
}

static struct holder **
holder_find(struct sub *sub, const struct wlink *l)
{
	struct holder	**at;

	for (at = &sub->holders; *at != NULL; at = &(*at)->next)
		if ((*at)->link == l)
			break;
	return at;
}

/* --- what workers want --------------------------------------------------------------------------- */

static int
subscribe(struct wlink *l, struct server *s, uint64_t key, struct span uri)
{
	struct subs	*set = subs_get(s, key);
	struct sub	*sub;
	struct holder	*h;
	int		 res;

	if (set == NULL)
		return E_NOMEM;
	if ((sub = *sub_find(set, uri)) == NULL && (res = sub_new(l->r, set, uri, &sub)) != 0)
		return res;
	if (*holder_find(sub, l) != NULL)
		return 0;
	/* If it stays without holders it goes at the end of the turn. */
	if (sub->holders == NULL)
		subs_stale(l->r, set);
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return E_NOMEM;
	h->link = l;
	h->next = sub->holders;
	sub->holders = h;
	return 0;
}

static void
let_go(struct runner *r, struct subs *set, struct sub *sub, const struct wlink *l)
{
	struct holder	**at = holder_find(sub, l), *h = *at;

	if (h == NULL)
		return;
	*at = h->next;
	free(h);
	if (sub->holders == NULL)
		subs_stale(r, set);
}

int
subs_frame(struct wlink *l, const struct link_head *h, struct span payload)
{
	struct link_subscription	 what;
	struct server			*s;
	struct subs			*set;
	struct sub			*sub;
	struct span			 uri;
	int				 res;

	if (h->flags != 0 || h->call != 0 || payload.n < sizeof(what))
		return E_FORMAT;
	memcpy(&what, payload.p, sizeof(what));
	uri = span_part(payload, sizeof(what), payload.n);
	if (!link_uri_ok(uri))
		return E_FORMAT;
	/* Of another configuration: its instances are on their way out, or the worker has it before us; then
	 * it says so again (worker/streams/fanin.c). */
	if (server_get(l->r, what.profile, SPAN_NONE, &s) != 0)
		return 0;
	if (h->type == LINK_SUBSCRIBE) {
		if ((res = subscribe(l, s, what.instance, uri)) != 0)
			log_warn_repeat(SERVER_SUBJECT(s), "a subscription is passed over: %s", err_text(res));
		return 0;
	}
	if ((set = subs_find(s, what.instance)) != NULL && (sub = *sub_find(set, uri)) != NULL)
		let_go(l->r, set, sub, l);
	return 0;
}

void
subs_forget_link(struct wlink *l)
{
	for (struct server *s = l->r->servers; s != NULL; s = s->next)
		for (struct subs *set = s->subs; set != NULL; set = set->next)
			for (struct sub *sub = set->first; sub != NULL; sub = sub->next)
				let_go(l->r, set, sub, l);
}

void
subs_forget_server(struct server *s)
{
	struct subs	*set;

	while ((set = s->subs) != NULL) {
		s->subs = set->next;
		while (set->first != NULL) {
			for (struct holder *h = set->first->holders, *next; h != NULL; h = next) {
				next = h->next;
				free(h);
			}
			sub_remove(s->r, set, &set->first);
		}
		free(set);
	}
}

bool
subs_want(const struct server *s, uint64_t key, struct span uri)
{
	const struct subs	*set = subs_find(s, key);

	for (const struct sub *sub = set == NULL ? NULL : set->first; sub != NULL; sub = sub->next)
		if (sub->holders != NULL && mcp_uri_covers(span_make(sub->uri, sub->bytes), uri))
			return true;
	return false;
}

int
subs_put(const struct server *s, uint64_t key, struct buf *to)
{
	const struct subs	*set = subs_find(s, key);
	bool			 first = true;
	int			 r;

	for (const struct sub *sub = set == NULL ? NULL : set->first; sub != NULL; sub = sub->next) {
		if (sub->holders == NULL)
			continue;
		if ((!first && (r = buf_put_str(to, ",")) != 0) ||
		    (r = json_put_string(to, span_make(sub->uri, sub->bytes))) != 0)
			return r;
		first = false;
	}
	return 0;
}

/* --- what tools know ----------------------------------------------------------------------------- */

static bool
tell(struct instance *i, const struct sub *sub, const char *verb)
{
	struct buf	text;
	int		r;

	buf_init(&text, 2 * LINK_URI_MAX + RUNNER_TEXT);
	if ((r = buf_put_fmt(&text, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"resources/%s\","
	    "\"params\":{\"uri\":", (unsigned long long)i->next_id, verb)) == 0 &&
	    (r = json_put_string(&text, span_make(sub->uri, sub->bytes))) == 0 &&
	    (r = buf_put_str(&text, "}}\n")) == 0) {
		/* Its answer is that to a call nobody waits for. */
		i->next_id++;
		i->given_up++;
		tool_say(i->tool, &text);
	}
	buf_fini(&text);
	return r == 0;
}

/* False: it does not read what it was told already. */
static bool
tell_legacy(struct instance *i, struct subs *set)
{
	struct sub	**at = &set->first, *sub;
	uint64_t	  ref = i->tool->ref;

	while ((sub = *at) != NULL) {
		bool	wanted = sub->holders != NULL, told = sub->told == ref;

		if (wanted != told && (i->tool->feed.own_bytes > TELL_BYTES ||
		    !tell(i, sub, wanted ? "subscribe" : "unsubscribe")))
			return false;
		sub->told = wanted ? ref : 0;
		if (wanted)
			at = &sub->next;
		else
			sub_remove(i->server->r, set, at);
	}
	return true;
}

void
subs_restore(struct instance *i)
{
	struct subs	*set = subs_find(i->server, i->key);

	if (set != NULL && !tell_legacy(i, set))
		subs_stale(i->server->r, set);
}

static struct instance *
instance_of(const struct server *s, uint64_t key)
{
	struct instance	*i;

	for (i = s->instances; i != NULL; i = i->next)
		if (i->key == key && !i->dead && i->state == INSTANCE_UP && i->tool != NULL)
			break;
	return i;
}

static void
sweep(struct runner *r, struct subs *set)
{
	struct sub	**at = &set->first;

	while (*at != NULL) {
		if ((*at)->holders == NULL)
			sub_remove(r, set, at);
		else
			at = &(*at)->next;
	}
}

/* False: there is more to tell. */
static bool
settle(struct server *s, struct subs *set)
{
	struct instance	*i = instance_of(s, set->key);

	if (i != NULL && !i->modern)
		return tell_legacy(i, set);
	if (i != NULL)
		listen_renew(i);
	sweep(s->r, set);
	return true;
}

void
subs_pump(struct runner *r)
{
	if (!r->subs_stale)
		return;
	r->subs_stale = false;
	for (struct server *s = r->servers; s != NULL; s = s->next) {
		struct subs	**at = &s->subs, *set;

		while ((set = *at) != NULL) {
			/* A tool that takes nothing is looked at again when it took something, in another turn. */
			if (set->stale && settle(s, set))
				set->stale = false;
			r->subs_stale |= set->stale;
			if (set->first == NULL) {
				*at = set->next;
				free(set);
			} else {
				at = &set->next;
			}
		}
	}
}
