/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.c - answers to clients
 *
 * Process: worker.  Owns: nothing; what is given is copied to the connection's queue, which leaves at
 *          the end of the turn, after the audit.
 * Trusts:  nothing.
 */
#include "http/sse.h"
#include "http/write.h"
#include "lib/log.h"
#include "mcp/write.h"
#include "worker/front/cors.h"
#include "worker/front/reply.h"
#include "worker/limits/limits.h"
#include "worker/streams/events.h"

#define MESSAGE_MAX	(64 * 1024)
#define FIELDS_MAX	10
#define EXTRA_MAX	4

static const struct span type_json = { "application/json", 16 };
static const struct span type_sse = { "text/event-stream", 17 };

/* JSON unless the client reads events only (mcp-wire 16.10). */
bool
reply_wants_sse(const struct request *rq)
{
	const struct http_head	*h = &rq->x->head;

	return !http_head_lists(h, HTTP_ACCEPT, "application/json") &&
	    (http_head_lists(h, HTTP_ACCEPT, "text/event-stream") ||
	    http_head_lists(h, HTTP_ACCEPT, "text/*")) &&
	    !http_head_lists(h, HTTP_ACCEPT, "application/*") &&
	    !http_head_lists(h, HTTP_ACCEPT, "*/*");
}

static size_t
common_fields(struct request *rq, bool sse, struct exchange_field *f)
{
	size_t	n = 0;

	f[n++] = (struct exchange_field){ SPAN_LIT("Content-Type"), sse ? type_sse : type_json };
	if (sse) {
		f[n++] = (struct exchange_field){ SPAN_LIT("X-Accel-Buffering"), SPAN_LIT("no") };
		f[n++] = (struct exchange_field){ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") };
	}
	return n + cors_fields(rq, f + n);
}

static void
send_body(struct request *rq, unsigned status, struct span body, const struct exchange_field *extra,
    size_t extra_count)
{
	struct exchange_field	f[FIELDS_MAX];
	size_t			n;
	bool			sse = status == 200 && reply_wants_sse(rq);
	struct buf		event;

	if (rq->events) {
		/* The status was 200 long ago; an error rides the stream. */
		events_end_with(rq, body);
		request_done(rq);
		return;
	}
	n = common_fields(rq, sse, f);
	for (size_t i = 0; i < extra_count; i++)
		f[n++] = extra[i];
	if (!sse) {
		exchange_reply(rq->x, status, f, n, body);
	} else {
		buf_init(&event, body.n + 256);
		if (sse_put_message(&event, body) == 0)
			exchange_reply(rq->x, status, f, n, buf_rest(&event));
		else
			exchange_refuse(rq->x, E_NOMEM, NULL, 0);
		buf_fini(&event);
	}
	request_done(rq);
}

static void
send_error(struct request *rq, unsigned status, struct span id, const struct mcp_error *e,
    const struct exchange_field *extra, size_t extra_count)
{
	struct buf	b;

	buf_init(&b, MESSAGE_MAX);
	if (mcp_write_error(&b, id, e) != 0) {
		if (rq->events)
			flow_end(&rq->x->answer, FLOW_BROKEN);
		else
			exchange_refuse(rq->x, E_NOMEM, NULL, 0);
		request_done(rq);
	} else {
		send_body(rq, status, buf_rest(&b), extra, extra_count);
	}
	buf_fini(&b);
}

void
reply_refuse_with(struct request *rq, int err, const char *detail, const struct exchange_field *extra)
{
	const struct mcp_error e = { .error = err, .detail = span_of(detail),
	    .request_id = span_of(rq->id_text) };

	send_error(rq, http_error_status(err), SPAN_NONE, &e, extra, extra != NULL);
}

void
reply_refuse(struct request *rq, int err, const char *detail)
{
	reply_refuse_with(rq, err, detail, NULL);
}

void
reply_verdict(struct request *rq, const struct era_input *in, const struct era_verdict *v)
{
	const struct exchange_field	 allow = { SPAN_LIT("Allow"), span_of(v->allow) };
	struct span			 id = in->message == NULL ? SPAN_NONE : in->message->id;
	struct mcp_error		 e = { .error = v->error, .text = v->text,
					    .request_id = span_of(rq->id_text) };
	struct buf			 data;

	metric_add(&rq->w->metrics, METRIC_requests_bad_total, 1);
	log_debug(NULL, "%s: refused by row %s", rq->id_text, v->row);
	buf_init(&data, MESSAGE_MAX / 2);
	if (era_write_data(&data, in, v) == 0)
		e.extra = buf_rest(&data);
	send_error(rq, (unsigned)v->http, id, &e, &allow, v->allow != NULL);
	buf_fini(&data);
}

unsigned
reply_status(int err)
{
	const unsigned	status = (unsigned)err_row(err)->http_status;

	return status == 503 || err == E_MCP_HEADER || err == E_SCOPE ? status : 200;
}

void
reply_error_with(struct request *rq, int err, struct span detail, struct span rule,
    const struct exchange_field *extra)
{
	const struct mcp_error	e = { .error = err, .detail = detail, .rule = rule,
				    .request_id = span_of(rq->id_text) };

	send_error(rq, reply_status(err), rq->msg.id, &e, extra, 1);
}

void
reply_error(struct request *rq, int err, struct span detail, struct span rule, uint64_t retry_after_ms)
{
	struct exchange_field	 retry = { SPAN_LIT("Retry-After"), SPAN_NONE };
	struct mcp_error	 e = { .error = err, .detail = detail, .rule = rule,
				    .retry_after_ms = retry_after_ms,
				    .request_id = span_of(rq->id_text) };

	if (retry_after_ms > 0)		/* RFC 9110 10.2.3: whole seconds, so rounded up */
		retry.value = arena_fmt(&rq->x->arena, "%lu", (unsigned long)(retry_after_ms + 999) / 1000);
	send_error(rq, reply_status(err), rq->msg.id, &e, &retry, retry.value.p != NULL);
}

void
reply_limited(struct request *rq, int err, struct span detail, const struct limit_said *said)
{
	struct arena		*a = &rq->x->arena;
	const unsigned long	 retry_s = (unsigned long)(said->retry_after_ms + 999) / 1000;
	struct exchange_field	 f[EXTRA_MAX] = {
		{ SPAN_LIT("Retry-After"), arena_fmt(a, "%lu", retry_s) },
		{ SPAN_LIT("X-RateLimit-Limit"), arena_fmt(a, "%lu", (unsigned long)said->most) },
		{ SPAN_LIT("X-RateLimit-Remaining"), arena_fmt(a, "%lu", (unsigned long)said->left) },
		{ SPAN_LIT("X-RateLimit-Reset"), arena_fmt(a, "%lu", (unsigned long)said->reset_s) },
	};
	struct mcp_error	 e = { .error = err, .detail = detail, .retry_after_ms = said->retry_after_ms,
				    .request_id = span_of(rq->id_text) };
	struct buf		 data;

	exchange_rest(rq->x);
	buf_init(&data, MESSAGE_MAX / 2);
	if (said->path.n > 0 && buf_put_str(&data, "\"limit\":") == 0 && json_put_string(&data, said->path) == 0)
		e.extra = buf_rest(&data);
	/* A field that there is no memory for is the last one's too. */
	send_error(rq, reply_status(err), rq->msg.id, &e, f, f[EXTRA_MAX - 1].value.p != NULL ? EXTRA_MAX : 0);
	buf_fini(&data);
}

void
reply_error_more(struct request *rq, int err, struct span detail, struct span rule, struct span extra)
{
	const struct mcp_error	e = { .error = err, .detail = detail, .rule = rule,
				    .request_id = span_of(rq->id_text), .extra = extra };

	send_error(rq, reply_status(err), rq->msg.id, &e, NULL, 0);
}

void
reply_resource_missing(struct request *rq, struct span uri)
{
	struct mcp_error	e = { .error = rq->modern ? E_RESOURCE : E_RESOURCE_LEGACY,
				    .request_id = span_of(rq->id_text) };
	struct buf		data;

	buf_init(&data, MESSAGE_MAX / 2);
	if (buf_put_str(&data, "\"uri\":") == 0 && json_put_string(&data, uri) == 0)
		e.extra = buf_rest(&data);
	send_error(rq, 200, rq->msg.id, &e, NULL, 0);
	buf_fini(&data);
}

void
reply_accepted(struct request *rq)
{
	struct exchange_field	f[CORS_FIELDS];

	if (rq->events)
		flow_end(&rq->x->answer, FLOW_DONE);
	else
		exchange_reply(rq->x, 202, f, cors_fields(rq, f), SPAN_NONE);
	request_done(rq);
}

void
reply_message_with(struct request *rq, int r, const struct buf *message,
    const struct exchange_field *extra)
{
	if (r != 0)
		reply_error(rq, r == E_TOOBIG ? E_UPSTREAM : r, SPAN_NONE, SPAN_NONE, 0);
	else
		send_body(rq, 200, buf_rest(message), extra, extra != NULL);
}

void
reply_message(struct request *rq, int r, const struct buf *message)
{
	reply_message_with(rq, r, message, NULL);
}

void
reply_message_as(struct request *rq, unsigned status, int r, const struct buf *message)
{
	if (r != 0)
		reply_error(rq, r, SPAN_NONE, SPAN_NONE, 0);
	else
		send_body(rq, status, buf_rest(message), NULL, 0);
}

void
reply_begin_stream(struct request *rq, uint64_t body_bytes)
{
	struct exchange_field	f[FIELDS_MAX];
	size_t			n = common_fields(rq, false, f);

	exchange_answer(rq->x, 200, f, n, body_bytes);
}

void
reply_begin_events(struct request *rq)
{
	struct exchange_field	f[FIELDS_MAX];
	size_t			n = common_fields(rq, true, f);

	exchange_answer(rq->x, 200, f, n, EXCHANGE_STREAM);
}

void
reply_pieces(struct request *rq, const struct bridge_pieces *p)
{
	struct buf	whole;

	if (rq->events || reply_wants_sse(rq) || p->count == 1) {
		buf_init(&whole, p->bytes + 1);
		reply_message(rq, bridge_pieces_write(&whole, p), &whole);
		buf_fini(&whole);
		return;
	}
	reply_begin_stream(rq, p->bytes);
	reply_rest(rq, p);
}

void
reply_rest(struct request *rq, const struct bridge_pieces *p)
{
	reply_parts(rq, p);
	flow_end(&rq->x->answer, FLOW_DONE);
	request_done(rq);
}

void
reply_parts(struct request *rq, const struct bridge_pieces *p)
{
	for (size_t i = 0; i < p->count; i++)
		flow_give(&rq->x->answer, p->piece[i]);
}
