/* SPDX-License-Identifier: Apache-2.0
 *
 * sessions.c - session tokens between workers and the store
 *
 * Process: master.  Owns: nothing.
 * Trusts:  nothing of what passes: it is looked at by the store, and by the worker that asked.
 */
#include "master/master.h"
#include "master/sessions.h"

#define QUEUE_MAX	(256 * 1024)	/* bytes that wait for a store that does not keep up */

void
sessions_on_wanted(struct child *worker, uint64_t ref, const struct msg_SESSION *b)
{
	struct master			*m = worker->m;
	struct msg_SESSION		 ask = *b;
	const struct msg_SESSION_IS	 later = { .number = ref, .error = E_AGAIN };

	ask.slot = worker->slot;
	ask.incarnation = worker->incarnation;
	ask.number = ref;
	if (m->store.state != CHILD_READY || m->store.chan.queued_bytes > QUEUE_MAX ||
	    child_send(&m->store, MSG_TYPE_SESSION, 0, &ask, NULL, 0) != 0)
		(void)child_send(worker, MSG_TYPE_SESSION_IS, ref, &later, NULL, 0);
}

void
sessions_on_made(struct master *m, const struct msg_SESSION_IS *b)
{
	struct child	*worker;

	if ((b->flags & SESSION_KEYS_CHANGED) != 0 && !m->stopping)
		reload_request(&m->reload, COMPILE_KEYS, (struct reload_by){ GENERATION_BY_TIME, 0 }, NULL);
	if (b->slot >= MASTER_WORKERS_MAX)
		return;
	worker = &m->workers[b->slot];
	if (worker->incarnation == b->incarnation && worker->state == CHILD_READY)
		(void)child_send(worker, MSG_TYPE_SESSION_IS, b->number, b, NULL, 0);
}
