/* SPDX-License-Identifier: Apache-2.0
 *
 * pace.h - a stream that says more than anybody can want is read slowly, so that other servers are heard
 *
 * Each event costs what a small request does, and a server can write them faster than they are read.
 */
#ifndef UPSTREAM_PACE_H
#define UPSTREAM_PACE_H

#include "upstream/fetch.h"

#define PACE_EVENTS	200	/* within PACE_MS, and then no more is read until that is over */
#define PACE_MS		100

struct pace {			/* embedded */
	struct fetch		*fetch;
	struct loop_timer	 timer;
	uint64_t		 since_ms;
	unsigned		 count;
};

/* Of this fetch, which is not running yet. */
void		pace_init(struct pace *p, struct loop *l, struct fetch *f);
/* An event came: in a handler of the fetch. */
void		pace_event(struct pace *p, uint64_t now_ms);
/* The fetch is over. */
void		pace_fini(struct pace *p);

#endif
