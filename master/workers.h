/* SPDX-License-Identifier: Apache-2.0
 *
 * workers.h - which of the workers' slots are filled, and how many are to be
 *
 * There are always MASTER_WORKERS_MAX slots; shared memory has a place for each.  So the number of workers can change,
 * and the workers of two masters can serve side by side (upgrade.h), each in slots of its own.
 */
#ifndef MASTER_WORKERS_H
#define MASTER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

struct master;

/* Before anything else is done with m->workers. */
void	workers_init(struct master *m);
/* What `workers` stands for here; E_RANGE with the line to say in *why. */
must_check int	workers_parse(struct span text, uint32_t *n, char *why, size_t why_bytes);
/* As many as m->workers_wanted says: fills the lowest free slots, or lets the workers of the highest go once they have
 * finished.  Where a slot is missing (an old master's workers are in it) it is filled at the next call. */
void	workers_fill(struct master *m);
/* How many are to serve, and the slots of those: a bit each. */
uint32_t workers_filled(const struct master *m);
uint64_t workers_slots(const struct master *m);
/* For BOOT: before the first snapshot. */
struct child;
void	workers_tell_slots(struct child *c);

#endif
