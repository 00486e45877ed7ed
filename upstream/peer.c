/* SPDX-License-Identifier: Apache-2.0
 *
 * peer.c - an HTTP server as one isolation key sees it: its era, and a legacy one's session
 *
 * Process: worker.  Owns: every peer, and what is under way to make one ready.
 * Trusts:  nothing an upstream says about itself beyond its own calls.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "mcp/bridge.h"
#include "mcp/capability.h"
#include "shm/upsession.h"
#include "upstream/lane.h"
#include "upstream/peer.h"
#include "upstream/probe.h"

#define PEER_MAGIC	0x9ee70001u
#define PEERS_MAX	8192
#define ABOUT_MAX	(64 * 1024)
#define PEER_UNUSED_MS	(30 * UINT64_C(60000))
/* A stale legacy verdict keeps working when the server is upgraded, so it ends by itself (4.5). */
#define VERDICT_LEGACY_MS (24 * UINT64_C(3600000))

enum peer_era { PEER_ERA_UNKNOWN, PEER_ERA_LEGACY, PEER_ERA_MODERN };

enum stage { STAGE_DISCOVER, STAGE_DISCOVER_AGAIN, STAGE_INITIALIZE, STAGE_INITIALIZED };

/* Under way to readiness. */
struct prepare {
	struct ask		 ask;
	struct arena		 arena;
	struct upstream_target	 target;	/* a copy: whoever asked first may leave */
	struct loop_timer	 timer;
	struct buf		 body;
	char			 id[UPSTREAM_ID_BYTES];
	enum stage		 stage;
};

struct peer {
	uint32_t		 magic;
	uint32_t		 refs;
	struct upstream		*u;
	struct peer		*next;		/* in its bucket */
	uint64_t		 profile, instance, capabilities;
	unsigned		 lane;
	struct lanes		*lanes;		/* lane.c's, of lane 0 */
	uint64_t		 used_ms;
	enum peer_era		 era;
	uint64_t		 era_until_ms;
	enum mcp_version	 version;
	bool			 has_session;	/* initialized, with or without an id */
	uint32_t		 epoch;		/* of a session that is shared */
	char			 session[ASK_SESSION_MAX];
	char			*about;		/* a legacy server's InitializeResult, raw, or NULL */
	size_t			 about_bytes;
	struct prepare		*prepare;
	struct peer_wait	*first, *last;
	uint64_t		 round;
};

/* ---- finding ----------------------------------------------------------------------------------- */

static struct peer **
bucket_of(struct upstream *u, uint64_t profile)
{
	/* By profile alone, so that the peers of one server find each other's verdict. */
	return &u->peers[(profile ^ profile >> 32) % PEER_BUCKETS];
}

static void
peer_free(struct peer *p)
{
	lanes_free(&p->lanes);
	BUG_ON(p->refs > 0 || p->first != NULL || p->prepare != NULL);
	p->u->peer_count--;
	p->magic = 0;
	free(p->about);
	free(p);
}

int
peer_find(struct upstream *u, const struct upstream_target *target, uint64_t instance, uint64_t capabilities,
    unsigned lane, struct peer **out)
{
	struct peer	**link = bucket_of(u, target->profile), *p, *same = NULL;
	uint64_t	  now = loop_now_ms(u->loop);

	*out = NULL;
	while ((p = *link) != NULL) {
		if (p->profile == target->profile && p->instance == instance &&
		    p->capabilities == capabilities && p->lane == lane) {
			p->refs++;
			p->used_ms = now;
			*out = p;
			return 0;
		}
		if (p->profile == target->profile && p->era != PEER_ERA_UNKNOWN)
			same = p;
		if (p->refs == 0 && p->prepare == NULL && p != same && now - p->used_ms > PEER_UNUSED_MS) {
			*link = p->next;
			peer_free(p);
			continue;
		}
		link = &p->next;
	}
	if (u->peer_count >= PEERS_MAX)
		return E_OVERLOAD;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return E_NOMEM;
	p->magic = PEER_MAGIC;
	p->refs = 1;
	p->u = u;
	p->profile = target->profile;
	p->instance = instance;
	p->capabilities = capabilities;
	p->lane = lane;
	p->used_ms = now;
	if (same != NULL) {
		p->era = same->era;
		p->era_until_ms = same->era_until_ms;
	}
	*link = p;
	u->peer_count++;
	*out = p;
	return 0;
}

void
peer_unref(struct peer **pp)
{
	struct peer	*p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	MAGIC_CHECK(p, PEER_MAGIC);
	BUG_ON(p->refs == 0);
	p->refs--;
	p->used_ms = loop_now_ms(p->u->loop);
}

void
peer_discard(struct peer **pp)
{
	struct peer	*p = *pp, **link;

	peer_unref(pp);
	if (p == NULL || p->refs > 0 || p->prepare != NULL)
		return;
	for (link = bucket_of(p->u, p->profile); *link != p; link = &(*link)->next)
		;
	*link = p->next;
	peer_free(p);
}

struct lanes **
peer_lanes(struct peer *p)
{
	return &p->lanes;
}

/* ---- what is known ----------------------------------------------------------------------------- */

static void
set_era(struct peer *p, enum peer_era era)
{
	p->era = era;
	p->era_until_ms = era == PEER_ERA_LEGACY ? loop_now_ms(p->u->loop) + VERDICT_LEGACY_MS : UINT64_MAX;
	for (struct peer *o = *bucket_of(p->u, p->profile); o != NULL; o = o->next)
		if (o->profile == p->profile && o->era == PEER_ERA_UNKNOWN) {
			o->era = era;
			o->era_until_ms = p->era_until_ms;
		}
}

static uint64_t
session_key(const struct peer *p)
{
	uint64_t	parts[3] = { p->profile, p->instance, p->capabilities };

	return hash64(&p->u->sessions->key, span_make(parts, sizeof(parts)));
}

/* What a server says by itself comes to the one worker that holds the session's stream, so such a session
 * is one worker's (mcp-wire 14.8). */
static bool
is_shared(const struct peer *p)
{
	return (p->capabilities & MCP_CAN_BE_ASKED) == 0 && p->lane != PEER_LANE_NEWS && p->u->sessions != NULL &&
	    p->u->sessions->slots != NULL;
}

/* Another worker may have a session. */
static void
look_for_session(struct peer *p)
{
	struct upsession	s;

	if (!is_shared(p) || upsession_find(p->u->sessions, session_key(p), loop_now_ms(p->u->loop), &s) != 0 ||
	    s.id_bytes >= sizeof(p->session) || s.version <= MCP_VERSION_NONE || s.version > MCP_NEWEST_LEGACY)
		return;
	memcpy(p->session, s.id, s.id_bytes);
	p->session[s.id_bytes] = '\0';
	if (!http_is_value(span_of(p->session)))
		return;
	p->version = (enum mcp_version)s.version;
	p->epoch = s.epoch;
	p->has_session = true;
}

static void
share_session(struct peer *p)
{
	p->epoch = 0;
	if (is_shared(p) && p->session[0] != '\0' &&
	    upsession_put(p->u->sessions, session_key(p), loop_now_ms(p->u->loop), p->version,
	    span_of(p->session), &p->epoch) != 0)
		p->epoch = 0;		/* this worker's alone, then */
}

bool
peer_is_ready(struct peer *p, const struct upstream_target *target)
{
	if (p->prepare != NULL)
		return false;
	if (target->pin == ERA_PIN_MODERN)
		p->era = PEER_ERA_MODERN;
	else if (target->pin == ERA_PIN_LEGACY)
		p->era = PEER_ERA_LEGACY;
	else if (p->era == PEER_ERA_LEGACY && p->era_until_ms <= loop_now_ms(p->u->loop)) {
		p->era = PEER_ERA_UNKNOWN;
		p->has_session = false;
	}
	if (p->era == PEER_ERA_MODERN) {
		p->version = MCP_NEWEST_MODERN;
		p->session[0] = '\0';
		return true;
	}
	if (p->era == PEER_ERA_LEGACY && !p->has_session)
		look_for_session(p);
	return p->era == PEER_ERA_LEGACY && p->has_session;
}

enum mcp_version
peer_version(const struct peer *p)
{
	return p->version;
}

struct span
peer_session(const struct peer *p)
{
	return span_of(p->session);
}

struct span
peer_about(const struct peer *p)
{
	const struct peer	*o = p;

	/* The session may be another worker's; one of this worker's own says the same. */
	if (p->about == NULL)
		for (o = *bucket_of(p->u, p->profile); o != NULL; o = o->next)
			if (o->profile == p->profile && o->instance == p->instance &&
			    o->capabilities == p->capabilities && o->about != NULL)
				break;
	return o == NULL ? SPAN_NONE : span_make(o->about, o->about_bytes);
}

static void
keep_about(struct peer *p, struct json_value result)
{
	free(p->about);
	p->about = NULL;
	p->about_bytes = 0;
	if (result.type != JSON_OBJECT || result.raw.n > ABOUT_MAX ||
	    (p->about = malloc(result.raw.n)) == NULL)
		return;
	memcpy(p->about, result.raw.p, result.raw.n);
	p->about_bytes = result.raw.n;
}

void
peer_session_lost(struct peer *p, struct span session)
{
	if (!p->has_session || !span_eq(span_of(p->session), session))
		return;			/* there is a newer one already */
	if (is_shared(p) && p->epoch != 0)
		upsession_drop(p->u->sessions, session_key(p), p->epoch);
	p->has_session = false;
	p->session[0] = '\0';
}

void
peer_doubt(struct peer *p)
{
	for (struct peer *o = *bucket_of(p->u, p->profile); o != NULL; o = o->next)
		if (o->profile == p->profile) {
			o->era = PEER_ERA_UNKNOWN;
			o->has_session = false;
		}
}

/* ---- becoming ready ---------------------------------------------------------------------------- */

static void
prepare_free(struct peer *p)
{
	struct prepare	*q = p->prepare;

	p->prepare = NULL;
	loop_timer_disarm(&q->timer);
	ask_fini(&q->ask);
	arena_fini(&q->arena);
	buf_fini(&q->body);
	free(q);
}

static void
wait_remove(struct peer_wait *w)
{
	struct peer	*p = w->peer;

	*(w->prev == NULL ? &p->first : &w->prev->next) = w->next;
	*(w->next == NULL ? &p->last : &w->next->prev) = w->prev;
	w->peer = NULL;
}

/* Tells those who wait.  Whoever comes to wait meanwhile belongs to the next round. */
static void
prepare_end(struct peer *p, int error, const char *text)
{
	uint64_t		 round = p->round++;
	struct peer_wait	*w;
	char			 why[256];

	snprintf(why, sizeof(why), "%s", text == NULL ? "" : text);
	if (error != 0)
		log_info(LOG_SUBJECT("server", p->prepare->target.name.p), "not reached: %s", why);
	prepare_free(p);
	p->refs++;
	while ((w = p->first) != NULL && w->round <= round) {
		wait_remove(w);
		w->fn(w->arg, error, why);
	}
	p->refs--;
}

static const struct ask_ops prepare_ops;

static int
prepare_ask(struct peer *p, enum stage stage)
{
	static const enum mcp_method methods[] = { MCP_SERVER_DISCOVER, MCP_SERVER_DISCOVER, MCP_INITIALIZE,
	    MCP_NOTE_INITIALIZED };
	struct prepare		*q = p->prepare;
	struct ask_request	 r = { .target = &q->target, .method = methods[stage], .body_count = 1,
	    .repeatable = true };
	struct span		 id = upstream_id(p->u, q->id), params = SPAN_NONE;
	struct buf		 b;
	int			 e = 0;

	ask_fini(&q->ask);
	buf_clear(&q->body);
	buf_init(&b, 4096);
	q->stage = stage;
	switch (stage) {
	case STAGE_DISCOVER:
	case STAGE_DISCOVER_AGAIN:
		r.version = MCP_NEWEST_MODERN;
		break;
	case STAGE_INITIALIZE:
		e = bridge_write_initialize_params(&b, MCP_NEWEST_LEGACY, p->capabilities);
		params = buf_rest(&b);
		break;
	case STAGE_INITIALIZED:
		r.version = p->version;
		r.session = span_of(p->session);
		id = SPAN_NONE;
		break;
	}
	if (e == 0)
		e = bridge_write_own(&q->body, methods[stage], id, params,
		    stage <= STAGE_DISCOVER_AGAIN ? BRIDGE_MODERN : BRIDGE_LEGACY);
	buf_fini(&b);
	if (e != 0)
		return e;
	r.id = id;
	r.body[0] = buf_rest(&q->body);
	return ask_start(&q->ask, &p->u->shared, &prepare_ops, &r);
}

static void
prepare_next(struct peer *p, enum stage stage)
{
	int	e = prepare_ask(p, stage);

	if (e != 0)
		prepare_end(p, e, err_text(e));
}

static void
on_discovered(struct peer *p, struct ask *a, int error)
{
	struct probe_answer	 in = { .error = a->status == 0 ? error : 0, .status = a->status,
	    .rpc = ask_parsed(a), .again = p->prepare->stage == STAGE_DISCOVER_AGAIN };
	const char		*why;

	/* An answer to something else proves nothing; a refusal without an id may be for us. */
	if (in.error == 0 && error != 0 && in.status < 300)
		in.rpc = NULL;
	switch (probe_judge(&in, &why)) {
	case PROBE_MODERN:
		set_era(p, PEER_ERA_MODERN);
		p->version = MCP_NEWEST_MODERN;
		prepare_end(p, 0, NULL);
		return;
	case PROBE_LEGACY:
		prepare_next(p, STAGE_INITIALIZE);
		return;
	case PROBE_AGAIN:
		prepare_next(p, STAGE_DISCOVER_AGAIN);
		return;
	case PROBE_REFUSED:
	case PROBE_UNSUPPORTED:
	case PROBE_AUTH:
		prepare_end(p, E_UPSTREAM, why);
		return;
	case PROBE_LATER:
	case PROBE_VERDICT_LIMIT:
		break;
	}
	prepare_end(p, error == 0 ? E_UPSTREAM : error, a->why[0] != '\0' ? a->why : why);
}

static void
on_initialized(struct peer *p, struct ask *a, int error)
{
	if (error != 0 && (a->status == 400 || a->status == 404 || a->status == 405)) {
		prepare_end(p, E_UPSTREAM, "the server speaks no Streamable HTTP at this URL (HTTP+SSE of 2024-11-05 "
		    "is not supported)");
		return;
	}
	if (error != 0) {
		prepare_end(p, error, a->why);
		return;
	}
	if (a->answer.is_error) {
		prepare_end(p, E_UPSTREAM, "the server refuses initialize");
		return;
	}
	if ((p->version = probe_version(&a->answer)) == MCP_VERSION_NONE) {
		prepare_end(p, E_UPSTREAM, "the server answers initialize with a revision that we do not speak");
		return;
	}
	memcpy(p->session, a->session, sizeof(p->session));
	keep_about(p, a->answer.result);
	prepare_next(p, STAGE_INITIALIZED);
}

static void
on_ask_end(struct ask *a, int error)
{
	struct prepare	*q = (struct prepare *)(void *)((char *)a - offsetof(struct prepare, ask));
	struct peer	*p = q->timer.arg;

	MAGIC_CHECK(p, PEER_MAGIC);
	switch (q->stage) {
	case STAGE_DISCOVER:
	case STAGE_DISCOVER_AGAIN:
		on_discovered(p, a, error);
		return;
	case STAGE_INITIALIZE:
		on_initialized(p, a, error);
		return;
	case STAGE_INITIALIZED:
		break;
	}
	if (error != 0) {
		prepare_end(p, error, a->why);
		return;
	}
	p->has_session = true;
	set_era(p, PEER_ERA_LEGACY);
	share_session(p);
	prepare_end(p, 0, NULL);
}

static const struct ask_ops prepare_ops = { NULL, on_ask_end };

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	prepare_end(arg, E_TIMEOUT, "the server did not answer in time");
}

static int
prepare_begin(struct peer *p, const struct upstream_target *target)
{
	struct prepare	*q;
	int		 r;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return E_NOMEM;
	arena_init(&q->arena, NULL, 0, 512 * 1024);
	buf_init(&q->body, 16 * 1024);
	loop_timer_init(p->u->loop, &q->timer, on_timer, p);
	p->prepare = q;
	if ((r = target_copy(&q->arena, target, &q->target)) != 0 ||
	    (r = prepare_ask(p, p->era == PEER_ERA_LEGACY ? STAGE_INITIALIZE : STAGE_DISCOVER)) != 0) {
		prepare_free(p);
		return r;
	}
	loop_timer_arm(&q->timer, p->u->params.start_timeout_ms);
	return 0;
}

int
peer_wait(struct peer *p, const struct upstream_target *target, struct peer_wait *w, peer_wait_fn *fn, void *arg)
{
	int	r;

	BUG_ON(w->peer != NULL);
	if (p->prepare == NULL && (r = prepare_begin(p, target)) != 0)
		return r;
	*w = (struct peer_wait){ .prev = p->last, .peer = p, .round = p->round, .fn = fn, .arg = arg };
	*(w->prev == NULL ? &p->first : &w->prev->next) = w;
	p->last = w;
	return 0;
}

void
peer_wait_cancel(struct peer_wait *w)
{
	if (w->peer != NULL)
		wait_remove(w);
}

void
peer_free_all(struct upstream *u)
{
	struct peer	*p;

	for (size_t i = 0; i < PEER_BUCKETS; i++)
		while ((p = u->peers[i]) != NULL) {
			u->peers[i] = p->next;
			if (p->prepare != NULL)
				prepare_free(p);
			peer_free(p);
		}
}
