/* SPDX-License-Identifier: Apache-2.0
 *
 * approvals.c - calls that somebody has to approve first
 *
 * Process: worker.
 * Owns:    at most so many of them; what is more puts out the oldest, of the same agent first.
 * Trusts:  nothing in a call; the master for what an operator said.  Whatever goes wrong, the call does not pass.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypt.h"
#include "lib/fold.h"
#include "lib/log.h"
#include "lib/num.h"
#include "mcp/canon.h"
#include "mcp/suspect.h"
#include "worker/cache/cachekey.h"
#include "worker/call/admit.h"
#include "worker/call/approvals.h"

#define APPROVALS_MAX	256
#define TENANT_MAX	128		/* of one tenant that wait */
#define AGENT_MAX	32		/* of one agent */
#define KEEP_MS		(UINT64_C(24) * 3600 * 1000)	/* a call that waits, since it was made last */
#define ONCE_NS		(UINT64_C(4) * 24 * 3600 * 1000000000)	/* longer than any approval lasts */
#define ROOM_MORE	4096		/* beside the arguments */
#define BLANKS_MAX	8		/* in a row; more push what follows out of sight */
#define TEXT_OF(n)	#n
#define TEXT(n)		TEXT_OF(n)

/* ---- what is shown of it -------------------------------------------------------------------------- */

/* Is it seen, as what it is?  Blanks of other widths are not. */
static bool
is_seen(uint32_t code)
{
	return code >= 0x20 && !suspect_hides(code) && code != 0xa0 && code != 0xad && code != 0x1680 &&
	    !(code >= 0x2000 && code <= 0x200a) && code != 0x202f && code != 0x205f && code != 0x2800 &&
	    code != 0x3000 && !(code >= 0xfe00 && code <= 0xfe0f);
}

/* As JSON writes it, which in a JSON text means the same. */
static int
put_escape(struct buf *to, uint32_t code)
{
	if (code < 0x10000)
		return buf_put_fmt(to, "\\u%04x", code);
	code -= 0x10000;
	return buf_put_fmt(to, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

/* A text in which nothing hides; of JSON, proven, without the blanks between values.  0, E_TOOBIG, E_NOMEM. */
static int
put_shown(struct buf *to, struct span text, bool is_json)
{
	bool		in_string = false, escaped = false;
	size_t		bytes, blanks = 0;
	uint32_t	code;
	int		r = 0;

	for (size_t at = 0; r == 0 && at < text.n; at += bytes) {
		bytes = fold_next(span_part(text, at, text.n), &code);
		if (is_json && !in_string && (code == ' ' || code == '\t' || code == '\n' || code == '\r'))
			continue;
		if (code == '"' && !escaped)
			in_string = !in_string;
		escaped = code == '\\' && !escaped;
		blanks = code == ' ' ? blanks + 1 : 0;
		if (!is_seen(code) || blanks > BLANKS_MAX)
			r = put_escape(to, code);
		else
			r = buf_put(to, span_part(text, at, bytes));
	}
	return r;
}

/* False: there is no room for all of it, or no memory. */
static bool
keep(char *to, size_t room, struct span from, bool is_json)
{
	struct buf	b;
	int		r;

	buf_init(&b, room - 1);
	if ((r = put_shown(&b, from, is_json)) == 0)
		snprintf(to, room, "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	return r == 0;
}

/* Its arguments, and beside them what else of the client's the server would get. */
static bool
keep_arguments(struct approval *a, const struct call_ask *ask)
{
	char		*to = a->arguments;
	size_t		 room = sizeof(a->arguments), n = 0;
	struct buf	 more;
	bool		 kept;

	buf_init(&more, ROOM_MORE + APPROVAL_SHOWN);
	kept = cachekey_put_passing(&more, ask->from) == 0;
	if (kept && ask->arguments.raw.n > 0) {
		kept = keep(to, room, ask->arguments.raw, true);
		n = strlen(to);
	}
	if (kept && more.used > strlen("{}")) {
		n += (size_t)snprintf(to + n, room - n, "%sbeside them: ", n > 0 ? ", " : "");
		kept = n < room && keep(to + n, room - n, buf_rest(&more), true);
	}
	buf_fini(&more);
	return kept;
}

/* What an operator is shown of it, whole; false: it cannot be, so nobody can approve it. */
static bool
keep_all(struct approval *a, const struct request *rq, const struct call_ask *ask)
{
	return keep(a->tenant, sizeof(a->tenant), rq->who.tenant, false) &&
	    keep(a->agent, sizeof(a->agent), rq->who.agent, false) &&
	    keep(a->principal, sizeof(a->principal), rq->who.subject, false) &&
	    keep(a->server, sizeof(a->server), snap_text(rq->config->policy, ask->server->name), false) &&
	    keep(a->tool, sizeof(a->tool), ask->tool, false) &&
	    keep_arguments(a, ask);
}

/* ---- which call it is ----------------------------------------------------------------------------- */

static int
put_part(struct buf *b, struct span part)
{
	int	r = buf_put(b, part);

	return r != 0 ? r : buf_put(b, span_make("", 1));
}

/* 0; an error: nobody can say which call it is. */
static int
digest_make(const struct request *rq, const struct call_ask *ask, struct crypt_digest *to)
{
	/* Known to no client: else it would look for two calls with one id, and have the harmless one approved. */
	const uint64_t		secret[] = { limit_key(&rq->w->limits, SPAN_LIT("approvals, one half")),
				    limit_key(&rq->w->limits, SPAN_LIT("approvals, the other")) };
	const struct span	parts[] = { span_make(secret, sizeof(secret)), span_of(call_kind(ask->what)->audit),
				    rq->who.tenant, rq->who.agent, span_of(decide_how(rq->who.how)), rq->who.subject,
				    snap_text(rq->config->policy, ask->server->name), ask->tool };
	struct json_value	v;
	struct buf		b;
	int			r = 0;

	/* Numbers may grow by an exponent. */
	buf_init(&b, 4 * ask->arguments.raw.n + ROOM_MORE);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = put_part(&b, parts[i]);
	/* A member twice is one thing for us and another for the server. */
	if (r == 0 && ask->arguments.type != JSON_NONE &&
	    (r = json_parse(ask->arguments.raw, true, &v, NULL)) == 0)
		r = canon_put(&b, v, NULL);
	if (r == 0)
		r = cachekey_put_passing(&b, ask->from);
	if (r == 0)
		r = crypt_sha256(buf_rest(&b), to);
	buf_fini(&b);
	return r;
}

/* ---- those that are known ------------------------------------------------------------------------- */

static struct approval **
find(struct worker *w, struct span digest)
{
	for (size_t i = 0; i < w->approvals.count; i++)
		if (span_is(digest, w->approvals.all[i]->digest))
			return &w->approvals.all[i];
	return NULL;
}

static void
forget(struct worker *w, struct approval **at)
{
	free(*at);
	*at = w->approvals.all[--w->approvals.count];
}

enum approval_said
approval_state(const struct approval *a, uint64_t now_ms)
{
	return a->until_ms > now_ms ? a->said : APPROVAL_WAITS;
}

/* The oldest that waits, of this agent, of this tenant, or, where these are not said, of any; NULL: none does. */
static struct approval **
oldest(struct worker *w, struct span tenant, struct span agent, unsigned *count)
{
	const uint64_t	  now_ms = loop_wall_ms(w->loop);
	struct approval	**best = NULL;

	*count = 0;
	for (size_t i = 0; i < w->approvals.count; i++) {
		struct approval	*a = w->approvals.all[i];

		if (approval_state(a, now_ms) != APPROVAL_WAITS || (agent.p != NULL && !span_is(agent, a->agent)) ||
		    (tenant.p != NULL && !span_is(tenant, a->tenant)))
			continue;
		++*count;
		if (best == NULL || a->last_ms < (*best)->last_ms)
			best = &w->approvals.all[i];
	}
	return best;
}

/* A new one, zeroed but for its digest; NULL: there is no room. */
static struct approval *
add(struct worker *w, const struct principal *who, const char *digest)
{
	struct approval	 **all = w->approvals.all, **victim, *a;
	unsigned	   count;

	if (all == NULL && (all = w->approvals.all = calloc(APPROVALS_MAX, sizeof(*all))) == NULL)
		return NULL;
	if (who != NULL && (victim = oldest(w, who->tenant, who->agent, &count)) != NULL && count >= AGENT_MAX)
		forget(w, victim);
	if (who != NULL && (victim = oldest(w, who->tenant, SPAN_NONE, &count)) != NULL && count >= TENANT_MAX)
		forget(w, victim);
	if (w->approvals.count == APPROVALS_MAX) {
		if ((victim = oldest(w, SPAN_NONE, SPAN_NONE, &count)) == NULL)
			return NULL;
		forget(w, victim);
	}
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	snprintf(a->digest, sizeof(a->digest), "%s", digest);
	return all[w->approvals.count++] = a;
}

/* ---- once ------------------------------------------------------------------------------------------ */

static uint64_t
token_key(const struct worker *w, const struct approval *a)
{
	char	text[sizeof(a->digest) + 48];
	int	n = snprintf(text, sizeof(text), "approval %s %llu", a->digest, (unsigned long long)a->serial);

	return limit_key(&w->limits, span_make(text, (size_t)n));
}

static bool
is_used(const struct worker *w, const struct approval *a)
{
	return a->said == APPROVAL_APPROVED &&
	    limit_left(&w->limits, token_key(w, a), ONCE_NS, 1, loop_now_ns(w->loop)) == 0;
}

void
approvals_look(struct worker *w)
{
	const uint64_t	now_ms = loop_wall_ms(w->loop);

	for (size_t i = 0; i < w->approvals.count;) {
		struct approval	*a = w->approvals.all[i];
		const uint64_t	 until_ms = a->until_ms > a->last_ms + KEEP_MS ? a->until_ms : a->last_ms + KEEP_MS;

		/* Who was told of it by an operator alone has no call of it, and waits for none. */
		if (is_used(w, a) || until_ms < now_ms || (a->calls == 0 && a->until_ms <= now_ms))
			forget(w, &w->approvals.all[i]);
		else
			i++;
	}
}

/* ---- a call ---------------------------------------------------------------------------------------- */

bool
approvals_may_want(const struct call_ask *ask)
{
	return ask->what == CALL_TOOL || ask->what == CALL_PROMPT || ask->what == CALL_RESOURCE;
}

/* False: it is not one that can be shown. */
static bool
note(struct approval *a, const struct request *rq, const struct call_ask *ask)
{
	const uint64_t	now_ms = loop_wall_ms(rq->w->loop);

	if (a->calls == 0 && !keep_all(a, rq, ask))
		return false;
	if (a->calls++ == 0)
		a->first_ms = now_ms;
	a->last_ms = now_ms;
	return true;
}

/* Another round of a call that was approved, which this state was given out for: it passes once, too. */
static bool
is_next_round(struct request *rq, const struct crypt_digest *digest)
{
	const struct approved	*was = &rq->retry.approved;
	char			 text[64];
	uint64_t		 retry_ns;
	int			 n;

	if (!was->given || !crypt_equal(was->digest.bytes, digest->bytes, sizeof(digest->bytes)))
		return false;
	n = snprintf(text, sizeof(text), "approval round %llu", (unsigned long long)was->round);
	return limit_take(&rq->w->limits, limit_key(&rq->w->limits, span_make(text, (size_t)n)), ONCE_NS, 1,
	    loop_now_ns(rq->w->loop), &retry_ns) == LIMIT_OK;
}

/* Is it approved, and the first to use that? */
static bool
is_approved(struct worker *w, const struct approval *a)
{
	uint64_t	retry_ns;

	return a != NULL && approval_state(a, loop_wall_ms(w->loop)) == APPROVAL_APPROVED && limit_take(&w->limits,
	    token_key(w, a), ONCE_NS, 1, loop_now_ns(w->loop), &retry_ns) == LIMIT_OK;
}

bool
approvals_pass(struct request *rq, const struct call_ask *ask, struct approval_answer *out)
{
	const struct span	server = snap_text(rq->config->policy, ask->server->name);
	struct worker		*w = rq->w;
	struct crypt_digest	 bytes;
	struct approval	       **at, *a;
	char			 digest[APPROVAL_DIGEST + 1];
	bool			 is_round;

	*out = (struct approval_answer){ .error = E_APPROVAL,
	    .why = "its arguments have a member twice, or are too long, so nobody can" };
	if (digest_make(rq, ask, &bytes) != 0)
		return false;
	num_hex(bytes.bytes, sizeof(bytes.bytes), digest);
	snprintf(out->id, sizeof(out->id), "a-%.16s", digest);
	approvals_look(w);
	a = (at = find(w, span_of(digest))) == NULL ? NULL : *at;
	if (a != NULL && approval_state(a, loop_wall_ms(w->loop)) == APPROVAL_REJECTED) {
		(void)note(a, rq, ask);
		out->error = E_REJECTED;
		out->why = "";
		return false;
	}
	if ((is_round = is_next_round(rq, &bytes)) || is_approved(w, a)) {
		log_notice(NULL, "approval %s: agent %.*s calls %.*s.%.*s, %s", out->id, SPAN_FMT(rq->who.agent),
		    SPAN_FMT(server), SPAN_FMT(ask->tool), rq->id_text);
		if (!is_round)
			forget(w, at);
		rq->approved = (struct approved){ .given = true, .digest = bytes };
		return true;
	}
	if (a == NULL && (a = add(w, &rq->who, digest)) == NULL) {
		out->why = "too many calls wait for that; call again later";
		out->id[0] = '\0';
		return false;
	}
	if (!note(a, rq, ask)) {
		forget(w, find(w, span_of(digest)));
		out->why = "its arguments have more than the " TEXT(APPROVAL_SHOWN) " bytes that can be shown, or its "
		    "name is too long, so nobody can";
		out->id[0] = '\0';
		return false;
	}
	out->why = "call again once it is approved";
	log_warn_repeat(NULL, "approval %s: agent %.*s waits to call %.*s.%.*s: mcpgwctl approval list", out->id,
	    SPAN_FMT(rq->who.agent), SPAN_FMT(server), SPAN_FMT(ask->tool));
	return false;
}

/* ---- an operator ----------------------------------------------------------------------------------- */

/* Up to the next blank, which goes too. */
static struct span
word_take(struct span *rest)
{
	const char	*blank = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
	struct span	 one = span_part(*rest, 0, blank == NULL ? rest->n : (size_t)(blank - rest->p));

	*rest = span_part(*rest, one.n + 1, rest->n);
	return one;
}

bool
approvals_decide(struct worker *w, struct span text)
{
	const struct span	digest = word_take(&text);
	char			own[APPROVAL_DIGEST + 1];
	uint64_t		said, until_ms, serial;
	struct approval	      **at, *a;
	const bool		was = (at = find(w, digest)) != NULL;

	if (digest.n != APPROVAL_DIGEST || num_u64(word_take(&text), &said) != 0 ||
	    num_u64(word_take(&text), &until_ms) != 0 || num_u64(word_take(&text), &serial) != 0 ||
	    (said != APPROVAL_APPROVED && said != APPROVAL_REJECTED))
		return false;
	snprintf(own, sizeof(own), "%.*s", SPAN_FMT(digest));
	if ((a = was ? *at : add(w, NULL, own)) == NULL)
		return false;
	a->said = (enum approval_said)said;
	a->until_ms = until_ms;
	a->serial = serial;
	return was;
}
