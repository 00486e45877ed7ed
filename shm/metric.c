/* SPDX-License-Identifier: Apache-2.0
 *
 * metric.c - counters, gauges and histograms: one slab per worker, summed at read
 *
 * Process: worker (own slab), master (clears gauges, reads for status), mcpgw-admin (reads).
 * Trusts:  nothing: a worker that writes nonsense makes a nonsense number.
 */
#include "shm/metric.h"

#define GET(word)	atomic_load_explicit((word), memory_order_relaxed)
#define SET(word, to)	atomic_store_explicit((word), (to), memory_order_relaxed)

/* Upper bounds in microseconds; the bucket after the last has none. */
static const uint64_t ladder_us[METRIC_BUCKETS - 1] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 500000, 2500000, 10000000,
};

static const struct metric_row rows[METRIC_ID_LIMIT] = {
#define METRIC(name, kind, unit, scope, doc)						\
	[METRIC_##name] = { #name, METRIC_##kind, METRIC_SCOPE_##scope, unit, doc, METRIC_AT_##name },
#include "tables/metrics.def"
#undef METRIC
};

static _Atomic uint64_t *
word_at(const struct region *r, uint64_t slot, uint32_t word)
{
	return (_Atomic uint64_t *)region_slot(r, slot) + word;
}

static uint64_t
word_sum(const struct region *r, uint32_t word)
{
	uint64_t	sum = 0;

	for (uint64_t i = 0; i < r->count; i++)
		sum += GET(word_at(r, i, word));
	return sum;
}

int
metrics_init(struct metrics *m, struct region *r, uint32_t slot)
{
	if (r->kind != REGION_METRICS || slot >= r->count)
		return E_RANGE;
	m->region = *r;
	m->slot = slot;
	*r = (struct region){ .slots = NULL };
	metric_clear_gauges(&m->region, slot);
	return 0;
}

void
metrics_fini(struct metrics *m)
{
	region_unmap(&m->region);
}

void
metric_add(struct metrics *m, enum metric_id id, int64_t by)
{
	_Atomic uint64_t	*w = word_at(&m->region, m->slot, rows[id].at);

	SET(w, GET(w) + (uint64_t)by);
}

void
metric_set(struct metrics *m, enum metric_id id, uint64_t to)
{
	SET(word_at(&m->region, m->slot, rows[id].at), to);
}

void
metric_observe(struct metrics *m, enum metric_id id, uint64_t us)
{
	_Atomic uint64_t	*w = word_at(&m->region, m->slot, rows[id].at);
	unsigned		 b = 0;

	while (b < METRIC_BUCKETS - 1 && us > ladder_us[b])
		b++;
	SET(w + b, GET(w + b) + 1);
	SET(w + METRIC_BUCKETS, GET(w + METRIC_BUCKETS) + us);
	SET(w + METRIC_BUCKETS + 1, GET(w + METRIC_BUCKETS + 1) + 1);
}

const struct metric_row *
metric_row(enum metric_id id)
{
	return &rows[id];
}

uint64_t
metric_sum(const struct region *r, enum metric_id id)
{
	uint32_t	at = rows[id].at;

	if (rows[id].scope != METRIC_SCOPE_GLOBAL)
		return 0;
	return word_sum(r, rows[id].kind == METRIC_HISTOGRAM ? at + METRIC_BUCKETS + 1 : at);
}

void
metric_buckets(const struct region *r, enum metric_id id, uint64_t to[METRIC_BUCKETS])
{
	for (uint32_t b = 0; b < METRIC_BUCKETS; b++)
		to[b] = word_sum(r, rows[id].at + b);
}

uint64_t
metric_quantile(const uint64_t buckets[METRIC_BUCKETS], uint32_t of_thousand)
{
	uint64_t	all = 0, below = 0, wanted, floor_us;

	for (unsigned b = 0; b < METRIC_BUCKETS; b++)
		all += buckets[b];
	if (all == 0)
		return 0;
	if ((wanted = (all * of_thousand + 999) / 1000) == 0)
		wanted = 1;
	for (unsigned b = 0; b < METRIC_BUCKETS - 1; below += buckets[b++]) {
		if (below + buckets[b] < wanted)
			continue;
		floor_us = b == 0 ? 0 : ladder_us[b - 1];
		return floor_us + (ladder_us[b] - floor_us) * (wanted - below) / buckets[b];
	}
	return ladder_us[METRIC_BUCKETS - 2];
}

void
metric_clear_gauges(const struct region *r, uint32_t slot)
{
	if (slot >= r->count)
		return;
	for (int id = 0; id < METRIC_ID_LIMIT; id++)
		if (rows[id].kind == METRIC_GAUGE && rows[id].scope == METRIC_SCOPE_GLOBAL)
			SET(word_at(r, slot, rows[id].at), 0);
}

uint64_t
metric_bound_us(unsigned bucket)
{
	return bucket < METRIC_BUCKETS - 1 ? ladder_us[bucket] : 0;
}

void
metric_read(const struct region *r, enum metric_id id, struct metric_value *out)
{
	const struct metric_row	*row = &rows[id];
	uint64_t		 below = 0;

	*out = (struct metric_value){ .value = 0 };
	if (row->scope != METRIC_SCOPE_GLOBAL)
		return;
	if (row->kind != METRIC_HISTOGRAM) {
		out->value = word_sum(r, row->at);
		return;
	}
	for (uint32_t b = 0; b < METRIC_BUCKETS; b++)
		out->up_to[b] = below += word_sum(r, row->at + b);
	/* The count is the last bucket's, not the word's: a reader between two stores must find them agree. */
	out->sum_us = word_sum(r, row->at + METRIC_BUCKETS);
}
