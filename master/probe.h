/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h - can jails be built here?  Tried once, in a short-lived spawner
 */
#ifndef MASTER_PROBE_H
#define MASTER_PROBE_H

#include "lib/span.h"

struct master;

/* Starts `mcpgw-spawn --probe`; the gateway does not wait for it. */
void	probe_start(struct master *m);
/* From status.c.  result is an enum probe_result. */
void	probe_on_result(struct master *m, unsigned result, struct span line);
void	probe_on_death(struct master *m);

#endif
