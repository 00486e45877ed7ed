/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - legacy clients' sessions (mcp-wire 3.3, 4.4)
 *
 * Process: worker.  Owns: nothing; the slot is in shared memory, the facts are in the token.
 * Trusts:  a token only after its seal, path, tenant and principal hold, and its slot is alive.
 */
#include "lib/crypt.h"
#include "mcp/capability.h"
#include "mcp/write.h"
#include "worker/front/cors.h"
#include "worker/front/inner.h"
#include "worker/front/offers.h"
#include "worker/front/reply.h"
#include "worker/front/session.h"
#include "worker/talk/talk.h"

static uint32_t
wall_s(const struct request *rq)
{
	return (uint32_t)(loop_wall_ms(rq->w->loop) / 1000);
}

/* The session table counts idle time, so on the clock that does not jump. */
static uint32_t
mono_s(const struct request *rq)
{
	return (uint32_t)(loop_now_ms(rq->w->loop) / 1000);
}

static uint32_t
idle_max_s(const struct request *rq)
{
	return (uint32_t)(rq->config->params.session_idle / 1000);
}

enum era_session
session_look(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;
	struct span		 token = http_head_get(h, HTTP_MCP_SESSION_ID);
	struct sealed_session	 facts;
	struct session_view	 view;
	uint64_t		 id_hash;

	if (token.p == NULL)
		return ERA_SESSION_NONE;
	if (http_head_count(h, HTTP_MCP_SESSION_ID) > 1 ||
	    sealed_session_open(&rq->w->ring, http_head_path(h), token, &facts) != 0)
		return ERA_SESSION_DEAD;
	if (facts.principal != rq->who.hash || facts.tenant != rq->who.tenant_hash)
		return ERA_SESSION_DEAD;
	id_hash = region_hash(&rq->w->sessions, span_make(facts.id, sizeof(facts.id)));
	if (session_find(&rq->w->sessions, id_hash, rq->who.hash, mono_s(rq), idle_max_s(rq),
	    &rq->session, &view) != 0)
		return ERA_SESSION_DEAD;
	rq->has_session = true;
	rq->session_hash = id_hash;
	rq->capabilities = facts.capabilities;
	rq->log_level = view.log_level < MCP_LEVEL_LIMIT ? (enum mcp_level)view.log_level : MCP_LEVEL_NONE;
	rq->version = (enum mcp_version)facts.version;
	return ERA_SESSION_LIVE;
}

static int
make_session(struct request *rq, enum mcp_version version, char token[SEALED_SESSION_CHARS + 1])
{
	struct sealed_session	facts = {
		.principal = rq->who.hash, .tenant = rq->who.tenant_hash,
		.capabilities = mcp_capabilities_of(rq->msg.capabilities),
		.issued = wall_s(rq), .version = (uint8_t)version,
	};
	uint64_t		id_hash;
	int			r;

	if ((r = crypt_random(facts.id, sizeof(facts.id))) != 0)
		return r;
	id_hash = region_hash(&rq->w->sessions, span_make(facts.id, sizeof(facts.id)));
	if ((r = session_create(&rq->w->sessions, id_hash, rq->who.hash, mono_s(rq), idle_max_s(rq),
	    &rq->session)) != 0)
		return r;
	if ((r = sealed_session_seal(&rq->w->ring, http_head_path(&rq->x->head), &facts, token)) != 0)
		(void)!session_end(&rq->w->sessions, rq->session);
	return r;
}

/* Waits for what the server of the path says of itself. */
struct hello {
	struct request		*rq;
	struct lists_wait	 wait;
};

static void
on_about(struct lists_wait *wait, void *arg)
{
	struct hello		*hello = arg;
	struct request		*rq = hello->rq;
	char			 token[SEALED_SESSION_CHARS + 1];
	struct exchange_field	 field = { SPAN_LIT("Mcp-Session-Id"), { token, SEALED_SESSION_CHARS } };
	struct buf		 b;
	int			 r;

	(void)wait;
	if (rq->gone) {
		request_done(rq);
		return;
	}
	if ((r = make_session(rq, rq->version, token)) != 0) {
		metric_add(&rq->w->metrics, METRIC_sessions_refused_total, 1);
		reply_error(rq, r == E_FULL ? E_OVERLOAD : r, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	metric_add(&rq->w->metrics, METRIC_sessions_created_total, 1);
	buf_init(&b, 256 * 1024);
	r = mcp_write_initialize(&b, rq->msg.id, rq->version, offers_now(rq).bits, offers_instructions(rq));
	reply_message_with(rq, r, &b, &field);
	buf_fini(&b);
}

void
session_initialize(struct request *rq)
{
	struct hello	*hello;

	if (rq->msg.version_value.type != JSON_STRING) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("protocolVersion must be a string"), SPAN_NONE, 0);
		return;
	}
	rq->version = mcp_version_negotiate(rq->msg.version);
	if ((hello = arena_calloc(&rq->x->arena, sizeof(*hello))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	hello->rq = rq;
	lists_begin(&hello->wait, on_about, hello);
	offers_want(rq, &hello->wait);
	lists_ready(&hello->wait);
}

void
session_ready(struct request *rq)
{
	/* A session that ended in between has nothing to be told. */
	if (rq->has_session)
		(void)!session_set_phase(&rq->w->sessions, rq->session, SESSION_READY);
}

void
session_set_level(struct request *rq)
{
	enum mcp_level	level = mcp_level_of(json_get(rq->msg.params, "level"));
	struct buf	b;

	if (level == MCP_LEVEL_NONE) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("level is not one of RFC 5424's"), SPAN_NONE, 0);
		return;
	}
	(void)!session_set_log_level(&rq->w->sessions, rq->session, level);
	buf_init(&b, 4096);
	reply_message(rq, mcp_write_result(&b, rq->msg.id, rq->version, SPAN_NONE), &b);
	buf_fini(&b);
}

void
session_delete(struct request *rq)
{
	struct exchange_field	f[CORS_FIELDS];

	(void)!session_end(&rq->w->sessions, rq->session);
	/* An HTTP+SSE stream that ends does this too, but takes nothing back: it may merely have broken. */
	if (!inner_is(rq->x))
		talk_on_session_end(rq);
	exchange_reply(rq->x, 200, f, cors_fields(rq, f), SPAN_NONE);
	request_done(rq);
}
