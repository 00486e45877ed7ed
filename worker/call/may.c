/* SPDX-License-Identifier: Apache-2.0
 *
 * may.c - decisions, with what a request knows beyond names: who, when, from where, with which arguments
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  decide() alone; no argument before it is proven to hold no member twice: what is judged and what the server
 *          reads must be the same.
 */
#include <netinet/in.h>

#include "lib/log.h"
#include "worker/call/may.h"

static struct facts
facts_of(const struct request *rq)
{
	const struct exchange_peer	*p = &rq->x->peer;
	struct facts			 f = {
		.known = FACT_WHO | FACT_BEARER | FACT_TIME | FACT_CLIENT, .wall_ms = loop_wall_ms(rq->w->loop),
		.arena = &rq->x->arena,
	};

	conn_address(p->family, p->address, &f.client);
	/* A proxy did not say who it speaks for. */
	if (p->family == AF_UNSPEC)
		f.known &= ~(unsigned)FACT_CLIENT;
	return f;
}

static void
know_definition(struct facts *f, uint8_t hints, uint8_t hints_said)
{
	f->known |= FACT_DEFINITION;
	f->hints = hints;
	f->hints_said = hints_said;
}

void
may_see(const struct request *rq, enum object_kind kind, struct span server, struct span name,
    const struct catalogue_item *tool, struct decision *out)
{
	struct facts	f = facts_of(rq);

	f.hopeful = true;
	if (kind != OBJECT_SERVER)
		f.known |= FACT_NAME;
	if (kind == OBJECT_RESOURCE || kind == OBJECT_TEMPLATE)
		f.known |= FACT_ARGUMENTS;		/* there are none */
	if (tool != NULL)
		know_definition(&f, tool->hints, tool->hints_said);
	else if (kind != OBJECT_SERVER && kind != OBJECT_TOOL)
		know_definition(&f, 0, 0);
	decide(rq->config->policy, &rq->who, &(struct object){ kind, server, name, &f }, out);
}

/* A member twice, or no JSON: not known. */
static bool
know_arguments(struct facts *f, struct json_value arguments)
{
	if (arguments.type != JSON_NONE && json_parse(arguments.raw, true, &f->arguments, NULL) != 0)
		return false;
	f->known |= FACT_ARGUMENTS;
	return true;
}

void
may_call(const struct request *rq, const struct snap *policy, struct span server, const struct call_ask *ask,
    bool final, struct decision *out)
{
	struct facts	f = facts_of(rq);
	struct object	what = { call_kind(ask->what)->object, server, ask->tool, &f };

	f.known |= FACT_NAME;
	if (ask->defined || what.kind != OBJECT_TOOL)
		know_definition(&f, ask->hints, ask->hints_said);
	/* About a call that was allowed, or that is going to be made: its arguments are not here. */
	if (ask->task != NULL || ask->what == CALL_COMPLETION)
		f.hopeful = true;
	else if (!final && !ask->defined)
		f.hopeful = true;
	decide(policy, &rq->who, &what, out);
	if ((out->unsure & FACT_ARGUMENTS) != 0 && ask->task == NULL && ask->what != CALL_COMPLETION &&
	    know_arguments(&f, ask->arguments))
		decide(policy, &rq->who, &what, out);
}

void
may_note(const struct request *rq, const struct object *what, const struct decision *d)
{
	if (d->shadow) {
		metric_add(&rq->w->metrics, METRIC_calls_shadowed_total, 1);
		log_warn_repeat(NULL, "agent %.*s: %.*s.%.*s passes, and would be denied (%.*s, %s), %s",
		    SPAN_FMT(rq->who.agent), SPAN_FMT(what->server), SPAN_FMT(what->name), SPAN_FMT(d->path),
		    d->class_text, rq->id_text);
	} else if (d->log > LOG_LEVEL_ERR && d->log <= LOG_LEVEL_DEBUG + 1) {
		log_write((enum log_level)(d->log - 1), NULL, "agent %.*s: %.*s.%.*s by %.*s, %s",
		    SPAN_FMT(rq->who.agent), SPAN_FMT(what->server), SPAN_FMT(what->name), SPAN_FMT(d->path),
		    rq->id_text);
	}
}

void
may_know(struct call_ask *ask, const struct catalogue_item *tool)
{
	ask->defined = true;
	ask->hints = tool->hints;
	ask->hints_said = tool->hints_said;
}
