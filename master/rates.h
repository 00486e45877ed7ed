/* SPDX-License-Identifier: Apache-2.0
 *
 * rates.h - how much was done in the last minute, for status
 */
#ifndef MASTER_RATES_H
#define MASTER_RATES_H

#include "lib/loop.h"
#include "master/regions.h"
#include "shm/metric.h"

#define RATES_WINDOW_MS	60000
#define RATES_STEP_MS	5000
#define RATES_SAMPLES	(RATES_WINDOW_MS / RATES_STEP_MS + 1)

/* Calls of one profile, over all workers. */
struct rates_calls {
	uint64_t	profile, in_flight, calls;
};

struct rates_sample {
	uint64_t		 taken_ms;	/* monotonic */
	uint64_t		 requests, calls, denied;
	uint64_t		 took[METRIC_BUCKETS];	/* of call_duration_seconds */
	struct rates_calls	*profiles;	/* by profile */
	size_t			 profile_count;
};

struct rates {
	const struct regions	*regions;
	struct loop		*loop;
	struct loop_timer	 timer;
	struct rates_sample	 samples[RATES_SAMPLES];	/* a ring */
	size_t			 next, count;
};

/* What happened since then; calls of a profile are those of the window. */
struct rates_now {
	uint64_t		 window_ms;
	struct rates_sample	 since;
	uint64_t		 p50_us, p99_us;	/* 0: no call ended */
};

/* Looks every RATES_STEP_MS from now on. */
void		rates_init(struct rates *r, struct loop *loop, const struct regions *regions);
void		rates_fini(struct rates *r);
/* 0 or E_NOMEM; rates_now_fini() frees.  Numbers of workers: shown, never decided by. */
must_check int	rates_now(const struct rates *r, struct rates_now *out);
void		rates_now_fini(struct rates_now *n);

#endif
