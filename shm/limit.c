/* SPDX-License-Identifier: Apache-2.0
 *
 * limit.c - token buckets in shared memory (GCRA)
 *
 * Process: worker.
 * Trusts:  nothing it reads: a hostile worker can empty or fill buckets, and do nothing worse.
 */
#include <time.h>

#include "shm/limit_priv.h"

#define INTERVAL_MAX	(UINT64_C(1) << 55)	/* over a year a token */
#define ROOM_MAX	(UINT64_C(1) << 61)
#define CONTENDED_NS	UINT64_C(1000000)

static uint64_t
monotonic_ns(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- the steps ---------------------------------------------------------------------------------- */

static void
look(struct limit_taker *t)
{
	t->i = 0;
	t->victim = t->width;
	t->wait_until = 0;
	t->soonest = UINT64_MAX;
	t->at = LIMIT_AT_LOOK_TIME;
}

static void
end(struct limit_taker *t, enum limit_verdict verdict, uint64_t retry_after)
{
	t->verdict = verdict;
	t->retry_after = verdict != LIMIT_OK && retry_after == 0 ? 1 : retry_after;
	t->at = LIMIT_AT_END;
}

static void
admit(struct limit_taker *t, uint64_t before, uint64_t after)
{
	t->before = before;
	t->after = after;
	end(t, LIMIT_OK, 0);
}

static void
look_again(struct limit_taker *t)
{
	if (++t->looks >= LIMIT_LOOKS)
		end(t, LIMIT_CROWDED, CONTENDED_NS);
	else
		look(t);
}

static uint64_t
charged(const struct limit_taker *t)
{
	return (t->time > t->now ? t->time : t->now) + t->interval;
}

/* Would one token more be more than the bucket holds? */
static bool
is_empty(const struct limit_taker *t)
{
	return charged(t) - t->now > t->room;
}

/* Nothing in the window is ours and free: claim a slot, wait for the one being claimed, or refuse. */
static void
looked_all(struct limit_taker *t)
{
	if (t->wait_until != 0) {
		if (t->looks + 1 >= LIMIT_LOOKS)
			end(t, LIMIT_CROWDED, t->wait_until - t->now);
		else
			look_again(t);
	} else if (t->victim < t->width) {
		t->at = LIMIT_AT_CLAIM;
	} else {
		end(t, LIMIT_FULL, t->soonest > t->now ? t->soonest - t->now : CONTENDED_NS);
	}
}

static void
looked(struct limit_taker *t)
{
	bool		ours = LIMIT_TAG(t->owner) == t->tag;
	bool		busy = LIMIT_IS_BUSY(t->time);
	uint64_t	free_at = busy ? LIMIT_UNTIL(t->time) : t->time;

	if (ours && !busy) {
		t->at = is_empty(t) ? LIMIT_AT_LOOK_CLOCK : LIMIT_AT_CHARGE;
		return;
	}
	if (free_at < t->now) {
		if (t->victim == t->width) {
			t->victim = t->i;
			t->victim_time = t->time;
		}
	} else if (ours) {
		t->wait_until = free_at + 1;
	}
	if (free_at < t->soonest)
		t->soonest = free_at;
	t->at = LIMIT_AT_LOOK_TIME;
	if (++t->i == t->width)
		looked_all(t);
}

static bool
change(_Atomic uint64_t *word, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(word, &from, to);
}

void
limit_taker_begin(struct limit_taker *t)
{
	t->looks = 0;
	look(t);
}

bool
limit_taker_step(struct limit_taker *t)
{
	struct limit_slot	*s = &t->window[t->at >= LIMIT_AT_CLAIM ? t->victim : t->i];
	uint64_t		 word;

	switch (t->at) {
	case LIMIT_AT_LOOK_TIME:		/* time before owner: see CHARGE */
		t->time = atomic_load(&s->time);
		t->at = LIMIT_AT_LOOK_OWNER;
		break;
	case LIMIT_AT_LOOK_OWNER:
		t->owner = atomic_load(&s->owner);
		looked(t);
		break;
	case LIMIT_AT_LOOK_CLOCK:
		/* now may be late by a turn, and a bucket of this very turn began at its claim: nobody is
		 * refused for that. */
		if ((word = t->clock_ns()) > t->now)
			t->now = word;
		if (is_empty(t))
			end(t, LIMIT_EMPTY, charged(t) - t->now - t->room);
		else
			t->at = LIMIT_AT_CHARGE;
		break;
	case LIMIT_AT_CHARGE:			/* unchanged time = unchanged owner */
		if (change(&s->time, t->time, charged(t)))
			admit(t, t->time, charged(t));
		else
			look_again(t);
		break;
	case LIMIT_AT_CLAIM:
		t->busy = LIMIT_BUSY | (uint64_t)t->claimer << 55 |
		    (((t->now + LIMIT_HOLD_NS) >> LIMIT_UNTIL_SHIFT) & LIMIT_UNTIL_MASK);
		if (change(&s->time, t->victim_time, t->busy))
			t->at = LIMIT_AT_CLAIM_READ;
		else
			look_again(t);
		break;
	case LIMIT_AT_CLAIM_READ:
		t->owner = atomic_load(&s->owner);
		t->at = LIMIT_AT_CLAIM_CHECK;
		break;
	case LIMIT_AT_CLAIM_CHECK:
		if (atomic_load(&s->time) == t->busy)
			t->at = LIMIT_AT_CLAIM_OWNER;
		else
			look_again(t);
		break;
	case LIMIT_AT_CLAIM_OWNER:
		word = LIMIT_OWNER(t->tag, t->owner);
		if (change(&s->owner, t->owner, word)) {
			t->owner = word;
			t->i = 0;
			t->at = LIMIT_AT_CLAIM_TWINS;
		} else {
			t->at = LIMIT_AT_CLAIM_READ;
		}
		break;
	case LIMIT_AT_CLAIM_TWINS:
		if (t->i != t->victim && LIMIT_TAG(atomic_load(&t->window[t->i].owner)) == t->tag)
			t->at = LIMIT_AT_YIELD_OWNER;
		else if (++t->i == t->width)
			t->at = LIMIT_AT_CLAIM_CLOCK;
		break;
	case LIMIT_AT_CLAIM_CLOCK:
		/* A bucket of ours may have become past and gone since now was read: the new one must
		 * not begin before that. */
		if ((word = t->clock_ns()) > t->now)
			t->now = word;
		t->at = LIMIT_AT_CLAIM_DONE;
		break;
	case LIMIT_AT_CLAIM_DONE:
		if (change(&s->time, t->busy, t->now + t->interval))
			admit(t, t->now, t->now + t->interval);
		else
			look_again(t);
		break;
	case LIMIT_AT_YIELD_OWNER:
		if (change(&s->owner, t->owner, LIMIT_OWNER(0, t->owner)))
			t->at = LIMIT_AT_YIELD_TIME;
		else
			look_again(t);
		break;
	case LIMIT_AT_YIELD_TIME:
		change(&s->time, t->busy, t->now);
		look_again(t);
		break;
	case LIMIT_AT_END:
		break;
	}
	return t->at == LIMIT_AT_END;
}

/* Only the very time that the taker left is taken back, so nothing happened to this bucket since, and the times of an
 * owner never fall below the one it began with: a value of a former owner does not return. */
bool
limit_window_give(struct limit_slot *window, uint32_t width, uint64_t tag, uint64_t before, uint64_t after)
{
	for (uint32_t i = 0; i < width; i++)
		if (atomic_load(&window[i].time) == after && LIMIT_TAG(atomic_load(&window[i].owner)) == tag)
			return change(&window[i].time, after, before);
	return false;
}

/* ---- the face ------------------------------------------------------------------------------------ */

int
limits_init(struct limits *l, struct region *r, uint32_t claimer)
{
	if (r->kind != REGION_LIMITS || claimer > 255)
		return E_RANGE;
	l->region = *r;
	l->claimer = claimer;
	l->clock_ns = monotonic_ns;
	*r = (struct region){ .slots = NULL };
	return 0;
}

void
limits_fini(struct limits *l)
{
	region_unmap(&l->region);
}

uint64_t
limit_key(const struct limits *l, struct span content)
{
	return region_hash(&l->region, content);
}

/* The low bits choose the window, the 48 above them are the tag; nobody's tag is 0. */
static struct limit_slot *
window_of(const struct limits *l, uint64_t key, uint64_t *tag)
{
	*tag = LIMIT_TAG(key) == 0 ? UINT64_C(1) << 16 : LIMIT_TAG(key);
	return region_slot(&l->region, key % (l->region.count / LIMIT_WINDOW) * LIMIT_WINDOW);
}

static uint64_t
room_of(uint64_t *interval, uint64_t burst)
{
	uint64_t	room;

	if (*interval < 1)
		*interval = 1;
	if (*interval > INTERVAL_MAX)
		*interval = INTERVAL_MAX;
	if (__builtin_mul_overflow(*interval, burst, &room) || room > ROOM_MAX)
		room = ROOM_MAX;
	return room;
}

enum limit_verdict
limit_take(const struct limits *l, uint64_t key, uint64_t interval_ns, uint64_t burst,
    uint64_t now_ns, uint64_t *retry_after_ns)
{
	return limit_take_many(l, key, 1, interval_ns, burst, now_ns, retry_after_ns);
}

enum limit_verdict
limit_take_many(const struct limits *l, uint64_t key, uint64_t tokens, uint64_t interval_ns, uint64_t burst,
    uint64_t now_ns, uint64_t *retry_after_ns)
{
	struct limit_taken	taken;

	return limit_charge(l, key, tokens, interval_ns, burst, now_ns, &taken, retry_after_ns);
}

enum limit_verdict
limit_charge(const struct limits *l, uint64_t key, uint64_t tokens, uint64_t interval_ns, uint64_t burst,
    uint64_t now_ns, struct limit_taken *out, uint64_t *retry_after_ns)
{
	struct limit_taker	t = {
		.clock_ns = l->clock_ns, .width = LIMIT_WINDOW, .claimer = l->claimer, .now = now_ns,
	};

	*out = (struct limit_taken){ .key = key };
	if (burst < 1) {
		*retry_after_ns = interval_ns < 1 ? 1 : interval_ns;
		return LIMIT_EMPTY;
	}
	t.room = room_of(&interval_ns, burst);
	/* As one token that takes longer to come back. */
	if (tokens < 1 || __builtin_mul_overflow(interval_ns, tokens, &t.interval) || t.interval > t.room)
		t.interval = tokens < 1 ? interval_ns : t.room;
	t.window = window_of(l, key, &t.tag);
	limit_taker_begin(&t);
	while (!limit_taker_step(&t))
		;
	*retry_after_ns = t.retry_after;
	out->before = t.before;
	out->after = t.after;
	return t.verdict;
}

bool
limit_give(const struct limits *l, const struct limit_taken *taken)
{
	uint64_t		 tag;
	struct limit_slot	*w = window_of(l, taken->key, &tag);

	return limit_window_give(w, LIMIT_WINDOW, tag, taken->before, taken->after);
}

void
limit_reset(const struct limits *l, uint64_t key, uint64_t now_ns)
{
	uint64_t		 tag, time;
	struct limit_slot	*w = window_of(l, key, &tag);

	for (int i = 0; i < LIMIT_WINDOW; i++) {
		time = atomic_load(&w[i].time);
		if (LIMIT_TAG(atomic_load(&w[i].owner)) == tag && !LIMIT_IS_BUSY(time) && time > now_ns)
			(void)change(&w[i].time, time, now_ns);
	}
}

uint64_t
limit_left(const struct limits *l, uint64_t key, uint64_t interval_ns, uint64_t burst, uint64_t now_ns)
{
	uint64_t		 tag, time, room = room_of(&interval_ns, burst);
	struct limit_slot	*w = window_of(l, key, &tag);

	for (int i = 0; i < LIMIT_WINDOW; i++) {
		time = atomic_load_explicit(&w[i].time, memory_order_relaxed);
		if (LIMIT_TAG(atomic_load_explicit(&w[i].owner, memory_order_relaxed)) != tag)
			continue;
		if (LIMIT_IS_BUSY(time) || time <= now_ns)
			break;
		return time - now_ns >= room ? 0 : (room - (time - now_ns)) / interval_ns;
	}
	return room / interval_ns;
}
