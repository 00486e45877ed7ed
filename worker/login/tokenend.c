/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenend.c - /token: who asks, for what, and what the store is asked then
 *
 * Process: worker.
 * Owns:    the list of requests that wait for the store; each has a timer.
 * Trusts:  a credential as auth/identify.c does; a refresh token is the store's to look at.
 */
#include "auth/own.h"
#include "lib/b64.h"
#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/form.h"
#include "lib/nameset.h"
#include "lib/num.h"
#include "worker/front/reply.h"
#include "worker/login/tokenend_priv.h"

#define TOKENEND_MAGIC	0x70ce9e4du
#define FORM_MAX	(32 * 1024)
#define SECRET_MAX	(16 * 1024)
#define CLAIMS_MAX	8192
#define WAIT_MS		10000
#define AGAIN_MS	100		/* until this worker knows what the token is signed with */
#define AGAIN_MAX	10
#define KEY_PREFIX	"mgk_"
#define KEY_PUBLIC_CHARS 12		/* "mgk_7f3a0c12" */
#define KEY_CHARS_MIN	(KEY_PUBLIC_CHARS + 20)

struct tokenend {			/* in its exchange's arena */
	uint32_t		 magic;
	struct tokenend		*next, **back;
	struct request		*rq;
	uint64_t		 number;
	bool			 refreshes;
	unsigned		 tries;
	struct msg_SESSION_IS	 made;		/* once it is; texts in the arena */
	struct loop_timer	 timer;
};

/* What the client said. */
struct asked {
	struct span	client_id, secret, scope, refresh, resource;
	struct span	shown;		/* the credential; empty: what the connection shows */
};

static void	on_timer(struct loop_timer *t, void *arg);

/* --- waiting -------------------------------------------------------------------------------------- */

static void
leave(struct tokenend *e)
{
	struct worker	*w = e->rq->w;

	MAGIC_CHECK(e, TOKENEND_MAGIC);
	loop_timer_disarm(&e->timer);
	if ((*e->back = e->next) != NULL)
		e->next->back = e->back;
	w->tokenends.count--;
	e->rq->on_gone = NULL;
	e->rq->job = NULL;
	e->magic = 0;
}

static void
on_gone(struct request *rq)
{
	leave(rq->job);
	request_done(rq);
}

static void
refuse_waiting(struct tokenend *e, enum token_error error, const char *why)
{
	struct request	*rq = e->rq;

	leave(e);
	tokenend_refuse(rq, error, why);
}

static void
ask_store(struct request *rq, struct msg_SESSION *m, bool refreshes)
{
	struct worker	*w = rq->w;
	struct tokenend	*e;

	if (rq->gone) {
		request_done(rq);
		return;
	}
	if (w->tokenends.count >= TOKENEND_WAITING_MAX || (e = arena_calloc(&rq->x->arena, sizeof(*e))) == NULL) {
		tokenend_refuse(rq, TOKEN_UNAVAILABLE, "too many ask for one now");
		return;
	}
	*e = (struct tokenend){ .magic = TOKENEND_MAGIC, .rq = rq, .refreshes = refreshes,
	    .number = ++w->tokenends.number };
	e->back = &w->tokenends.first;
	if ((e->next = w->tokenends.first) != NULL)
		e->next->back = &e->next;
	w->tokenends.first = e;
	w->tokenends.count++;
	rq->job = e;
	rq->on_gone = on_gone;
	loop_timer_init(w->loop, &e->timer, on_timer, e);
	loop_timer_arm(&e->timer, WAIT_MS);
	if (chan_send(&w->master, MSG_TYPE_SESSION, e->number, m, NULL, 0) != 0)
		refuse_waiting(e, TOKEN_INVALID_REQUEST, "too long");
}

/* --- who ------------------------------------------------------------------------------------------ */

static void
wipe(struct span s)
{
	if (s.n > 0)
		crypt_wipe((void *)(uintptr_t)s.p, s.n);
}

/* RFC 6749 2.3.1: both halves are encoded as in a form. */
static const char *
read_basic(struct request *rq, struct span value, struct asked *q)
{
	struct arena	*a = &rq->x->arena;
	uint8_t		*text;
	const char	*colon;
	size_t		 n;

	value = span_trim(value);
	if (value.n > SECRET_MAX || (text = arena_alloc(a, value.n + 1)) == NULL ||
	    b64_decode(value, text, value.n, &n) != 0 || (colon = memchr(text, ':', n)) == NULL ||
	    form_decode(span_make(text, (size_t)(colon - (const char *)text)), a, &q->client_id) != 0 ||
	    form_decode(span_make(colon + 1, n - (size_t)(colon + 1 - (const char *)text)), a, &q->secret) != 0)
		return "the Authorization header is no Basic one";
	return NULL;
}

static bool
is_key(struct span s)
{
	return s.n >= KEY_CHARS_MIN && span_starts(s, SPAN_LIT(KEY_PREFIX)) && memchr(s.p, '.', s.n) == NULL;
}

/* Of what was sent the one credential; an error, or NULL. */
static const char *
take_credential(struct request *rq, struct asked *q)
{
	const struct span	 basic = SPAN_LIT("basic "), bearer = SPAN_LIT("bearer ");
	const struct span	 header = http_head_get(&rq->x->head, HTTP_AUTHORIZATION);
	const char		*why;

	if (http_head_count(&rq->x->head, HTTP_AUTHORIZATION) > 1 || (header.p != NULL && q->secret.n > 0))
		return "there is more than one credential";
	if (header.p != NULL && span_eq_nocase(span_part(header, 0, basic.n), basic)) {
		if ((why = read_basic(rq, span_part(header, basic.n, header.n), q)) != NULL)
			return why;
	} else if (header.p != NULL && span_eq_nocase(span_part(header, 0, bearer.n), bearer)) {
		q->shown = span_trim(span_part(header, bearer.n, header.n));
		return NULL;
	} else if (header.p != NULL) {
		return "the Authorization header is of another scheme than Basic and Bearer";
	}
	/* A key needs no name beside it. */
	q->shown = q->secret.n > 0 || !is_key(q->client_id) ? q->secret : q->client_id;
	return NULL;
}

/* 0, or what tokenend_refuse() takes, as an error. */
static bool
identify(struct request *rq, const struct asked *q, struct principal *who, enum token_error *e, const char **why)
{
	struct auth_refusal	refusal;
	struct span		as = SPAN_NONE;
	int			r;

	*e = TOKEN_INVALID_CLIENT;
	if (own_claims_to_be(q->shown)) {
		*e = TOKEN_UNAUTHORIZED;
		return *why = "a token of this gateway gives no other; use its refresh token", false;
	}
	if (q->shown.n > 0 && (as = arena_fmt(&rq->x->arena, "Bearer %.*s", SPAN_FMT(q->shown))).p == NULL) {
		*e = TOKEN_UNAVAILABLE;
		return *why = "out of memory", false;
	}
	r = request_identify_as(rq, as, who, &refusal);
	wipe(as);
	*why = refusal.why != NULL ? refusal.why : "there is no credential";
	if (r == E_ISSUER_KEYS || r == E_NOMEM || r == E_INTERNAL)
		*e = TOKEN_UNAVAILABLE;
	if (r != 0)
		return false;
	if (who->how == HOW_ANONYMOUS)
		return *why = "there is no credential", false;
	if (who->how == HOW_KEY && q->client_id.n > 0 && !span_eq(q->client_id, q->shown) &&
	    !span_eq(q->client_id, who->subject) && !span_eq(q->client_id, span_part(q->shown, 0, KEY_PUBLIC_CHARS)))
		return *why = "client_id is not the key's name", false;
	return true;
}

/* --- for a credential ----------------------------------------------------------------------------- */

/* RFC 6749 3.3: words of printable characters. */
static bool
is_scope(struct span scope, struct span within, bool bounded)
{
	while (scope.n > 0) {
		const char	*blank = memchr(scope.p, ' ', scope.n);
		const size_t	 n = blank == NULL ? scope.n : (size_t)(blank - scope.p);

		for (size_t i = 0; i < n; i++)
			if (scope.p[i] <= ' ' || scope.p[i] > '~' || scope.p[i] == '"' || scope.p[i] == '\\')
				return false;
		if (bounded && n > 0 && !nameset_has(within, span_part(scope, 0, n)))
			return false;
		scope = span_part(scope, n + (blank != NULL), scope.n);
	}
	return true;
}

static void
send_begin(struct request *rq, const struct asked *q, const struct principal *who, struct msg_SESSION *m)
{
	struct crypt_digest	digest;
	struct buf		claims, scope;
	char			hex[2 * CRYPT_SHA256_BYTES + 1] = "";
	int			r = 0;

	buf_init(&claims, CLAIMS_MAX);
	buf_init(&scope, CLAIMS_MAX);
	if (who->how == HOW_KEY && (r = crypt_sha256(q->shown, &digest)) == 0) {
		num_hex(digest.bytes, sizeof(digest.bytes), hex);
		m->key = span_make(digest.bytes, sizeof(digest.bytes));
	}
	if (r == 0 && (r = tokenend_put_claims(&claims, rq, who, q->shown, span_of(hex))) == 0)
		r = q->scope.n > 0 ? buf_put(&scope, q->scope) : tokenend_put_words(&scope, who->traits.scopes);
	m->claims = buf_rest(&claims);
	m->scope = buf_rest(&scope);
	if (r != 0)
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, "what is known of the client is too long for a token");
	else
		ask_store(rq, m, false);
	buf_fini(&claims);
	buf_fini(&scope);
}

static void
begin_session(struct request *rq, const struct asked *q)
{
	const struct params	*p = &rq->config->params;
	const uint64_t		 now = loop_wall_ms(rq->w->loop);
	struct principal	 who;
	struct msg_SESSION	 m = { .for_ms = p->token_time, .ends_ms = now + p->token_refresh_time };
	enum token_error	 e;
	const char		*why;

	if (!identify(rq, q, &who, &e, &why)) {
		tokenend_refuse(rq, e, why);
		return;
	}
	rq->who = who;
	if (who.ends_ms != 0 && who.ends_ms < m.ends_ms)
		m.ends_ms = who.ends_ms;
	if (!is_scope(q->scope, who.traits.scopes, who.traits.scoped))
		tokenend_refuse(rq, TOKEN_INVALID_SCOPE, "the credential has no such scope");
	else if (m.ends_ms < now + 2000)
		tokenend_refuse(rq, TOKEN_INVALID_CLIENT, "the credential ends at once");
	else if (!tokenend_take(rq, span_make(&who.hash, sizeof(who.hash))))
		tokenend_refuse(rq, TOKEN_SLOW_DOWN, "too many were asked for with this credential");
	else {
		m.who = who.hash;
		m.tenant = who.tenant;
		m.agent = who.agent;
		m.flags = (who.traits.scoped || q->scope.n > 0 ? SESSION_SCOPED : 0) |
		    (who.traits.scoped ? 0 : SESSION_CHOSEN) |
		    (who.how == HOW_CERT || who.how == HOW_PEER ? SESSION_BOUND : 0);
		send_begin(rq, q, &who, &m);
	}
}

/* --- for a refresh token -------------------------------------------------------------------------- */

/* A client that says who it is must be the session's; a certificate or a local user is asked for where the session
 * began with one. */
static void
refresh_session(struct request *rq, const struct asked *q)
{
	struct msg_SESSION	 m = { .for_ms = rq->config->params.token_time, .tenant = rq->asked_tenant,
				    .refresh = q->refresh, .scope = q->scope,
				    .flags = q->scope.n > 0 ? SESSION_SCOPED : 0 };
	struct principal	 who;
	enum token_error	 e;
	const char		*why;

	if (q->refresh.n == 0) {
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, "refresh_token is missing");
		return;
	}
	if (identify(rq, q, &who, &e, &why)) {
		m.who = who.hash;
	} else if (q->shown.n > 0) {
		tokenend_refuse(rq, e, why);
		return;
	}
	m.flags |= q->shown.n > 0 ? SESSION_MUST : 0;
	if (!is_scope(q->scope, SPAN_NONE, false))
		tokenend_refuse(rq, TOKEN_INVALID_SCOPE, "scope is no list of words");
	else if (!tokenend_take(rq, span_part(q->refresh, 0, 52)))
		tokenend_refuse(rq, TOKEN_SLOW_DOWN, "too many were asked for in this session");
	else
		ask_store(rq, &m, true);
}

/* --- what the store said -------------------------------------------------------------------------- */

static void
refuse_made(struct tokenend *e, int error)
{
	switch (error) {
	case E_NOTFOUND:
		refuse_waiting(e, e->refreshes ? TOKEN_INVALID_GRANT : TOKEN_INVALID_CLIENT, e->refreshes ?
		    "there is no such session, or it is over" : "there is no such key, or it has ended");
		break;
	case E_EXISTS:
		refuse_waiting(e, TOKEN_INVALID_GRANT, "it was used before: its session is ended");
		break;
	case E_DENIED:
		refuse_waiting(e, TOKEN_INVALID_GRANT, "its session is another client's");
		break;
	case E_RANGE:
		refuse_waiting(e, TOKEN_INVALID_SCOPE, "the session has no such scope");
		break;
	case E_FORMAT:
	case E_TOOBIG:
		refuse_waiting(e, TOKEN_INVALID_REQUEST, "what is known of the client is too long for a token");
		break;
	default:
		refuse_waiting(e, TOKEN_UNAVAILABLE, "session tokens cannot be made now");
		break;
	}
}

/* It is given when it is good here: whose credential went meanwhile gets none.  What it is signed with may be on its
 * way. */
static void
give(struct tokenend *e)
{
	struct request		*rq = e->rq;
	const struct span	 as = arena_fmt(&rq->x->arena, "Bearer %.*s", SPAN_FMT(e->made.token));
	struct msg_SESSION_IS	 made = e->made;
	struct auth_refusal	 refusal;
	int			 r;

	r = as.p == NULL ? E_NOMEM : request_identify_as(rq, as, &rq->who, &refusal);
	wipe(as);
	if (r == 0) {
		leave(e);
		tokenend_give(rq, &made);
		wipe(made.token);
	} else if (++e->tries < AGAIN_MAX) {
		loop_timer_arm(&e->timer, AGAIN_MS);
	} else {
		refuse_waiting(e, TOKEN_INVALID_GRANT, "the credential that it was given for is good no more");
	}
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct tokenend	*e = arg;

	(void)t;
	MAGIC_CHECK(e, TOKENEND_MAGIC);
	if (e->made.token.n > 0)
		give(e);
	else
		refuse_waiting(e, TOKEN_UNAVAILABLE, "the store does not answer");
}

void
tokenend_on_made(struct worker *w, uint64_t number, const struct msg_SESSION_IS *m)
{
	struct tokenend	*e = w->tokenends.first;
	struct arena	*a;

	while (e != NULL && e->number != number)
		e = e->next;
	if (e == NULL || e->made.token.n > 0)
		return;
	if (m->error != 0) {
		refuse_made(e, m->error);
		return;
	}
	a = &e->rq->x->arena;
	e->made = *m;
	e->made.token = arena_dup(a, m->token);
	e->made.refresh = arena_dup(a, m->refresh);
	e->made.scope = arena_dup(a, m->scope);
	e->made.id = arena_dup(a, m->id);
	if (e->made.token.n == 0 || e->made.refresh.p == NULL || e->made.scope.p == NULL || e->made.id.p == NULL)
		refuse_waiting(e, TOKEN_UNAVAILABLE, "out of memory");
	else
		give(e);
}

/* --- the request ---------------------------------------------------------------------------------- */

static int
read_form(struct request *rq, struct span form, struct span *grant, struct asked *q)
{
	const struct { const char *name; struct span *to; } all[] = {
		{ "grant_type", grant }, { "client_id", &q->client_id }, { "client_secret", &q->secret },
		{ "scope", &q->scope }, { "refresh_token", &q->refresh }, { "resource", &q->resource },
	};
	int	r = 0;

	*q = (struct asked){ .client_id = SPAN_NONE };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && r == 0; i++)
		r = form_find(form, all[i].name, &rq->x->arena, all[i].to);
	return r;
}

/* The gateway's own URL, or a path below it: https://gw.example.org is not of https://gw.example. */
static bool
is_of_site(struct span resource, struct span site)
{
	if (site.n > 0 && site.p[site.n - 1] == '/')
		site.n--;
	return span_starts(resource, site) && (resource.n == site.n || resource.p[site.n] == '/');
}

static void
on_form(struct exchange *x, int err, struct span form, void *arg)
{
	struct request		*rq = arg;
	const struct span	 site = rq->config->params.public_url;
	struct asked		 q;
	struct span		 grant;
	const char		*why;
	int			 r;

	(void)x;
	if (err != 0) {
		metric_add(&rq->w->metrics, METRIC_requests_bad_total, 1);
		request_done(rq);
		return;
	}
	r = read_form(rq, form, &grant, &q);
	if (r == E_NOMEM)
		tokenend_refuse(rq, TOKEN_UNAVAILABLE, "out of memory");
	else if (r != 0)
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, r == E_EXISTS ? "a parameter stands there twice" :
		    "the body is no form");
	else if (grant.n == 0)
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, "grant_type is missing");
	/* RFC 8707: a token of ours is for all of this gateway, and for nothing else. */
	else if (q.resource.n > 0 && site.n > 0 && !is_of_site(q.resource, site))
		tokenend_refuse(rq, TOKEN_INVALID_TARGET, "resource is not of this gateway");
	else if ((why = take_credential(rq, &q)) != NULL)
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, why);
	else if (span_is(grant, "client_credentials"))
		begin_session(rq, &q);
	else if (span_is(grant, "refresh_token"))
		refresh_session(rq, &q);
	else
		tokenend_refuse(rq, TOKEN_UNSUPPORTED, "grant_type is client_credentials or refresh_token");
}

static void
take_form(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;

	if (h->method != HTTP_POST) {
		reply_refuse_with(rq, E_HTTP_METHOD, NULL,
		    &(struct exchange_field){ SPAN_LIT("Allow"), SPAN_LIT("POST") });
		return;
	}
	if (tokenend_is_slowed(rq))
		tokenend_refuse(rq, TOKEN_SLOW_DOWN, "too many were refused from this address");
	else if (!http_media_is(http_head_get(h, HTTP_CONTENT_TYPE), "application/x-www-form-urlencoded") ||
	    http_head_count(h, HTTP_CONTENT_ENCODING) > 0)
		tokenend_refuse(rq, TOKEN_INVALID_REQUEST, "Content-Type must be application/x-www-form-urlencoded");
	else
		exchange_collect_body(rq->x, FORM_MAX, &rq->w->bodies, NULL, on_form, rq);
}

bool
tokenend_begin(struct request *rq, struct span path)
{
	/* Nobody logs in here; who tries is told so and not that there is no such path. */
	if (span_is(path, "/authorize"))
		tokenend_refuse(rq, TOKEN_NO_LOGIN, "nobody can log in here: ask an issuer, or use a key");
	else if (span_is(path, "/token"))
		take_form(rq);
	else
		return false;
	return true;
}
