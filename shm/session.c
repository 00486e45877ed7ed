/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - the mutable part of legacy clients' sessions
 *
 * Process: worker.
 * Trusts:  nothing it reads beyond the session itself: who may use it is in the sealed id.
 */
#include "shm/session.h"

#define WINDOW		16
#define WRITING_MAX_S	5	/* after that the writer is taken for dead */

struct slot {
	_Atomic uint64_t	id_hash, state, principal;
	_Atomic uint64_t	spare[5];
};
_Static_assert(sizeof(struct slot) == 64, "session slot is 64 bytes");

struct state {			/* unpacked */
	enum session_phase	phase;		/* 4 bits */
	uint32_t		log_level;	/* 4 bits */
	uint32_t		epoch;		/* 24 bits */
	uint32_t		used_s;		/* 32 bits */
};

#define EPOCH_MASK 0xffffff

static struct state
unpack(uint64_t w)
{
	return (struct state){ (enum session_phase)(w >> 60), (uint32_t)(w >> 56) & 0xf,
	    (uint32_t)(w >> 32) & EPOCH_MASK, (uint32_t)w };
}

static uint64_t
pack(struct state s)
{
	return (uint64_t)s.phase << 60 | (uint64_t)(s.log_level & 0xf) << 56 |
	    (uint64_t)(s.epoch & EPOCH_MASK) << 32 | s.used_s;
}

static struct slot *
slot_at(const struct region *r, uint64_t i)
{
	return region_slot(r, i);
}

/* Clocks of two workers may differ by a turn: a use in the future is a use now. */
static uint32_t
idle_s(struct state s, uint32_t now_s)
{
	return now_s > s.used_s ? now_s - s.used_s : 0;
}

static bool
alive(struct state s, uint32_t now_s, uint32_t idle_max_s)
{
	return (s.phase == SESSION_FRESH || s.phase == SESSION_READY) && idle_s(s, now_s) <= idle_max_s;
}

static bool
reusable(struct state s, uint32_t now_s, uint32_t idle_max_s)
{
	if (s.phase == SESSION_WRITING)
		return idle_s(s, now_s) > WRITING_MAX_S;
	return !alive(s, now_s, idle_max_s);
}

/* Writes `to` unless the slot was taken over meanwhile; ids are random, so what a late writer expects
 * never comes back. */
static bool
write_as(struct slot *s, _Atomic uint64_t *word, uint64_t to, uint64_t state)
{
	uint64_t	old = atomic_load(word);

	while (atomic_load(&s->state) == state)
		if (atomic_compare_exchange_strong(word, &old, to))
			return true;
	return false;
}

/* Makes the slot, whose state was `raw`, this session's.  False: somebody else was quicker. */
static bool
take(struct slot *s, uint64_t raw, uint64_t id_hash, uint64_t principal, uint32_t now_s, uint32_t *epoch)
{
	struct state	st = { SESSION_WRITING, 0, (unpack(raw).epoch + 1) & EPOCH_MASK, now_s };
	uint64_t	mine = pack(st);

	if (!atomic_compare_exchange_strong(&s->state, &raw, mine))
		return false;
	st.phase = SESSION_FRESH;
	*epoch = st.epoch;
	return write_as(s, &s->id_hash, id_hash, mine) && write_as(s, &s->principal, principal, mine) &&
	    atomic_compare_exchange_strong(&s->state, &mine, pack(st));
}

/* How many sessions of the window from `home` on are this principal's. */
static unsigned
count_of(const struct region *r, uint64_t home, uint64_t principal)
{
	unsigned	n = 0;

	for (uint64_t i = home; i < home + WINDOW; i++)
		n += atomic_load(&slot_at(r, i)->principal) == principal;
	return n;
}

/* Of a full window, what whoever has most of it has not used for longest, with its state in *raw; r->count when nobody
 * has more than the newcomer will have.  Else who begins sessions and ends none would leave no room for others. */
static uint64_t
find_surplus(const struct region *r, uint64_t home, uint64_t principal, uint64_t *raw)
{
	unsigned	most = count_of(r, home, principal) + 1, n;
	uint64_t	found = r->count, state;
	struct state	st;

	for (uint64_t i = home; i < home + WINDOW; i++) {
		state = atomic_load(&slot_at(r, i)->state);
		st = unpack(state);
		if (st.phase == SESSION_WRITING)
			continue;
		n = count_of(r, home, atomic_load(&slot_at(r, i)->principal));
		if (n < most || (n == most && (found == r->count || unpack(*raw).used_s <= st.used_s)))
			continue;
		most = n;
		found = i;
		*raw = state;
	}
	return found;
}

int
session_create(const struct region *r, uint64_t id_hash, uint64_t principal, uint32_t now_s,
    uint32_t idle_max_s, struct session_ref *out)
{
	uint64_t	home = id_hash % (r->count / WINDOW) * WINDOW, raw, i;
	uint32_t	epoch;

	for (i = home; i < home + WINDOW; i++) {
		raw = atomic_load(&slot_at(r, i)->state);
		if (reusable(unpack(raw), now_s, idle_max_s) &&
		    take(slot_at(r, i), raw, id_hash, principal, now_s, &epoch))
			break;
	}
	if (i == home + WINDOW && ((i = find_surplus(r, home, principal, &raw)) == r->count ||
	    !take(slot_at(r, i), raw, id_hash, principal, now_s, &epoch)))
		return E_FULL;
	*out = (struct session_ref){ (uint32_t)i, epoch };
	return 0;
}

int
session_find(const struct region *r, uint64_t id_hash, uint64_t principal, uint32_t now_s,
    uint32_t idle_max_s, struct session_ref *out, struct session_view *view)
{
	uint64_t	 home = id_hash % (r->count / WINDOW) * WINDOW, raw;
	struct slot	*s;
	struct state	 st;

	for (uint64_t i = home; i < home + WINDOW; i++) {
		s = slot_at(r, i);
		raw = atomic_load(&s->state);
		do {
			st = unpack(raw);
			if (!alive(st, now_s, idle_max_s) || atomic_load(&s->id_hash) != id_hash ||
			    atomic_load(&s->principal) != principal)
				break;
			*out = (struct session_ref){ (uint32_t)i, st.epoch };
			*view = (struct session_view){ st.phase, st.log_level, idle_s(st, now_s) };
			if (st.used_s < now_s)
				st.used_s = now_s;
			/* Succeeds only if the state is what it was before id and principal were read. */
			if (atomic_compare_exchange_strong(&s->state, &raw, pack(st)))
				return 0;
		} while (true);
	}
	return E_NOTFOUND;
}

/* Of this epoch, and not ended. */
static bool
is_this(struct state st, struct session_ref ref)
{
	return st.epoch == ref.epoch && (st.phase == SESSION_FRESH || st.phase == SESSION_READY);
}

bool
session_lives(const struct region *r, struct session_ref ref)
{
	return ref.slot < r->count && is_this(unpack(atomic_load(&slot_at(r, ref.slot)->state)), ref);
}

/* Changes the state of a session that is still this one.  The fields given as -1 stay. */
static int
state_change(const struct region *r, struct session_ref ref, int phase, int level)
{
	struct slot	*s;
	struct state	 st;
	uint64_t	 raw;

	if (ref.slot >= r->count)
		return E_NOTFOUND;
	s = slot_at(r, ref.slot);
	raw = atomic_load(&s->state);
	do {
		st = unpack(raw);
		if (!is_this(st, ref))
			return E_NOTFOUND;
		if (phase >= 0)
			st.phase = (enum session_phase)phase;
		if (level >= 0)
			st.log_level = (uint32_t)level;
	} while (!atomic_compare_exchange_strong(&s->state, &raw, pack(st)));
	return 0;
}

int
session_set_phase(const struct region *r, struct session_ref ref, enum session_phase p)
{
	return p == SESSION_FRESH || p == SESSION_READY ? state_change(r, ref, p, -1) : E_RANGE;
}

int
session_set_log_level(const struct region *r, struct session_ref ref, uint32_t level)
{
	return level <= 0xf ? state_change(r, ref, -1, (int)level) : E_RANGE;
}

int
session_end(const struct region *r, struct session_ref ref)
{
	return state_change(r, ref, SESSION_ENDED, -1);
}

uint64_t
session_count(const struct region *r, uint32_t now_s, uint32_t idle_max_s)
{
	uint64_t	n = 0;

	for (uint64_t i = 0; i < r->count; i++)
		n += alive(unpack(atomic_load_explicit(&slot_at(r, i)->state, memory_order_relaxed)), now_s,
		    idle_max_s);
	return n;
}
