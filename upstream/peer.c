/* SPDX-License-Identifier: Apache-2.0
 *
 * peer.c - an HTTP server as one isolation key sees it: its era, and a legacy one's session
 *
 * Process: worker.  Owns: every peer.  What makes one ready is prepare.c's.
 * Trusts:  nothing an upstream says about itself beyond its own calls.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/capability.h"
#include "shm/upsession.h"
#include "upstream/lane.h"
#include "upstream/peer_priv.h"

#define PEERS_MAX	8192
#define ABOUT_MAX	(64 * 1024)
#define PEER_UNUSED_MS	(30 * UINT64_C(60000))
/* A stale legacy verdict keeps working when the server is upgraded, so it ends by itself (4.5). */
#define VERDICT_LEGACY_MS (24 * UINT64_C(3600000))

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
	sse_session_let_go(&p->sse);
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

void
peer_set_era(struct peer *p, enum peer_era era)
{
	p->era = era;
	p->era_until_ms = era != PEER_ERA_MODERN ? loop_now_ms(p->u->loop) + VERDICT_LEGACY_MS : UINT64_MAX;
	for (struct peer *o = *bucket_of(p->u, p->profile); o != NULL; o = o->next)
		if (o->profile == p->profile && o->era == PEER_ERA_UNKNOWN) {
			o->era = era;
			o->era_until_ms = p->era_until_ms;
		}
}

bool
upstream_is_modern(const struct upstream *u, uint64_t profile)
{
	const struct peer	*p = u->peers[(profile ^ profile >> 32) % PEER_BUCKETS];

	while (p != NULL && (p->profile != profile || p->era != PEER_ERA_MODERN))
		p = p->next;
	return p != NULL;
}

static uint64_t
session_key(const struct peer *p)
{
	uint64_t	parts[3] = { p->profile, p->instance, p->capabilities };

	return hash64(&p->u->sessions->key, span_make(parts, sizeof(parts)));
}

/* What a server says by itself comes to the one worker that holds the session's stream, so such a session
 * is one worker's (mcp-wire 14.8); and so is one that is its stream. */
static bool
is_shared(const struct peer *p)
{
	return p->sse == NULL && (p->capabilities & MCP_CAN_BE_ASKED) == 0 && p->lane != PEER_LANE_NEWS &&
	    p->u->sessions != NULL &&
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

void
peer_share_session(struct peer *p)
{
	p->epoch = 0;
	if (is_shared(p) && p->session[0] != '\0' &&
	    upsession_put(p->u->sessions, session_key(p), loop_now_ms(p->u->loop), p->version,
	    span_of(p->session), &p->epoch) != 0)
		p->epoch = 0;		/* this worker's alone, then */
}

void
peer_drop_session(struct peer *p)
{
	p->has_session = false;
	p->session[0] = '\0';
	sse_session_let_go(&p->sse);
}

bool
peer_is_ready(struct peer *p, const struct upstream_target *target)
{
	if (p->prepare != NULL)
		return false;
	/* It knows of no handshake, and of no revision. */
	if (target->transport == TRANSPORT_JSONRPC) {
		p->version = MCP_NEWEST_LEGACY;
		return true;
	}
	if (target->transport == TRANSPORT_SSE)
		p->era = PEER_ERA_SSE;
	else if (target->pin == ERA_PIN_MODERN)
		p->era = PEER_ERA_MODERN;
	else if ((p->era == PEER_ERA_SSE || (p->era == PEER_ERA_LEGACY && target->pin != ERA_PIN_LEGACY)) &&
	    p->era_until_ms <= loop_now_ms(p->u->loop)) {
		p->era = PEER_ERA_UNKNOWN;
		peer_drop_session(p);
	}
	if (p->era != PEER_ERA_SSE && target->pin == ERA_PIN_LEGACY)
		p->era = PEER_ERA_LEGACY;
	/* A reload brought another credential, which the stream was not opened with. */
	if (p->sse != NULL && !target_same_headers(target, sse_session_target(p->sse)))
		peer_drop_session(p);
	if (p->era == PEER_ERA_MODERN) {
		p->version = MCP_NEWEST_MODERN;
		p->session[0] = '\0';
		return true;
	}
	if (p->era == PEER_ERA_LEGACY && !p->has_session)
		look_for_session(p);
	return (p->era == PEER_ERA_LEGACY || p->era == PEER_ERA_SSE) && p->has_session;
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

const struct ask *
peer_refusal(const struct peer *p)
{
	return p->refusal;
}

struct sse_session *
peer_sse(const struct peer *p)
{
	return p->sse;
}

const struct upstream_target *
peer_target(const struct peer *p, const struct upstream_target *target)
{
	return p->sse == NULL ? target : sse_session_target(p->sse);
}

void
peer_route(const struct peer *p, const struct upstream_target *target, struct ask_request *q)
{
	q->target = peer_target(p, target);
	q->inbox = p->sse == NULL || q->id.n == 0 ? NULL : sse_session_inbox(p->sse);
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

void
peer_keep_about(struct peer *p, struct json_value result)
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
	peer_drop_session(p);
}

void
peer_doubt(struct peer *p)
{
	for (struct peer *o = *bucket_of(p->u, p->profile); o != NULL; o = o->next)
		if (o->profile == p->profile) {
			o->era = PEER_ERA_UNKNOWN;
			if (o->prepare == NULL)
				peer_drop_session(o);
		}
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
