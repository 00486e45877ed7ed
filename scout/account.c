/* SPDX-License-Identifier: Apache-2.0
 *
 * account.c - one account at a server with "auth": its token, got, renewed, refused
 *
 * Process: mcpgw-scout.
 * Owns:    the account's grant, which is wiped, and the way to the next.
 * Trusts:  neither the server nor its authorization server: how often either may send us round is bounded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypt.h"
#include "lib/log.h"
#include "lib/shell.h"
#include "policy/policy.h"
#include "scout/account.h"
#include "scout/control.h"

#define GRANT_MAX	(64 * 1024)
#define AGAIN_MS	5000		/* doubled with each failure */
#define AGAIN_MAX_MS	(5 * 60000)
#define REFUSED_MS	(10 * 60000)	/* somebody has to change something first */
#define LEAST_MS	1000		/* between two renewals ahead of the end */
#define RENEWALS_MAX	3		/* because of refusals, within: */
#define RENEWALS_MS	(10 * 60000)
#define WHO_SHOWN_MAX	320		/* quoted, in a command */

static const struct trip_ops	ops;

static uint64_t
now_ms(const struct account *a)
{
	return loop_wall_ms(a->of->s->loop);
}

/* ---- what is held ------------------------------------------------------------------------------ */

static void
forget(struct account *a)
{
	if (a->bytes.data != NULL)
		crypt_wipe(a->bytes.data, a->bytes.room);
	buf_clear(&a->bytes);
	a->grant = (struct oauth_grant){ 0 };
}

static int
hold(struct account *a, const struct oauth_grant *g)
{
	struct buf	b;
	int		r;

	/* It may be made of what is held. */
	buf_init(&b, GRANT_MAX);
	if ((r = oauth_grant_put(&b, g)) != 0) {
		buf_fini(&b);
		return r;
	}
	forget(a);
	buf_fini(&a->bytes);
	a->bytes = b;
	return oauth_grant_read(buf_rest(&a->bytes), &a->grant);
}

/* What workers are told of it is another attempt's. */
static void __attribute__((format(printf, 3, 4)))
say(struct account *a, enum token_state state, const char *fmt, ...)
{
	char	before[ACCOUNT_WHY_MAX];
	va_list	ap;

	memcpy(before, a->why, sizeof(before));
	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	a->serial = ++a->of->s->serials;
	/* One user's is no news of the server. */
	if (a->who != NULL) {
		log_info(LOG_SUBJECT("server", a->server), "%s%.*s, for %.200s", a->why[0] == '\0' ? "has a token" : "",
		    (int)strcspn(a->why, ";"), a->why, a->who);
	} else if (a->state != state || strcmp(before, a->why) != 0) {
		control_report(a->of->s, span_of(a->tenant), span_of(a->server), a->why);
		if (a->why[0] != '\0')
			log_warn(LOG_SUBJECT("server", a->server), "%s", a->why);
		else
			log_info(LOG_SUBJECT("server", a->server), "has a token");
	}
	a->state = state;
	accounts_changed(a->of);
}

/* How somebody logs in there, for people: behind "log in: ". */
static const char *
login_command(const struct account *a, char *to, size_t room)
{
	char	who[WHO_SHOWN_MAX];

	if (a->who == NULL)
		snprintf(to, room, "mcpgwctl server login %s", a->server);
	/* A client's issuer chose what stands in it; half of it is no name, and an open quote. */
	else if (shell_quote(span_of(a->who), who, sizeof(who)))
		snprintf(to, room, "mcpgwctl server login %s --as %s", a->server, who);
	else
		snprintf(to, room, "mcpgwctl server login %s --as ..., with a name that is too long to stand here",
		    a->server);
	return to;
}

static void
say_login(struct account *a, const char *why)
{
	char	command[ACCOUNT_COMMAND_MAX];

	login_command(a, command, sizeof(command));
	say(a, TOKEN_LOGIN, "%.*s; log in: %s", (int)(sizeof(a->why) - sizeof("; log in: ") - strlen(command)), why,
	    command);
	loop_timer_disarm(&a->timer);
}

/* Has the store keep what is held; nothing held: nothing is to be kept.  Users' are kept beside the server's own, under
 * its name and theirs. */
static void
keep(struct account *a)
{
	char	name[128];

	snprintf(name, sizeof(name), "%s%s%s", a->server, a->who == NULL ? "" : "\n", a->who == NULL ? "" : a->id);
	control_keep(a->of->s, span_of(a->tenant), span_of(name), a->grant.issuer, buf_rest(&a->bytes));
}

/* ---- the way to a token ------------------------------------------------------------------------ */

static void
begin(struct account *a, struct span challenge, bool step_up)
{
	const struct rec_server		*s = account_server(a);
	const struct trip_begin		 b = { .aim = OAUTH_AIM_TOKEN, .challenge = challenge, .step_up = step_up,
	    .subject_token = span_of(a->subject), .known = a->grant.issuer.n > 0 ? &a->grant : NULL,
	    .earlier_scope = step_up ? a->grant.scope : SPAN_NONE };
	int				 r;

	if (a->trip.flow != NULL || s == NULL)
		return;
	loop_timer_disarm(&a->timer);
	if ((r = trip_init(&a->trip, a->of->s, &ops, s, &b)) != 0) {
		say(a, TOKEN_NONE, "the gateway has no token for it: %s", err_text(r));
		loop_timer_arm(&a->timer, AGAIN_MAX_MS);
	}
}

static uint64_t
pause_ms(const struct account *a)
{
	uint64_t	ms = AGAIN_MS;

	for (unsigned i = 1; i < a->fails && ms < AGAIN_MAX_MS; i++)
		ms *= 2;
	return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

/* By a user's own token: it serves to its end, and is got anew with the next call. */
static bool
is_exchanged(const struct account *a)
{
	return a->who != NULL && a->kind == OAUTH_TOKEN_EXCHANGE;
}

/* Before the end, so that no call meets it; and once there is no way on, at the end. */
static void
plan(struct account *a)
{
	uint64_t	now = now_ms(a), left;
	bool		renews = a->kind != OAUTH_AUTHORIZATION_CODE || a->grant.refresh_token.n > 0;

	loop_timer_disarm(&a->timer);
	if (a->ends_ms == 0)
		return;
	left = a->ends_ms > now ? a->ends_ms - now : 0;
	/* Whoever's token was exchanged comes with a newer one. */
	if (is_exchanged(a))
		renews = false;
	if (renews)
		left = left - left / 5;
	loop_timer_arm(&a->timer, left > LEAST_MS ? left : LEAST_MS);
}

static void
ready(struct account *a)
{
	a->ends_ms = a->grant.ends_ms;
	a->fails = 0;
	a->refused = false;
	say(a, TOKEN_READY, "%s", "");
	plan(a);
}

static bool
still_serves(const struct account *a)
{
	return a->state == TOKEN_READY && !a->refused && (a->ends_ms == 0 || a->ends_ms > now_ms(a) + LEAST_MS);
}

static void
failed(struct account *a, enum oauth_failure failure, const char *why)
{
	a->fails++;
	/* What is there serves to its end, which is when there is something to say. */
	if (still_serves(a)) {
		uint64_t	left = a->ends_ms == 0 ? UINT64_MAX : a->ends_ms - now_ms(a), ms = pause_ms(a);

		log_info(LOG_SUBJECT("server", a->server), "its token is not renewed yet: %s", why);
		loop_timer_arm(&a->timer, ms < left ? ms : left);
		return;
	}
	if (failure == OAUTH_LOGIN) {
		say_login(a, why);
		return;
	}
	say(a, TOKEN_NONE, "the gateway has no token for it: %s", why);
	loop_timer_arm(&a->timer, is_exchanged(a) ? AGAIN_MS : failure == OAUTH_LATER ? pause_ms(a) : REFUSED_MS);
}

static void
on_end(struct trip *t, bool done)
{
	struct account	*a = (struct account *)(void *)((char *)t - offsetof(struct account, trip));
	char		 why[OAUTH_WHY_MAX];
	int		 r = 0;

	snprintf(why, sizeof(why), "%s", oauth_flow_why(t->flow));
	if (done && (r = hold(a, oauth_flow_grant(t->flow))) == 0) {
		trip_fini(t);
		/* With the next refresh token before the old one is forgotten by anybody. */
		if (a->kind == OAUTH_AUTHORIZATION_CODE)
			keep(a);
		ready(a);
		return;
	}
	{
		enum oauth_failure	failure = done ? OAUTH_LATER : oauth_flow_failure(t->flow);

		trip_fini(t);
		failed(a, failure, done ? err_text(r) : why);
	}
}

static const struct trip_ops ops = { .on_end = on_end };

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct account	*a = arg;

	(void)t;
	if (is_exchanged(a))
		accounts_drop(a);
	else if (a->state == TOKEN_READY && a->kind == OAUTH_AUTHORIZATION_CODE && a->grant.refresh_token.n == 0)
		say_login(a, "the login has ended");
	else
		begin(a, SPAN_NONE, false);
}

/* ---- for accounts.c and login.c ---------------------------------------------------------------- */

void
account_init(struct account *a)
{
	buf_init(&a->bytes, GRANT_MAX);
	loop_timer_init(a->of->s->loop, &a->timer, on_timer, a);
}

void
account_fini(struct account *a)
{
	trip_fini(&a->trip);
	trip_fini(&a->login);
	loop_timer_disarm(&a->timer);
	loop_timer_disarm(&a->login_timer);
	forget(a);
	buf_fini(&a->bytes);
	free(a->challenge);
	free(a->tenant);
	free(a->server);
	free(a->who);
	if (a->subject != NULL)
		crypt_wipe(a->subject, strlen(a->subject));
	free(a->subject);
}

void
account_take_subject(struct account *a, struct span subject)
{
	if (subject.n == 0)
		return;
	if (a->subject != NULL)
		crypt_wipe(a->subject, strlen(a->subject));
	free(a->subject);
	a->subject = strndup(subject.p, subject.n);
}

void
account_look(struct account *a)
{
	if (a->trip.flow != NULL || a->state == TOKEN_READY || (a->per_user && a->who == NULL))
		return;
	if (is_exchanged(a) && a->subject == NULL) {
		say(a, TOKEN_NONE, "the gateway has no token for it: who calls is known by no token of an issuer that "
		    "could be exchanged");
		loop_timer_arm(&a->timer, AGAIN_MS);
		return;
	}
	/* A policy is worth a try: what was wrong may be right now. */
	if (a->kind == OAUTH_AUTHORIZATION_CODE && a->grant.issuer.n == 0) {
		if (a->state != TOKEN_LOGIN)
			say_login(a, "nobody has logged in");
		return;
	}
	if (a->serial == 0 && a->grant.access_token.n > 0 && a->grant.ends_ms > now_ms(a) + LEAST_MS) {
		ready(a);
		return;
	}
	begin(a, SPAN_NONE, false);
}

void
account_take_kept(struct account *a, struct span bytes)
{
	const struct snap	*policy = a->of->s->snaps.current[SNAP_POLICY];
	const struct rec_server	*s = account_server(a);
	const struct rec_auth	*auth = s == NULL ? NULL : policy_auth_find(policy, s);
	struct oauth_grant	 g;
	struct span		 issuer, id;

	if (auth == NULL)
		return;
	issuer = snap_text(policy, auth->issuer);
	id = snap_text(policy, auth->client_id);
	/* It was given for this server, by an issuer that still will do, to the client that still is. */
	if (a->kind != OAUTH_AUTHORIZATION_CODE || oauth_grant_read(bytes, &g) != 0 ||
	    !oauth_is_of(g.resource, snap_text(policy, auth->url)) || (issuer.n > 0 && !span_eq(issuer, g.issuer)) ||
	    (id.n > 0 && !span_eq(id, g.client_id)))
		return;
	if (hold(a, &g) != 0)
		forget(a);
}

void
account_take_grant(struct account *a, const struct oauth_grant *g)
{
	int	r;

	trip_fini(&a->trip);
	if ((r = hold(a, g)) != 0) {
		forget(a);
		say_login(a, err_text(r));
		return;
	}
	keep(a);
	a->renewals = 0;
	free(a->challenge);
	a->challenge = NULL;
	ready(a);
}

void
account_log_out(struct account *a)
{
	trip_fini(&a->trip);
	forget(a);
	a->ends_ms = 0;
	keep(a);
	say_login(a, "nobody has logged in");
}

/* Refusals lead to few attempts: one that helps is soon found. */
static bool
may_renew(struct account *a)
{
	uint64_t	now = loop_now_ms(a->of->s->loop);

	if (a->renewals == 0 || now - a->renewed_ms > RENEWALS_MS) {
		a->renewals = 0;
		a->renewed_ms = now;
	}
	return a->renewals++ < RENEWALS_MAX;
}

static void
keep_challenge(struct account *a, struct span challenge)
{
	free(a->challenge);
	a->challenge = challenge.n == 0 ? NULL : strndup(challenge.p, challenge.n);
}

static void
wants_more(struct account *a, const struct msg_TOKEN_WANTED *m, struct span scope)
{
	keep_challenge(a, m->challenge);
	if (a->kind == OAUTH_AUTHORIZATION_CODE) {
		char	command[ACCOUNT_COMMAND_MAX];

		/* It serves for all else. */
		say(a, TOKEN_READY, "the server wants the scope \"%.*s\" for this; log in again: %s",
		    (int)(scope.n > 120 ? 120 : scope.n), scope.p == NULL ? "" : scope.p,
		    login_command(a, command, sizeof(command)));
	} else if (!may_renew(a)) {
		say(a, TOKEN_READY, "the server wants the scope \"%.*s\" again and again, which its authorization "
		    "server does not give", (int)(scope.n > 120 ? 120 : scope.n), scope.p == NULL ? "" : scope.p);
	} else {
		begin(a, m->challenge, true);
	}
}

static void
is_refused(struct account *a, const struct msg_TOKEN_WANTED *m)
{
	bool	may = may_renew(a);

	a->refused = true;
	keep_challenge(a, m->challenge);
	if (a->kind == OAUTH_AUTHORIZATION_CODE && (!may || a->renewals > 1)) {
		say_login(a, "the server does not take the login's token any more");
	} else if (!may) {
		say(a, TOKEN_NONE, "the server refuses the tokens that its authorization server gives for it");
		loop_timer_arm(&a->timer, AGAIN_MAX_MS);
	} else {
		begin(a, m->challenge, false);
	}
}

void
account_wanted(struct account *a, const struct msg_TOKEN_WANTED *m)
{
	struct oauth_challenge	c = { 0 };
	struct arena		arena;

	/* There is another one already, or will be. */
	if (a->trip.flow != NULL || m->serial != a->serial)
		return;
	arena_init(&arena, NULL, 0, 2 * OAUTH_CHALLENGE_MAX);
	if (oauth_challenge_read(m->challenge, &arena, &c) != 0)
		c = (struct oauth_challenge){ 0 };
	if (m->status == 403)
		wants_more(a, m, c.scope);
	else if (m->status == 401)
		is_refused(a, m);
	else
		account_look(a);
	arena_fini(&arena);
}
