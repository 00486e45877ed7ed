/* SPDX-License-Identifier: Apache-2.0
 *
 * workers.c - which of the workers' slots are filled, and how many are to be
 *
 * Process: master.  Owns: nothing; the children are struct master's.
 * Trusts:  the parameters, which the compiler has read.
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/num.h"
#include "master/master.h"

void
workers_init(struct master *m)
{
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		child_init(&m->workers[i], m, ROLE_WORKER, i, NULL);
}

int
workers_parse(struct span text, uint32_t *n, char *why, size_t why_bytes)
{
	uint64_t	number;
	long		cpus;

	if (span_is(text, "auto")) {
		cpus = sysconf(_SC_NPROCESSORS_ONLN);
		*n = cpus < 1 ? 1 : cpus > MASTER_WORKERS_MAX ? MASTER_WORKERS_MAX : (uint32_t)cpus;
		return 0;
	}
	if (num_u64(text, &number) != 0 || number < 1 || number > MASTER_WORKERS_MAX) {
		snprintf(why, why_bytes, "workers = %.*s: auto, or 1 to %d", SPAN_FMT(text), MASTER_WORKERS_MAX);
		return E_RANGE;
	}
	*n = (uint32_t)number;
	return 0;
}

uint64_t
workers_slots(const struct master *m)
{
	uint64_t	slots = 0;

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].respawn)
			slots |= UINT64_C(1) << i;
	return slots;
}

uint32_t
workers_filled(const struct master *m)
{
	return (uint32_t)__builtin_popcountll(workers_slots(m));
}

void
workers_tell_slots(struct child *c)
{
	const struct master	*m = c->m;
	struct msg_WORKER_SLOTS	 msg = { .slots = workers_slots(m), .leaving = m->heir.lives ? m->heir.busy : 0 };

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (!m->workers[i].respawn && child_has_channel(&m->workers[i]))
			msg.leaving |= UINT64_C(1) << i;

	(void)child_send(c, MSG_TYPE_WORKER_SLOTS, 0, &msg, NULL, 0);
}

/* Another master's worker may be in a slot of which we have none. */
static bool
is_free(const struct master *m, uint32_t slot)
{
	return m->workers[slot].state == CHILD_IDLE && (m->heir.busy & UINT64_C(1) << slot) == 0;
}

void
workers_fill(struct master *m)
{
	uint64_t	before = workers_slots(m), starts = 0;
	uint32_t	have = workers_filled(m);

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX && have < m->workers_wanted; i++)
		if (!m->workers[i].respawn && is_free(m, i)) {
			m->workers[i].respawn = true;
			starts |= UINT64_C(1) << i;
			have++;
		}
	for (uint32_t i = MASTER_WORKERS_MAX; i-- > 0 && have > m->workers_wanted;)
		if (m->workers[i].respawn) {
			child_retire(&m->workers[i], m->params.drain_timeout);
			have--;
		}
	/* Whoever starts is told of all. */
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if ((starts & UINT64_C(1) << i) != 0)
			child_start(&m->workers[i]);
		else if (workers_slots(m) != before && child_has_channel(&m->workers[i]))
			workers_tell_slots(&m->workers[i]);
}
