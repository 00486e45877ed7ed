/* SPDX-License-Identifier: Apache-2.0
 *
 * param.c - Mcp-Param-* of a tool call (mcp-wire 5, 14.15)
 *
 * Process: worker.  Owns: nothing beyond the request.
 * Trusts:  neither the client's headers, which are compared with its arguments and go no further, nor the
 *          server's schema: what both sides send is computed from the arguments.
 */
#include "worker/call/param.h"
#include "worker/front/reply.h"
#include "worker/lists/change.h"
#include "worker/lists/view.h"

#define TWICE		"a key on the way to its value comes twice"
#define PARAM_BYTES_MAX	(HTTP_HEAD_BYTES_MAX / 2)	/* names and values of one request to a server */

static struct span
text_about(struct request *rq, const struct mcp_param *p, int error, const char *why)
{
	return error == E_NOMEM ? SPAN_NONE : arena_fmt(&rq->x->arena, "%s: %s", p->field, why);
}

/* --- the client's ----------------------------------------------------------------------------- */

/* 0, E_MCP_HEADER, E_RPC_PARAMS, E_NOMEM; *why is for people. */
static int
check_one(struct request *rq, const struct mcp_param *p, struct json_value arguments, const char **why)
{
	struct arena		*a = &rq->x->arena;
	struct json_value	 value;
	struct span		 said;
	unsigned		 times;
	int			 r;

	*why = TWICE;
	if ((r = mcp_param_find(p, arguments, &value)) != 0 || value.type == JSON_NONE)
		return r;
	said = http_head_find(&rq->x->head, p->field, &times);
	*why = "it comes more than once";
	if (times > 1)
		return E_MCP_HEADER;
	/* Who speaks for clients over the unix socket does not know the tools; but nobody may lie. */
	if (times == 0 && rq->x->listener == LISTEN_LOCAL)
		return 0;
	*why = "it is missing";
	if (times == 0)
		return E_MCP_HEADER;
	r = mcp_param_matches(said, value, a);
	*why = r == E_FORMAT ? "the argument is no text, boolean or whole number that a header can say" :
	    "it does not match the argument";
	return r == E_FORMAT ? E_MCP_HEADER : r;
}

static int
check(struct request *rq, const struct call_ask *ask, const struct catalogue_item *t, struct span *text)
{
	const char	*why;
	int		 r;

	for (size_t i = 0; i < t->asked_count; i++)
		if ((r = check_one(rq, &t->asked[i], ask->arguments, &why)) != 0) {
			*text = text_about(rq, &t->asked[i], r, why);
			return r;
		}
	return 0;
}

/* --- the server's ----------------------------------------------------------------------------- */

/* One more field, unless its value is absent, or no header can say it: that is the tool's to refuse. */
static int
add_one(struct request *rq, const struct mcp_param *p, struct json_value arguments, struct buf *b,
    struct exchange_field *f, size_t *count, size_t *bytes)
{
	struct arena		*a = &rq->x->arena;
	struct json_value	 value;
	int			 r;

	if ((r = mcp_param_find(p, arguments, &value)) != 0 || value.type == JSON_NONE)
		return r;
	buf_clear(b);
	if ((r = mcp_param_encode(b, value, a)) != 0)
		return r == E_FORMAT ? 0 : r;
	/* The list of tools may be replaced before the call ends. */
	f->name = arena_dup(a, span_of(p->field));
	f->value = arena_dup(a, buf_rest(b));
	if (f->name.p == NULL || f->value.p == NULL)
		return E_NOMEM;
	*bytes += f->name.n + f->value.n;
	++*count;
	return *bytes > PARAM_BYTES_MAX ? E_TOOBIG : 0;
}

static int
make(struct request *rq, struct call_ask *ask, const struct catalogue_item *t, struct span *text)
{
	struct exchange_field	*fields;
	struct buf		 b;
	size_t			 count = 0, bytes = 0;
	int			 r = 0;

	/* What those are told is no part of a schema. */
	if (ask->server->transport == TRANSPORT_JSONRPC)
		return 0;
	ask->params = NULL;
	ask->param_count = 0;
	if (t->param_count == 0 || ask->server->kind != SERVER_HTTP)
		return 0;
	if ((fields = arena_alloc(&rq->x->arena, t->param_count * sizeof(*fields))) == NULL)
		return E_NOMEM;
	buf_init(&b, PARAM_BYTES_MAX);
	for (size_t i = 0; r == 0 && i < t->param_count; i++)
		if ((r = add_one(rq, &t->params[i], ask->arguments, &b, &fields[count], &count, &bytes)) != 0)
			*text = text_about(rq, &t->params[i], r, r == E_TOOBIG ?
			    "the argument is too long for a header" : TWICE);
	buf_fini(&b);
	if (r != 0)
		return r == E_TOOBIG ? E_RPC_PARAMS : r;
	ask->params = fields;
	ask->param_count = count;
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

bool
param_take(struct request *rq, struct call_ask *ask, const struct catalogue_item *t)
{
	struct span	text = SPAN_NONE;
	int		r = 0;

	if (rq->modern && ask->style == CALL_PLAIN)
		r = check(rq, ask, t, &text);
	/* Rules may ask for what the server gets, too: call_begin() decides anew. */
	if (r == 0 && t->fills && (r = change_arguments(rq, ask)) == 0)
		ask->decided = NULL;
	if (r == 0 && (r = make(rq, ask, t, &text)) == 0)
		return true;
	metric_add(&rq->w->metrics, METRIC_requests_bad_total, 1);
	call_record_refusal(rq, ask, ask->decided, AUDIT_OUTCOME_REFUSED, r);
	call_reply_error(rq, ask->style, r, text, SPAN_NONE, 0);
	return false;
}

bool
param_again(struct request *rq, struct call_ask *ask)
{
	const struct catalogue		*list;
	const struct catalogue_item	*t = NULL;
	struct span			 why;

	list = lists_find(rq->w->lists, ask->server, view_list_instance(rq, ask->server), &why);
	if (list != NULL)
		t = catalogue_find(list, ask->tool);
	/* What cannot be made anew is not sent: the server then says what it misses. */
	if (t == NULL || make(rq, ask, t, &why) != 0) {
		ask->params = NULL;
		ask->param_count = 0;
	}
	return t == NULL || t->standing == CATALOGUE_STANDS;
}
