/* SPDX-License-Identifier: Apache-2.0
 *
 * loginpage.c - the page that a login link leads to, and where the authorization server sends the browser back
 *
 * Process: worker.
 * Owns:    the browsers that wait for mcpgw-scout, each with a timer.
 * Trusts:  tickets that it opened.  Whoever has a link could hand it on, so nothing begins before somebody has read
 *          whose account it is for and said so; and the browser that said so, by its cookie, is the only one that may
 *          come back.
 */
#include <stdio.h>

#include "auth/front.h"
#include "lib/bug.h"
#include "lib/form.h"
#include "worker/login/loginlink.h"
#include "worker/login/loginpage.h"
#include "worker/worker.h"

#define LOGINWAIT_MAGIC	0x10917a17u
#define WAIT_MS		20000
#define WAITS_MAX	64
#define FORM_MAX	(16 * 1024)
#define SITE_MAX	512
#define COOKIE		"mcpgw-login"

struct loginwait {			/* in its exchange's arena */
	uint32_t		 magic;
	struct loginwait	*next, **back;
	struct request		*rq;
	uint64_t		 ref;
	bool			 begins;
	struct span		 ticket;	/* for the cookie; empty: it has come back */
	struct loop_timer	 timer;
};

/* ---- pages ------------------------------------------------------------------------------------- */

static int
put_escaped(struct buf *b, struct span s)
{
	int	r = 0;

	for (size_t i = 0; i < s.n && r == 0; i++)
		if (memchr("&<>\"'", s.p[i], 5) != NULL || (unsigned char)s.p[i] < ' ')
			r = buf_put_fmt(b, "&#%d;", (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
		else
			r = buf_put(b, span_part(s, i, 1));
	return r;
}

static void
reply_page(struct request *rq, unsigned status, const struct buf *body, const struct exchange_field *more, size_t n)
{
	struct exchange_field	f[8] = {
		{ SPAN_LIT("Content-Type"), SPAN_LIT("text/html; charset=utf-8") },
		{ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
		{ SPAN_LIT("Content-Security-Policy"),
		    SPAN_LIT("default-src 'none'; base-uri 'none'; frame-ancestors 'none'") },
		{ SPAN_LIT("X-Content-Type-Options"), SPAN_LIT("nosniff") },
		/* Where it is none, a browser does not say either which page a form was sent from. */
		{ SPAN_LIT("Referrer-Policy"), SPAN_LIT("same-origin") },
	};

	for (size_t i = 0; i < n && i < 3; i++)
		f[5 + i] = more[i];
	exchange_reply(rq->x, status, f, 5 + n, buf_rest(body));
	request_done(rq);
}

static void
reply_words(struct request *rq, unsigned status, struct span words)
{
	struct buf	b;

	buf_init(&b, 16 * 1024);
	if (buf_put_str(&b, "<!DOCTYPE html><title>mcpgw</title><p>") != 0 || put_escaped(&b, words) != 0 ||
	    buf_put_str(&b, "</p>\n") != 0)
		buf_clear(&b);
	reply_page(rq, status, &b, NULL, 0);
	buf_fini(&b);
}

static void
ask_person(struct request *rq, struct span ticket)
{
	struct loginlink	l;
	struct buf		text, b;
	int			r;

	buf_init(&text, FORM_MAX);
	buf_init(&b, 4 * FORM_MAX);
	if (loginlink_open(rq, "login", ticket, &text, &l) != 0) {
		reply_words(rq, 400, SPAN_LIT("This link is not good any more. Make the call again, for another one."));
	} else {
		if ((r = buf_put_str(&b, "<!DOCTYPE html><title>mcpgw</title><p>A call of <b>")) == 0 &&
		    (r = put_escaped(&b, l.who)) == 0 && (r = buf_put_str(&b, "</b> needs an account at <b>")) == 0 &&
		    (r = put_escaped(&b, l.server)) == 0 &&
		    (r = buf_put_str(&b, "</b>. Whatever you log in with there, <b>")) == 0 &&
		    (r = put_escaped(&b, l.who)) == 0 && (r = buf_put_str(&b, "</b> will act with from then on.</p>"
		    "<p>Go on only if that is you, and you have just made that call. If somebody sent you this link, "
		    "close this page.</p><form method=\"post\" action=\"" LOGINLINK_PATH "\"><input type=\"hidden\" "
		    "name=\"ticket\" value=\"")) == 0 && (r = put_escaped(&b, ticket)) == 0)
			r = buf_put_str(&b, "\"><button>That is me: log in</button></form>\n");
		if (r != 0)
			buf_clear(&b);
		reply_page(rq, r == 0 ? 200 : 503, &b, NULL, 0);
	}
	buf_fini(&b);
	buf_fini(&text);
}

/* ---- waiting for mcpgw-scout ------------------------------------------------------------------- */

static void
leave(struct loginwait *l)
{
	MAGIC_CHECK(l, LOGINWAIT_MAGIC);
	loop_timer_disarm(&l->timer);
	if ((*l->back = l->next) != NULL)
		l->next->back = l->back;
	l->rq->w->loginwaits.count--;
	l->rq->on_gone = NULL;
	l->rq->job = NULL;
	l->magic = 0;
}

static void
on_gone(struct request *rq)
{
	leave(rq->job);
	request_done(rq);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct loginwait	*l = arg;
	struct request		*rq = l->rq;

	(void)t;
	leave(l);
	reply_words(rq, 503, SPAN_LIT("The authorization server was not reached in time. Make the call again."));
}

static void
ask_scout(struct request *rq, enum login_what what, const struct loginlink *link, struct span ticket,
    struct span argument)
{
	struct worker		*w = rq->w;
	struct msg_USER_LOGIN	 m = { .what = what, .tenant = link->tenant, .argument = argument };
	struct loginwait	*l;

	m.server = arena_fmt(&rq->x->arena, "%.*s\n%.*s", SPAN_FMT(link->server), SPAN_FMT(link->who));
	if (rq->gone || w->draining || w->loginwaits.count >= WAITS_MAX || m.server.p == NULL ||
	    (l = arena_calloc(&rq->x->arena, sizeof(*l))) == NULL ||
	    chan_send(&w->master, MSG_TYPE_USER_LOGIN, w->loginwaits.refs + 1, &m, NULL, 0) != 0) {
		reply_words(rq, 503, SPAN_LIT("The gateway cannot do this now. Make the call again."));
		return;
	}
	l->magic = LOGINWAIT_MAGIC;
	l->rq = rq;
	l->ref = ++w->loginwaits.refs;
	l->begins = what == LOGIN_BEGIN_HERE;
	l->ticket = arena_dup(&rq->x->arena, ticket);
	l->back = &w->loginwaits.first;
	if ((l->next = w->loginwaits.first) != NULL)
		l->next->back = &l->next;
	w->loginwaits.first = l;
	w->loginwaits.count++;
	rq->job = l;
	rq->on_gone = on_gone;
	loop_timer_init(w->loop, &l->timer, on_timer, l);
	loop_timer_arm(&l->timer, WAIT_MS);
}

/* On to the authorization server, with what this browser will be known by. */
static void
send_on(struct request *rq, struct span ticket, struct span url)
{
	struct exchange_field	more[2] = { { SPAN_LIT("Location"), url }, { SPAN_LIT("Set-Cookie"), SPAN_NONE } };
	struct loginlink	l;
	struct buf		text, cookie, none;
	char			site[SITE_MAX];
	int			r;

	buf_init(&text, FORM_MAX);
	buf_init(&cookie, FORM_MAX);
	buf_init(&none, 1);
	if ((r = loginlink_open(rq, "login", ticket, &text, &l)) == 0 && !loginlink_site(rq, site, sizeof(site)))
		r = E_NOTFOUND;
	if (r == 0 && (r = buf_put_str(&cookie, COOKIE "=")) == 0 &&
	    (r = loginlink_seal(rq, "login cookie", &l, &cookie)) == 0)
		r = buf_put_fmt(&cookie, "; Path=" LOGINLINK_PATH "; Max-Age=%d; HttpOnly; SameSite=Lax%s",
		    LOGINLINK_MS / 1000, strncmp(site, "https:", 6) == 0 ? "; Secure" : "");
	more[1].value = buf_rest(&cookie);
	if (r == 0)
		reply_page(rq, 303, &none, more, 2);
	else
		reply_words(rq, 400, SPAN_LIT("This link is not good any more. Make the call again, for another one."));
	buf_fini(&none);
	buf_fini(&cookie);
	buf_fini(&text);
}

void
loginpage_on_answer(struct worker *w, uint64_t ref, const struct msg_USER_LOGIN_IS *m)
{
	struct loginwait	*l = w->loginwaits.first;
	struct request		*rq;
	struct span		 ticket, words;
	bool			 begins;

	while (l != NULL && l->ref != ref)
		l = l->next;
	if (l == NULL)
		return;
	rq = l->rq;
	ticket = l->ticket;
	begins = l->begins;
	leave(l);
	words = arena_fmt(&rq->x->arena, "You are not logged in: %.*s", SPAN_FMT(m->text));
	if (m->exit_code != 0)
		reply_words(rq, 400, words);
	else if (begins)
		send_on(rq, ticket, m->text);
	else
		reply_words(rq, 200, SPAN_LIT("You are logged in. Close this page, and go on in the program that "
		    "sent you here."));
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void
on_form(struct exchange *x, int err, struct span body, void *arg)
{
	struct request		*rq = arg;
	struct loginlink	 l;
	struct span		 ticket;
	struct buf		 text;
	char			 site[SITE_MAX];

	(void)x;
	if (err != 0) {
		request_done(rq);
		return;
	}
	buf_init(&text, FORM_MAX);
	if (form_find(body, "ticket", &rq->x->arena, &ticket) != 0 ||
	    loginlink_open(rq, "login", ticket, &text, &l) != 0 || !loginlink_site(rq, site, sizeof(site)))
		reply_words(rq, 400, SPAN_LIT("This link is not good any more. Make the call again, for another one."));
	else
		ask_scout(rq, LOGIN_BEGIN_HERE, &l, ticket, arena_fmt(&rq->x->arena, "%.*s %s" LOGINLINK_DONE,
		    SPAN_FMT(l.word), site));
	buf_fini(&text);
}

/* A page of somebody else's could send the form of a link of its own in a browser where nobody reads anything. */
static bool
is_from_our_page(const struct request *rq)
{
	const struct span	origin = http_head_get(&rq->x->head, HTTP_ORIGIN);
	char			site[SITE_MAX];

	return http_head_count(&rq->x->head, HTTP_ORIGIN) == 1 && loginlink_site(rq, site, sizeof(site)) &&
	    span_eq_nocase(origin, span_of(site));
}

/* Ours among a browser's cookies. */
static struct span
cookie_of(const struct request *rq)
{
	unsigned		times;
	struct span		all = http_head_find(&rq->x->head, "cookie", &times), one;
	const struct span	name = SPAN_LIT(COOKIE "=");
	const char		*end;

	while (times == 1 && all.n > 0) {
		end = memchr(all.p, ';', all.n);
		one = span_trim(span_part(all, 0, end == NULL ? all.n : (size_t)(end - all.p)));
		if (span_starts(one, name))
			return span_part(one, name.n, one.n);
		all = end == NULL ? SPAN_NONE : span_part(all, (size_t)(end - all.p) + 1, all.n);
	}
	return SPAN_NONE;
}

static void
come_back(struct request *rq, struct span query)
{
	struct loginlink	l;
	struct buf		text;

	buf_init(&text, FORM_MAX);
	if (loginlink_open(rq, "login cookie", cookie_of(rq), &text, &l) != 0)
		reply_words(rq, 400, SPAN_LIT("You are not logged in: this is not the browser that the login was begun "
		    "in, or it took too long."));
	else
		ask_scout(rq, LOGIN_END, &l, SPAN_NONE, query);
	buf_fini(&text);
}

bool
loginpage_serve(struct request *rq)
{
	const struct http_head	*h = &rq->x->head;
	const struct span	 path = http_head_path(h);
	struct span		 query = http_head_query(h), ticket;

	if ((!span_is(path, LOGINLINK_PATH) && !span_is(path, LOGINLINK_DONE)) ||
	    !front_host_ok(rq->x, rq->config->policy) || rq->x->peer.family == AF_UNIX)
		return false;
	if (query.n > 0 && query.p[0] == '?')
		query = span_part(query, 1, query.n);
	if (span_is(path, LOGINLINK_DONE) && h->method == HTTP_GET && query.n > 0) {
		come_back(rq, query);
		return true;
	}
	if (span_is(path, LOGINLINK_DONE))
		return false;
	if (h->method == HTTP_POST && http_media_is(http_head_get(h, HTTP_CONTENT_TYPE),
	    "application/x-www-form-urlencoded")) {
		if (is_from_our_page(rq))
			exchange_collect_body(rq->x, FORM_MAX, &rq->w->bodies, NULL, on_form, rq);
		else
			reply_words(rq, 403, SPAN_LIT("Nothing was begun: this did not come from the gateway's own "
			    "page."));
		return true;
	}
	if (h->method != HTTP_GET || form_find(query, "ticket", &rq->x->arena, &ticket) != 0 || ticket.n == 0)
		return false;
	ask_person(rq, ticket);
	return true;
}
