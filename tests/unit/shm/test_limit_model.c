/* SPDX-License-Identifier: Apache-2.0
 *
 * test_limit_model.c - all interleavings of the steps of shm/limit.c
 *
 * Three takers, a clock that ticks, a window of two slots.  From every state each taker may make its
 * next atomic step, or the clock may tick; every order is walked, states seen before are cut off.
 * A taker that is never scheduled again is a taker that died, so deaths at every step are among the
 * orders; some give back what they took.  Checked at every admission: no more than rate x time + burst.  Checked in every state:
 * when all die here, each key can be taken again after the hold.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "shm/limit_priv.h"

#define TAKERS		3
#define TAKES_MAX	2
#define SLOTS		2
#define TICKS_MAX	4
#define ADMITTED_MAX	8

#define MS		UINT64_C(1000000)
#define START		(1000 * MS)
#define INTERVAL	(4 * MS)

enum key { NONE, A, B, C };

typedef bool step_fn(struct limit_taker *);

struct plan {
	const char	*name;
	enum key	 takes[TAKERS][TAKES_MAX];
	uint64_t	 burst;
	unsigned	 gives;				/* bits of takers that give back what they took */
	uint64_t	 ticks[TICKS_MAX];		/* later clock values, 0 = no more */
	struct {
		enum key	owner;
		uint64_t	time;
	} slots[SLOTS];
};

struct admitted {
	uint64_t	key, from, to;		/* granted somewhere within [from, to] */
};

struct state {
	struct limit_slot	window[SLOTS];
	struct limit_taker	takers[TAKERS];
	uint64_t		running[TAKERS], taken[TAKERS], gives[TAKERS];
	struct admitted		admitted[ADMITTED_MAX];
	uint64_t		admitted_count, clock, ticks;
};

struct walk {
	const struct plan	*plan;
	step_fn			*step;
	bool			 subtracts;	/* gives back whatever happened since */
	uint64_t		*seen;		/* fingerprints, open addressing */
	size_t			 room, used;
	size_t			 states, admissions, excesses, stuck;
};

static uint64_t model_clock;

static uint64_t
model_clock_ns(void)
{
	return model_clock;
}

static uint64_t
tag_of(enum key k)
{
	return (uint64_t)k << 16;
}

/* ---- what was seen ------------------------------------------------------------------------------- */

static bool
seen_before(struct walk *w, uint64_t print)
{
	uint64_t	*old = w->seen;
	size_t		 old_room = w->room, i;

	if (w->used * 2 >= w->room) {
		w->room = old_room == 0 ? 1 << 16 : old_room * 2;
		w->seen = calloc(w->room, sizeof(*w->seen));
		cr_assert(w->seen != NULL);
		for (size_t o = 0; o < old_room; o++) {
			if (old[o] == 0)
				continue;
			for (i = old[o] % w->room; w->seen[i] != 0; i = (i + 1) % w->room)
				;
			w->seen[i] = old[o];
		}
		free(old);
	}
	for (i = print % w->room; w->seen[i] != 0; i = (i + 1) % w->room)
		if (w->seen[i] == print)
			return true;
	w->seen[i] = print;
	w->used++;
	return false;
}

/* Of what the future depends on.  A taker's locals count only where they are still read. */
static uint64_t
fingerprint(const struct state *s)
{
	uint64_t	words[4 + 2 * SLOTS + 10 * TAKERS + 3 * ADMITTED_MAX] = { 0 }, h;
	size_t		n = 0;

	words[n++] = s->clock;
	for (int i = 0; i < SLOTS; i++) {
		words[n++] = s->window[i].owner;
		words[n++] = s->window[i].time;
	}
	for (int i = 0; i < TAKERS; i++) {
		const struct limit_taker *t = &s->takers[i];

		words[n++] = s->taken[i] << 8 | s->gives[i] << 1 | s->running[i];
		if (s->gives[i]) {
			words[n++] = t->before;
			words[n++] = t->after;
		}
		if (!s->running[i])
			continue;
		words[n++] = (uint64_t)t->at << 32 | t->i << 16 | t->victim;
		words[n++] = t->now;
		if (t->at <= LIMIT_AT_CHARGE)
			words[n++] = t->time;
		if (t->at <= LIMIT_AT_CLAIM) {
			words[n++] = t->victim_time;
			words[n++] = t->wait_until;
		} else {
			words[n++] = t->busy;
			words[n++] = t->owner;
		}
	}
	for (uint64_t i = 0; i < s->admitted_count; i++) {
		words[n++] = s->admitted[i].key;
		words[n++] = s->admitted[i].from;
		words[n++] = s->admitted[i].to;
	}
	h = sum64(span_make(words, n * sizeof(words[0])));
	return h == 0 ? 1 : h;
}

/* ---- what must hold ------------------------------------------------------------------------------ */

static bool
too_many(const struct state *s, const struct plan *p)
{
	for (uint64_t a = 0; a < s->admitted_count; a++) {
		for (uint64_t b = 0; b < s->admitted_count; b++) {
			uint64_t key = s->admitted[a].key, from = s->admitted[a].from, to = s->admitted[b].to;
			uint64_t count = 0;

			if (s->admitted[b].key != key || to < from)
				continue;
			for (uint64_t i = 0; i < s->admitted_count; i++)
				count += s->admitted[i].key == key && s->admitted[i].from >= from &&
				    s->admitted[i].to <= to;
			if (count > p->burst + (to - from) / INTERVAL)
				return true;
		}
	}
	return false;
}

/* All die here; after the hold, somebody else takes. */
static bool
usable_after_deaths(const struct state *s, const struct plan *p)
{
	for (enum key k = A; k <= C; k++) {
		struct state		 copy = *s;
		struct limit_taker	 t = {
			.window = copy.window, .width = SLOTS, .tag = tag_of(k), .interval = INTERVAL,
			.room = INTERVAL * p->burst, .claimer = TAKERS, .clock_ns = model_clock_ns,
			.now = s->clock + LIMIT_HOLD_NS + 100 * INTERVAL,
		};

		model_clock = t.now;
		limit_taker_begin(&t);
		while (!limit_taker_step(&t))
			;
		if (t.verdict != LIMIT_OK)
			return false;
	}
	return true;
}

/* ---- walking ------------------------------------------------------------------------------------- */

static void walk_from(struct walk *w, const struct state *s);

static void
taker_begin(struct state *s, const struct plan *p, int i)
{
	struct limit_taker	*t = &s->takers[i];

	memset(t, 0, sizeof(*t));
	t->width = SLOTS;
	t->tag = tag_of(p->takes[i][s->taken[i]]);
	t->interval = INTERVAL;
	t->room = INTERVAL * p->burst;
	t->claimer = (uint32_t)i;
	t->clock_ns = model_clock_ns;
	t->now = s->clock;
	s->running[i] = 1;
	s->taken[i]++;
	limit_taker_begin(t);
}

static void
taker_step(struct walk *w, struct state *s, int i)
{
	struct limit_taker	*t = &s->takers[i];

	t->window = s->window;
	t->looks = 0;			/* endless patience; giving up changes nothing others see */
	model_clock = s->clock;
	if (!w->step(t))
		return;
	s->running[i] = 0;
	if (t->verdict != LIMIT_OK)
		return;
	s->gives[i] = w->plan->gives >> i & 1;
	cr_assert(s->admitted_count < ADMITTED_MAX);
	s->admitted[s->admitted_count++] = (struct admitted){ t->tag, t->now, s->clock };
	w->admissions++;
	w->excesses += too_many(s, w->plan);
}

/* The form that takes its share off whatever is there now. */
static bool
subtract(struct state *s, const struct limit_taker *t)
{
	for (int i = 0; i < SLOTS; i++) {
		if (LIMIT_TAG(s->window[i].owner) != t->tag || LIMIT_IS_BUSY(s->window[i].time))
			continue;
		s->window[i].time -= t->interval;
		return true;
	}
	return false;
}

/* What was given back was not admitted. */
static void
taker_give(struct walk *w, struct state *s, int i)
{
	const struct limit_taker	*t = &s->takers[i];

	s->gives[i] = 0;
	if (w->subtracts ? !subtract(s, t) : !limit_window_give(s->window, SLOTS, t->tag, t->before, t->after))
		return;
	for (uint64_t a = 0; a < s->admitted_count; a++) {
		if (s->admitted[a].key != t->tag || s->admitted[a].from != t->now)
			continue;
		s->admitted[a] = s->admitted[--s->admitted_count];
		return;
	}
}

static void
walk_from(struct walk *w, const struct state *s)
{
	const struct plan	*p = w->plan;
	struct state		 next;

	if (seen_before(w, fingerprint(s)) || w->excesses > 0)
		return;
	w->states++;
	if (w->step == limit_taker_step)
		w->stuck += !usable_after_deaths(s, p);
	if (s->ticks < TICKS_MAX && p->ticks[s->ticks] != 0) {
		next = *s;
		next.clock = p->ticks[next.ticks++];
		walk_from(w, &next);
	}
	for (int i = 0; i < TAKERS; i++) {
		next = *s;
		if (next.running[i])
			taker_step(w, &next, i);
		else if (next.gives[i])
			taker_give(w, &next, i);
		else if (next.taken[i] < TAKES_MAX && p->takes[i][next.taken[i]] != NONE)
			taker_begin(&next, p, i);
		else
			continue;
		walk_from(w, &next);
	}
}

static struct walk
walk_as(const struct plan *p, step_fn *step, bool subtracts)
{
	struct walk	w = { .plan = p, .step = step, .subtracts = subtracts };
	struct state	s;

	memset(&s, 0, sizeof(s));
	s.clock = START;
	for (int i = 0; i < SLOTS; i++) {
		s.window[i].owner = tag_of(p->slots[i].owner);
		s.window[i].time = p->slots[i].time;
		/* A bucket that is not full: a token was taken. */
		if (p->slots[i].time > START)
			s.admitted[s.admitted_count++] = (struct admitted){ tag_of(p->slots[i].owner),
			    p->slots[i].time - INTERVAL, p->slots[i].time - INTERVAL };
	}
	walk_from(&w, &s);
	free(w.seen);
	return w;
}

static struct walk
walk_all(const struct plan *p, step_fn *step)
{
	return walk_as(p, step, false);
}

/* ---- forms of the protocol with a piece missing ---------------------------------------------------- */

/* The obvious form: whoever gets the owner word has the slot. */
static bool
step_by_owner_alone(struct limit_taker *t)
{
	struct limit_slot	*v = &t->window[t->victim];
	uint64_t		 old;

	switch (t->at) {
	case LIMIT_AT_CLAIM:
		t->owner = atomic_load(&v->owner);
		t->at = LIMIT_AT_CLAIM_OWNER;
		return false;
	case LIMIT_AT_CLAIM_OWNER:
		old = t->owner;
		if (atomic_compare_exchange_strong(&v->owner, &old, LIMIT_OWNER(t->tag, old)))
			t->at = LIMIT_AT_CLAIM_DONE;
		else
			limit_taker_begin(t);
		return false;
	case LIMIT_AT_CLAIM_DONE:
		old = t->victim_time;
		if (!atomic_compare_exchange_strong(&v->time, &old, t->now + t->interval)) {
			limit_taker_begin(t);
			return false;
		}
		t->verdict = LIMIT_OK;
		t->at = LIMIT_AT_END;
		return true;
	default:
		return limit_taker_step(t);
	}
}

static bool
step_without_twins(struct limit_taker *t)
{
	if (t->at == LIMIT_AT_CLAIM_TWINS)
		t->at = LIMIT_AT_CLAIM_CLOCK;
	return limit_taker_step(t);
}

static bool
step_without_clock(struct limit_taker *t)
{
	if (t->at == LIMIT_AT_CLAIM_CLOCK)
		t->at = LIMIT_AT_CLAIM_DONE;
	return limit_taker_step(t);
}

/* A yielding claimer leaves its name in the slot. */
static bool
step_without_clearing(struct limit_taker *t)
{
	if (t->at == LIMIT_AT_YIELD_OWNER)
		t->at = LIMIT_AT_YIELD_TIME;
	return limit_taker_step(t);
}

/* Whether the slot is still ours is not looked at again after `owner` was read. */
static bool
step_without_check(struct limit_taker *t)
{
	if (t->at == LIMIT_AT_CLAIM_CHECK)
		t->at = LIMIT_AT_CLAIM_OWNER;
	return limit_taker_step(t);
}

/* Owners are not counted: a word that returns. */
static bool
step_without_count(struct limit_taker *t)
{
	uint64_t	old = t->owner;

	if (t->at != LIMIT_AT_CLAIM_OWNER)
		return limit_taker_step(t);
	if (atomic_compare_exchange_strong(&t->window[t->victim].owner, &old, t->tag)) {
		t->owner = t->tag;
		t->i = 0;
		t->at = LIMIT_AT_CLAIM_TWINS;
	} else {
		t->at = LIMIT_AT_CLAIM_READ;
	}
	return false;
}

/* A claim ends with a full bucket at time 0, as if nothing had been there: a value that returns.
 * Without an end of its own it would hand the slot around for ever. */
static bool
step_ending_at_zero(struct limit_taker *t)
{
	uint64_t	busy = t->busy;

	if (t->at != LIMIT_AT_CLAIM_DONE)
		return limit_taker_step(t);
	atomic_compare_exchange_strong(&t->window[t->victim].time, &busy, 0);
	limit_taker_begin(t);
	if ((t->owner & 0xffff) > 3) {
		t->verdict = LIMIT_CROWDED;
		t->at = LIMIT_AT_END;
	}
	return t->at == LIMIT_AT_END;
}

/* ---- the tests ----------------------------------------------------------------------------------- */

#define LATER(ms) (START + (ms) * MS)

static const struct plan plans[] = {
	{ "three on an empty window", { { A }, { A }, { A } }, 1, 0, { LATER(5), LATER(16) }, { { NONE, 0 } } },
	{ "burst of two", { { A }, { A }, { A } }, 2, 0, { LATER(5), LATER(16) }, { { NONE, 0 } } },
	{ "own bucket just past", { { A }, { B }, { A } }, 1, 0, { LATER(5), LATER(16) },
	    { { C, START - 1 }, { A, START - 1 } } },
	{ "own bucket soon past", { { A }, { B }, { A } }, 1, 0, { LATER(5), LATER(16) },
	    { { A, START + INTERVAL }, { C, START - 1 } } },
	{ "two keys for two slots", { { A }, { B }, { A } }, 1, 0, { LATER(5), LATER(16) }, { { C, START - 1 } } },
	{ "stale clock, slot reused", { { A, A }, { B }, { A } }, 1, 0, { LATER(5), LATER(9) },
	    { { A, START + INTERVAL } } },
	{ "late claimer, its slot taken and given back", { { A }, { B, C }, { C } }, 1, 0,
	    { LATER(16), LATER(32) }, { { C, START - 1 }, { B, START + 100 * MS } } },
	{ "one gives back", { { A, A }, { A } }, 1, 1, { LATER(2), LATER(5) }, { { NONE, 0 } } },
	{ "two give back", { { A }, { A }, { A, A } }, 2, 3, { LATER(5), LATER(9) }, { { A, START + INTERVAL } } },
	{ "given back late, slot reused", { { A }, { B }, { A } }, 1, 1, { LATER(5), LATER(9) },
	    { { A, START - 1 }, { C, START + 100 * MS } } },
};
#define PLANS (sizeof(plans) / sizeof(plans[0]))

Test(limit_model, no_order_of_steps_admits_too_much)
{
	for (size_t i = 0; i < PLANS; i++) {
		struct walk w = walk_all(&plans[i], limit_taker_step);

		cr_log_info("%s: %zu states, %zu admissions", plans[i].name, w.states, w.admissions);
		cr_expect(eq(sz, w.excesses, 0), "%s", plans[i].name);
		cr_expect(eq(sz, w.stuck, 0), "%s", plans[i].name);
		cr_expect(gt(sz, w.states, 1000), "%s", plans[i].name);
		cr_expect(gt(sz, w.admissions, 0), "%s", plans[i].name);
	}
}

/* The walk is worth something only if it finds what is missing. */
Test(limit_model, each_piece_of_the_protocol_is_needed)
{
	static const struct {
		const char	*name;
		step_fn		*step;
	} forms[] = {
		{ "by the owner word alone", step_by_owner_alone },
		{ "without looking for twins", step_without_twins },
		{ "without a fresh clock", step_without_clock },
		{ "without clearing a yielded slot", step_without_clearing },
		{ "without looking at the claim again", step_without_check },
		{ "without counting owners", step_without_count },
		{ "ending at zero", step_ending_at_zero },
	};

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		size_t	found = 0;

		for (size_t i = PLANS; found == 0 && i-- > 0;) {	/* small ones first */
			struct walk w = walk_all(&plans[i], forms[f].step);

			if (w.excesses > 0)
				cr_log_info("%s: excess in '%s'", forms[f].name, plans[i].name);
			found += w.excesses;
		}
		cr_expect(gt(sz, found, 0), "%s", forms[f].name);
	}
}

/* Nor may what is given back be taken off what others have made of the bucket since. */
Test(limit_model, giving_back_needs_the_very_time_it_left)
{
	size_t	found = 0;

	for (size_t i = 0; i < PLANS; i++)
		if (plans[i].gives != 0)
			found += walk_as(&plans[i], limit_taker_step, true).excesses;
	cr_expect(gt(sz, found, 0));
}
