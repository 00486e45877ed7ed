/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenwait.c - a request to an HTTP server with "auth": it waits for a token, and for another one when that is refused
 *
 * Process: worker.
 * Owns:    the requests that wait; each has its route.
 * Trusts:  the scout's snapshot for tokens.  A server that refuses them all costs its own calls few attempts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/sum.h"
#include "oauth/challenge.h"
#include "worker/call/tokenwait.h"
#include "worker/call/users.h"
#include "worker/lists/lists.h"
#include "worker/worker.h"

#define WAIT_MS		30000	/* at most, within the request's own time */
#define AGAIN_MAX	3

struct tokenwait {
	struct tokenwait		*next, **back;	/* while it waits */
	struct worker		*w;
	struct route		*r;
	struct upstream_request	 up;
	uint64_t		 key;
	uint64_t		 serial;	/* what was known when it began to wait: a later one is waited for */
	uint64_t		 used;		/* sum of the token that was shown last */
	uint64_t		 ends_ms;	/* of the request, on the loop's clock */
	struct loop_timer	 timer;
	unsigned		 again;
	bool			 waits, failed, of_user;
	unsigned		 status;	/* it was refused with; 0: it was not */
	char			 why[512];
};

static const struct rec_token *
token_of(const struct tokenwait *b)
{
	const struct snap	*tokens = b->w->snaps.current[SNAP_TOKENS];

	return tokens == NULL ? NULL : policy_token_find(tokens, b->key);
}

/* ---- waiting ----------------------------------------------------------------------------------- */

static void
stop_waiting(struct tokenwait *b)
{
	loop_timer_disarm(&b->timer);
	if (!b->waits)
		return;
	b->waits = false;
	if ((*b->back = b->next) != NULL)
		b->next->back = b->back;
}

static uint64_t
left_ms(const struct tokenwait *b)
{
	uint64_t	now = loop_now_ms(b->w->loop);

	return b->ends_ms > now ? b->ends_ms - now : 1;
}

/* Of a server with "per": "user": mcpgw-scout has never heard of most users. */
static void
ask_for_user(struct tokenwait *b, uint64_t serial, struct span challenge)
{
	struct msg_USER_TOKEN_WANTED	m = { .server = b->up.target->name, .key = b->key, .serial = serial,
	    .status = b->status, .challenge = challenge };
	struct user			u;

	if (!users_find(b->w->users, b->up.instance, &u))
		return;
	m.tenant = span_of(u.tenant);
	m.who = span_of(u.who);
	m.subject = u.subject;
	chan_tell(&b->w->master, MSG_TYPE_USER_TOKEN_WANTED, 0, &m);
}

/* Those who wait for the same are waited for with one question. */
static void
wait_for(struct tokenwait *b, uint64_t serial, struct span challenge)
{
	struct msg_TOKEN_WANTED	m = { .key = b->key, .serial = serial, .status = b->status, .challenge = challenge };
	bool			asked = false;

	for (const struct tokenwait *o = b->w->tokenwaits; o != NULL; o = o->next)
		asked |= o->key == b->key && o->serial == serial && o->status == b->status;
	b->serial = serial;
	b->waits = true;
	b->back = &b->w->tokenwaits;
	if ((b->next = b->w->tokenwaits) != NULL)
		b->next->back = &b->next;
	b->w->tokenwaits = b;
	loop_timer_arm(&b->timer, left_ms(b) < WAIT_MS ? left_ms(b) : WAIT_MS);
	if (!asked && b->of_user)
		ask_for_user(b, serial, challenge);
	else if (!asked)
		chan_tell(&b->w->master, MSG_TYPE_TOKEN_WANTED, 0, &m);
}

static void
fail_later(struct tokenwait *b, struct span why)
{
	snprintf(b->why, sizeof(b->why), "%.*s", SPAN_FMT(why));
	b->failed = true;
	loop_timer_arm(&b->timer, 0);
}

/* ---- the way ----------------------------------------------------------------------------------- */

static uint64_t
sum_of(const struct tokenwait *b, const struct rec_token *t)
{
	return sum64(snap_text(b->w->snaps.current[SNAP_TOKENS], t->value));
}

/* There is a token that the server has not refused: 0, or why the request cannot even be queued. */
static int
send_it(struct tokenwait *b, const struct rec_token *t)
{
	b->used = sum_of(b, t);
	b->up.deadline_ms = (uint32_t)left_ms(b);
	return route_http_go(b->r, &b->up);
}

/* E_AGAIN: there is nothing to be known yet. */
static int
go(struct tokenwait *b)
{
	const struct rec_token	*t = token_of(b);
	int			 r;

	if (t == NULL || t->serial <= b->serial)
		return E_AGAIN;
	if (t->state == TOKEN_READY && (b->status == 0 || sum_of(b, t) != b->used)) {
		if ((r = send_it(b, t)) != 0)
			fail_later(b, span_of(err_text(r)));
		return 0;
	}
	if (t->why.bytes > 0)
		fail_later(b, snap_text(b->w->snaps.current[SNAP_TOKENS], t->why));
	else
		fail_later(b, SPAN_LIT("the server refuses the token that its authorization server gives"));
	return 0;
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct tokenwait	*b = arg;
	struct route	*r = b->r;
	char		 why[sizeof(b->why)];

	(void)t;
	stop_waiting(b);
	if (!b->failed && go(b) == 0)
		return;
	if (!b->failed)
		snprintf(b->why, sizeof(b->why), "the gateway has no token for it: mcpgw-scout found none in time");
	memcpy(why, b->why, sizeof(why));
	route_http_end(r, E_TOKEN, span_of(why));
}

int
tokenwait_start(struct worker *w, struct route *r, const struct upstream_request *up, bool of_user)
{
	struct tokenwait		*b = calloc(1, sizeof(*b));
	const struct rec_token	*t;
	int			 e;

	if (b == NULL)
		return E_NOMEM;
	b->w = w;
	b->r = r;
	b->up = *up;
	b->key = up->target->token_key;
	b->of_user = of_user;
	b->ends_ms = loop_now_ms(w->loop) + up->deadline_ms;
	loop_timer_init(w->loop, &b->timer, on_timer, b);
	if ((t = token_of(b)) != NULL && t->state == TOKEN_READY && (e = send_it(b, t)) != 0) {
		free(b);
		return e;
	}
	r->tokenwait = b;
	if (t == NULL)
		wait_for(b, 0, SPAN_NONE);
	else if (t->state != TOKEN_READY)
		(void)go(b);
	return 0;
}

/* By what RFC 6750 says of either: neither was executed. */
static bool
asks_for_another(const struct upstream_result *result)
{
	struct oauth_challenge	c = { 0 };
	struct arena		a;
	bool			yes;

	arena_init(&a, NULL, 0, 2 * OAUTH_CHALLENGE_MAX);
	yes = oauth_challenge_read(result->challenge, &a, &c) == 0 &&
	    (result->refused == 401 || span_is(c.error, "insufficient_scope"));
	arena_fini(&a);
	return yes;
}

bool
tokenwait_again(struct route *r, const struct upstream_result *result, struct span *why)
{
	struct tokenwait		*b = r->tokenwait;
	const struct rec_token	*t;

	*why = result->why;
	if (result->refused == 0 || !asks_for_another(result))
		return false;
	if (b->again++ >= AGAIN_MAX) {
		*why = SPAN_LIT("the server refuses each token that its authorization server gives");
		return false;
	}
	b->status = result->refused;
	t = token_of(b);
	/* Somebody else's refusal has led to another one already. */
	if (t != NULL && t->serial > result->token_serial && (t->state != TOKEN_READY || sum_of(b, t) != b->used)) {
		b->serial = result->token_serial;
		loop_timer_arm(&b->timer, 0);
	} else {
		wait_for(b, t == NULL ? 0 : t->serial, result->challenge);
	}
	return true;
}

void
tokenwait_free(struct tokenwait **bp)
{
	struct tokenwait	*b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	stop_waiting(b);
	free(b);
}

void
tokenwaits_on_tokens(struct worker *w)
{
	struct tokenwait	*b, *next;

	if (w->upstreams != NULL)
		upstream_set_tokens(w->upstreams, w->snaps.current[SNAP_TOKENS]);
	if (w->lists != NULL && w->config != NULL)
		lists_tokens_changed(w->lists);
	for (b = w->tokenwaits; b != NULL; b = next) {
		const struct rec_token	*t = token_of(b);

		next = b->next;
		if (t == NULL || t->serial <= b->serial)
			continue;
		/* Later in this turn: what ends may take others with it. */
		stop_waiting(b);
		loop_timer_arm(&b->timer, 0);
	}
}
