/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.c - the pairs between workers, made when one of them asks
 *
 * Process: master.
 * Owns:    a pair's two ends only while they are sent; the number of the last pair of any two workers.
 * Trusts:  no worker: at most one pair of two living workers a second, so that neither can drown the
 *          other, or us, in descriptors.
 *
 * Two workers may ask at the same time, and must end with the same pair, or what one had sent into the
 * other pair would be lost.  Hence the numbers: who asks says which pair it has seen the end of.  If a
 * later one was made it is on its way to the asker, and nothing more is to be done; only who has seen
 * the end of the last one gets another.  A worker that was replaced has no pairs.
 */
#include <sys/socket.h>

#include "lib/fd.h"
#include "master/master.h"

#define AGAIN_MS	1000	/* from one pair of the same two processes to the next */

_Static_assert(MASTER_WORKERS_MAX <= PEER_SLOTS_MAX, "every worker has a place among the peers");

/* After READY and until it leaves; before that it serves nobody and owns nothing. */
static bool
is_serving(const struct child *c)
{
	return c->state == CHILD_READY || c->state == CHILD_DRAINING;
}

static void
refuse(struct child *worker, const struct msg_WORKER_PEER_WANTED *want, const struct child *other)
{
	struct msg_WORKER_PEER_NONE	none = { .slot = want->slot, .incarnation = want->incarnation };

	if (other == NULL)
		none.living = UINT32_MAX;
	else
		none.living = other->incarnation + (child_has_channel(other) && !other->reaped ? 0 : 1);
	(void)child_send(worker, MSG_TYPE_WORKER_PEER_NONE, 0, &none, NULL, 0);
}

/* One stream; its ends go to the two workers and to nobody else. */
static bool
pair_make(struct child *worker, struct child *other, struct peer_pair *pair)
{
	struct master		*m = worker->m;
	struct msg_WORKER_PEER	 to_worker = { .slot = other->slot, .incarnation = other->incarnation,
				    .pair = m->pairs.last + 1 };
	struct msg_WORKER_PEER	 to_other = { .slot = worker->slot, .incarnation = worker->incarnation,
				    .pair = to_worker.pair };
	bool			 lower = worker->slot < other->slot;
	int			 ends[2] = { -1, -1 };
	bool			 made = false;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
		return false;
	/* One that cannot be told is killed for that, and the other end sees the end of file. */
	if (child_send(other, MSG_TYPE_WORKER_PEER, 0, &to_other, &ends[0], 1) == 0) {
		(void)child_send(worker, MSG_TYPE_WORKER_PEER, 0, &to_worker, &ends[1], 1);
		*pair = (struct peer_pair){ .number = ++m->pairs.last, .made_ms = loop_now_ms(m->loop),
		    .incarnation = { (lower ? worker : other)->incarnation,
		        (lower ? other : worker)->incarnation } };
		made = true;
	}
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return made;
}

void
peers_want(struct child *worker, const struct msg_WORKER_PEER_WANTED *want)
{
	struct master		*m = worker->m;
	struct child		*other, *low, *high;
	struct peer_pair	*pair;

	if (want->slot >= MASTER_WORKERS_MAX || want->slot == worker->slot) {
		refuse(worker, want, NULL);
		return;
	}
	other = &m->workers[want->slot];
	if (!is_serving(other) || (want->incarnation != 0 && want->incarnation != other->incarnation)) {
		refuse(worker, want, other);
		return;
	}
	low = worker->slot < other->slot ? worker : other;
	high = low == worker ? other : worker;
	pair = &m->pairs.made[low->slot][high->slot];
	if (pair->incarnation[0] == low->incarnation && pair->incarnation[1] == high->incarnation) {
		if (pair->number > want->after)
			return;
		if (loop_now_ms(m->loop) - pair->made_ms < AGAIN_MS) {
			refuse(worker, want, other);
			return;
		}
	}
	if (!pair_make(worker, other, pair))
		refuse(worker, want, other);
}
