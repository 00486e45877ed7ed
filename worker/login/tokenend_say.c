/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenend_say.c - /token: what clients are answered (RFC 6749 5.1, 5.2), and how often they may ask
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing of the request stands in an answer.
 */
#include <sys/socket.h>

#include "http/write.h"
#include "lib/log.h"
#include "worker/call/record.h"
#include "worker/front/cors.h"
#include "worker/front/refusals.h"
#include "worker/limits/limits.h"
#include "worker/login/tokenend_priv.h"

#define ANSWER_MAX	(32 * 1024)
#define REFUSED_BURST	20		/* of a client, at once; then one a second */
#define ASKED_BURST	20		/* of a credential or a session */
#define SECOND_NS	UINT64_C(1000000000)

static const struct {
	const char	*word;
	unsigned	 status;
} errors[] = {
	[TOKEN_INVALID_REQUEST] = { "invalid_request", 400 }, [TOKEN_INVALID_CLIENT] = { "invalid_client", 401 },
	[TOKEN_INVALID_GRANT] = { "invalid_grant", 400 }, [TOKEN_UNAUTHORIZED] = { "unauthorized_client", 400 },
	[TOKEN_UNSUPPORTED] = { "unsupported_grant_type", 400 }, [TOKEN_INVALID_SCOPE] = { "invalid_scope", 400 },
	[TOKEN_INVALID_TARGET] = { "invalid_target", 400 },	/* RFC 8707 2 */
	[TOKEN_NO_LOGIN] = { "unsupported_response_type", 400 },	/* RFC 6749 4.1.2.1 */
	[TOKEN_SLOW_DOWN] = { "slow_down", 429 }, [TOKEN_UNAVAILABLE] = { "temporarily_unavailable", 503 },
};

/* --- how often ------------------------------------------------------------------------------------ */

/* E_NOMEM. */
static int
client_key(struct request *rq, uint64_t *key)
{
	const struct span	words[] = { SPAN_LIT("token refused"), limits_address(&rq->x->peer) };
	const struct span	text = limits_words(&rq->x->arena, words, 2);

	if (text.p == NULL)
		return E_NOMEM;
	*key = limit_key(&rq->w->limits, text);
	return 0;
}

bool
tokenend_is_slowed(struct request *rq)
{
	uint64_t	key;

	return client_key(rq, &key) != 0 ||
	    limit_left(&rq->w->limits, key, SECOND_NS, REFUSED_BURST, loop_now_ns(rq->w->loop)) == 0;
}

static void
note_refused(struct request *rq)
{
	uint64_t	key, after;

	if (client_key(rq, &key) == 0)
		(void)!limit_take(&rq->w->limits, key, SECOND_NS, REFUSED_BURST, loop_now_ns(rq->w->loop), &after);
}

bool
tokenend_take(struct request *rq, struct span of)
{
	const struct span	words[] = { SPAN_LIT("token"), of }, text = limits_words(&rq->x->arena, words, 2);
	uint64_t		after;

	return text.p != NULL && limit_take(&rq->w->limits, limit_key(&rq->w->limits, text), SECOND_NS, ASKED_BURST,
	    loop_now_ns(rq->w->loop), &after) == LIMIT_OK;
}

/* --- answers -------------------------------------------------------------------------------------- */

static void
answer(struct request *rq, unsigned status, const struct exchange_field *extra, int r, const struct buf *body)
{
	struct exchange_field	f[4 + CORS_FIELDS];
	size_t			n = 0;

	f[n++] = (struct exchange_field){ SPAN_LIT("Content-Type"), SPAN_LIT("application/json") };
	f[n++] = (struct exchange_field){ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") };
	f[n++] = (struct exchange_field){ SPAN_LIT("Pragma"), SPAN_LIT("no-cache") };
	if (extra != NULL)
		f[n++] = *extra;
	n += cors_fields(rq, f + n);
	if (r != 0)
		exchange_refuse(rq->x, E_NOMEM, NULL, 0);
	else
		exchange_reply(rq->x, status, f, n, buf_rest(body));
	request_done(rq);
}

void
tokenend_refuse(struct request *rq, enum token_error e, const char *why)
{
	struct exchange_field	extra = { .name = SPAN_NONE };
	struct buf		b;
	int			r;

	metric_add(&rq->w->metrics, METRIC_requests_unauthenticated_total, e == TOKEN_INVALID_CLIENT);
	log_warn_repeat(NULL, "%s: no session token: %s: %s", rq->id_text, errors[e].word, why);
	if (e == TOKEN_INVALID_CLIENT || e == TOKEN_INVALID_GRANT) {
		note_refused(rq);
		refusals_note(rq, E_HTTP_CREDENTIAL, &(struct auth_refusal){ .why = why });
	}
	if (e == TOKEN_INVALID_CLIENT)
		extra = (struct exchange_field){ SPAN_LIT("WWW-Authenticate"), SPAN_LIT("Basic realm=\"mcpgw\"") };
	else if (errors[e].status == 429 || errors[e].status == 503)
		extra = (struct exchange_field){ SPAN_LIT("Retry-After"), SPAN_LIT("1") };
	buf_init(&b, ANSWER_MAX);
	if ((r = buf_put_fmt(&b, "{\"error\":\"%s\",\"error_description\":", errors[e].word)) == 0 &&
	    (r = json_put_string(&b, span_of(why))) == 0)
		r = buf_put_fmt(&b, ",\"request_id\":\"%s\"}", rq->id_text);
	answer(rq, errors[e].status, extra.name.n > 0 ? &extra : NULL, r, &b);
	buf_fini(&b);
}

void
tokenend_give(struct request *rq, const struct msg_SESSION_IS *m)
{
	const struct record_what	what = { .kind = "session", .name = m->id };
	const uint64_t			now = loop_wall_ms(rq->w->loop);
	struct buf			b;
	int				r;

	if (record_once(rq, &what, AUDIT_OUTCOME_OK, 0) != 0) {
		tokenend_refuse(rq, TOKEN_UNAVAILABLE, "the audit record cannot be kept");
		return;
	}
	buf_init(&b, ANSWER_MAX);
	/* Tokens hold nothing that JSON would escape. */
	if ((r = buf_put_fmt(&b, "{\"access_token\":\"%.*s\",\"token_type\":\"Bearer\",\"expires_in\":%llu,"
	    "\"refresh_token\":\"%.*s\"", SPAN_FMT(m->token),
	    (unsigned long long)(m->ends_ms > now ? (m->ends_ms - now) / 1000 : 0), SPAN_FMT(m->refresh))) == 0 &&
	    (m->flags & SESSION_SCOPED) != 0 && (r = buf_put_str(&b, ",\"scope\":")) == 0)
		r = json_put_string(&b, m->scope);
	if (r == 0)
		r = buf_put_str(&b, "}");
	answer(rq, 200, NULL, r, &b);
	if (b.data != NULL)
		crypt_wipe(b.data, b.room);
	buf_fini(&b);
}
