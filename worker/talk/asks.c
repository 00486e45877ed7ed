/* SPDX-License-Identifier: Apache-2.0
 *
 * asks.c - what a server asks its client while it works: a legacy one itself, a modern one by rounds.c and drive.c
 *
 * Process: worker.  Owns: each request from its arrival to its answer.
 * Trusts:  neither side.  A server may ask only what the client declared; a client's answer counts when
 *          it comes in the session that was asked, and names a number that only this session was told.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypt.h"
#include "mcp/capability.h"
#include "mcp/elicit.h"
#include "mcp/task.h"
#include "worker/call/call_priv.h"
#include "worker/forward.h"
#include "worker/front/reply.h"
#include "worker/streams/events.h"
#include "worker/talk/asks.h"
#include "worker/talk/roots.h"

#define ID_CHARS	64
#define ID_FORMAT	"g-%x-%x-%016llx"
#define ASKED_MORE	(64 * 1024)	/* an id, and who asks */

static uint64_t
client_can(const struct request *rq, const struct rec_server *server)
{
	uint64_t	caps = rq->capabilities & (MCP_CAN_BE_ASKED | MCP_CAN_SAMPLING_TOOLS |
			    MCP_CAN_SAMPLING_CONTEXT | MCP_CAN_ROOTS_CHANGED);

	if (server->isolation == ISOLATION_TENANT)
		return 0;
	if (rq->modern)
		return caps & ~(uint64_t)MCP_CAN_ROOTS_CHANGED;
	if ((!rq->has_session && rq->msg.method != MCP_INITIALIZE) || !events_possible(rq))
		return 0;
	if (rq->version < MCP_2025_06_18)
		caps &= ~(uint64_t)(MCP_CAN_ELICIT_FORM | MCP_CAN_ELICIT_URL);
	if (rq->version < MCP_2025_11_25)
		caps &= ~(uint64_t)(MCP_CAN_ELICIT_URL | MCP_CAN_SAMPLING_TOOLS);
	return caps;
}

uint64_t
asks_capabilities(const struct request *rq, const struct rec_server *server)
{
	return asking_possible(rq->tenant) ? client_can(rq, server) : 0;
}

/* --- towards the server ----------------------------------------------------------------------- */

/* value: raw, of `result` or `error`; its line feeds stand between tokens only. */
static void
tell_server(struct asks *a, struct span id, const char *member, struct span value)
{
	struct buf	b;
	char		*p;

	buf_init(&b, LINK_ASK_MAX + RPC_ID_MAX);
	if (buf_put_fmt(&b, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"%s\":", SPAN_FMT(id), member) == 0 &&
	    buf_put(&b, value) == 0 && buf_put_str(&b, "}") == 0) {
		for (p = b.data; p < b.data + b.used; p++)
			if (*p == '\n' || *p == '\r')
				*p = ' ';
		(void)!route_reply(a->route, buf_rest(&b));
	}
	buf_fini(&b);
}

static void
reply_over_route(struct asks *a, const struct asked *q, const char *member, struct span value)
{
	tell_server(a, q->id, member, value);
}

void
asks_init(struct asks *a, struct worker *w, struct route *route, const struct request *rq,
    const struct rec_server *server)
{
	const uint64_t	can = client_can(rq, server), may = asking_possible(rq->tenant) ? can : 0;

	/* Between two of the modern era no call waits: the server asks in its answer. */
	*a = (struct asks){ .w = w, .route = route, .capabilities = may, .reply = reply_over_route,
	    .declared = rq->modern ? can : may, .session_hash = rq->session_hash };
}

static void
refuse(struct asks *a, struct span id, int code, const char *text)
{
	char	value[256];
	int	n = snprintf(value, sizeof(value), "{\"code\":%d,\"message\":\"%s\"}", code, text);

	tell_server(a, id, "error", span_make(value, (size_t)n));
}

/* What a client must have declared to be asked this; 0: no client can be. */
static uint64_t
needs(enum mcp_method method, struct json_value params)
{
	switch (method) {
	case MCP_SAMPLING_CREATE:
		return MCP_CAN_SAMPLING | (json_get(params, "tools").type != JSON_NONE ||
		    json_get(params, "toolChoice").type != JSON_NONE ? MCP_CAN_SAMPLING_TOOLS : 0);
	case MCP_ELICITATION_CREATE:
		return json_is(json_get(params, "mode"), "url") ? MCP_CAN_ELICIT_URL : MCP_CAN_ELICIT_FORM;
	case MCP_ROOTS_LIST:
		return MCP_CAN_ROOTS;
	default:
		return 0;
	}
}

/* 0, or the JSON-RPC code it is refused with (mcp-wire 14.8): a method that was not declared at all, or one of its
 * forms. */
static int
judge(struct asks *a, enum mcp_method method, struct json_value params)
{
	const uint64_t	kind = method == MCP_SAMPLING_CREATE ? MCP_CAN_SAMPLING :
			    method == MCP_ELICITATION_CREATE ? MCP_CAN_ELICIT_FORM | MCP_CAN_ELICIT_URL : MCP_CAN_ROOTS;
	const uint64_t	need = needs(method, params);

	if (need != 0 && (need & ~a->capabilities) == 0)
		return 0;
	a->missing |= need & ~a->capabilities;
	return need == 0 || (a->capabilities & kind) == 0 ? -32601 : -32602;
}

static struct asked **
bucket_of(struct worker *w, uint64_t number)
{
	return &w->asked[number % WORKER_ASKED_BUCKETS];
}

/* A new one, at the end: id and params, raw or empty, are copied, and what a person will read says who asks. */
static int
asked_new(struct asks *a, enum mcp_method method, struct span id, struct span params, struct span server,
    struct asked **out)
{
	struct asked	*q, **last = &a->first;
	int		 r;

	if (a->open >= ASKS_MAX)
		return E_OVERLOAD;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return E_NOMEM;
	params = params.n == 0 ? SPAN_LIT("{}") : params;
	buf_init(&q->text, LINK_ASK_MAX + ASKED_MORE);
	if ((r = crypt_random(&q->number, sizeof(q->number))) != 0 || (r = buf_put(&q->text, id)) != 0 ||
	    (r = method == MCP_ELICITATION_CREATE ? mcp_elicit_put(&q->text, (struct json_value){ JSON_OBJECT, params },
	    server) : buf_put(&q->text, params)) != 0) {
		buf_fini(&q->text);
		free(q);
		return r;
	}
	q->of = a;
	q->key = ++a->keys;
	q->method = method;
	q->id = span_part(buf_rest(&q->text), 0, id.n);
	q->params = span_part(buf_rest(&q->text), id.n, q->text.used);
	while (*last != NULL)
		last = &(*last)->next;
	*last = q;
	q->bucket_next = *bucket_of(a->w, q->number);
	*bucket_of(a->w, q->number) = q;
	if (a->open++ == 0)
		route_wait(a->route, true);
	*out = q;
	return 0;
}

/* One that belongs to a task. */
static int
take_related(struct asks *a, const struct rpc_answer *m, struct span server, struct asked **out)
{
	struct buf	params;
	int		r;

	buf_init(&params, LINK_ASK_MAX);
	if ((r = task_put_related(&params, m->params, a->task_id)) == 0)
		r = asked_new(a, m->method, m->id, buf_rest(&params), server, out);
	buf_fini(&params);
	return r;
}

int
asks_take(struct asks *a, const struct rpc_answer *m, struct span server, struct asked **out)
{
	int	code = judge(a, m->method, m->params), r;

	*out = NULL;
	if (code != 0) {
		refuse(a, m->id, code, code == -32601 ? "Method not found" : "the client declared no such mode");
		return E_RPC_METHOD;
	}
	r = task_is_related(m->params) ? take_related(a, m, server, out) :
	    asked_new(a, m->method, m->id, m->params.type == JSON_OBJECT ? m->params.raw : SPAN_NONE, server, out);
	if (r == E_JSON_DUPLICATE)
		refuse(a, m->id, -32602, err_text(r));
	else if (r != 0)
		refuse(a, m->id, -32603, r == E_OVERLOAD ? "too many requests are open" : "out of memory");
	return r;
}

int
asks_add(struct asks *a, struct span key, struct json_value entry, struct span server)
{
	struct json_value	method = json_get(entry, "method"), params = json_get(entry, "params");
	enum mcp_method		m = MCP_METHOD_NONE;
	struct asked		*q;
	struct buf		text;
	int			r = 0;

	for (int i = MCP_METHOD_NONE + 1; method.type == JSON_STRING && i < MCP_METHOD_LIMIT; i++)
		if (json_is(method, mcp_method_row((enum mcp_method)i)->text))
			m = (enum mcp_method)i;
	if (entry.type != JSON_OBJECT || key.n > RPC_ID_MAX || (params.type != JSON_NONE && params.type != JSON_OBJECT))
		return E_UPSTREAM;
	if (judge(a, m, params) != 0)
		return E_MCP_CAPABILITY;
	/* A URL has an id in 2025-11-25, which is of no use to us. */
	buf_init(&text, LINK_ASK_MAX);
	if (params.type == JSON_OBJECT)
		r = buf_put(&text, params.raw);
	if (r == 0 && params.type == JSON_OBJECT && json_is(json_get(params, "mode"), "url") &&
	    json_get(params, "elicitationId").type == JSON_NONE) {
		text.used--;
		r = buf_put_fmt(&text, ",\"elicitationId\":\"e-%x-%x-%u\"}", a->w->slot, a->w->incarnation,
		    ++a->w->elicitations);
	}
	if (r == 0)
		r = asked_new(a, m, key, buf_rest(&text), server, &q);
	buf_fini(&text);
	return r == E_JSON_DUPLICATE ? E_UPSTREAM : r;
}

void
asks_drop(struct asked **qp)
{
	struct asked	*q = *qp, **at;
	struct asks	*a = q->of;

	*qp = NULL;
	for (at = &a->first; *at != q; at = &(*at)->next)
		;
	*at = q->next;
	for (at = bucket_of(a->w, q->number); *at != q; at = &(*at)->bucket_next)
		;
	*at = q->bucket_next;
	if (--a->open == 0)
		route_wait(a->route, false);
	buf_fini(&q->text);
	free(q);
}

static void
reply(struct asked *q, const char *member, struct span value)
{
	if (!q->of->ended)
		q->of->reply(q->of, q, member, value);
}

void
asks_reply(struct asked **qp, struct span value, bool is_error)
{
	struct asked	*q = *qp;
	struct buf	 b;

	buf_init(&b, LINK_ASK_MAX);
	if (is_error || q->method != MCP_ROOTS_LIST)
		reply(q, is_error ? "error" : "result", value);
	else if (roots_put(&b, call_of_asks(q->of), (struct json_value){ JSON_OBJECT, value }) == 0)
		reply(q, "result", buf_rest(&b));
	else
		reply(q, "error", SPAN_LIT("{\"code\":-32603,\"message\":\"there is no room for the answer\"}"));
	buf_fini(&b);
	asks_drop(qp);
}

struct asked *
asks_find(struct asks *a, struct span id)
{
	struct asked	*q = a->first;

	while (q != NULL && !span_eq(q->id, id))
		q = q->next;
	return q;
}

void
asks_refuse(struct asked *q)
{
	if (q->method == MCP_ELICITATION_CREATE)
		reply(q, "result", SPAN_LIT("{\"action\":\"cancel\"}"));
	else
		reply(q, "error", SPAN_LIT("{\"code\":-32603,\"message\":\"the client is gone\"}"));
	asks_drop(&q);
}

void
asks_end(struct asks *a)
{
	/* Rounds between two calls of a modern server have nobody to tell. */
	a->ended = a->reply != reply_over_route;
	while (a->first != NULL)
		asks_refuse(a->first);
}

/* --- towards a legacy client ------------------------------------------------------------------ */

static struct span
client_id(const struct asked *q, char text[ID_CHARS])
{
	const struct worker	*w = q->of->w;
	int			 n = snprintf(text, ID_CHARS, "\"" ID_FORMAT "\"", w->slot, w->incarnation,
				    (unsigned long long)q->number);

	return span_make(text, (size_t)n);
}

int
asks_send(struct asked *q, struct request *to)
{
	char		id[ID_CHARS];
	struct span	pieces[7];
	size_t		n = 0;

	pieces[n++] = SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":");
	pieces[n++] = client_id(q, id);
	pieces[n++] = SPAN_LIT(",\"method\":\"");
	pieces[n++] = span_of(mcp_method_row(q->method)->text);
	pieces[n++] = SPAN_LIT("\",\"params\":");
	pieces[n++] = q->params;
	pieces[n++] = SPAN_LIT("}");
	if (to == NULL || events_give(to, pieces, n, false) != 0) {
		asks_refuse(q);
		return E_CLOSED;
	}
	q->sent = true;
	return 0;
}

void
asks_send_cancelled(const struct asked *q, struct request *to)
{
	char		id[ID_CHARS];
	struct span	pieces[3] = {
		SPAN_LIT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"),
		client_id(q, id), SPAN_LIT("}}"),
	};

	if (q->sent && to != NULL)
		(void)!events_give(to, pieces, 3, false);
}

/* --- the client's answer ---------------------------------------------------------------------- */

/* Which worker gave this id out, and its number.  False when it is none of ours. */
static bool
parse_id(struct span raw, uint32_t *slot, uint32_t *incarnation, uint64_t *number)
{
	char			text[ID_CHARS];
	unsigned		s, i;
	unsigned long long	n;
	int			end = 0;

	if (raw.n < 2 || raw.n >= sizeof(text) || raw.p[0] != '"')
		return false;
	memcpy(text, raw.p + 1, raw.n - 2);
	text[raw.n - 2] = '\0';
	if (sscanf(text, ID_FORMAT "%n", &s, &i, &n, &end) != 3 || (size_t)end != raw.n - 2)
		return false;
	*slot = s;
	*incarnation = i;
	*number = n;
	return true;
}

void
asks_on_response(struct request *rq)
{
	struct worker	*w = rq->w;
	uint32_t	 slot, incarnation;
	uint64_t	 number;
	struct asked	*q = NULL;

	if (!parse_id(rq->msg.id, &slot, &incarnation, &number)) {
		reply_accepted(rq);
		return;
	}
	if (slot != w->slot && forward_request(rq, slot, incarnation) == 0)
		return;
	if (slot == w->slot && incarnation == w->incarnation)
		for (q = *bucket_of(w, number); q != NULL; q = q->bucket_next)
			if (q->number == number)
				break;
	/* One that is late, or another session's, is passed over as a late answer is (mcp-wire 9.5). */
	if (q != NULL && q->sent && rq->has_session && q->of->session_hash == rq->session_hash)
		asks_reply(&q, rq->msg.error.type != JSON_NONE ? rq->msg.error.raw : rq->msg.result.raw,
		    rq->msg.error.type != JSON_NONE);
	reply_accepted(rq);
}
