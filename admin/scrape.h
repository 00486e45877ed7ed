/* SPDX-License-Identifier: Apache-2.0
 *
 * scrape.h - all numbers of tables/metrics.def, as text for Prometheus or as JSON
 */
#ifndef ADMIN_SCRAPE_H
#define ADMIN_SCRAPE_H

#include "admin/view.h"
#include "shm/metric.h"

struct scrape {
	const struct region	*metrics;	/* REGION_METRICS */
	const struct view	*view;		/* not known: what only the master knows is left out, but `ready` */
	uint64_t		 servers, disabled;	/* in the configuration; of these switched off */
	bool			 ready;
};

/* Text format 0.0.4 of Prometheus, in order of the table.  0, E_TOOBIG or E_NOMEM. */
must_check int	scrape_text(const struct scrape *s, struct buf *out);
/* One object: name to number; with a label, to an object of its values; a histogram to count, sum (seconds)
 * and buckets, each with all observations up to its bound.  As scrape_text(). */
must_check int	scrape_json(const struct scrape *s, struct buf *out);

#endif
