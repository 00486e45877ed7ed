/* SPDX-License-Identifier: Apache-2.0
 *
 * keywait.c - requests whose token could be good, if its issuer's keys were fetched now
 *
 * Process: worker.
 * Owns:    the list of those that wait; each has a timer.
 * Trusts:  nobody: a token's kid is anybody's word.
 */
#include "lib/bug.h"
#include "lib/log.h"
#include "worker/front/keywait.h"

#define KEYWAIT_MAGIC	0x6e7a17edu
#define ASK_AGAIN_MS	1000		/* the same set, by this worker, while no fetch ends */

struct keywait {			/* in its exchange's arena */
	uint32_t		 magic;
	struct keywait		*next, **back;
	struct request		*rq;
	uint64_t		 source, tried_ms;	/* when it began to wait, the last fetch had ended then */
	struct loop_timer	 timer;
};

static void
leave(struct keywait *k)
{
	struct worker	*w = k->rq->w;

	MAGIC_CHECK(k, KEYWAIT_MAGIC);
	loop_timer_disarm(&k->timer);
	if ((*k->back = k->next) != NULL)
		k->next->back = k->back;
	w->keywait.count--;
	k->rq->on_gone = NULL;
	k->rq->job = NULL;
	k->magic = 0;
}

static void
go_on(struct keywait *k)
{
	struct request	*rq = k->rq;

	leave(k);
	request_go_on(rq);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	go_on(arg);
}

static void
on_gone(struct request *rq)
{
	leave(rq->job);
	request_done(rq);
}

/* The scout bounds what it fetches; this bounds what it is told.  tried_ms: when the last fetch ended, which may have
 * begun before somebody asked, or before the key was there. */
static void
ask_scout(struct worker *w, uint64_t source, uint64_t tried_ms)
{
	const uint64_t			now = loop_now_ms(w->loop);
	const struct msg_KEYSET_WANTED	m = { .id = source };
	size_t				i;

	for (i = 0; i < WORKER_KEYS_ASKED; i++)
		if (w->keywait.asked[i].source == source)
			break;
	if (i == WORKER_KEYS_ASKED)
		i = w->keywait.turn++ % WORKER_KEYS_ASKED;
	else if (now - w->keywait.asked[i].ms < ASK_AGAIN_MS && w->keywait.asked[i].tried_ms == tried_ms)
		return;
	w->keywait.asked[i].source = source;
	w->keywait.asked[i].tried_ms = tried_ms;
	w->keywait.asked[i].ms = now;
	if (chan_send(&w->master, MSG_TYPE_KEYSET_WANTED, 0, &m, NULL, 0) != 0)
		log_debug(NULL, "keys of an issuer not asked for");
}

/* Will a fetch that begins now, or is under way, end soon? */
static bool
is_worth_it(const struct worker *w, const struct rec_keyset *set, uint64_t unknown_ms)
{
	const uint64_t	now = loop_wall_ms(w->loop);

	if (set == NULL || set->tried_ms == 0)
		return true;
	return set->asked_ms > now || set->asked_ms + unknown_ms <= now;
}

bool
keywait_begin(struct request *rq, uint64_t source)
{
	struct worker			*w = rq->w;
	const struct rec_keyset		*set = keysets_find(w->keysets, source);
	const uint64_t			 tried_ms = set == NULL ? 0 : set->tried_ms;
	struct keywait			*k;

	ask_scout(w, source, tried_ms);
	if (rq->gone || w->draining || w->keywait.count >= KEYWAIT_MAX ||
	    !is_worth_it(w, set, rq->config->params.jwks_unknown_kid) ||
	    (k = arena_calloc(&rq->x->arena, sizeof(*k))) == NULL)
		return false;
	k->magic = KEYWAIT_MAGIC;
	k->rq = rq;
	k->source = source;
	k->tried_ms = tried_ms;
	k->back = &w->keywait.first;
	if ((k->next = w->keywait.first) != NULL)
		k->next->back = &k->next;
	w->keywait.first = k;
	w->keywait.count++;
	rq->job = k;
	rq->on_gone = on_gone;
	loop_timer_init(w->loop, &k->timer, on_timer, k);
	loop_timer_arm(&k->timer, KEYWAIT_MS);
	return true;
}

void
keywait_look(struct worker *w)
{
	/* Each goes on in a handler of its own: it may end, and others with it. */
	for (struct keywait *k = w->keywait.first; k != NULL; k = k->next) {
		const struct rec_keyset	*set = keysets_find(w->keysets, k->source);

		if (set != NULL && set->tried_ms != k->tried_ms)
			loop_timer_arm(&k->timer, 0);
	}
}
