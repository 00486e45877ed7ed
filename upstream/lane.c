/* SPDX-License-Identifier: Apache-2.0
 *
 * lane.c - sessions side by side, so that what a legacy server asks finds its call
 *
 * Process: worker.  Owns: the lanes of a peer, and the peers of all but lane 0.
 * Trusts:  nothing; a server may go on with a call that was given up, so that call counts for a while.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/capability.h"
#include "upstream/lane.h"
#include "upstream/listen.h"
#include "upstream/news.h"
#include "upstream/origin.h"
#include "upstream/reply.h"

#define LANE_MAGIC	0x1a9e0001u
#define LINGER_MS	1000	/* a call given up counts so long */
#define IDLE_MAX	64	/* such streams in a worker */

struct lane {
	uint32_t		 magic;
	unsigned		 number;
	struct lanes		*of;
	struct lane		*next;		/* the next higher number that is there */
	struct peer		*peer;		/* held, but for lane 0 */
	struct lane_seat	*seats;
	struct lane_seat	*holder;	/* alone in the session; NULL: calls share it */
	struct loop_timer	 linger;	/* armed: a call that was given up counts */
	struct loop_timer	 tell;		/* those that wait look again */
	struct loop_timer	 unused;
	struct lane		*idle_next, *idle_prev;
	bool			 idle;		/* its stream is open for nobody */
	unsigned		 lost;		/* streams one after the other that were 404 */
	struct listen		 listen;
};

struct lanes {
	struct lanes		*next, *prev;	/* of the worker */
	struct lanes		**home;		/* where the peer of lane 0 keeps it */
	struct upstream		*u;
	struct origin		*origin;
	uint64_t		 instance, capabilities;
	struct lane		*first;
	size_t			 count;
};

static const struct listen_ops	listen_ops;
static void			on_linger(struct loop_timer *t, void *arg);
static void			on_tell(struct loop_timer *t, void *arg);
static void			on_unused(struct loop_timer *t, void *arg);

/* ---- lanes ------------------------------------------------------------------------------------- */

/* A new one, at its place in the row. */
static int
lane_new(struct lanes *of, struct lane **at, unsigned number, struct peer *peer)
{
	struct lane	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return E_NOMEM;
	l->magic = LANE_MAGIC;
	l->number = number;
	l->of = of;
	l->peer = peer;
	loop_timer_init(of->u->loop, &l->linger, on_linger, l);
	loop_timer_init(of->u->loop, &l->tell, on_tell, l);
	loop_timer_init(of->u->loop, &l->unused, on_unused, l);
	listen_init(&l->listen, of->u, &listen_ops);
	l->next = *at;
	*at = l;
	of->count++;
	return 0;
}

static void
idle_remove(struct lane *l)
{
	struct upstream	*u = l->of->u;

	if (!l->idle)
		return;
	*(l->idle_prev == NULL ? &u->idle_first : &l->idle_prev->idle_next) = l->idle_next;
	*(l->idle_next == NULL ? &u->idle_last : &l->idle_next->idle_prev) = l->idle_prev;
	l->idle = false;
	u->idle_count--;
}

/* Its peer is the caller's, and it is not in the row any more. */
static void
lane_free(struct lane *l)
{
	BUG_ON(l->seats != NULL);
	idle_remove(l);
	loop_timer_disarm(&l->linger);
	loop_timer_disarm(&l->tell);
	loop_timer_disarm(&l->unused);
	listen_fini(&l->listen);
	l->of->count--;
	l->magic = 0;
	free(l);
}

static int
lanes_new(struct upstream *u, struct peer *home, const struct upstream_request *r, struct lanes **out)
{
	struct lanes	*of;
	int		 e;

	if ((of = calloc(1, sizeof(*of))) == NULL)
		return E_NOMEM;
	of->u = u;
	of->instance = r->instance;
	of->capabilities = r->capabilities;
	if ((of->origin = origin_find(u, r->target->profile)) == NULL) {
		free(of);
		return E_NOMEM;
	}
	/* The peer of lane 0 owns all this, not the other way round. */
	if ((e = lane_new(of, &of->first, 0, home)) != 0) {
		origin_unref(&of->origin);
		free(of);
		return e;
	}
	of->home = peer_lanes(home);
	*of->home = of;
	if ((of->next = u->lanes) != NULL)
		of->next->prev = of;
	u->lanes = of;
	*out = of;
	return 0;
}

void
lanes_free(struct lanes **ofp)
{
	struct lanes	*of = *ofp;
	struct lane	*l;
	struct peer	*peer;

	*ofp = NULL;
	if (of == NULL)
		return;
	while ((l = of->first) != NULL) {
		of->first = l->next;
		peer = l->number == 0 ? NULL : l->peer;
		lane_free(l);
		peer_unref(&peer);
	}
	*(of->prev == NULL ? &of->u->lanes : &of->prev->next) = of->next;
	if (of->next != NULL)
		of->next->prev = of->prev;
	origin_unref(&of->origin);
	free(of);
}

void
lanes_free_all(struct upstream *u)
{
	while (u->lanes != NULL)
		lanes_free(u->lanes->home);
}

/* ---- a lane that nobody uses ------------------------------------------------------------------- */

static void
idle_end(struct lane *l)
{
	idle_remove(l);
	if (l->number == 0) {
		listen_forget(&l->listen);
		return;
	}
	listen_stop(&l->listen);
	loop_timer_arm(&l->unused, l->of->u->params.session_idle_ms);
}

static void
lane_drop(struct lane *l)
{
	struct lane	**at = &l->of->first;
	struct peer	*peer = l->peer;
	struct span	 session = peer_session(peer);

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	/* Without a stream it was never used. */
	if (l->listen.target.name.n > 0)
		reply_end_session(l->of->u, &l->listen.target, peer_version(peer), session);
	peer_session_lost(peer, session);
	lane_free(l);
	peer_discard(&peer);
}

static void
on_unused(struct loop_timer *t, void *arg)
{
	struct lane	*l = arg;

	(void)t;
	MAGIC_CHECK(l, LANE_MAGIC);
	if (l->idle)
		idle_end(l);
	else if (l->number > 0)
		lane_drop(l);
}

static void
become_idle(struct lane *l)
{
	struct upstream	*u = l->of->u;

	l->listen.needed = false;
	if (l->listen.state == LISTEN_OFF) {
		loop_timer_arm(&l->unused, u->params.session_idle_ms);
		return;
	}
	l->idle = true;
	l->idle_next = NULL;
	if ((l->idle_prev = u->idle_last) == NULL)
		u->idle_first = l;
	else
		u->idle_last->idle_next = l;
	u->idle_last = l;
	loop_timer_arm(&l->unused, u->params.stream_idle_ms);
	if (++u->idle_count > IDLE_MAX)
		idle_end(u->idle_first);
}

/* ---- places ------------------------------------------------------------------------------------ */

static void
on_linger(struct loop_timer *t, void *arg)
{
	(void)t;
	(void)arg;		/* that it is not armed says it all */
}

static bool
suits(const struct lane *l, bool alone)
{
	return alone ? l->seats == NULL && !l->linger.armed : l->holder == NULL;
}

static bool
has_streams(const struct lanes *of, const struct peer *p)
{
	return peer_sse(p) != NULL || !origin_is_streamless(of->origin);
}

static int
pick(struct lanes *of, bool alone, const struct upstream_target *target, struct lane **out)
{
	struct lane	**at, *l;
	struct peer	*peer;
	unsigned	 number = 0;
	int		 r;

	for (l = of->first; l != NULL && !suits(l, alone); l = l->next)
		;
	if ((*out = l) != NULL)
		return 0;
	if (of->count >= LANES_MAX)
		return E_OVERLOAD;
	for (at = &of->first; *at != NULL && (*at)->number == number; at = &(*at)->next)
		number++;
	if ((r = peer_find(of->u, target, of->instance, of->capabilities, number, &peer)) != 0)
		return r;
	if ((r = lane_new(of, at, number, peer)) != 0)
		peer_unref(&peer);
	else
		*out = *at;
	return r;
}

int
lane_take(struct lane_seat *s, const struct lane_ops *ops, struct upstream *u, struct peer *home,
    const struct upstream_request *r)
{
	struct lanes	*of = *peer_lanes(home);
	struct lane	*l;
	bool		 alone;
	int		 e;

	BUG_ON(s->lane != NULL);
	if (of == NULL && (e = lanes_new(u, home, r, &of)) != 0)
		return e;
	s->name = learn_hash(span_of(mcp_method_row(r->method)->text), r->name);
	alone = (r->capabilities & MCP_CAN_BE_ASKED) != 0 && has_streams(of, home) &&
	    learn_find(of->origin->learnt, s->name) != LEARNT_QUIET;
	if ((e = pick(of, alone, r->target, &l)) != 0)
		return e;
	idle_remove(l);
	loop_timer_disarm(&l->unused);
	s->ops = ops;
	s->progress_token = r->progress_token;
	s->lane = l;
	if ((s->next = l->seats) != NULL)
		s->next->prev = s;
	l->seats = s;
	if (alone)
		l->holder = s;
	l->listen.needed = true;
	return 0;
}

void
lane_leave(struct lane_seat *s, bool given_up)
{
	struct lane	*l = s->lane;

	if (l == NULL)
		return;
	MAGIC_CHECK(l, LANE_MAGIC);
	*(s->prev == NULL ? &l->seats : &s->prev->next) = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	if (l->holder == s)
		l->holder = NULL;
	if (given_up && s->sent)
		loop_timer_arm(&l->linger, LINGER_MS);
	*s = (struct lane_seat){ .lane = NULL };
	if (l->seats == NULL)
		become_idle(l);
}

struct peer *
lane_peer(const struct lane_seat *s)
{
	return s->lane->peer;
}

/* ---- its stream -------------------------------------------------------------------------------- */

int
lane_listen(struct lane_seat *s, const struct upstream_target *target)
{
	struct lane	*l = s->lane;
	struct span	 session = peer_session(l->peer);
	int		 r;

	if (!has_streams(l->of, l->peer))
		return 0;
	if (l->listen.state != LISTEN_OFF && !span_eq(span_of(l->listen.session), session))
		listen_stop(&l->listen);
	if (l->listen.state != LISTEN_OFF)
		listen_hurry(&l->listen);
	else if (peer_sse(l->peer) != NULL)
		return listen_join(&l->listen, peer_sse(l->peer), peer_version(l->peer));
	else if ((r = listen_start(&l->listen, target, peer_version(l->peer), session)) != 0)
		return r;
	if (l->listen.settled)
		return 0;
	s->waits = true;
	return E_AGAIN;
}

/* Those that came to wait meanwhile wait for something else. */
static void
on_tell(struct loop_timer *t, void *arg)
{
	struct lane		*l = arg;
	struct lane_seat	*s;

	(void)t;
	MAGIC_CHECK(l, LANE_MAGIC);
	for (s = l->seats; s != NULL; s = s->next) {
		s->told = s->waits;
		s->waits = false;
	}
	do {
		for (s = l->seats; s != NULL && !s->told; s = s->next)
			;
		if (s == NULL)
			return;
		s->told = false;
		s->ops->on_ready(s);
	} while (l->seats != NULL);
}

static struct lane *
lane_of(struct listen *li)
{
	struct lane	*l = (struct lane *)(void *)((char *)li - offsetof(struct lane, listen));

	MAGIC_CHECK(l, LANE_MAGIC);
	return l;
}

static void
on_settled(struct listen *li)
{
	struct lane	*l = lane_of(li);

	if (li->state == LISTEN_OPEN)
		l->lost = 0;
	loop_timer_arm(&l->tell, 0);
}

/* 404 is what a server says that does not know the session, but also one that knows no GET at all.  A
 * session that was made a moment ago tells one from the other. */
static void
on_listen_end(struct listen *li, enum listen_end why)
{
	struct lane	*l = lane_of(li);

	if (why == LISTEN_OVER) {
		/* Whatever the server still works on, it does in a session that is no more. */
		for (struct lane_seat *s = l->seats; s != NULL; s = s->next)
			s->sent = false;
	} else if (why == LISTEN_LOST && li->session[0] != '\0' && l->lost++ == 0) {
		peer_session_lost(l->peer, span_of(li->session));
	} else {
		l->lost = 0;
		origin_set_streamless(l->of->origin);
	}
	loop_timer_arm(&l->tell, 0);
}

void
lane_session_lost(struct lane_seat *s, struct span session)
{
	struct lane	*l = s->lane;

	s->sent = false;
	peer_session_lost(l->peer, session);
	if (l->listen.state == LISTEN_OFF || !span_eq(span_of(l->listen.session), session))
		return;
	listen_stop(&l->listen);
	loop_timer_arm(&l->tell, 0);
}

/* ---- whose message ----------------------------------------------------------------------------- */

void
lane_sent(struct lane_seat *s)
{
	s->sent = true;
}

void
lane_asks(struct lane_seat *s)
{
	struct lane	*l = s->lane;

	if (l == NULL)
		return;
	s->asked = true;
	learn_note(&l->of->origin->learnt, s->name, LEARNT_ASKS);
	/* Nobody comes beside it from now on, if nobody is. */
	if (l->seats == s && s->next == NULL && has_streams(l->of, l->peer))
		l->holder = s;
}

void
lane_answered(struct lane_seat *s, const struct rpc_answer *answer)
{
	/* One that failed might have asked if it had come further. */
	if (s->lane != NULL && !s->asked && !answer->is_error && answer->is_error_value.type != JSON_TRUE)
		learn_note(&s->lane->of->origin->learnt, s->name, LEARNT_QUIET);
}

/* The one call that the server can be working on; NULL when there is none, or it might be another. */
static struct lane_seat *
owner(const struct lane *l)
{
	struct lane_seat	*s, *one = NULL;

	if (l->linger.armed)
		return NULL;
	if (l->holder != NULL)
		return l->holder->sent ? l->holder : NULL;
	for (s = l->seats; s != NULL; s = s->next) {
		if (!s->sent)
			continue;
		if (one != NULL)
			return NULL;
		one = s;
	}
	return one;
}

/* It asked, and any of them may be why: none of them is taken for quiet any more. */
static void
all_ask(struct lane *l)
{
	for (struct lane_seat *s = l->seats; s != NULL; s = s->next) {
		if (!s->sent)
			continue;
		s->asked = true;
		learn_note(&l->of->origin->learnt, s->name, LEARNT_ASKS);
	}
}

static void
on_request(struct lane *l, const struct rpc_answer *m)
{
	struct lane_seat	*s = owner(l);

	if (m->method != MCP_PING && s != NULL) {
		lane_asks(s);
		s->ops->on_message(s, m);
		return;
	}
	if (m->method != MCP_PING)
		all_ask(l);
	reply_own(l->of->u, &l->listen.target, l->listen.version, span_of(l->listen.session), m, -32603,
	    "no client request to ask for");
}

/* Each token is one call's: they are numbers of ours. */
static struct lane_seat *
who_wants(const struct lane *l, struct span token)
{
	struct lane_seat	*s = l->seats;

	while (s != NULL && !(s->sent && token.n > 0 && span_eq(s->progress_token, token)))
		s = s->next;
	return s;
}

static void
on_message(struct listen *li, const struct rpc_answer *m)
{
	struct lane		*l = lane_of(li);
	struct lane_seat	*s;

	if (m->kind == RPC_REQUEST) {
		on_request(l, m);
		return;
	}
	switch (m->method) {
	case MCP_NOTE_PROGRESS:
		s = who_wants(l, m->progress_token.raw);
		break;
	case MCP_NOTE_MESSAGE:
	case MCP_NOTE_CANCELLED:
	case MCP_NOTE_ELICITATION_COMPLETE:
		s = owner(l);
		break;
	default:
		news_overheard(l->of->u, l->listen.target.server, l->of->instance, m);
		return;
	}
	if (s != NULL)
		s->ops->on_message(s, m);
}

static const struct listen_ops listen_ops = { on_settled, on_message, on_listen_end, NULL };
