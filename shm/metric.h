/* SPDX-License-Identifier: Apache-2.0
 *
 * metric.h - counters, gauges and histograms of tables/metrics.def: one slab per worker, summed at
 *            read
 *
 * A slab has one writer, its worker.  Counters outlive a worker (the next one of that slot counts
 * on); gauges are cleared by the master when it reaps, and by the next worker.
 */
#ifndef SHM_METRIC_H
#define SHM_METRIC_H

#include "lib/buf.h"
#include "shm/region.h"

#define METRIC_BUCKETS 14		/* the ladder is in metric.c; the last bucket is +Inf */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_WIDTH_COUNTER	1
#define METRIC_WIDTH_GAUGE	1
#define METRIC_WIDTH_HISTOGRAM	(METRIC_BUCKETS + 2)	/* buckets, sum, count */

enum metric_id {
#define METRIC(name, kind, unit, scope, doc) METRIC_##name,
#include "tables/metrics.def"
#undef METRIC
	METRIC_ID_LIMIT
};

/* Where each begins in a slab. */
enum metric_word {
#define METRIC(name, kind, unit, scope, doc)						\
	METRIC_AT_##name, METRIC_END_##name = METRIC_AT_##name + METRIC_WIDTH_##kind - 1,
#include "tables/metrics.def"
#undef METRIC
	METRIC_WORDS
};

struct metric_row {
	const char		*name;		/* without the mcpgw_ in front */
	enum metric_kind	 kind;
	const char		*unit, *doc;
	uint32_t		 at;		/* first word */
};

struct metrics {
	struct region	region;		/* REGION_METRICS */
	uint32_t	slot;		/* the worker's own */
};

/* Takes the region over and clears the own gauges.  E_RANGE when there is no such slot. */
must_check int	metrics_init(struct metrics *m, struct region *r, uint32_t slot);
void		metrics_fini(struct metrics *m);

/* Counters and gauges of the own slab.  A gauge may go down: metric_add(m, METRIC_x, -1). */
void		metric_add(struct metrics *m, enum metric_id id, int64_t by);
void		metric_set(struct metrics *m, enum metric_id id, uint64_t to);
/* One observation of a histogram. */
void		metric_observe(struct metrics *m, enum metric_id id, uint64_t microseconds);

const struct metric_row *metric_row(enum metric_id id);
/* Over all slabs: a counter's or gauge's value, a histogram's count. */
uint64_t	metric_sum(const struct region *r, enum metric_id id);
/* A histogram's buckets, summed. */
void		metric_buckets(const struct region *r, enum metric_id id, uint64_t to[METRIC_BUCKETS]);
/* In microseconds: what so many of a thousand observations are below, as far as their buckets tell; 0: none were. */
uint64_t	metric_quantile(const uint64_t buckets[METRIC_BUCKETS], uint32_t of_thousand);
/* All of them in Prometheus' text format (version 0.0.4).  E_TOOBIG or E_NOMEM. */
must_check int	metric_write_text(const struct region *r, struct buf *out);
/* The master, after it has reaped the worker of this slot.  Writes only. */
void		metric_clear_gauges(const struct region *r, uint32_t slot);

#endif
