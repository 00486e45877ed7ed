/* SPDX-License-Identifier: Apache-2.0
 *
 * refuse.c - calls that are not made: what the client is told, and the record
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing.  Whoever must not know of a tool is told that there is none, byte for byte.
 */
#include "lib/log.h"
#include "mcp/catalogue.h"
#include "mcp/write.h"
#include "worker/call/admit.h"
#include "worker/call/approvals.h"
#include "worker/call/call.h"
#include "worker/call/call_priv.h"
#include "worker/front/challenge.h"
#include "worker/front/reply.h"
#include "worker/login/loginlink.h"
#include "worker/meta/meta.h"

static const struct span no_text = { NULL, 0 };

void
call_record_refusal(struct request *rq, const struct call_ask *ask, const struct decision *d,
    enum audit_outcome outcome, int err)
{
	const struct record_what what = { call_kind(ask->what)->audit, ask->server, ask->tool, d, ask->shown,
	    no_text };

	/* The refusal stands whether or not it can be kept: nothing was executed. */
	if (record_once(rq, &what, outcome, err) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
}

static void
reply_unknown(struct request *rq, enum call_what what, enum call_style style, struct span shown)
{
	switch (what) {
	case CALL_RESOURCE:
		reply_resource_missing(rq, shown);
		break;
	case CALL_COMPLETION:
	case CALL_TASK_GET:
	case CALL_TASK_RESULT:
	case CALL_TASK_UPDATE:
	case CALL_TASK_CANCEL:
		reply_error(rq, call_kind(what)->unknown, no_text, no_text, 0);
		break;
	case CALL_TOOL:
	case CALL_PROMPT:
	default:
		call_reply_error(rq, style, call_kind(what)->unknown, shown, no_text, 0);
		break;
	}
}

/* The tool as execute_tool was told it. */
static struct span
executed(const struct call_ask *ask)
{
	return ask->shown.n > 0 ? ask->shown : ask->tool;
}

void
call_reply_denied(struct request *rq, const struct call_ask *ask, const struct decision *d)
{
	struct span	server = snap_text(rq->config->policy, ask->server->name), text;

	if (d->lacks_scope) {
		challenge_scope(rq, &(struct object){ call_kind(ask->what)->object, server, ask->tool });
		return;
	}
	if (d->hide || rq->config->params.deny_detail == DENY_DETAIL_HIDE) {
		/* As the client named it. */
		reply_unknown(rq, ask->what, ask->style, ask->style == CALL_EXECUTE ? executed(ask) :
		    ask->what == CALL_RESOURCE ? rq->msg.uri : rq->msg.name);
		return;
	}
	text = arena_fmt(&rq->x->arena, "%.*s.%.*s (%s%s%s); ask your administrator with %s",
	    SPAN_FMT(server), SPAN_FMT(executed(ask)), d->rule != 0 ? "rule " : "", d->class_text,
	    (d->unsure & FACT_ARGUMENTS) == 0 ? "" :
	    ": an argument that rules ask for is of another type, or comes twice", rq->id_text);
	call_reply_error(rq, ask->style, E_POLICY, text, d->path, 0);
}

void
call_reply_approval(struct request *rq, const struct call_ask *ask, const struct decision *d,
    const struct approval_answer *a)
{
	const struct span	server = snap_text(rq->config->policy, ask->server->name);
	struct span		text, extra = SPAN_NONE;

	text = arena_fmt(&rq->x->arena, "%.*s.%.*s%s%s%s%s; ask your administrator with %s", SPAN_FMT(server),
	    SPAN_FMT(executed(ask)), a->why[0] == '\0' ? "" : "; ", a->why, a->id[0] == '\0' ? "" : ", ", a->id,
	    rq->id_text);
	if (a->id[0] != '\0')
		extra = arena_fmt(&rq->x->arena, "\"approval\":\"%s\"", a->id);
	if (ask->style == CALL_EXECUTE)
		meta_reply_error(rq, a->error, text, d->path, 0);
	else
		reply_error_more(rq, a->error, text, d->path, extra);
}

void
call_refuse_denied(struct request *rq, const struct call_ask *ask, const struct decision *d)
{
	metric_add(&rq->w->metrics, METRIC_calls_denied_total, 1);
	call_record_refusal(rq, ask, d, AUDIT_OUTCOME_REFUSED, d->lacks_scope ? E_SCOPE : E_POLICY);
	call_reply_denied(rq, ask, d);
}

void
call_refuse_revoked(struct request *rq, const struct call_ask *ask, const struct decision *d)
{
	log_info(NULL, "%s: a call does not begin: its client's credential was taken away", rq->id_text);
	call_record_refusal(rq, ask, d, AUDIT_OUTCOME_REFUSED, E_REVOKED);
	call_reply_error(rq, ask->style, E_REVOKED, no_text, no_text, 0);
}

static const char *
why_held(const struct catalogue_item *tool)
{
	switch ((enum catalogue_standing)tool->standing) {
	case CATALOGUE_REJECTED:
		return "its definition was rejected";
	case CATALOGUE_HELD:
		return "its definition waits to be looked at";
	case CATALOGUE_UNPINNED:
	case CATALOGUE_STANDS:
	default:
		return "its definition is not known to be approved";
	}
}

void
call_refuse_held(struct request *rq, const struct call_ask *ask, const struct catalogue_item *tool)
{
	/* Whoever asks the audit for what was denied finds it. */
	const struct decision	d = { .allow = false, .path = SPAN_LIT("tool_approval") };
	struct span		server = snap_text(rq->config->policy, ask->server->name), text;

	metric_add(&rq->w->metrics, METRIC_calls_denied_total, 1);
	call_record_refusal(rq, ask, &d, AUDIT_OUTCOME_REFUSED, E_HELD);
	if (rq->config->params.deny_detail == DENY_DETAIL_HIDE) {
		reply_unknown(rq, ask->what, ask->style, ask->style == CALL_EXECUTE ? executed(ask) : rq->msg.name);
		return;
	}
	text = arena_fmt(&rq->x->arena, "%.*s.%.*s (%s); ask your administrator with %s", SPAN_FMT(server),
	    SPAN_FMT(executed(ask)), why_held(tool), rq->id_text);
	call_reply_error(rq, ask->style, E_HELD, text, d.path, 0);
}

void
call_refuse_unknown(struct request *rq, const struct rec_server *server, struct span shown,
    enum call_style style)
{
	call_record_refusal(rq, &(struct call_ask){ .server = server, .tool = shown }, NULL,
	    AUDIT_OUTCOME_REFUSED, E_TOOL);
	call_reply_error(rq, style, E_TOOL, shown, no_text, 0);
}

void
call_refuse_missing(struct request *rq, enum call_what what, const struct rec_server *server,
    struct span shown)
{
	call_record_refusal(rq, &(struct call_ask){ .server = server, .what = what, .tool = shown }, NULL,
	    AUDIT_OUTCOME_REFUSED, call_kind(what)->unknown);
	reply_unknown(rq, what, CALL_PLAIN, shown);
}

void
call_refuse_unavailable(struct request *rq, const struct call_ask *ask, struct span why)
{
	struct span	server = snap_text(rq->config->policy, ask->server->name);

	if ((ask->server->flags & SERVER_FLAG_DISABLED) != 0)
		why = snap_text(rq->config->policy, ask->server->why);
	metric_add(&rq->w->metrics, METRIC_calls_unavailable_total, 1);
	call_record_refusal(rq, ask, NULL, AUDIT_OUTCOME_UNAVAILABLE, E_SERVER);
	if (loginlink_offer(rq, ask->server))
		return;
	/* What a runner says begins with the name already. */
	if (!span_starts(why, arena_fmt(&rq->x->arena, "%.*s: ", SPAN_FMT(server))))
		why = arena_fmt(&rq->x->arena, "%.*s%s%.*s", SPAN_FMT(server), why.n > 0 ? ": " : "",
		    SPAN_FMT(why));
	call_reply_error(rq, ask->style, E_SERVER, why, no_text, 0);
}

/* The answer to what a limit refused. */
static void
reply_over_limit(struct request *rq, enum call_style style, int err, struct span detail,
    const struct limit_said *said)
{
	struct limit_said	told = *said;

	if (rq->config->params.deny_detail == DENY_DETAIL_HIDE)
		told.path = no_text;
	if (style == CALL_EXECUTE)
		meta_reply_error(rq, err, detail, told.path, told.retry_after_ms);
	else
		reply_limited(rq, err, detail, &told);
}

/* What a call was not admitted for, of which a limit is told by its name unless rules are not. */
void
call_refuse_admission(struct request *rq, const struct call_ask *ask, const struct decision *d,
    const struct admission *a, int err)
{
	const enum audit_outcome outcome = err == E_SERVER || err == E_BREAKER ? AUDIT_OUTCOME_UNAVAILABLE :
	    AUDIT_OUTCOME_REFUSED;
	const struct span	 server = snap_text(rq->config->policy, ask->server->name);
	const struct record_what what = { call_kind(ask->what)->audit, ask->server, ask->tool, d, ask->shown,
	    a->said.path };
	struct span		 text;

	/* The refusal stands whether or not it can be kept: nothing was executed. */
	if (record_once(rq, &what, outcome, err) != 0)
		metric_add(&rq->w->metrics, METRIC_calls_unaudited_total, 1);
	if (err == E_CONCURRENT)
		metric_add(&rq->w->metrics, METRIC_calls_crowded_total, 1);
	if (err == E_QUOTA)
		metric_add(&rq->w->metrics, METRIC_calls_over_quota_total, 1);
	text = arena_fmt(&rq->x->arena, "%.*s%s%.*s", SPAN_FMT(server), a->text.n > 0 ? ": " : "", SPAN_FMT(a->text));
	if (a->said.path.n > 0)
		reply_over_limit(rq, ask->style, err, text, &a->said);
	else
		call_reply_error(rq, ask->style, err, text, no_text, a->said.retry_after_ms);
}

void
call_reply_failed(struct request *rq, struct span text)
{
	struct buf	b;

	buf_init(&b, 64 * 1024);
	reply_message(rq, mcp_write_tool_text(&b, rq->msg.id, rq->version, true, text), &b);
	buf_fini(&b);
}

void
call_reply_error(struct request *rq, enum call_style style, int err, struct span detail,
    struct span rule, uint64_t retry_after_ms)
{
	if (style == CALL_EXECUTE)
		meta_reply_error(rq, err, detail, rule, retry_after_ms);
	else
		reply_error(rq, err, detail, rule, retry_after_ms);
}
