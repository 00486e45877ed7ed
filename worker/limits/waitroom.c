/* SPDX-License-Identifier: Apache-2.0
 *
 * waitroom.c - calls that wait until others have ended
 *
 * Process: worker.  Owns: the queues; a call's place is in its request's arena.
 * Trusts:  nobody: each tenant has half of the room at most.
 *
 * What ended here is noticed at once; what ended in another worker is looked for every two ms.
 */
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/bug.h"
#include "worker/call/call_priv.h"
#include "worker/call/may.h"
#include "worker/call/patience.h"
#include "worker/front/endings.h"
#include "worker/front/reply.h"
#include "worker/limits/waitroom.h"

#define LOOK_MS		2
#define AT_ONCE		64		/* calls that are let in in one go */
#define IN_A_ROW	4		/* ends here whose room is taken here, before the other workers are left some */
#define FOR_STORE	256		/* that wait for the store, beyond those who wait for others */
#define FOR_STORE_MS	2000
#define MAGIC		0x3a17100du

struct lane {			/* of a principal, and what it waits for */
	TAILQ_ENTRY(lane)	 next;
	TAILQ_HEAD(, waiting)	 calls;
	uint64_t		 principal, blocked;
};

struct house {			/* of a tenant */
	TAILQ_ENTRY(house)	 next;
	TAILQ_HEAD(lanes, lane)	 lanes;
	uint64_t		 tenant;
	size_t			 count;
};

struct waiting {
	uint32_t		 magic;
	TAILQ_ENTRY(waiting)	 next, next_all;
	struct house		*house;
	struct lane		*lane;
	struct request		*rq;
	struct call_ask		 ask;
	struct decision		 decision;
	struct admission	 admission;
	uint64_t		 until_ms;
};

struct waitroom {
	struct worker		*w;
	TAILQ_HEAD(houses, house) houses;
	TAILQ_HEAD(, waiting)	 all;		/* the oldest first */
	size_t			 count;
	struct loop_timer	 look, soon;
	const struct request	*again;		/* that enters once more, and had until then; NULL: nobody does */
	uint64_t		 until_ms;
	unsigned		 in_a_row;
	bool			 busy;
};

/* --- in and out ----------------------------------------------------------------------------------- */

static struct house *
house_find(const struct waitroom *room, uint64_t tenant)
{
	struct house	*h;

	TAILQ_FOREACH(h, &room->houses, next)
		if (h->tenant == tenant)
			return h;
	return NULL;
}

static struct lane *
lane_find(const struct house *h, uint64_t principal, uint64_t blocked)
{
	struct lane	*l;

	TAILQ_FOREACH(l, &h->lanes, next)
		if (l->principal == principal && l->blocked == blocked)
			return l;
	return NULL;
}

static struct lane *
lane_make(struct waitroom *room, const struct request *rq, uint64_t blocked, struct house **house)
{
	struct house	*h = house_find(room, rq->who.tenant_hash);
	struct lane	*l = h == NULL ? NULL : lane_find(h, rq->who.hash, blocked);

	if (l == NULL && (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	if (h == NULL && (h = calloc(1, sizeof(*h))) == NULL) {
		free(l);
		return NULL;
	}
	if (h->tenant == 0) {
		h->tenant = rq->who.tenant_hash;
		TAILQ_INIT(&h->lanes);
		TAILQ_INSERT_TAIL(&room->houses, h, next);
	}
	if (l->calls.tqh_last == NULL) {
		l->principal = rq->who.hash;
		l->blocked = blocked;
		TAILQ_INIT(&l->calls);
		TAILQ_INSERT_TAIL(&h->lanes, l, next);
	}
	*house = h;
	return l;
}

static void
leave(struct waitroom *room, struct waiting *c)
{
	struct house	*h = c->house;
	struct lane	*l = c->lane;

	c->rq->on_gone = NULL;
	c->rq->job = NULL;
	c->magic = 0;
	TAILQ_REMOVE(&room->all, c, next_all);
	TAILQ_REMOVE(&l->calls, c, next);
	room->count--;
	h->count--;
	if (TAILQ_EMPTY(&l->calls)) {
		TAILQ_REMOVE(&h->lanes, l, next);
		free(l);
	}
	if (TAILQ_EMPTY(&h->lanes)) {
		TAILQ_REMOVE(&room->houses, h, next);
		free(h);
	}
	if (room->count == 0)
		loop_timer_disarm(&room->look);
}

/* Nobody waits for it any more: what it took of buckets stays taken. */
static void
give_up(struct waitroom *room, struct waiting *c)
{
	struct request		*rq = c->rq;
	const struct call_ask	 ask = c->ask;
	const struct decision	 d = c->decision;

	leave(room, c);
	metric_add(&rq->w->metrics, METRIC_calls_abandoned_total, 1);
	call_record_refusal(rq, &ask, &d, AUDIT_OUTCOME_CANCELLED, E_CLOSED);
}

static void
on_client_gone(struct request *rq)
{
	struct waiting	*c = rq->job;

	MAGIC_CHECK(c, MAGIC);
	/* That of a legacy client runs on (mcp-wire 3.3). */
	if (!rq->modern)
		return;
	give_up(rq->w->waitroom, c);
	request_done(rq);
}

bool
waitroom_cancel(struct worker *w, uint64_t session_hash, struct span id)
{
	struct waiting	*c;
	struct request	*rq;

	TAILQ_FOREACH(c, &w->waitroom->all, next_all)
		if (request_is_of(c->rq, session_hash, id))
			break;
	if (c == NULL)
		return false;
	rq = c->rq;
	give_up(w->waitroom, c);
	/* Who cancelled gets no response (2025-11-25 basic/utilities/cancellation). */
	reply_accepted(rq);
	return true;
}

bool
waitroom_is_due(const struct request *rq, struct limit_set *set, struct limit_said *said)
{
	const struct house	*h;

	if (rq->w->waitroom->count == 0 || (h = house_find(rq->w->waitroom, rq->who.tenant_hash)) == NULL)
		return false;
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->of[i].max_concurrent == 0 || lane_find(h, rq->who.hash, set->of[i].share) == NULL)
			continue;
		set->blocked = set->of[i].share;
		limits_say_crowded(&set->of[i], said);
		return true;
	}
	return false;
}

/* The store writes within some ms: an operator's bounds are for those who wait for others.  A tenant has half of either
 * room. */
static bool
has_room(const struct waitroom *room, const struct params *p, const struct house *h, uint64_t blocked)
{
	const uint64_t	most = p->max_waiting + (blocked == 0 ? FOR_STORE : 0);

	return (blocked == 0 || p->max_wait > 0) && room->count < most && (h == NULL || h->count < (most + 1) / 2);
}

bool
waitroom_enter(struct request *rq, const struct call_ask *ask, const struct decision *d, const struct admission *a)
{
	struct waitroom		*room = rq->w->waitroom;
	const struct params	*p = &rq->config->params;
	const uint64_t		 blocked = a->limits->blocked;
	const bool		 again = room->again == rq;
	struct waiting		*c;

	if ((rq->w->draining && !again) || !has_room(room, p, house_find(room, rq->who.tenant_hash), blocked) ||
	    (c = arena_calloc(&rq->x->arena, sizeof(*c))) == NULL ||
	    (c->lane = lane_make(room, rq, blocked, &c->house)) == NULL)
		return false;
	c->magic = MAGIC;
	c->rq = rq;
	c->ask = *ask;
	c->ask.decided = NULL;
	c->decision = *d;
	c->admission = *a;
	c->until_ms = loop_now_ms(rq->w->loop) +
	    (blocked == 0 && p->max_wait < FOR_STORE_MS ? FOR_STORE_MS : p->max_wait);
	if (again && room->until_ms < c->until_ms)
		c->until_ms = room->until_ms;
	if (patience_ends(rq) < c->until_ms)
		c->until_ms = patience_ends(rq);
	TAILQ_INSERT_TAIL(&c->lane->calls, c, next);
	TAILQ_INSERT_TAIL(&room->all, c, next_all);
	c->house->count++;
	room->count++;
	rq->job = c;
	rq->on_gone = on_client_gone;
	metric_add(&rq->w->metrics, METRIC_calls_waited_total, !again);
	if (!room->look.armed)
		loop_timer_arm(&room->look, LOOK_MS);
	return true;
}

/* --- who may go ----------------------------------------------------------------------------------- */

/* A reload came meanwhile: what it forbids is not begun, nor what it wants approved (try_first).  *d, unless
 * none came: what it says. */
static bool
is_forbidden(struct request *rq, const struct call_ask *ask, struct decision *d)
{
	const struct span	server = snap_text(rq->config->policy, ask->server->name);

	if (rq->config == rq->w->config)
		return false;
	may_call(rq, rq->w->config->policy, server, ask, true, d);
	return !d->allow;
}

/* Keys or policy are others since it came.  True: it left, was turned out, or begins anew by what is said now, within
 * the time it had. */
static bool
catch_up(struct waitroom *room, struct waiting *c)
{
	struct request		*rq = c->rq;
	struct limit_set	*limits = c->admission.limits;
	struct call_ask		 ask = c->ask;
	const struct decision	 d = c->decision;
	const uint64_t		 until_ms = c->until_ms;
	const bool		 revoked = endings_met(rq);

	if (!revoked && !call_catch_up(rq, &ask))
		return false;
	leave(room, c);
	limits_give(rq->w, limits);
	room->again = rq;
	room->until_ms = until_ms;
	if (revoked)
		call_refuse_revoked(rq, &ask, &d);
	else
		call_begin(rq, &ask);
	room->again = NULL;
	return true;
}

/* The first of a lane; true: it left, whatever became of it. */
static bool
try_first(struct waitroom *room, struct lane *l)
{
	struct waiting		*c = TAILQ_FIRST(&l->calls);
	struct request		*rq = c->rq;
	struct admission	 a = c->admission;
	const struct call_ask	 ask = c->ask;
	struct decision		 d = c->decision, now = d;
	int			 e;

	if (rq->changes != rq->w->changes && catch_up(room, c))
		return true;
	if (is_forbidden(rq, &ask, &now)) {
		leave(room, c);
		limits_give(rq->w, a.limits);
		call_refuse_denied(rq, &ask, &now);
		return true;
	}
	if ((e = admit_waited(rq, &ask, &a)) == E_AGAIN) {
		c->admission.said = a.said;
		return false;
	}
	leave(room, c);
	if (e == 0 && call_is_approved(rq, &ask, &now, &a))
		call_go_on(rq, &ask, &d, &a);
	else if (e != 0)
		call_refuse_admission(rq, &ask, &d, &a, e);
	return true;
}

/* One of this tenant, its principals in turn; true: it left, and the tenant may be gone with it. */
static bool
go_house(struct waitroom *room, struct house *h)
{
	struct lane	*l, *last = TAILQ_LAST(&h->lanes, lanes);

	do {
		l = TAILQ_FIRST(&h->lanes);
		TAILQ_REMOVE(&h->lanes, l, next);
		TAILQ_INSERT_TAIL(&h->lanes, l, next);
		if (try_first(room, l))
			return true;
	} while (l != last);
	return false;
}

/* One of each tenant; how many left. */
static size_t
go_round(struct waitroom *room)
{
	struct house	*h, *last = TAILQ_LAST(&room->houses, houses);
	size_t		 left = 0;
	bool		 over = last == NULL;

	while (!over) {
		h = TAILQ_FIRST(&room->houses);
		over = h == last;
		TAILQ_REMOVE(&room->houses, h, next);
		TAILQ_INSERT_TAIL(&room->houses, h, next);
		left += go_house(room, h);
	}
	return left;
}

int
waitroom_error(const struct admission *a)
{
	return a->limits->blocked == 0 ? E_QUOTA_STORE : E_CONCURRENT;
}

/* Those that wait for the store do so for another time, so it need not be the first. */
static struct waiting *
expired(const struct waitroom *room, uint64_t now)
{
	struct waiting	*c;

	TAILQ_FOREACH(c, &room->all, next_all)
		if (c->until_ms <= now)
			return c;
	return NULL;
}

static void
expire(struct waitroom *room)
{
	const uint64_t		 now = loop_now_ms(room->w->loop);
	struct waiting		*c;

	while ((c = expired(room, now)) != NULL) {
		struct request		*rq = c->rq;
		struct admission	 a = c->admission;
		const struct call_ask	 ask = c->ask;
		const struct decision	 d = c->decision;

		leave(room, c);
		limits_give(rq->w, a.limits);
		call_refuse_admission(rq, &ask, &d, &a, waitroom_error(&a));
	}
}

/* --- when ----------------------------------------------------------------------------------------- */

static void
serve(struct waitroom *room)
{
	size_t	left, n = 0;

	if (room->busy)
		return;			/* whoever is let in may end at once */
	room->busy = true;
	do {
		left = go_round(room);
		n += left;
	} while (left > 0 && n < AT_ONCE);
	room->busy = false;
}

static void
on_look(struct loop_timer *t, void *arg)
{
	struct waitroom	*room = arg;

	(void)t;
	room->in_a_row = 0;
	serve(room);
	expire(room);
	if (room->count > 0 && !room->look.armed)
		loop_timer_arm(&room->look, LOOK_MS);
}

static void
on_soon(struct loop_timer *t, void *arg)
{
	(void)t;
	serve(arg);
}

/* Not at once: whoever ends is not done with it yet. */
void
waitroom_kick(struct worker *w)
{
	struct waitroom	*room = w->waitroom;

	if (room->count > 0 && room->in_a_row++ < IN_A_ROW && !room->soon.armed)
		loop_timer_arm(&room->soon, 0);
}

size_t
waitroom_count(const struct waitroom *room)
{
	return room == NULL ? 0 : room->count;
}

int
waitroom_new(struct worker *w, struct waitroom **out)
{
	struct waitroom	*room;

	if ((room = calloc(1, sizeof(*room))) == NULL)
		return E_NOMEM;
	room->w = w;
	TAILQ_INIT(&room->houses);
	TAILQ_INIT(&room->all);
	loop_timer_init(w->loop, &room->look, on_look, room);
	loop_timer_init(w->loop, &room->soon, on_soon, room);
	*out = room;
	return 0;
}
