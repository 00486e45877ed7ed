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

#include "shm/region.h"

#define METRIC_BUCKETS 14		/* the ladder is in metric.c; the last bucket is +Inf */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Where a value is: in a slab of each worker's, or with the master. */
enum metric_scope { METRIC_SCOPE_GLOBAL, METRIC_SCOPE_MASTER, METRIC_SCOPE_PROGRAM, METRIC_SCOPE_STATE,
	METRIC_SCOPE_VERSION };
#define METRIC_IN_SLAB_GLOBAL	1
#define METRIC_IN_SLAB_MASTER	0
#define METRIC_IN_SLAB_PROGRAM	0
#define METRIC_IN_SLAB_STATE	0
#define METRIC_IN_SLAB_VERSION	0

#define METRIC_WIDTH_COUNTER	1
#define METRIC_WIDTH_GAUGE	1
#define METRIC_WIDTH_HISTOGRAM	(METRIC_BUCKETS + 2)	/* buckets, sum, count */

enum metric_id {
#define METRIC(name, kind, unit, scope, doc) METRIC_##name,
#include "tables/metrics.def"
#undef METRIC
	METRIC_ID_LIMIT
};

/* Where each begins in a slab; those that are in none take no place. */
enum metric_word {
#define METRIC(name, kind, unit, scope, doc)						\
	METRIC_AT_##name,								\
	METRIC_END_##name = METRIC_AT_##name + METRIC_IN_SLAB_##scope * METRIC_WIDTH_##kind - 1,
#include "tables/metrics.def"
#undef METRIC
	METRIC_WORDS
};

struct metric_row {
	const char		*name;		/* without the mcpgw_ in front */
	enum metric_kind	 kind;
	enum metric_scope	 scope;
	const char		*unit, *doc;
	uint32_t		 at;		/* first word */
};

/* Over all slabs.  A counter or gauge: `value`; a histogram: observations up to each bound, and their sum. */
struct metric_value {
	uint64_t	value;
	uint64_t	up_to[METRIC_BUCKETS];	/* the last is their count */
	uint64_t	sum_us;
};

struct metrics {
	struct region	region;		/* REGION_METRICS */
	uint32_t	slot;		/* the worker's own */
};

/* Takes the region over and clears the own gauges.  E_RANGE when there is no such slot. */
must_check int	metrics_init(struct metrics *m, struct region *r, uint32_t slot);
void		metrics_fini(struct metrics *m);

/* Counters and gauges of the own slab, of scope GLOBAL.  A gauge may go down: metric_add(m, METRIC_x, -1). */
void		metric_add(struct metrics *m, enum metric_id id, int64_t by);
void		metric_set(struct metrics *m, enum metric_id id, uint64_t to);
/* One observation of a histogram. */
void		metric_observe(struct metrics *m, enum metric_id id, uint64_t microseconds);

const struct metric_row *metric_row(enum metric_id id);
/* Over all slabs: a counter's or gauge's value, a histogram's count. */
uint64_t	metric_sum(const struct region *r, enum metric_id id);
/* All there is of one; zero for those that are in no slab. */
void		metric_read(const struct region *r, enum metric_id id, struct metric_value *out);
/* The upper bound of this bucket, in microseconds; 0: the last, which has none. */
uint64_t	metric_bound_us(unsigned bucket);
/* A histogram's buckets, summed. */
void		metric_buckets(const struct region *r, enum metric_id id, uint64_t to[METRIC_BUCKETS]);
/* In microseconds: what so many of a thousand observations are below, as far as their buckets tell; 0: none were. */
uint64_t	metric_quantile(const uint64_t buckets[METRIC_BUCKETS], uint32_t of_thousand);
/* The master, after it has reaped the worker of this slot.  Writes only. */
void		metric_clear_gauges(const struct region *r, uint32_t slot);

#endif
