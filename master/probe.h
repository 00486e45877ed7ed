/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h - can jails be built here?  Tried once, in a short-lived spawner
 */
#ifndef MASTER_PROBE_H
#define MASTER_PROBE_H

#include "lib/span.h"

struct child;
struct master;

/* Starts `mcpgw-spawn --probe`; the gateway does not wait for it. */
/* May jails be reduced ones?  Once users are known.  0, or EX_CONFIG when that was asked for and may not be. */
int	probe_settle(struct master *m);
/* What jails there are, for the worker's records: when it is ready, and when that changes. */
void	probe_tell(struct child *worker);
void	probe_start(struct master *m);
/* From status.c.  result is an enum probe_result. */
void	probe_on_result(struct master *m, unsigned result, struct span line);
void	probe_on_death(struct master *m);

#endif
