/* SPDX-License-Identifier: Apache-2.0
 *
 * inputs.c - input_required towards modern clients
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  a requestState after mcp/state.c opened it; answers are only passed on.
 */
#include "lib/crypt.h"
#include "lib/sum.h"
#include "mcp/capability.h"
#include "mcp/elicit.h"
#include "mcp/state.h"
#include "mcp/write.h"
#include "worker/call/call_priv.h"
#include "worker/front/reply.h"
#include "worker/talk/inputs.h"
#include "worker/talk/park.h"

#define ANSWER_MOST	(ASKS_MAX * LINK_ASK_MAX + 128 * 1024)

static const struct span no_text = { NULL, 0 };

static struct state
state_of(const struct request *rq, enum state_kind kind)
{
	return (struct state){ .kind = kind, .principal = rq->who.hash, .tenant = rq->who.tenant_hash,
	    .issued_s = (uint32_t)(loop_wall_ms(rq->w->loop) / 1000) };
}

static uint64_t
server_hash(const struct call *c)
{
	return sum64(call_server_name(c));
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Each round of a call that was approved has a number of its own, so that it passes once. */
static int
put_approved(struct state *s, const struct approved *a)
{
	if (!a->given || s->kind == STATE_PARK)
		return 0;
	s->approved = true;
	s->approval = a->digest;
	return crypt_random(&s->number, sizeof(s->number));
}

/* The end of every such result: the state, and who we are. */
static int
put_state_of(struct buf *b, struct request *rq, struct state *s, bool comma)
{
	int	r;

	if ((r = state_digest(&rq->msg, &s->digest)) != 0 ||
	    (r = buf_put_str(b, comma ? ",\"requestState\":\"" : "\"requestState\":\"")) != 0 ||
	    (r = state_seal(&rq->w->ring, http_head_path(&rq->x->head), s, b)) != 0)
		return r;
	return buf_put_str(b, "\",\"_meta\":{\"" MCP_META_SERVER_INFO "\":{\"name\":\"" MCP_SERVER_NAME
	    "\",\"version\":\"" MCPGW_VERSION "\"}}}}");
}

static int
put_state(struct buf *b, struct call *c, struct state *s, bool comma)
{
	int	r;

	s->server = server_hash(c);
	if ((r = put_approved(s, &c->rq->approved)) != 0)
		return r;
	return put_state_of(b, c->client, s, comma);
}

static int
put_head(struct buf *b, const struct request *rq)
{
	int	r;

	if ((r = buf_put_str(b, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0 || (r = buf_put(b, rq->msg.id)) != 0)
		return r;
	return buf_put_str(b, ",\"result\":{\"resultType\":\"input_required\",");
}

/* Members of a legacy server's request that this client's revision or capabilities do not have. */
static bool
passes(const struct asked *q, struct json_value name)
{
	static const char *const	never[] = { "elicitationId", "task", NULL };

	if (json_is_one_of(name, never))
		return false;
	return !json_is(name, "includeContext") || (q->of->capabilities & MCP_CAN_SAMPLING_CONTEXT) != 0;
}

static int
put_asked(struct buf *b, const struct asked *q, const char *comma)
{
	struct json_iter	it;
	struct json_value	value, params = { JSON_OBJECT, q->params };
	struct span		key;
	const char		*sep = "";
	int			r;

	if ((r = buf_put_fmt(b, "%s\"k%u\":{\"method\":\"%s\",\"params\":{", comma, q->key,
	    mcp_method_row(q->method)->text)) != 0)
		return r;
	json_iter_init(&it, params);
	while (json_iter_next(&it, &key, &value)) {
		if (!passes(q, json_key(key)))
			continue;
		if ((r = buf_put_fmt(b, "%s%.*s:", sep, SPAN_FMT(json_key(key).raw))) != 0 ||
		    (r = buf_put(b, value.raw)) != 0)
			return r;
		sep = ",";
	}
	return buf_put_str(b, "}}");
}

int
inputs_reply_asked(struct call *c, uint32_t round, uint64_t number)
{
	struct request	*rq = c->client;
	struct state	 s = state_of(rq, STATE_PARK);
	const char	*comma = "";
	struct buf	 b;
	int		 r;

	s.slot = rq->w->slot;
	s.incarnation = rq->w->incarnation;
	s.round = round;
	s.number = number;
	buf_init(&b, ANSWER_MOST);
	if ((r = put_head(&b, rq)) == 0)
		r = buf_put_str(&b, "\"inputRequests\":{");
	for (struct asked *q = c->asks.first; r == 0 && q != NULL; q = q->next, comma = ",") {
		r = put_asked(&b, q, comma);
		q->sent = true;
	}
	if (r == 0 && (r = buf_put_str(&b, "}")) == 0 && (r = put_state(&b, c, &s, true)) == 0)
		reply_message(rq, 0, &b);
	buf_fini(&b);
	return r;
}

int
inputs_reply_wrapped(struct call *c, const struct rpc_answer *from)
{
	struct request		*rq = c->client;
	struct state		 s = state_of(rq, STATE_WRAP);
	struct json_value	 theirs = json_get(from->result, "requestState");
	struct json_value	 asked = json_get(from->result, "inputRequests");
	struct buf		 b;
	int			 r;

	if ((theirs.type != JSON_NONE && theirs.type != JSON_STRING) ||
	    (asked.type != JSON_NONE && asked.type != JSON_OBJECT) ||
	    (theirs.type == JSON_NONE && asked.type == JSON_NONE))
		return E_UPSTREAM;
	s.inner = theirs.raw;
	buf_init(&b, from->text.n + 256 * 1024);
	r = put_head(&b, rq);
	if (r == 0 && asked.type == JSON_OBJECT && (r = buf_put_str(&b, "\"inputRequests\":")) == 0)
		r = mcp_elicit_put_requests(&b, asked, call_server_name(c));
	if (r == 0 && (r = put_state(&b, c, &s, asked.type == JSON_OBJECT)) == 0)
		reply_message(rq, 0, &b);
	buf_fini(&b);
	return r == E_TOOBIG || r == E_JSON_DUPLICATE ? E_UPSTREAM : r;
}

int
inputs_reply_urls(struct call *c, const struct rpc_answer *from)
{
	struct request		*rq = c->client;
	struct state		 s = state_of(rq, STATE_URL);
	struct json_value	 list = json_get(from->error_data, "elicitations"), one, url;
	struct json_iter	 it;
	struct span		 key;
	unsigned		 n = 0;
	struct buf		 b;
	int			 r;

	buf_init(&b, from->text.n + 256 * 1024);
	if ((r = put_head(&b, rq)) == 0)
		r = buf_put_str(&b, "\"inputRequests\":{");
	if (list.type == JSON_ARRAY)
		json_iter_init(&it, list);
	while (r == 0 && list.type == JSON_ARRAY && json_iter_next(&it, &key, &one)) {
		url = json_get(one, "url");
		if (url.type != JSON_STRING || n == ASKS_MAX)
			continue;
		r = buf_put_fmt(&b, "%s\"u%u\":{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"url\","
		    "\"url\":%.*s,\"message\":", n > 0 ? "," : "", n + 1, SPAN_FMT(url.raw));
		if (r == 0 && (r = mcp_elicit_put_message(&b, json_get(one, "message"), call_server_name(c))) == 0)
			r = buf_put_str(&b, "}}");
		n++;
	}
	if (r == 0 && n == 0)
		r = E_UPSTREAM;
	if (r == 0 && (r = buf_put_str(&b, "}")) == 0 && (r = put_state(&b, c, &s, true)) == 0)
		reply_message(rq, 0, &b);
	buf_fini(&b);
	return r;
}

int
inputs_reply_url(struct request *rq, struct span server, struct span url, struct span message)
{
	struct state	s = state_of(rq, STATE_URL);
	struct buf	b;
	int		r;

	s.server = sum64(server);
	buf_init(&b, 64 * 1024);
	if ((r = put_approved(&s, &rq->approved)) == 0 && (r = put_head(&b, rq)) == 0 &&
	    (r = buf_put_str(&b, "\"inputRequests\":{\"u1\":{\"method\":"
	    "\"elicitation/create\",\"params\":{\"mode\":\"url\",\"url\":")) == 0 &&
	    (r = json_put_string(&b, url)) == 0 && (r = buf_put_str(&b, ",\"message\":")) == 0 &&
	    (r = json_put_string(&b, arena_fmt(&rq->x->arena, "%.*s: %.*s", SPAN_FMT(server),
	    SPAN_FMT(message)))) == 0 && (r = buf_put_str(&b, "}}}")) == 0 &&
	    (r = put_state_of(&b, rq, &s, true)) == 0)
		reply_message(rq, 0, &b);
	buf_fini(&b);
	return r;
}

/* --- retries ---------------------------------------------------------------------------------- */

/* Were all URLs visited?  If not, the client knows: it is told what it said. */
static bool
take_urls(struct request *rq, struct json_value responses)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	bool			accepted = responses.type == JSON_OBJECT;

	if (accepted)
		json_iter_init(&it, responses);
	while (accepted && json_iter_next(&it, &key, &one))
		accepted = json_is(json_get(one, "action"), "accept");
	if (accepted)
		return false;
	if (rq->msg.method != MCP_TOOLS_CALL) {
		reply_error(rq, E_INTERNAL, SPAN_LIT("a URL that must be visited first was declined"), no_text, 0);
		return true;
	}
	call_reply_failed(rq, SPAN_LIT("a URL that must be visited first was declined"));
	return true;
}

bool
inputs_take(struct request *rq)
{
	struct json_value	token = rq->msg.request_state, responses = rq->msg.input_responses;
	struct state		s, expect = state_of(rq, STATE_PARK);
	struct buf		text;
	struct span		token_text;
	int			r = 0;

	if (!rq->modern || (token.type == JSON_NONE && responses.type == JSON_NONE))
		return false;
	if (responses.type != JSON_NONE && responses.type != JSON_OBJECT) {
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("inputResponses must be an object"), no_text, 0);
		return true;
	}
	/* Answers without a state answer nothing that was asked here. */
	if (token.type == JSON_NONE)
		return false;
	buf_init(&text, STATE_INNER_MAX + 4096);
	if (token.type != JSON_STRING || json_string(token, &rq->x->arena, &token_text) != 0 ||
	    state_digest(&rq->msg, &expect.digest) != 0 || state_open(&rq->w->ring, http_head_path(&rq->x->head),
	    token_text, &expect, &text, &s) != 0)
		r = E_MCP_STATE;
	else if (s.kind == STATE_WRAP) {
		rq->retry = (struct retry){ .given = true, .server = s.server, .responses = responses.raw,
		    .state = arena_dup(&rq->x->arena, s.inner) };
		if (s.inner.n > 0 && rq->retry.state.p == NULL)
			r = E_NOMEM;
	}
	if (r == 0)
		rq->retry.approved = (struct approved){ .given = s.approved, .digest = s.approval, .round = s.number };
	buf_fini(&text);
	if (r != 0) {
		reply_error(rq, r, no_text, no_text, 0);
		return true;
	}
	if (s.kind == STATE_URL)
		return take_urls(rq, responses);
	if (s.kind == STATE_WRAP)
		return false;
	park_on_retry(rq, &s, responses);
	return true;
}
