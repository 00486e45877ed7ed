/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare.c - makes a peer ready: finds its era, and makes a session with a legacy server (mcp-wire 4.5)
 *
 * Process: worker.  Owns: what is under way; those who wait are peer.h's.
 * Trusts:  nothing an upstream says about itself beyond its own calls.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "mcp/bridge.h"
#include "upstream/peer_priv.h"
#include "upstream/probe.h"

enum stage { STAGE_DISCOVER, STAGE_DISCOVER_AGAIN, STAGE_STREAM, STAGE_INITIALIZE, STAGE_INITIALIZED };

struct prepare {
	struct ask		 ask;
	struct arena		 arena;
	struct upstream_target	 target;	/* a copy: whoever asked first may leave */
	struct loop_timer	 timer;
	struct buf		 body;
	char			 id[UPSTREAM_ID_BYTES];
	enum stage		 stage;
	unsigned		 refused;	/* initialize over Streamable HTTP: the status; 0: not asked */
};

static void
discard(struct prepare *q)
{
	loop_timer_disarm(&q->timer);
	ask_fini(&q->ask);
	arena_fini(&q->arena);
	buf_fini(&q->body);
	free(q);
}

void
prepare_free(struct peer *p)
{
	struct prepare	*q = p->prepare;

	p->prepare = NULL;
	discard(q);
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
	struct prepare		*q = p->prepare;
	struct peer_wait	*w;
	char			 why[256];

	snprintf(why, sizeof(why), "%s", text == NULL ? "" : text);
	if (error != 0 && !p->has_session)
		peer_drop_session(p);		/* one that was begun */
	if (error != 0)
		log_info(LOG_SUBJECT("server", q->target.name.p), "not reached: %s", why);
	p->prepare = NULL;
	loop_timer_disarm(&q->timer);
	if (error != 0 && !q->ask.running && (q->ask.status == 401 || q->ask.status == 403))
		p->refusal = &q->ask;
	else
		ask_fini(&q->ask);
	p->refs++;
	while ((w = p->first) != NULL && w->round <= round) {
		wait_remove(w);
		w->fn(w->arg, error, why);
	}
	p->refs--;
	p->refusal = NULL;
	discard(q);
}

static const struct ask_ops prepare_ops;
static const struct sse_ops sse_ops;

static int
prepare_ask(struct peer *p, enum stage stage)
{
	static const enum mcp_method methods[] = { MCP_SERVER_DISCOVER, MCP_SERVER_DISCOVER, MCP_METHOD_NONE,
	    MCP_INITIALIZE, MCP_NOTE_INITIALIZED };
	struct prepare		*q = p->prepare;
	struct ask_request	 r = { .method = methods[stage], .body_count = 1, .repeatable = p->sse == NULL };
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
	case STAGE_STREAM:
		return sse_session_open(p->u, &q->target, &sse_ops, p, &p->sse);
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
	peer_route(p, &q->target, &r);
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
		peer_set_era(p, PEER_ERA_MODERN);
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

/* Is it a server of HTTP+SSE, which takes no POST at its URL? */
static bool
may_be_sse(const struct peer *p, const struct ask *a)
{
	const struct rpc_answer	*m = ask_parsed(a);

	return p->sse == NULL && (a->status == 400 || a->status == 404 || a->status == 405) &&
	    !(m != NULL && m->is_error && probe_is_modern_error(m->error_code));
}

static void
on_initialized(struct peer *p, struct ask *a, int error)
{
	if (may_be_sse(p, a)) {
		p->prepare->refused = a->status;
		prepare_next(p, STAGE_STREAM);
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
	if (p->sse == NULL)
		memcpy(p->session, a->session, sizeof(p->session));
	else
		snprintf(p->session, sizeof(p->session), "%.*s", SPAN_FMT(sse_session_name(p->sse)));
	peer_keep_about(p, a->answer.result);
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
	case STAGE_STREAM:
	case STAGE_INITIALIZED:
		break;
	}
	if (error != 0) {
		prepare_end(p, error, a->why);
		return;
	}
	p->has_session = true;
	peer_set_era(p, p->sse == NULL ? PEER_ERA_LEGACY : PEER_ERA_SSE);
	if (p->sse != NULL)
		sse_session_ready(p->sse);
	peer_share_session(p);
	prepare_end(p, 0, NULL);
}

static const struct ask_ops prepare_ops = { .on_end = on_ask_end };

/* ---- a session over HTTP+SSE ------------------------------------------------------------------- */

static void
on_sse_open(void *owner)
{
	struct peer	*p = owner;

	MAGIC_CHECK(p, PEER_MAGIC);
	prepare_next(p, STAGE_INITIALIZE);
}

static void
on_sse_over(void *owner, int error, bool refused, const char *why)
{
	struct peer	*p = owner;
	char		 text[256];

	MAGIC_CHECK(p, PEER_MAGIC);
	p->sse = NULL;
	peer_drop_session(p);
	/* What was found once is not so any more: the next one looks again. */
	if (refused && p->era == PEER_ERA_SSE)
		peer_doubt(p);
	if (p->prepare == NULL)
		return;
	if (p->prepare->refused != 0)
		snprintf(text, sizeof(text), "the server speaks no Streamable HTTP at this URL (HTTP %u), and no "
		    "HTTP+SSE: %s", p->prepare->refused, why);
	else
		snprintf(text, sizeof(text), "%s", why);
	prepare_end(p, error, text);
}

static const struct sse_ops sse_ops = { on_sse_open, on_sse_over };

/* ---- beginning and waiting --------------------------------------------------------------------- */

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	prepare_end(arg, E_TIMEOUT, "the server did not answer in time");
}

static int
prepare_begin(struct peer *p, const struct upstream_target *target)
{
	static const enum stage	 first[] = { [PEER_ERA_UNKNOWN] = STAGE_DISCOVER, [PEER_ERA_MODERN] = STAGE_DISCOVER,
				     [PEER_ERA_LEGACY] = STAGE_INITIALIZE, [PEER_ERA_SSE] = STAGE_STREAM };
	struct prepare		*q;
	int			 r;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return E_NOMEM;
	arena_init(&q->arena, NULL, 0, 512 * 1024);
	buf_init(&q->body, 16 * 1024);
	loop_timer_init(p->u->loop, &q->timer, on_timer, p);
	p->prepare = q;
	if ((r = target_copy(&q->arena, target, &q->target)) != 0 ||
	    (r = prepare_ask(p, first[p->era])) != 0) {
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
