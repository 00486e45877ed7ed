/* SPDX-License-Identifier: Apache-2.0
 *
 * inquiry.c - what an operator asks about calls and issuers
 *
 * Process: worker.  Owns: nothing; an answer goes to the master in a sealed memfd.
 * Trusts:  the master, which has looked at who asks.
 */
#include "lib/fd.h"
#include "lib/log.h"
#include "worker/call/admit.h"
#include "worker/call/approvals.h"
#include "worker/call/call_priv.h"
#include "worker/operator/inquiry.h"
#include "worker/operator/inquiry_priv.h"
#include "worker/talk/rounds.h"

#define ANSWER_BYTES	(4u << 20)
#define LINE_BYTES	16384		/* longer than any of ours: names are cut */
#define NAME_BYTES	512

int
inquiry_text(struct buf *b, const char *name, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if ((r = buf_put_fmt(b, ",\"%s\":", name)) != 0)
		return r;
	return json_put_string(b, span_part(value, 0, NAME_BYTES));
}

struct span
inquiry_part(struct span *rest)
{
	const char	*tab = rest->n == 0 ? NULL : memchr(rest->p, '\t', rest->n);
	struct span	 one = span_part(*rest, 0, tab == NULL ? rest->n : (size_t)(tab - rest->p));

	*rest = span_part(*rest, one.n + (tab != NULL), rest->n);
	return one;
}

bool
inquiry_line(struct buf *all, struct buf *line, int r)
{
	if (r == 0)
		r = buf_put_str(line, "}\n");
	if (r == 0)
		r = buf_put(all, buf_rest(line));
	buf_clear(line);
	return r != E_NOMEM && all->used + LINE_BYTES <= ANSWER_BYTES;
}

/* --- calls ---------------------------------------------------------------------------------------- */

static const char *
state_of(const struct call *c)
{
	if (c->given_up != 0 || c->cancelled)
		return "ending";
	if (c->park != NULL && c->client == NULL)
		return "waits for its client";
	if (rounds_wait(c) || c->asks.open > 0)
		return "asks its client";
	if (c->answer.begun)
		return "answers";
	return c->route.running ? "at its server" : "waits";
}

static int
put_call(struct buf *b, const struct call *c)
{
	const struct request	*rq = c->rq;
	const uint64_t		 now = loop_now_ns(rq->w->loop), begun = rq->x->begun_ns;
	int			 r;

	if ((r = buf_put_fmt(b, "{\"request_id\":\"%s\",\"age_ms\":%llu,\"worker\":%u", rq->id_text,
	    (unsigned long long)(now > begun ? (now - begun) / 1000000 : 0), rq->w->slot)) != 0 ||
	    (r = inquiry_text(b, "agent", rq->who.agent)) != 0 ||
	    (r = inquiry_text(b, "tenant", rq->who.tenant)) != 0 ||
	    (r = inquiry_text(b, "server", call_server_name(c))) != 0 ||
	    (r = inquiry_text(b, "kind", span_of(call_kind(c->ask.what)->audit))) != 0 ||
	    (r = inquiry_text(b, "object", c->ask.tool)) != 0)
		return r;
	return inquiry_text(b, "state", span_of(state_of(c)));
}

static void
put_calls(struct worker *w, struct buf *all, struct buf *line)
{
	for (const struct call *c = w->running; c != NULL; c = c->run_next)
		if (!inquiry_line(all, line, put_call(line, c)))
			return;
}

static void
kill_call(struct worker *w, struct span request, struct buf *all, struct buf *line)
{
	uint64_t	id;

	if (requestid_parse(request, &id) != 0)
		return;
	for (struct call *c = w->running; c != NULL; c = c->run_next) {
		if (c->rq->id != id)
			continue;
		(void)inquiry_line(all, line, put_call(line, c));
		/* One that fails already ends as it would. */
		if (c->failed == 0 && c->given_up == 0)
			call_give_up(c, E_KILLED);
		return;
	}
}

/* --- issuers -------------------------------------------------------------------------------------- */

static int
put_fetched(struct buf *b, struct worker *w, const struct rec_keysource *source)
{
	const struct snap	*sets = swap_current(&w->snaps, SNAP_KEYSETS);
	const struct rec_keyset	*set = keysets_find(w->keysets, source->id);
	int			 r;

	if ((r = buf_put_fmt(b, ",\"id\":%llu,\"discovery\":%u", (unsigned long long)source->id,
	    source->discovery)) != 0 || (r = inquiry_text(b, "from", snap_text(w->config->policy, source->url))) != 0 ||
	    set == NULL)
		return r;
	if ((r = buf_put_fmt(b, ",\"fetched_ms\":%llu,\"tried_ms\":%llu,\"next_ms\":%llu,\"ends_ms\":%llu,"
	    "\"failures\":%u,\"unusable\":%u,\"fetched_keys\":%u", (unsigned long long)set->fetched_ms,
	    (unsigned long long)set->tried_ms, (unsigned long long)set->next_ms,
	    (unsigned long long)(set->fetched_ms == 0 ? 0 : set->fetched_ms + source->keep_ms), set->fails,
	    set->passed_over, set->verifier_count)) != 0 ||
	    (r = inquiry_text(b, "url", snap_text(sets, set->url))) != 0)
		return r;
	return inquiry_text(b, "error", snap_text(sets, set->error));
}

static int
put_issuer(struct buf *b, struct worker *w, uint64_t i)
{
	const struct snap		*policy = w->config->policy;
	const struct rec_issuer		*e = SNAP_AT(policy, ISSUER, i);
	const struct rec_keysource	*source = policy_keysource_of(policy, i);
	int				 r;

	if (e == NULL)
		return E_NOTFOUND;
	if ((r = buf_put_fmt(b, "{\"configured_keys\":%u,\"secret\":%d", e->verifier_count,
	    e->secret_algs != 0)) != 0 ||
	    (r = inquiry_text(b, "issuer", snap_text(policy, e->name))) != 0)
		return r;
	return source == NULL ? 0 : put_fetched(b, w, source);
}

static void
put_issuers(struct worker *w, struct buf *all, struct buf *line)
{
	for (uint64_t i = 0; i < snap_count(w->config->policy, SECTION_ISSUER); i++)
		if (!inquiry_line(all, line, put_issuer(line, w, i)))
			return;
}

/* --- approvals ------------------------------------------------------------------------------------ */

static int
put_approval(struct buf *line, const struct approval *a, uint64_t now_ms)
{
	static const char *const	words[] = { [APPROVAL_WAITS] = "waits", [APPROVAL_APPROVED] = "approved",
					    [APPROVAL_REJECTED] = "rejected" };
	int				r;

	if ((r = buf_put_fmt(line, "{\"digest\":\"%s\"", a->digest)) != 0 ||
	    (r = inquiry_text(line, "tenant", span_of(a->tenant))) != 0 ||
	    (r = inquiry_text(line, "agent", span_of(a->agent))) != 0 ||
	    (r = inquiry_text(line, "principal", span_of(a->principal))) != 0 ||
	    (r = inquiry_text(line, "server", span_of(a->server))) != 0 ||
	    (r = inquiry_text(line, "tool", span_of(a->tool))) != 0 ||
	    (r = buf_put_str(line, ",\"arguments\":")) != 0 ||
	    (r = json_put_string(line, span_of(a->arguments))) != 0)
		return r;
	return buf_put_fmt(line, ",\"state\":\"%s\",\"first_ms\":%llu,\"last_ms\":%llu,\"until_ms\":%llu,\"calls\":%u",
	    words[approval_state(a, now_ms)], (unsigned long long)a->first_ms, (unsigned long long)a->last_ms,
	    (unsigned long long)a->until_ms, a->calls);
}

/* digest: of this one alone; empty: all. */
static void
put_approvals(struct worker *w, struct span digest, struct buf *all, struct buf *line)
{
	const uint64_t	now_ms = loop_wall_ms(w->loop);
	bool		more = true;

	approvals_look(w);
	for (size_t i = 0; more && i < w->approvals.count; i++) {
		const struct approval	*a = w->approvals.all[i];

		if (digest.n == 0 || span_is(digest, a->digest))
			more = inquiry_line(all, line, put_approval(line, a, now_ms));
	}
}

void
inquiry_answer(struct worker *w, uint64_t ref, const struct msg_WORKER_ASK *ask)
{
	struct msg_WORKER_SAYS	says = { 0 };
	struct buf		all, line;
	int			fd = -1, r;

	buf_init(&all, ANSWER_BYTES);
	buf_init(&line, LINE_BYTES);
	switch ((enum worker_ask)ask->what) {
	case WORKER_ASK_CALLS:
		put_calls(w, &all, &line);
		break;
	case WORKER_ASK_KILL:
		kill_call(w, ask->request, &all, &line);
		break;
	case WORKER_ASK_LIMITS:
		inquiry_limits(w, ask->request, false, &all, &line);
		break;
	case WORKER_ASK_LIMIT_RESET:
		if (ask->request.n > 0)
			inquiry_limits(w, ask->request, true, &all, &line);
		break;
	case WORKER_ASK_ISSUERS:
		put_issuers(w, &all, &line);
		break;
	case WORKER_ASK_BREAKERS:
	case WORKER_ASK_BREAKER_RESET:
		inquiry_breakers(w, ask->request, ask->what == WORKER_ASK_BREAKER_RESET, &all, &line);
		break;
	case WORKER_ASK_APPROVALS:
		put_approvals(w, SPAN_NONE, &all, &line);
		break;
	case WORKER_ASK_DECIDE:
		if (approvals_decide(w, ask->request))
			put_approvals(w, span_part(ask->request, 0, APPROVAL_DIGEST), &all, &line);
		break;
	}
	says.bytes = buf_rest(&all).n;
	if ((r = fd_memfd_sealed("mcpgw-answer", buf_rest(&all), &fd)) == 0)
		r = chan_send(&w->master, MSG_TYPE_WORKER_SAYS, ref, &says, &fd, 1);
	if (r != 0)
		log_warn(NULL, "an operator's question not answered: %s", err_text(r));
	fd_close(&fd);
	buf_fini(&line);
	buf_fini(&all);
}
