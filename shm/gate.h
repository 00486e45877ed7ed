/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.h - accept gate: a worker that has more than its share leaves the listening socket alone
 *
 * Without it one worker gets most connections of a shared socket (EPOLLEXCLUSIVE wakes the newest
 * waiter first).  Only workers that wait in epoll count: one that is busy must not hold new
 * connections back from the others.
 */
#ifndef SHM_GATE_H
#define SHM_GATE_H

#include <stdbool.h>

#include "shm/region.h"

#define GATE_PAUSE_MS 2		/* how long to leave the socket alone */

/* What this worker says of itself: before it waits, and after it woke. */
void	gate_publish(const struct region *r, uint32_t slot, uint32_t connections, bool waiting);
/* May this worker accept now?  False: ask again after GATE_PAUSE_MS. */
bool	gate_may_accept(const struct region *r, uint32_t slot, uint32_t connections);
/* Connections over all workers. */
uint64_t gate_connections(const struct region *r);
/* The master, after it has reaped the worker of this slot.  Writes only. */
void	gate_clear(const struct region *r, uint32_t slot);

#endif
