/* SPDX-License-Identifier: Apache-2.0
 *
 * login.c - somebody logs in at a server, or out, or wants to know: what mcpgwctl asks
 *
 * Process: mcpgw-scout.
 * Owns:    a login's way, ten minutes at most.
 * Trusts:  the master that an operator asks.  What a browser brought must belong to the login that runs.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "scout/account.h"
#include "scout/control.h"

#define LOGIN_MS	(10 * 60000)

static struct account *
account_of(struct trip *t)
{
	return (struct account *)(void *)((char *)t - offsetof(struct account, login));
}

static void
answer(struct account *a, int exit_code, const char *text, struct span issuer)
{
	if (a->login_ref != 0)
		control_login(a->of->s, a->login_ref, exit_code, span_of(text), issuer);
	a->login_ref = 0;
}

static void
on_browser(struct trip *t)
{
	struct account	*a = account_of(t);

	if (a->login_ref != 0)
		control_login(a->of->s, a->login_ref, 0, oauth_flow_url(t->flow), oauth_flow_issuer(t->flow));
	a->login_ref = 0;
}

static void
on_end(struct trip *t, bool done)
{
	struct account	*a = account_of(t);
	char		 text[ACCOUNT_WHY_MAX];

	loop_timer_disarm(&a->login_timer);
	if (done) {
		account_take_grant(a, oauth_flow_grant(t->flow));
		accounts_publish(a->of);
		answer(a, 0, "", a->grant.issuer);
	} else {
		snprintf(text, sizeof(text), "%s: %s", a->server, oauth_flow_why(t->flow));
		answer(a, oauth_flow_failure(t->flow) == OAUTH_LATER ? EX_TEMPFAIL : EX_UNAVAILABLE, text, SPAN_NONE);
	}
	trip_fini(t);
}

static const struct trip_ops ops = { on_browser, on_end };

/* It is logged out here in any case, and was when this began. */
static void
on_revoked(struct trip *t, bool done)
{
	struct account	*a = account_of(t);
	char		 text[ACCOUNT_WHY_MAX];

	loop_timer_disarm(&a->login_timer);
	snprintf(text, sizeof(text), "%s", done ? "" : oauth_flow_why(t->flow));
	answer(a, 0, text, SPAN_NONE);
	trip_fini(t);
}

static const struct trip_ops revoke_ops = { .on_end = on_revoked };

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct account	*a = arg;

	(void)t;
	answer(a, EX_TEMPFAIL, "nobody came back from the browser in time; try again", SPAN_NONE);
	trip_fini(&a->login);
}

/* With the word that a link to the gateway's own page has; true: it was used already. */
static bool
is_used(struct accounts *as, struct span word)
{
	const uint64_t	now = loop_now_ms(as->s->loop), sum = sum64(word);

	for (size_t i = 0; i < LOGIN_WORDS_MAX; i++)
		if (as->words[i].sum == sum && as->words[i].ms != 0 && now - as->words[i].ms < LOGIN_MS)
			return true;
	as->words[as->word_turn++ % LOGIN_WORDS_MAX] = (struct login_word){ sum, now == 0 ? 1 : now };
	return false;
}

static void
begin(struct account *a, uint64_t ref, struct span redirect_uri, bool here)
{
	const struct rec_server		*s = account_server(a);
	/* A client that registered itself named one place to come back to; a user may have two. */
	const bool			 knows = a->grant.issuer.n > 0 && (a->who == NULL || a->grant.registered == 0);
	const struct trip_begin		 b = { .aim = OAUTH_AIM_LOGIN, .known = knows ? &a->grant : NULL,
	    .challenge = span_of(a->challenge), .redirect_uri = redirect_uri, .here = here,
	    .earlier_scope = a->challenge != NULL && a->state == TOKEN_READY ? a->grant.scope : SPAN_NONE };
	int				 r;

	answer(a, EX_TEMPFAIL, "somebody else began to log in there", SPAN_NONE);
	trip_fini(&a->login);
	a->login_ref = ref;
	loop_timer_init(a->of->s->loop, &a->login_timer, on_timer, a);
	loop_timer_arm(&a->login_timer, LOGIN_MS);
	if (s == NULL || (r = trip_init(&a->login, a->of->s, &ops, s, &b)) != 0)
		answer(a, EX_TEMPFAIL, s == NULL ? "the configuration changes; try again" : err_text(r), SPAN_NONE);
}

static void
begin_here(struct account *a, uint64_t ref, struct span argument)
{
	const char	*blank = argument.n == 0 ? NULL : memchr(argument.p, ' ', argument.n);
	struct span	 word = span_part(argument, 0, blank == NULL ? 0 : (size_t)(blank - argument.p));

	if (word.n == 0 || a->who == NULL)
		control_login(a->of->s, ref, EX_DATAERR, SPAN_LIT("that is no link of a user's"), SPAN_NONE);
	else if (is_used(a->of, word))
		control_login(a->of->s, ref, EX_NOPERM, SPAN_LIT("this link was used already; make the call again"),
		    SPAN_NONE);
	else
		begin(a, ref, span_part(argument, word.n + 1, argument.n), true);
}

static void
log_out(struct account *a, uint64_t ref)
{
	const struct rec_server	*s = account_server(a);
	/* The flow has a copy of what is known. */
	const struct trip_begin	 b = { .aim = OAUTH_AIM_REVOKE, .known = &a->grant };
	int			 r = E_NOTFOUND;

	answer(a, EX_TEMPFAIL, "somebody logged out there", SPAN_NONE);
	trip_fini(&a->login);
	loop_timer_disarm(&a->login_timer);
	a->login_ref = ref;
	if (a->grant.issuer.n == 0)
		answer(a, 0, "nobody had logged in", SPAN_NONE);
	else if (s == NULL || (r = trip_init(&a->login, a->of->s, &revoke_ops, s, &b)) != 0)
		answer(a, 0, err_text(r), SPAN_NONE);
	account_log_out(a);
}

static void
come_back(struct account *a, uint64_t ref, struct span query)
{
	if (a->login.flow == NULL || a->login.ops == &revoke_ops) {
		control_login(a->of->s, ref, EX_TEMPFAIL, SPAN_LIT("the login is over; begin another one"), SPAN_NONE);
		return;
	}
	a->login_ref = ref;
	if (trip_redirected(&a->login, query) != 0)
		answer(a, EX_NOPERM, "that is no answer to this login (state)", SPAN_NONE);
}

/* --- what is known ------------------------------------------------------------------------------ */

static int
put_text(struct buf *b, const char *name, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if ((r = buf_put_fmt(b, ",\"%s\":", name)) != 0)
		return r;
	return json_put_string(b, value);
}

static unsigned
users_ready(const struct account *of)
{
	unsigned	n = 0;

	for (const struct account *a = of->of->first; a != NULL; a = a->next)
		n += a->who != NULL && a->server_key == of->server_key && a->state == TOKEN_READY;
	return n;
}

static int
put_state(struct buf *b, const struct account *a)
{
	static const char *const	states[] = { "none", "ready", "none", "login" };
	static const char *const	kinds[] = { "client_credentials", "authorization_code", "token_exchange",
	    "jwt_bearer" };
	int				r;

	if ((r = buf_put_fmt(b, "{\"grant\":\"%s\",\"state\":\"%s\",\"ends_ms\":%llu,\"login_ms\":%llu,\"renews\":%s",
	    kinds[a->kind], states[a->state <= TOKEN_LOGIN ? a->state : 0], (unsigned long long)a->ends_ms,
	    (unsigned long long)a->grant.login_ms, a->kind != OAUTH_AUTHORIZATION_CODE ||
	    a->grant.refresh_token.n > 0 ? "true" : "false")) != 0 ||
	    (a->per_user && a->who == NULL && (r = buf_put_fmt(b, ",\"users\":%u", users_ready(a))) != 0) ||
	    (r = put_text(b, "issuer", a->grant.issuer)) != 0 || (r = put_text(b, "scope", a->grant.scope)) != 0 ||
	    (r = put_text(b, "why", span_of(a->why))) != 0)
		return r;
	return buf_put_str(b, "}");
}

static void
tell_state(const struct account *a, uint64_t ref)
{
	struct buf	b;

	buf_init(&b, 12 * 1024);
	if (put_state(&b, a) == 0)
		control_login(a->of->s, ref, 0, buf_rest(&b), SPAN_NONE);
	else
		control_login(a->of->s, ref, EX_TEMPFAIL, SPAN_LIT("too much to be said"), SPAN_NONE);
	buf_fini(&b);
}

void
login_on_message(struct accounts *as, uint64_t ref, const struct msg_LOGIN *m)
{
	const char	*lf = m->server.n == 0 ? NULL : memchr(m->server.p, '\n', m->server.n);
	struct span	 server = span_part(m->server, 0, lf == NULL ? m->server.n : (size_t)(lf - m->server.p));
	struct span	 who = lf == NULL ? SPAN_NONE : span_part(m->server, server.n + 1, m->server.n);
	struct account	*a = who.n == 0 ? accounts_find(as, m->tenant, server, SPAN_NONE) :
	    accounts_open(as, m->tenant, server, who);
	char		 text[256];

	if (a != NULL && a->per_user && a->who == NULL && m->what != LOGIN_STATE) {
		snprintf(text, sizeof(text), "%.*s: each user logs in there; say whose login it is: --as PRINCIPAL, "
		    "as the error of a call has it", (int)(server.n > 64 ? 64 : server.n), server.p);
		control_login(as->s, ref, EX_USAGE, span_of(text), SPAN_NONE);
		return;
	}
	if (a == NULL || (m->what != LOGIN_STATE && a->kind != OAUTH_AUTHORIZATION_CODE)) {
		snprintf(text, sizeof(text), "%.*s: %s", (int)(server.n > 64 ? 64 : server.n),
		    server.p == NULL ? "" : server.p, a == NULL ? who.n > 0 ? "no server that is on and has \"per\": "
		    "\"user\" in \"auth\"" : "no server that is on and has \"auth\"" :
		    "nobody has to log in there: the grant in its \"auth\" is another");
		control_login(as->s, ref, EX_DATAERR, span_of(text), SPAN_NONE);
		return;
	}
	switch ((enum login_what)m->what) {
	case LOGIN_BEGIN:
		begin(a, ref, m->argument, false);
		break;
	case LOGIN_BEGIN_HERE:
		begin_here(a, ref, m->argument);
		break;
	case LOGIN_END:
		come_back(a, ref, m->argument);
		break;
	case LOGIN_OUT:
		log_out(a, ref);
		break;
	case LOGIN_STATE:
		tell_state(a, ref);
		break;
	}
}
