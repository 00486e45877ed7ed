/* SPDX-License-Identifier: Apache-2.0
 *
 * regions.c - the shared memory of all workers
 *
 * Process: master.
 * Owns:    one memfd per kind for as long as the gateway runs.
 * Trusts:  nothing in them: it writes zeroes for the dead and adds up numbers for status, no more.
 */
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/regions.h"
#include "shm/inflight.h"
#include "shm/metric.h"
#include "shm/share.h"

/* That of a master before, if it has this program's form: whoever maps it finds what it left.  Else there is none. */
static bool
is_of_use(int fd, enum region_kind kind, uint32_t workers)
{
	struct region	r;
	int		e;

	if (fd == -1)
		return false;
	if ((e = region_map_read(fd, kind, &r)) == 0 && r.bytes != region_bytes(kind, workers))
		e = E_FORMAT;
	region_unmap(&r);
	if (e != 0)
		log_notice(LOG_SUBJECT("shared memory", region_name(kind)), "begins anew: of another form (%s)",
		    err_text(e));
	return e == 0;
}

int
regions_init(struct regions *r, uint32_t workers, int *before)
{
	int	e = 0;

	*r = (struct regions){ .workers = workers };
	for (int kind = 0; kind < REGION_LIMIT; kind++)
		r->fd[kind] = -1;
	for (int kind = REGION_LIMITS; e == 0 && kind < REGION_LIMIT; kind++) {
		if (before != NULL && is_of_use(before[kind], (enum region_kind)kind, workers)) {
			r->fd[kind] = before[kind];
			before[kind] = -1;
			continue;
		}
		if ((e = region_create((enum region_kind)kind, workers, &r->fd[kind])) != 0)
			log_err(LOG_SUBJECT("shared memory", region_name((enum region_kind)kind)),
			    "%s", err_text(e));
	}
	if (e == 0)
		e = region_map(r->fd[REGION_INFLIGHT], REGION_INFLIGHT, &r->inflight);
	if (e == 0)
		e = region_map(r->fd[REGION_SHARES], REGION_SHARES, &r->shares);
	if (e == 0)
		e = region_map(r->fd[REGION_METRICS], REGION_METRICS, &r->metrics);
	if (e == 0)
		e = region_map_read(r->fd[REGION_BREAKERS], REGION_BREAKERS, &r->breakers);
	return e;
}

void
regions_fini(struct regions *r)
{
	region_unmap(&r->inflight);
	region_unmap(&r->shares);
	region_unmap(&r->metrics);
	region_unmap(&r->breakers);
	for (int kind = 0; kind < REGION_LIMIT; kind++)
		fd_close(&r->fd[kind]);
}

void
regions_clear_worker(struct regions *r, uint32_t slot)
{
	inflight_clear(&r->inflight, slot);
	share_clear(&r->shares, slot);
	metric_clear_gauges(&r->metrics, slot);
}
