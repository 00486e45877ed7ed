/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - what a request leaves in the audit: who, what, by which rule; never arguments or results
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing of the client's text beyond its length: fields are cut by audit/record.c.
 */
#include <arpa/inet.h>

#include "auth/front.h"
#include "lib/num.h"
#include "worker/call/record.h"
#include "worker/front/reply.h"
#include "worker/operator/trace.h"

/* Tier and net of the jail the tool runs in. */
static struct span
jail_word(const struct rec_server *s, bool reduced)
{
	/* What a reduced jail cannot be is refused before anything runs; the record says what was asked for. */
	static const char *const words[2][3][4] = { {
		[TIER_RUNTIME] = { "runtime/none", "runtime/loopback", "runtime/host", "runtime/list" },
		[TIER_STRICT] = { "strict/none", "strict/loopback", "strict/host", "strict/list" },
		[TIER_OFF] = { "off", "off", "off", "off" },
	}, {
		[TIER_RUNTIME] = { "reduced/runtime/none", "reduced/runtime/loopback", "reduced/runtime/host",
		    "reduced/runtime/list" },
		[TIER_STRICT] = { "reduced/strict/none", "reduced/strict/loopback", "reduced/strict/host",
		    "reduced/strict/list" },
		[TIER_OFF] = { "reduced/off", "reduced/off", "reduced/off", "reduced/off" },
	} };

	if (s == NULL)
		return SPAN_NONE;
	if (s->kind == SERVER_HTTP)
		return SPAN_LIT("http");
	return s->tier < 3 && s->net < 4 ? span_of(words[reduced][s->tier][s->net]) : SPAN_NONE;
}

static struct span
view_word(const struct request *rq)
{
	if ((rq->view & VIEW_IS_AUTO) != 0)
		return SPAN_LIT("auto");
	switch (rq->view) {
	case 0:
		return SPAN_NONE;	/* it was asked for through none */
	case VIEW_HAS_DISCOVERY:
		return SPAN_LIT("discovery");
	case VIEW_HAS_CATALOG:
		return SPAN_LIT("catalog");
	case VIEW_HAS_SERVER:
		return SPAN_LIT("server");
	default:
		return SPAN_LIT("both");
	}
}

/* inet_ntop() goes through printf(), and every call is recorded. */
static struct span
ipv4_text(struct arena *a, const uint8_t address[4])
{
	char	text[4 * NUM_DECIMAL_MAX];
	size_t	n = 0;

	for (int i = 0; i < 4; i++) {
		if (i > 0)
			text[n++] = '.';
		n += num_decimal(address[i], text + n);
	}
	return arena_dup(a, span_make(text, n));
}

struct span
record_client(const struct request *rq)
{
	const struct exchange_peer	*p = &rq->x->peer;
	char				 text[INET6_ADDRSTRLEN];

	if (p->family == AF_UNIX)
		return SPAN_LIT("unix");
	if (p->family == AF_INET)
		return ipv4_text(&rq->x->arena, p->address);
	if (inet_ntop(p->family, p->address, text, sizeof(text)) == NULL)
		return SPAN_NONE;
	return arena_dup(&rq->x->arena, span_of(text));
}

/* A key's name, and which of those that have it. */
static struct span
principal(const struct request *rq)
{
	const struct principal	*who = &rq->who;

	if (who->public_name.n == 0)
		return who->subject;
	return arena_fmt(&rq->x->arena, "%.*s (%.*s)", SPAN_FMT(who->subject), SPAN_FMT(who->public_name));
}

void
record_start(const struct request *rq, const struct record_what *what, struct audit_fields *f)
{
	const struct snap	*policy = rq->config->policy;

	*f = (struct audit_fields){
		.tenant = rq->who.tenant,
		.principal = principal(rq),
		.how = span_of(decide_how(rq->who.how)),
		.agent = rq->who.agent,
		.server = what->server == NULL ? SPAN_NONE : snap_text(policy, what->server->name),
		.kind = span_of(what->kind),
		.object = what->name,
		.shown = what->shown,
		.limit = what->limit,
		.method = rq->msg.method_text,
		.jail = jail_word(what->server, (rq->w->flags & BOOT_FLAG_REDUCED) != 0),
		.listener = rq->x->listener == LISTEN_LOCAL ? SPAN_LIT("local") :
		    front_is_secure(rq->x) ? SPAN_LIT("tls") : SPAN_LIT("mcp"),
		.client = record_client(rq),
		.view = view_word(rq),
	};
	if (what->decision != NULL) {
		f->decision = what->decision->shadow ? SPAN_LIT("shadow") : what->decision->allow ?
		    SPAN_LIT("allow") : SPAN_LIT("deny");
		f->rule = what->decision->path;
	}
}

void
record_finish(const struct request *rq, enum audit_outcome outcome, int error, unsigned status,
    struct audit_fields *f)
{
	uint64_t	now = loop_now_ns(rq->w->loop);

	f->outcome = audit_outcome_word(outcome);
	f->error = error == 0 ? SPAN_NONE : span_of(err_row(error)->symbol);
	f->status = status;
	f->latency_us = now > rq->x->begun_ns ? (now - rq->x->begun_ns) / 1000 : 0;
}

int
record_once(const struct request *rq, const struct record_what *what, enum audit_outcome outcome,
    int error)
{
	struct audit_fields	f;

	record_start(rq, what, &f);
	record_finish(rq, outcome, error, error == 0 ? 200 : reply_status(error), &f);
	if (rq->w->traces != NULL)
		trace_refused(rq, what, &f);
	return spool_once(rq->w->spool, rq->id, rq->config->generation, &f);
}
