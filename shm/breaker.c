/* SPDX-License-Identifier: Apache-2.0
 *
 * breaker.c - circuit breaker: closed, open, half-open
 *
 * Process: worker.
 * Trusts:  nothing it reads: a wrong word costs a call too many or too few.
 */
#include "shm/breaker.h"

#define WINDOW 8

struct slot {
	_Atomic uint64_t	profile, word;
};
_Static_assert(sizeof(struct slot) == 16, "breaker slot is 16 bytes");

struct word {			/* unpacked */
	enum breaker_state	state;
	uint32_t		failures;	/* 10 bits */
	uint32_t		epoch;		/* 12 bits */
	uint64_t		until_ms;	/* 40 bits */
};

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

/* The slot of this profile, or with `make` one that was given to it; else NULL. */
static struct slot *
slot_find(const struct region *r, uint64_t profile, bool make, uint32_t *index)
{
	uint64_t	 home = profile % (r->count / WINDOW) * WINDOW, old;
	struct slot	*s;

	for (uint64_t i = home; i < home + WINDOW; i++) {
		s = slot_at(r, i);
		if (atomic_load(&s->profile) == profile) {
			*index = (uint32_t)i;
			return s;
		}
	}
	for (uint64_t i = home; make && i < home + WINDOW; i++) {
		s = slot_at(r, i);
		old = atomic_load(&s->profile);
		if (says_nothing(atomic_load(&s->word)) &&
		    atomic_compare_exchange_strong(&s->profile, &old, profile)) {
			*index = (uint32_t)i;
			return s;
		}
	}
	return NULL;
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

bool
breaker_may_call(const struct region *r, uint64_t profile, uint64_t now_ms, uint64_t probe_ms,
    struct breaker_ticket *t, uint64_t *retry_after_ms)
{
	struct slot	*s;
	struct word	 w;
	uint64_t	 raw;

	*t = (struct breaker_ticket){ .none = true };
	*retry_after_ms = 0;
	if ((s = slot_find(r, name_of(profile), true, &t->slot)) == NULL)
		return true;
	t->none = false;
	raw = atomic_load(&s->word);
	for (;;) {
		w = unpack(raw);
		t->epoch = (uint16_t)w.epoch;
		if (w.state == BREAKER_CLOSED)
			return true;
		if (now_ms < w.until_ms) {
			*retry_after_ms = w.until_ms - now_ms;
			return false;
		}
		/* It is time to try, or the one that tried has died: this call tries. */
		w.state = BREAKER_HALF_OPEN;
		w.until_ms = now_ms + (probe_ms < 1 ? 1 : probe_ms);
		w.epoch = (w.epoch + 1) & EPOCH_MASK;
		if (change(s, &raw, w)) {
			t->epoch = (uint16_t)w.epoch;
			t->probe = true;
			return true;
		}
	}
}

/* Applies what a call's outcome means; `failures` 0: it was well. */
static void
outcome(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms, uint32_t failures,
    uint64_t open_ms)
{
	struct slot	*s;
	struct word	 w;
	uint64_t	 raw;
	bool		 ok = failures == 0;

	if (t->none || t->slot >= r->count)
		return;
	s = slot_at(r, t->slot);
	raw = atomic_load(&s->word);
	do {
		w = unpack(raw);
		if (w.epoch != t->epoch)
			return;		/* opened, or tried by another, since this call began */
		if (w.state == BREAKER_HALF_OPEN ? !t->probe : w.state != BREAKER_CLOSED)
			return;
		if (ok) {
			if (w.state == BREAKER_CLOSED && w.failures == 0)
				return;
			w.failures = 0;
			w.state = BREAKER_CLOSED;
			w.until_ms = 0;
		} else {
			if (w.failures < FAILURES_MAX)
				w.failures++;
			if (w.state == BREAKER_HALF_OPEN || w.failures >= failures) {
				w.state = BREAKER_OPEN;
				w.until_ms = now_ms + open_ms;
				w.epoch = (w.epoch + 1) & EPOCH_MASK;
			}
		}
	} while (!change(s, &raw, w));
}

void
breaker_ok(const struct region *r, const struct breaker_ticket *t)
{
	outcome(r, t, 0, 0, 0);
}

void
breaker_fail(const struct region *r, const struct breaker_ticket *t, uint64_t now_ms,
    uint32_t failures, uint64_t open_ms)
{
	outcome(r, t, now_ms, failures < 1 ? 1 : failures, open_ms);
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
		w.state = BREAKER_OPEN;
		w.until_ms = now_ms;	/* the next call may try at once */
	} while (!change(s, &raw, w));
}

enum breaker_state
breaker_state(const struct region *r, uint64_t profile, uint64_t now_ms)
{
	uint32_t	 index;
	struct slot	*s = slot_find(r, name_of(profile), false, &index);
	struct word	 w;

	if (s == NULL)
		return BREAKER_CLOSED;
	w = unpack(atomic_load(&s->word));
	return w.state == BREAKER_OPEN && now_ms >= w.until_ms ? BREAKER_HALF_OPEN : w.state;
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
