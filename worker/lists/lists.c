/* SPDX-License-Identifier: Apache-2.0
 *
 * lists.c - what servers list and say of themselves: asked for once, kept while fresh, shared by all
 *
 * Process: worker.  Owns: the flights that fill entries (lists_entry.c).
 * Trusts:  no server: pages, items and bytes are bounded, a repeated cursor ends the walk.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "worker/cache/cached.h"
#include "worker/call/route.h"
#include "worker/lists/lists_priv.h"
#include "worker/lists/pins.h"
#include "worker/worker.h"

#define PAGES_MAX	100
#define RETRY_MS	1000		/* a server that failed is asked again after this */
#define SAID_LEAST_MS	1000		/* a server that wants its list asked for more often */
#define RPC_NO_METHOD	(-32601)
#define RECHECK_MS	5000		/* a list that changed is looked at by itself at most this often */
#define STALE_MS	20		/* the runner gets a reload within this, */
#define STALE_TRIES	25		/* or within this many times */

static void fetch_page(struct list_entry *e);
static void fly(struct list_entry *e, struct config *config, const struct rec_server *server);
static void recheck(struct list_entry *e);

void
list_on_again(struct loop_timer *t, void *arg)
{
	struct list_entry	*e = arg;

	(void)t;
	if (e->flying)
		fetch_page(e);
	else
		recheck(e);
}

/* --- a flight --------------------------------------------------------------------------------- */

static void
report(struct list_entry *e)
{
	struct worker	*w = e->lists->w;
	struct span	 tenant = policy_tenant_name(e->config->policy, e->server->tenant);
	struct span	 name = snap_text(e->config->policy, e->server->name);

	if (e->kind != LIST_TOOLS)
		return;
	/* A tool's process is the runner's to report; its number of tools is known here only. */
	worker_report_server(w, tenant, name,
	    e->failed ? SERVER_STATE_BROKEN : SERVER_STATE_UP,
	    e->list == NULL ? 0 : (uint32_t)catalogue_count(e->list), 0, span_of(e->why));
}

static const char *
words_of(const struct list_entry *e)
{
	return e->kind == LIST_ABOUT ? "capabilities" : catalogue_row((enum catalogue_kind)e->kind)->words;
}

/* Whose tools pins are made of (mcp/pin.h) may change under one profile. */
static uint64_t
identity_of(const struct list_entry *e)
{
	return sum64_more(sum64(snap_text(e->config->policy, e->server->name)),
	    snap_text(e->config->policy, e->server->shown)) | 1;
}

/* As long as the operator says, or the server, if that is less; not so short that each call would ask for it. */
static uint64_t
fresh_ms(const struct list_entry *e, const struct config *config, const struct rec_server *server)
{
	const uint64_t	most = SNAP_AT(config->policy, TENANT, server->tenant)->list_fresh;
	const uint64_t	said = e->said_ms < SAID_LEAST_MS ? SAID_LEAST_MS : e->said_ms;

	return e->said_ms == 0 || said > most ? most : said;
}

static bool
is_fresh(const struct list_entry *e, const struct config *config, const struct rec_server *server, uint64_t now_ms)
{
	if (e->at_ms == 0)
		return false;
	if (e->kind == LIST_TOOLS && e->shown_as != server->changes)
		return false;
	/* Read when nobody asked for pins. */
	if (e->list != NULL && e->pinned_as == 0 && e->kind == LIST_TOOLS && pins_matter(config))
		return false;
	return now_ms - e->at_ms < (e->failed ? RETRY_MS : fresh_ms(e, config, server));
}

/* A server that has just listed its tools runs: what it says of itself costs one message more, and
 * merged views, which start nothing for it, know it from then on. */
static void
learn_about(const struct list_entry *e)
{
	struct lists	*l = e->lists;
	struct list_entry	*about = list_get(l, e->profile, e->owner, LIST_ABOUT);

	if (about != NULL && !about->flying && !is_fresh(about, e->config, e->server, loop_now_ms(l->w->loop)))
		fly(about, e->config, e->server);
}

/* The server of this profile under the policy now in force, or NULL. */
static const struct rec_server *
server_now(const struct worker *w, uint64_t profile)
{
	const struct rec_server	*s;

	for (uint64_t i = 0; (s = policy_server_at(w->config->policy, i)) != NULL; i++)
		if (s->profile == profile && (s->flags & SERVER_FLAG_DISABLED) == 0)
			return s;
	return NULL;
}

/* For those who came when it flew already; perhaps under another policy. */
static void
fly_again(struct list_entry *e, struct config *config)
{
	struct worker		*w = e->lists->w;
	const struct rec_server	*s = server_now(w, e->profile);

	if (s != NULL)
		fly(e, w->config, s);
	else
		fly(e, config, e->server);
}

static void
flight_over(struct list_entry *e, int error, struct span text)
{
	struct waiter	*served;
	struct config	*config;

	/* While it flies no other entry's making can evict it. */
	if (error == 0 && e->kind == LIST_TOOLS)
		learn_about(e);
	e->flying = false;
	e->at_ms = e->expired ? 0 : loop_now_ms(e->lists->w->loop);
	e->failed = error != 0;
	e->no_token = error == E_TOKEN;
	e->why[0] = '\0';
	if (error != 0) {
		text = text.n > 0 ? span_part(text, 0, sizeof(e->why) - 1) : span_of(err_text(error));
		snprintf(e->why, sizeof(e->why), "%.*s", SPAN_FMT(text));
		if (e->kind != LIST_ABOUT)
			log_warn_repeat(NULL, "server %.*s: no list of %s: %s",
			    SPAN_FMT(snap_text(e->config->policy, e->server->name)), words_of(e), e->why);
	}
	report(e);
	catalogue_free(&e->build);
	buf_fini(&e->answer);
	buf_fini(&e->up);
	/* Those who came when the list had changed already wait on, for a new one; the others are the answer. */
	served = waiters_take(&e->waiters);
	config = e->config;
	e->config = NULL;
	if (e->waiters.count > 0)
		fly_again(e, config);
	config_release(&config);
	waiters_serve(served);
}

static void
on_answer(struct route *r, uint64_t bytes, struct span want_id, bool modern)
{
	struct list_entry	*e = (struct list_entry *)(void *)((char *)r - offsetof(struct list_entry, route));

	(void)bytes;
	(void)want_id;
	MAGIC_CHECK(e, LIST_MAGIC);
	e->modern = modern;
}

static void
on_body(struct route *r, struct span bytes)
{
	struct list_entry	*e = (struct list_entry *)(void *)((char *)r - offsetof(struct list_entry, route));

	MAGIC_CHECK(e, LIST_MAGIC);
	route_credit(r, bytes.n);
	if (buf_put(&e->answer, bytes) != 0)
		route_cancel(r);
}

static void
on_whole(struct route *r, const struct rpc_answer *answer, bool modern)
{
	struct list_entry	*e = (struct list_entry *)(void *)((char *)r - offsetof(struct list_entry, route));

	MAGIC_CHECK(e, LIST_MAGIC);
	e->modern = modern;
	e->whole = answer;
}

/* Does "method not found" mean that there is nothing of the kind?  Asked for tools, it is a failure unless
 * the server says of itself that it has none. */
static bool
has_none(const struct list_entry *e)
{
	const struct list_entry	*about;

	if (e->kind != LIST_TOOLS)
		return e->kind != LIST_ABOUT;
	about = list_find(e->lists, e->profile, e->owner, LIST_ABOUT);
	return about != NULL && about->about != NULL && (about->about->offers & MCP_OFFER_TOOLS) == 0;
}

static int
take_about(struct list_entry *e, struct json_value result)
{
	struct about	*about;
	int		 r;

	if ((r = about_read(result, &about)) != 0)
		return r;
	free(e->about);
	e->about = about;
	return 0;
}

/* How long a modern server lets its list be kept; of several pages the shortest.  0, or nothing said, is no reason to
 * ask with each call: what changes it tells (2026-07-28 server/utilities/caching). */
static void
take_said(struct list_entry *e, struct json_value result)
{
	uint64_t	ms;

	if (e->modern && json_u64(json_get(result, "ttlMs"), &ms) == 0 && ms > 0 &&
	    (e->said_ms == 0 || ms < e->said_ms))
		e->said_ms = ms;
}

/* One page came.  0, with the cursor of the next one or none, or E_UPSTREAM, E_NOMEM. */
static int
take_page(struct list_entry *e, struct span *cursor)
{
	struct rpc_answer	 own;
	const struct rpc_answer	*answer = e->whole;

	*cursor = SPAN_NONE;
	e->whole = NULL;
	if (answer == NULL) {
		answer = &own;
		if (rpc_answer_whole(e->lists->w->answer_scan, buf_rest(&e->answer), &own) != 0)
			return E_UPSTREAM;
	}
	if (answer->kind != RPC_RESPONSE)
		return E_UPSTREAM;
	if (answer->is_error)
		return answer->error_code == RPC_NO_METHOD && has_none(e) ? 0 : E_UPSTREAM;
	take_said(e, answer->result);
	if (e->kind == LIST_ABOUT)
		return take_about(e, answer->result);
	return catalogue_page(e->build, answer->result, cursor);
}

/* The operator should know why something is not there. */
static void
log_dropped(const struct list_entry *e)
{
	for (enum catalogue_drop why = 0; why < CATALOGUE_DROP_KINDS; why++)
		if (catalogue_dropped(e->build, why) > 0)
			log_warn_repeat(NULL, "server %.*s: %u %s are left out: %s",
			    SPAN_FMT(snap_text(e->config->policy, e->server->name)),
			    catalogue_dropped(e->build, why), words_of(e), catalogue_drop_text(why));
}

/* Is each tool defined as it was? */
static bool
same_tools(const struct catalogue *a, const struct catalogue *b)
{
	bool	same = catalogue_count(a) == catalogue_count(b);

	for (size_t i = 0; same && i < catalogue_count(a); i++)
		same = span_eq(catalogue_at(a, i)->definition.raw, catalogue_at(b, i)->definition.raw);
	return same;
}

static void
on_pinned(int error, void *arg)
{
	struct list_entry	*e = arg;

	MAGIC_CHECK(e, LIST_MAGIC);
	if (e->list != NULL && !same_tools(e->list, e->build))
		cached_stale(e->lists->w, e->profile);
	catalogue_free(&e->list);
	e->list = e->build;
	e->build = NULL;
	e->shown_as = e->server->changes;
	e->pinned_as = pins_matter(e->config) ? identity_of(e) : 0;
	/* What is not in the store may be there the next time. */
	e->expired |= error != 0;
	flight_over(e, 0, SPAN_NONE);
}

/* Its last page came, or none will. */
static void
list_over(struct list_entry *e, int error, struct span text)
{
	if (error == 0 && e->build != NULL && (error = catalogue_finish(e->build)) == 0) {
		log_dropped(e);
		if (e->kind == LIST_TOOLS) {
			pins_begin(&e->pinning, e->lists->w, e->config, e->server, e->build,
			    e->pinned_as == identity_of(e) ? e->list : NULL, on_pinned, e);
			return;
		}
		catalogue_free(&e->list);
		e->list = e->build;
		e->build = NULL;
	}
	flight_over(e, error, text);
}

static void
on_end(struct route *r, int error, bool sent, struct span text)
{
	struct list_entry	*e = (struct list_entry *)(void *)((char *)r - offsetof(struct list_entry, route));
	struct span	 cursor = SPAN_NONE;

	(void)sent;
	MAGIC_CHECK(e, LIST_MAGIC);
	if (error == E_AGAIN && e->tries++ < STALE_TRIES) {
		loop_timer_arm(&e->again, STALE_MS);
		return;
	}
	if (error == 0 && (error = take_page(e, &cursor)) == 0 && cursor.n > 0 &&
	    ++e->pages < PAGES_MAX) {
		buf_clear(&e->cursor);
		if ((error = buf_put(&e->cursor, cursor)) == 0) {
			fetch_page(e);
			return;
		}
	}
	list_over(e, error, text);
}

static const struct route_ops route_ops = { on_answer, on_body, on_whole, NULL, on_end };

/* What the operator's own file says of a server that lists nothing itself. */
static void
take_written(struct list_entry *e)
{
	struct json_value	proven;
	struct span		text = e->kind == LIST_ABOUT ? SPAN_LIT("{\"capabilities\":{\"tools\":{}}}") :
				    e->kind == LIST_TOOLS ? snap_text(e->config->policy, e->server->listed) : SPAN_NONE;
	struct span		cursor;
	int			r = 0;

	if (text.n > 0 && (r = json_parse(text, true, &proven, NULL)) == 0)
		r = e->kind == LIST_ABOUT ? take_about(e, proven) : catalogue_page(e->build, proven, &cursor);
	list_over(e, r, SPAN_NONE);
}

static void
fetch_page(struct list_entry *e)
{
	enum mcp_method		method = e->kind == LIST_ABOUT ? MCP_SERVER_DISCOVER :
				    (enum mcp_method)catalogue_row((enum catalogue_kind)e->kind)->method;
	struct bridge_request	up = { .method = method, .id = SPAN_LIT("0"),
	    .cursor = buf_rest(&e->cursor), .meta = BRIDGE_EITHER };
	struct bridge_mark	id, meta;
	struct route_request	q;
	uint64_t		now_ms = loop_now_ms(e->lists->w->loop);
	int			r;

	buf_clear(&e->up);
	buf_clear(&e->answer);
	if (now_ms >= e->deadline_ms) {
		flight_over(e, E_TIMEOUT, SPAN_NONE);
		return;
	}
	if ((r = bridge_write_request(&e->up, &up, &id, &meta)) != 0) {
		flight_over(e, r, SPAN_NONE);
		return;
	}
	q = (struct route_request){
		.policy = e->config->policy, .secrets = e->config->secrets, .server = e->server,
		.instance = e->owner.instance,
		.capabilities = e->owner.capabilities,
		.deadline_ms = (uint32_t)(e->deadline_ms - now_ms), .method = method,
		.body = buf_rest(&e->up), .id = id, .modern_meta = meta, .is_list = true,
	};
	if ((r = route_start(e->lists->w, &e->route, &route_ops, &q)) != 0)
		flight_over(e, r, SPAN_NONE);
}

static void
fly(struct list_entry *e, struct config *config, const struct rec_server *server)
{
	struct span	prefix = snap_text(config->policy, server->prefix);
	struct span	name = snap_text(config->policy, server->name);
	int		r;

	loop_timer_disarm(&e->again);
	e->config = config_hold(config);
	e->server = server;
	e->flying = true;
	e->expired = false;
	e->pages = e->tries = 0;
	e->said_ms = 0;
	e->deadline_ms = loop_now_ms(e->lists->w->loop) +
	    SNAP_AT(config->policy, TENANT, server->tenant)->list_timeout;
	buf_clear(&e->cursor);
	if (e->kind != LIST_ABOUT &&
	    (r = catalogue_new((enum catalogue_kind)e->kind, name, prefix, &e->build)) != 0) {
		flight_over(e, r, SPAN_NONE);
		return;
	}
	if (e->kind == LIST_TOOLS)
		change_list(e->build, &e->change, config->policy, server);
	if (server->transport == TRANSPORT_JSONRPC)
		take_written(e);
	else
		fetch_page(e);
}

/* --- waiting ---------------------------------------------------------------------------------- */

void
lists_want_kind(struct lists *l, struct lists_wait *wait, struct config *config,
    const struct rec_server *server, struct list_owner owner, enum list_kind kind, bool patient)
{
	struct list_entry	*e;
	bool			 late;

	if ((server->flags & SERVER_FLAG_DISABLED) != 0)
		return;
	if ((e = list_get(l, server->profile, owner, kind)) == NULL)
		return;
	if (!e->flying && is_fresh(e, config, server, loop_now_ms(l->w->loop)))
		return;
	if (e->failed && !patient) {
		if (!e->flying)
			fly(e, config, server);
		return;
	}
	late = e->flying && (e->expired || (kind == LIST_TOOLS && e->server->changes != server->changes));
	if (waiters_add(&e->waiters, wait, late) != 0)
		return;
	if (!e->flying)
		fly(e, config, server);
}

/* Somebody should know of a tool that changed, though no client asks. */
static void
recheck(struct list_entry *e)
{
	struct worker		*w = e->lists->w;
	const struct rec_server	*s;
	uint64_t		 now = loop_now_ms(w->loop);

	if (e->kind != LIST_TOOLS || e->list == NULL || e->flying || e->at_ms != 0 || w->draining ||
	    !pins_matter(w->config))
		return;
	if (e->checked_ms != 0 && now - e->checked_ms < RECHECK_MS) {
		if (!e->again.armed)
			loop_timer_arm(&e->again, e->checked_ms + RECHECK_MS - now);
		return;
	}
	if ((s = server_now(w, e->profile)) == NULL)
		return;
	e->checked_ms = now;
	fly(e, w->config, s);
}

void
lists_expire(struct lists *l, uint64_t profile, uint64_t instance, enum list_kind kind)
{
	for (struct list_entry *e = *list_bucket(l, profile, instance, kind); e != NULL; e = e->next) {
		if (e->profile != profile || e->owner.instance != instance || e->kind != kind)
			continue;
		e->at_ms = 0;
		e->expired = true;
		recheck(e);
	}
}
