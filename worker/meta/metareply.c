/* SPDX-License-Identifier: Apache-2.0
 *
 * metareply.c - results and errors of the gateway's own tools, in seed 001's shapes, and their records
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing; texts of clients and servers go out as JSON strings.
 */
#include "worker/front/reply.h"
#include "worker/meta/meta_priv.h"

#define ANSWER_BYTES_MAX	(64 * 1024 * 1024)

void
meta_reply_json(struct request *rq, struct span json, bool is_error)
{
	struct json_value	v = { json.n > 0 && json.p[0] == '[' ? JSON_ARRAY : JSON_OBJECT, json };
	struct buf		b;

	buf_init(&b, ANSWER_BYTES_MAX);
	reply_message(rq, mcp_write_tool_json(&b, rq->msg.id, rq->version, is_error, v), &b);
	buf_fini(&b);
}

void
meta_reply_built(struct request *rq, int r, struct buf *json, bool is_error)
{
	if (r == E_TOOBIG && !is_error)
		meta_reply_error(rq, E_TOOBIG, SPAN_LIT("this result, by max_listing of the gateway"),
		    SPAN_NONE, 0);
	else if (r != 0)
		reply_error(rq, r, SPAN_NONE, SPAN_NONE, 0);
	else
		meta_reply_json(rq, buf_rest(json), is_error);
	buf_fini(json);
}

int
meta_put_error(struct buf *b, const struct request *rq, int err, struct span detail, struct span rule,
    uint64_t retry_after_ms)
{
	struct span	message = detail.n == 0 ? span_of(err_text(err)) :
			    arena_fmt(&rq->x->arena, "%s: %.*s", err_text(err), SPAN_FMT(detail));
	int		r;

	if ((r = buf_put_fmt(b, "{\"code\":\"%s\",\"message\":", err_row(err)->symbol)) != 0 ||
	    (r = json_put_string(b, message)) != 0 || (r = buf_put_str(b, ",\"rule\":")) != 0 ||
	    (r = rule.n > 0 ? json_put_string(b, rule) : buf_put_str(b, "null")) != 0)
		return r;
	if (retry_after_ms > 0 && (r = buf_put_fmt(b, ",\"retry_after_ms\":%llu",
	    (unsigned long long)retry_after_ms)) != 0)
		return r;
	return buf_put_fmt(b, ",\"request_id\":\"%s\"}", rq->id_text);
}

void
meta_reply_error(struct request *rq, int err, struct span detail, struct span rule, uint64_t retry_after_ms)
{
	struct buf	b;
	int		r;

	buf_init(&b, ANSWER_BYTES_MAX);
	if ((r = buf_put_str(&b, "{\"error\":")) == 0 &&
	    (r = meta_put_error(&b, rq, err, detail, rule, retry_after_ms)) == 0)
		r = buf_put_str(&b, "}");
	meta_reply_built(rq, r, &b, true);
}

void
meta_reply_no_tools(struct request *rq, enum meta_tool tool, const struct meta_args *args, int err,
    struct span detail, struct span rule)
{
	struct buf	b;
	int		r;

	buf_init(&b, ANSWER_BYTES_MAX);
	if ((r = buf_put_str(&b, "{\"tools\":[],")) != 0)
		goto out;
	if (tool == META_SEARCH_TOOLS)
		r = buf_put_str(&b, "\"total_matches\":0,");
	else if ((r = buf_put_str(&b, "\"server\":")) == 0 && (r = json_put_string(&b, args->server)) == 0)
		r = buf_put_str(&b, ",\"total_available\":0,");
	if (r == 0 && (r = buf_put_str(&b, "\"returned\":0,\"tokens_used\":null,\"error\":")) == 0 &&
	    (r = meta_put_error(&b, rq, err, detail, rule, 0)) == 0)
		r = buf_put_str(&b, "}");
 out:
	meta_reply_built(rq, r, &b, false);
}

static void
record_tool(struct request *rq, enum meta_tool tool, const struct rec_server *server, enum audit_outcome outcome,
    int err)
{
	const struct record_what what = { "meta", server, span_of(metatools_name(tool)), NULL };

	if (record_once(rq, &what, outcome, err) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
}

void
meta_record(struct request *rq, enum meta_tool tool, const struct rec_server *server)
{
	record_tool(rq, tool, server, AUDIT_OUTCOME_OK, 0);
}

void
meta_record_given_up(struct request *rq, enum meta_tool tool, const struct rec_server *server)
{
	record_tool(rq, tool, server, AUDIT_OUTCOME_CANCELLED, E_CLOSED);
}

void
meta_record_refused(struct request *rq, const struct record_what *what, int err)
{
	/* The refusal stands whether or not it can be kept. */
	if (record_once(rq, what, AUDIT_OUTCOME_REFUSED, err) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
}
