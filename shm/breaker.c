/* SPDX-License-Identifier: Apache-2.0
 *
 * breaker.c - circuit breaker: closed, open, half-open
 *
 * Process: worker.
 * Trusts:  nothing it reads: a wrong word costs a call too many or too few.
 */
#include "shm/breaker.h"

#define WINDOW 8
#define USED_UNIT_MS 1000	/* nobody writes more often that a slot is used */

struct slot {
	_Atomic uint64_t	profile, word, window, used_ms;
};
_Static_assert(sizeof(struct slot) == 32, "breaker slot is 32 bytes");

struct word {			/* unpacked */
	enum breaker_state	state;
	uint32_t		failures;	/* 10 bits; but for CLOSED, what is below */
	uint32_t		epoch;		/* 12 bits */
	uint64_t		until_ms;	/* 40 bits */
};

/* Of a breaker that is not closed, in the place of the failures. */
#define TIMES_MASK	0xfu		/* how often it opened since it was closed */
#define TIMES_MAX	5		/* BREAKER_GROWTH times as long is the longest */
#define TRYING_SHIFT	4		/* calls that try now, */
#define PASSED_SHIFT	7		/* and that did with success; 3 bits each */
#define COUNT_MASK	7u

/* Of a window: whose it is (8 bits of the profile), when it began, in units of 64 ms (24), calls (16), bad ones (16) */
#define WINDOW_UNIT_MS	64
#define WINDOW_BEGIN_MASK 0xffffffu
#define WINDOW_CALLS_MAX 0xffffu

#define FAILURES_MAX	1023
#define EPOCH_MASK	0xfff
#define UNTIL_MASK	((UINT64_C(1) << 40) - 1)

static struct word
unpack(uint64_t w)
{
	return (struct word){ (enum breaker_state)(w >> 62), (uint32_t)(w >> 52) & FAILURES_MAX,
	    (uint32_t)(w >> 40) & EPOCH_MASK, w & UNTIL_MASK };
}

static uint64_t
pack(struct word w)
{
	return (uint64_t)w.state << 62 | (uint64_t)w.failures << 52 |
	    (uint64_t)(w.epoch & EPOCH_MASK) << 40 | (w.until_ms & UNTIL_MASK);
}

static struct slot *
slot_at(const struct region *r, uint64_t i)
{
	return region_slot(r, i);
}

/* A breaker that is closed and without failures says nothing: its slot is anybody's. */
static bool
says_nothing(uint64_t word)
{
	struct word	w = unpack(word);

	return w.state == BREAKER_CLOSED && w.failures == 0;
}

static struct slot *
slot_look(const struct region *r, uint64_t profile, uint32_t *index)
{
	uint64_t	home = profile % (r->count / WINDOW) * WINDOW;

	for (uint64_t i = home; i < home + WINDOW; i++)
		if (atomic_load(&slot_at(r, i)->profile) == profile) {
			*index = (uint32_t)i;
			return slot_at(r, i);
		}
	return NULL;
}

/* Of those that say nothing, the one that was not used for longest: two that are in use must not take each other's
 * slot again and again, or neither would ever count to its limit. */
static struct slot *
slot_take(const struct region *r, uint64_t profile, uint32_t *index)
{
	uint64_t	 home = profile % (r->count / WINDOW) * WINDOW, old;
	struct slot	*s, *best = NULL;

	for (uint64_t i = home; i < home + WINDOW; i++) {
		s = slot_at(r, i);
		if (!says_nothing(atomic_load(&s->word)) ||
		    (best != NULL && atomic_load(&s->used_ms) >= atomic_load(&best->used_ms)))
			continue;
		best = s;
		*index = (uint32_t)i;
	}
	if (best == NULL)
		return NULL;
	old = atomic_load(&best->profile);
	return atomic_compare_exchange_strong(&best->profile, &old, profile) ? best : NULL;
}

/* The slot of this profile, else one that was given to it; NULL: there is none. */
static struct slot *
slot_find(const struct region *r, uint64_t profile, uint64_t now_ms, uint32_t *index)
{
	struct slot	*s = slot_look(r, profile, index);

	if (s == NULL && (s = slot_take(r, profile, index)) == NULL)
		return NULL;
	if (now_ms - atomic_load_explicit(&s->used_ms, memory_order_relaxed) >= USED_UNIT_MS)
		atomic_store_explicit(&s->used_ms, now_ms, memory_order_relaxed);
	return s;
}

/* 0 is nobody's profile. */
static uint64_t
name_of(uint64_t profile)
{
	return profile == 0 ? 1 : profile;
}

static bool
change(struct slot *s, uint64_t *from, struct word to)
{
	return atomic_compare_exchange_strong(&s->word, from, pack(to));
}

static uint32_t
times_of(struct word w)
{
	return w.failures & TIMES_MASK;
}

static uint32_t
trying_of(struct word w)
{
	return w.failures >> TRYING_SHIFT & COUNT_MASK;
}

static uint32_t
passed_of(struct word w)
{
	return w.failures >> PASSED_SHIFT & COUNT_MASK;
}

static uint32_t
half_open(uint32_t times, uint32_t trying, uint32_t passed)
{
	return times | trying << TRYING_SHIFT | passed << PASSED_SHIFT;
}

static uint32_t
probes_of(const struct breaker_rules *rules)
{
	return rules->probes < 1 ? 1 : rules->probes > BREAKER_PROBES_MAX ? BREAKER_PROBES_MAX : rules->probes;
}

/* May this one try?  Changes w to what is so when it does. */
static bool
may_try(struct word *w, uint64_t now_ms, const struct breaker_rules *rules)
{
	if (now_ms < w->until_ms) {
		if (w->state != BREAKER_HALF_OPEN || trying_of(*w) + passed_of(*w) >= probes_of(rules))
			return false;
		w->failures = half_open(times_of(*w), trying_of(*w) + 1, passed_of(*w));
		return true;
	}
	/* It is time to try, or those that tried have died: this call tries. */
	w->failures = half_open(times_of(*w), 1, 0);
	w->state = BREAKER_HALF_OPEN;
	w->until_ms = now_ms + (rules->probe_ms < 1 ? 1 : rules->probe_ms);
	w->epoch = (w->epoch + 1) & EPOCH_MASK;
	return true;
}

bool
breaker_may_call(const struct region *r, uint64_t profile, uint64_t now_ms, const struct breaker_rules *rules,
    struct breaker_ticket *t, uint64_t *retry_after_ms)
{
	struct slot	*s;
	struct word	 w;
	uint64_t	 raw;

	*t = (struct breaker_ticket){ .none = true };
	*retry_after_ms = 0;
	if ((s = slot_find(r, name_of(profile), now_ms, &t->slot)) == NULL)
		return true;
	t->none = false;
	raw = atomic_load(&s->word);
	for (;;) {
		w = unpack(raw);
		t->epoch = (uint16_t)w.epoch;
		if (w.state == BREAKER_CLOSED)
			return true;
		if (!may_try(&w, now_ms, rules)) {
			*retry_after_ms = w.until_ms - now_ms;
			return false;
		}
		if (change(s, &raw, w)) {
			t->epoch = (uint16_t)w.epoch;
			t->probe = true;
			return true;
		}
	}
}

static uint64_t
window_of(uint64_t profile, uint64_t begin, uint64_t calls, uint64_t bad)
{
	return profile << 56 | (begin & WINDOW_BEGIN_MASK) << 32 | calls << 16 | bad;
}

/* Counts one call of the window that is now; are there too many bad ones?  Windows follow each other, they do not
 * slide: that takes one word, and is off by one window at most. */
static bool
count_call(struct slot *s, uint64_t now_ms, const struct breaker_rules *rules, bool bad)
{
	const uint64_t	profile = atomic_load(&s->profile), now = now_ms / WINDOW_UNIT_MS;
	const uint64_t	length = rules->window_ms / WINDOW_UNIT_MS;
	uint64_t	raw = atomic_load(&s->window), to, begin, calls, bads;

	do {
		begin = raw >> 32 & WINDOW_BEGIN_MASK;
		calls = raw >> 16 & WINDOW_CALLS_MAX;
		bads = raw & WINDOW_CALLS_MAX;
		if (raw == 0 || raw >> 56 != (profile & 0xff) ||
		    ((now - begin) & WINDOW_BEGIN_MASK) >= (length < 1 ? 1 : length)) {
			begin = now;
			calls = bads = 0;
		}
		if (calls == WINDOW_CALLS_MAX) {
			calls /= 2;
			bads /= 2;
		}
		calls++;
		bads += bad;
		to = window_of(profile, begin, calls, bads);
	} while (!atomic_compare_exchange_weak(&s->window, &raw, to));
	return calls >= rules->min_calls && bads * 100 >= calls * rules->error_percent && bads > 0;
}

static void
open_it(struct word *w, uint64_t now_ms, const struct breaker_rules *rules)
{
	uint32_t	times = w->state == BREAKER_CLOSED ? 1 : times_of(*w) + 1;

	times = times > TIMES_MAX ? TIMES_MAX : times;
	w->state = BREAKER_OPEN;
	w->failures = times;
	w->until_ms = now_ms + (rules->open_ms << (times - 1));
	w->epoch = (w->epoch + 1) & EPOCH_MASK;
}

/* What an outcome makes of the word; false: it changes nothing. */
static bool
after(struct word *w, uint64_t now_ms, const struct breaker_rules *rules, bool ok, bool too_many)
{
	if (w->state == BREAKER_HALF_OPEN && ok) {
		uint32_t passed = passed_of(*w) + 1, trying = trying_of(*w);

		w->failures = half_open(times_of(*w), trying > 0 ? trying - 1 : 0, passed & COUNT_MASK);
		if (passed < probes_of(rules))
			return true;
		*w = (struct word){ .state = BREAKER_CLOSED, .epoch = w->epoch };
		return true;
	}
	if (w->state == BREAKER_HALF_OPEN || too_many) {
		open_it(w, now_ms, rules);
		return true;
	}
	if (ok) {
		if (w->failures == 0)
			return false;
		w->failures = 0;
		w->until_ms = 0;
		return true;
	}
	if (w->failures < FAILURES_MAX)
		w->failures++;
	if (w->failures >= (rules->failures < 1 ? 1 : rules->failures))
		open_it(w, now_ms, rules);
	return true;
}

/* Applies what a call's outcome means. */
static void
outcome(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms, const struct breaker_rules *rules,
    bool ok, bool slow)
{
	struct slot	*s;
	struct word	 w;
	uint64_t	 raw;
	bool		 too_many;

	if (t->none || t->slot >= r->count)
		return;
	s = slot_at(r, t->slot);
	raw = atomic_load(&s->word);
	if (unpack(raw).epoch != t->epoch)
		return;		/* opened, or tried by another, since this call began */
	too_many = rules->error_percent > 0 && count_call(s, now_ms, rules, !ok || slow);
	do {
		w = unpack(raw);
		if (w.epoch != t->epoch)
			return;
		if (w.state == BREAKER_HALF_OPEN ? !t->probe : w.state != BREAKER_CLOSED)
			return;
		if (!after(&w, now_ms, rules, ok, too_many))
			return;
	} while (!change(s, &raw, w));
	/* It is judged by what comes now, not by why it opened. */
	if (w.state != BREAKER_CLOSED || t->probe)
		atomic_store(&s->window, 0);
}

void
breaker_ok(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms, const struct breaker_rules *rules,
    uint64_t took_ms)
{
	outcome(r, t, now_ms, rules, true, rules->slow_ms > 0 && took_ms > rules->slow_ms);
}

void
breaker_fail(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms, const struct breaker_rules *rules)
{
	outcome(r, t, now_ms, rules, false, false);
}

void
breaker_unknown(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms)
{
	struct slot	*s;
	struct word	 w;
	uint64_t	 raw;

	if (t->none || !t->probe || t->slot >= r->count)
		return;
	s = slot_at(r, t->slot);
	raw = atomic_load(&s->word);
	do {
		w = unpack(raw);
		if (w.epoch != t->epoch || w.state != BREAKER_HALF_OPEN)
			return;
		if (trying_of(w) > 1) {
			w.failures = half_open(times_of(w), trying_of(w) - 1, passed_of(w));
			continue;
		}
		w.state = BREAKER_OPEN;
		w.failures = times_of(w);
		w.until_ms = now_ms;	/* the next call may try at once */
	} while (!change(s, &raw, w));
}

bool
breaker_reset(const struct region *r, uint64_t profile)
{
	uint32_t	 index;
	struct slot	*s = slot_look(r, name_of(profile), &index);
	struct word	 w;
	uint64_t	 raw;
	bool		 said;

	if (s == NULL)
		return false;
	raw = atomic_load(&s->word);
	do {
		w = unpack(raw);
		said = !says_nothing(raw);
		w = (struct word){ .state = BREAKER_CLOSED, .epoch = (w.epoch + 1) & EPOCH_MASK };
	} while (!change(s, &raw, w));
	atomic_store(&s->window, 0);
	return said;
}

void
breaker_look(const struct region *r, uint64_t profile, uint64_t now_ms, struct breaker_view *out)
{
	uint32_t	 index;
	struct slot	*s = slot_look(r, name_of(profile), &index);
	struct word	 w;
	uint64_t	 window;

	*out = (struct breaker_view){ .state = BREAKER_CLOSED };
	if (s == NULL)
		return;
	w = unpack(atomic_load(&s->word));
	window = atomic_load(&s->window);
	out->state = w.state == BREAKER_OPEN && now_ms >= w.until_ms ? BREAKER_HALF_OPEN : w.state;
	out->failures = w.state == BREAKER_CLOSED ? w.failures : times_of(w);
	out->retry_after_ms = w.state == BREAKER_OPEN && now_ms < w.until_ms ? w.until_ms - now_ms : 0;
	if (window >> 56 == (name_of(profile) & 0xff)) {
		out->calls = window >> 16 & WINDOW_CALLS_MAX;
		out->bad = window & WINDOW_CALLS_MAX;
	}
}

enum breaker_state
breaker_state(const struct region *r, uint64_t profile, uint64_t now_ms)
{
	struct breaker_view	v;

	breaker_look(r, profile, now_ms, &v);
	return v.state;
}

uint64_t
breaker_open_count(const struct region *r, uint64_t now_ms)
{
	struct word	w;
	uint64_t	open = 0;

	for (uint64_t i = 0; i < r->count; i++) {
		w = unpack(atomic_load_explicit(&slot_at(r, i)->word, memory_order_relaxed));
		open += w.state != BREAKER_CLOSED && now_ms < w.until_ms;
	}
	return open;
}
