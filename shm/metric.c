/* SPDX-License-Identifier: Apache-2.0
 *
 * metric.c - counters, gauges and histograms: one slab per worker, summed at read
 *
 * Process: worker (own slab), master (clears gauges, reads for status).
 * Trusts:  nothing: a worker that writes nonsense makes a nonsense number.
 */
#include <inttypes.h>

#include "shm/metric.h"

#define GET(word)	atomic_load_explicit((word), memory_order_relaxed)
#define SET(word, to)	atomic_store_explicit((word), (to), memory_order_relaxed)

/* Upper bounds in microseconds; the bucket after the last has none. */
static const uint64_t ladder_us[METRIC_BUCKETS - 1] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 500000, 2500000, 10000000,
};

static const struct metric_row rows[METRIC_ID_LIMIT] = {
#define METRIC(name, kind, unit, scope, doc)						\
	[METRIC_##name] = { #name, METRIC_##kind, unit, doc, METRIC_AT_##name },
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
		if (rows[id].kind == METRIC_GAUGE)
			SET(word_at(r, slot, rows[id].at), 0);
}

static int
histogram_write(const struct region *r, const struct metric_row *row, struct buf *out)
{
	uint64_t	below = 0, us;
	int		e;

	for (uint32_t b = 0; b < METRIC_BUCKETS; b++) {
		below += word_sum(r, row->at + b);
		if (b < METRIC_BUCKETS - 1)
			e = buf_put_fmt(out, "mcpgw_%s_bucket{le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n",
			    row->name, ladder_us[b] / 1000000, ladder_us[b] % 1000000, below);
		else
			e = buf_put_fmt(out, "mcpgw_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", row->name, below);
		if (e != 0)
			return e;
	}
	us = word_sum(r, row->at + METRIC_BUCKETS);
	/* The count is the last bucket's, not the word's: a scrape between two stores must add up. */
	return buf_put_fmt(out, "mcpgw_%s_sum %" PRIu64 ".%06" PRIu64 "\nmcpgw_%s_count %" PRIu64 "\n",
	    row->name, us / 1000000, us % 1000000, row->name, below);
}

int
metric_write_text(const struct region *r, struct buf *out)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	int	e;

	for (int id = 0; id < METRIC_ID_LIMIT; id++) {
		const struct metric_row *row = &rows[id];

		if ((e = buf_put_fmt(out, "# HELP mcpgw_%s %s\n# TYPE mcpgw_%s %s\n", row->name, row->doc,
		    row->name, types[row->kind])) != 0)
			return e;
		if (row->kind == METRIC_HISTOGRAM)
			e = histogram_write(r, row, out);
		else
			e = buf_put_fmt(out, "mcpgw_%s %" PRIu64 "\n", row->name, word_sum(r, row->at));
		if (e != 0)
			return e;
	}
	return 0;
}
