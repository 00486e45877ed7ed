/* SPDX-License-Identifier: Apache-2.0
 *
 * upsession.c - sessions of legacy HTTP upstreams, so that all workers use one
 *
 * Process: worker.
 * Trusts:  nothing it reads: id_bytes is bounded, the id goes to that upstream and nowhere else.
 */
#include "shm/upsession.h"

#define WINDOW		8
#define WRITING_MAX_MS	5000	/* after that the writer is taken for dead */
#define ID_WORDS	(UPSESSION_ID_MAX / 8)

enum phase { PHASE_EMPTY, PHASE_WRITING, PHASE_READY };

struct slot {
	_Atomic uint64_t	key, state;
	_Atomic uint64_t	sizes;		/* u32 id_bytes, u32 version */
	_Atomic uint64_t	id[ID_WORDS];
};
_Static_assert(sizeof(struct slot) == 256, "upstream session slot is 256 bytes");

struct state {			/* unpacked */
	enum phase	phase;		/* 2 bits */
	uint32_t	epoch;		/* 22 bits */
	uint64_t	at_ms;		/* 40 bits: written or last used at */
};

#define EPOCH_MASK	0x3fffff
#define AT_MASK		((UINT64_C(1) << 40) - 1)

static struct state
unpack(uint64_t w)
{
	return (struct state){ (enum phase)(w >> 62), (uint32_t)(w >> 40) & EPOCH_MASK, w & AT_MASK };
}

static uint64_t
pack(struct state s)
{
	return (uint64_t)s.phase << 62 | (uint64_t)(s.epoch & EPOCH_MASK) << 40 | (s.at_ms & AT_MASK);
}

static struct slot *
window_of(const struct region *r, uint64_t key)
{
	return region_slot(r, key % (r->count / WINDOW) * WINDOW);
}

static bool
writer_lives(struct state s, uint64_t now_ms)
{
	return s.phase == PHASE_WRITING && now_ms <= s.at_ms + WRITING_MAX_MS;
}

int
upsession_find(const struct region *r, uint64_t key, uint64_t now_ms, struct upsession *out)
{
	struct slot	*w = window_of(r, key), *s;
	struct state	 st;
	uint64_t	 raw, word;

	for (s = w; s < w + WINDOW; s++) {
		raw = atomic_load(&s->state);
		st = unpack(raw);
		if (st.phase != PHASE_READY || atomic_load(&s->key) != key)
			continue;
		word = atomic_load(&s->sizes);
		out->epoch = st.epoch;
		out->version = (uint32_t)(word >> 32);
		out->id_bytes = (uint32_t)word;
		if (out->id_bytes > UPSESSION_ID_MAX)
			continue;
		for (unsigned i = 0; i < ID_WORDS; i++) {
			word = atomic_load(&s->id[i]);
			memcpy(out->id + i * 8, &word, 8);
		}
		/* Unchanged over the copy, and its use is noted: which slot goes first when all are full. */
		st.at_ms = now_ms > st.at_ms ? now_ms : st.at_ms;
		if (atomic_compare_exchange_strong(&s->state, &raw, pack(st)) ||
		    (unpack(raw).phase == PHASE_READY && unpack(raw).epoch == out->epoch))
			return 0;
	}
	return E_NOTFOUND;
}

/* The slot of this key; else an empty one or a dead writer's; else the one unused for longest. */
static struct slot *
slot_choose(struct slot *w, uint64_t key, uint64_t now_ms, uint64_t *raw)
{
	struct slot	*best = NULL;
	struct state	 st, best_st = { .phase = PHASE_READY };
	uint64_t	 word;

	for (struct slot *s = w; s < w + WINDOW; s++) {
		word = atomic_load(&s->state);
		st = unpack(word);
		if (atomic_load(&s->key) == key && st.phase != PHASE_EMPTY) {
			*raw = word;
			return s;
		}
		if (writer_lives(st, now_ms))
			continue;
		if (best == NULL || (st.phase != PHASE_READY && best_st.phase == PHASE_READY) ||
		    (st.phase == PHASE_READY && best_st.phase == PHASE_READY && st.at_ms < best_st.at_ms)) {
			best = s;
			best_st = st;
			*raw = word;
		}
	}
	return best;
}

/* One word, only while the slot is being written by us.  A writer that was taken for dead stops at its
 * next word; the one it may still place lands in a slot whose new writer has not begun to store. */
static bool
word_write(struct slot *s, _Atomic uint64_t *word, uint64_t to, uint64_t state)
{
	uint64_t	old = atomic_load(word);

	if (atomic_load(&s->state) != state)
		return false;
	return atomic_compare_exchange_strong(word, &old, to);
}

int
upsession_put(const struct region *r, uint64_t key, uint64_t now_ms, uint32_t version, struct span id,
    uint32_t *epoch)
{
	struct slot	*s;
	struct state	 st;
	uint64_t	 raw, mine, words[ID_WORDS] = { 0 };

	if (id.n > UPSESSION_ID_MAX)
		return E_TOOBIG;
	memcpy(words, id.p, id.n);
	if ((s = slot_choose(window_of(r, key), key, now_ms, &raw)) == NULL)
		return E_FULL;
	st = unpack(raw);
	if (writer_lives(st, now_ms))
		return E_AGAIN;
	st = (struct state){ PHASE_WRITING, (st.epoch + 1) & EPOCH_MASK, now_ms };
	mine = pack(st);
	if (!atomic_compare_exchange_strong(&s->state, &raw, mine))
		return E_AGAIN;
	if (!word_write(s, &s->key, key, mine) ||
	    !word_write(s, &s->sizes, (uint64_t)version << 32 | (uint32_t)id.n, mine))
		return E_AGAIN;
	for (unsigned i = 0; i < ID_WORDS; i++)
		if (!word_write(s, &s->id[i], words[i], mine))
			return E_AGAIN;
	st.phase = PHASE_READY;
	if (!atomic_compare_exchange_strong(&s->state, &mine, pack(st)))
		return E_AGAIN;
	*epoch = st.epoch;
	return 0;
}

void
upsession_drop(const struct region *r, uint64_t key, uint32_t epoch)
{
	struct slot	*w = window_of(r, key);
	struct state	 st;
	uint64_t	 raw;

	for (struct slot *s = w; s < w + WINDOW; s++) {
		if (atomic_load(&s->key) != key)
			continue;
		raw = atomic_load(&s->state);
		do {
			st = unpack(raw);
			if (st.phase != PHASE_READY || st.epoch != epoch)
				break;
			st.phase = PHASE_EMPTY;
		} while (!atomic_compare_exchange_strong(&s->state, &raw, pack(st)));
	}
}
