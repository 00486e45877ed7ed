/* SPDX-License-Identifier: Apache-2.0
 *
 * challenge.c - what somebody is told who has to come back with another credential (RFC 6750 3, mcp-wire 15.2)
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the policy for scopes and URLs; nothing of the request stands in what is said but a path that was looked at.
 */
#include "lib/log.h"
#include "policy/scopes.h"
#include "worker/front/challenge.h"
#include "worker/front/refusals.h"
#include "worker/front/reply.h"
#include "worker/front/wellknown.h"

#define CHALLENGE_MAX	4096
#define SCOPES_MAX	2048	/* of the list of scopes: more are found in the metadata */

struct challenge {
	const char	*error;		/* NULL: nothing was shown, so nothing is wrong */
	const char	*description;	/* NULL: none */
	struct span	 scope;		/* what to ask for; empty: nothing is said of it */
};

/* A quoted-string (RFC 9110 5.6.4), of ASCII alone. */
static int
put_param(struct buf *to, const char *name, struct span value)
{
	int	r = buf_put_fmt(to, ", %s=\"", name);

	for (size_t i = 0; r == 0 && i < value.n; i++) {
		const char	c = value.p[i];

		if (c == '"' || c == '\\')
			r = buf_put_u8(to, '\\');
		if (r == 0)
			r = buf_put_u8(to, (uint8_t)(c < ' ' || c > '~' ? '?' : c));
	}
	return r == 0 ? buf_put_u8(to, '"') : r;
}

/* The scopes that clients are told of, with blanks between; empty: there are none, or too many for a header. */
static struct span
advertised(struct request *rq)
{
	uint64_t	at = 0;
	struct span	name, all = SPAN_NONE;
	struct buf	b;

	buf_init(&b, SCOPES_MAX);
	while ((name = scope_next_advertised(rq->config->policy, rq->who.tenant, &at)).n > 0)
		if (buf_put_fmt(&b, "%s%.*s", b.used > 0 ? " " : "", SPAN_FMT(name)) != 0) {
			buf_clear(&b);
			break;
		}
	if (b.used > 0)
		all = arena_dup(&rq->x->arena, buf_rest(&b));
	buf_fini(&b);
	return all;
}

/* In the arena; empty without memory. */
static struct span
challenge_write(struct request *rq, const struct challenge *c)
{
	const struct span	metadata = wellknown_url(rq);
	struct span		text = SPAN_NONE;
	struct buf		b;
	int			r;

	buf_init(&b, CHALLENGE_MAX);
	r = buf_put_str(&b, "Bearer realm=\"mcpgw\"");
	if (r == 0 && c->error != NULL)
		r = put_param(&b, "error", span_of(c->error));
	if (r == 0 && c->description != NULL)
		r = put_param(&b, "error_description", span_of(c->description));
	if (r == 0 && metadata.n > 0)
		r = put_param(&b, "resource_metadata", metadata);
	if (r == 0 && c->scope.n > 0)
		r = put_param(&b, "scope", c->scope);
	if (r == 0)
		text = arena_dup(&rq->x->arena, buf_rest(&b));
	buf_fini(&b);
	return text;
}

static struct challenge
challenge_for(struct request *rq, int e, const struct auth_refusal *refusal)
{
	struct challenge	c = { .error = NULL };

	if (e == E_HTTP_CREDENTIALS) {
		c.error = "invalid_request";
		c.description = refusal->why;
		return c;
	}
	/* Asking for a token helps where there are issuers; a key has no scopes to ask for. */
	if (rq->config->issuers != NULL)
		c.scope = advertised(rq);
	if (http_head_count(&rq->x->head, HTTP_AUTHORIZATION) > 0 && !refusal->foreign) {
		c.error = "invalid_token";
		c.description = refusal->told;
	}
	return c;
}

void
challenge_refuse(struct request *rq, int e, const struct auth_refusal *refusal)
{
	struct exchange_field	f = { .name = SPAN_NONE };
	struct challenge	c;

	metric_add(&rq->w->metrics, METRIC_requests_unauthenticated_total, 1);
	log_warn_repeat(NULL, "%s: no answer on %.*s: %s%s%s", rq->id_text,
	    SPAN_FMT(span_part(http_head_path(&rq->x->head), 0, 100)), err_text(e),
	    refusal->why == NULL ? "" : refusal->certificate ? ": of the certificate: " : ": ",
	    refusal->why == NULL ? "" : refusal->why);
	refusals_note(rq, e, refusal);
	if (e == E_HTTP_CREDENTIAL || e == E_HTTP_CREDENTIALS) {
		c = challenge_for(rq, e, refusal);
		f = (struct exchange_field){ SPAN_LIT("WWW-Authenticate"), challenge_write(rq, &c) };
	} else if (err_row(e)->http_status == 503) {
		f = (struct exchange_field){ SPAN_LIT("Retry-After"),
		    e == E_ISSUER_KEYS ? SPAN_LIT("5") : SPAN_LIT("1") };
	}
	/* Nothing of a malformed credential is told behind its header. */
	reply_refuse_with(rq, e == E_AGENT ? E_DENIED : e, refusal->told, f.name.n > 0 ? &f : NULL);
}

void
challenge_scope(struct request *rq, const struct object *what)
{
	const struct challenge	c = { .error = "insufficient_scope",
		.scope = scope_wanted(rq->config->policy, rq->who.tenant, what) };
	const struct exchange_field field = { SPAN_LIT("WWW-Authenticate"), challenge_write(rq, &c) };

	reply_error_with(rq, E_SCOPE, c.scope, SPAN_NONE, &field);
}
