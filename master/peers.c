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
#include <string.h>
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

/* The other one is of the master before, and finishes what it has.  False: it is not. */
static bool
want_of_before(struct child *worker, const struct msg_WORKER_PEER_WANTED *want)
{
	struct master		*m = worker->m;
	const uint32_t		 incarnation = m->heir.incarnation[want->slot];
	const uint64_t		 now = loop_now_ms(m->loop);
	struct peer_pair	*pair = &m->pairs.made[worker->slot < want->slot ? worker->slot : want->slot]
				    [worker->slot < want->slot ? want->slot : worker->slot];
	struct msg_WORKER_PEER	 msg = { .slot = want->slot, .incarnation = incarnation, .pair = m->pairs.last + 1 };
	const uint32_t		 both[2] = { worker->slot < want->slot ? worker->incarnation : incarnation,
				    worker->slot < want->slot ? incarnation : worker->incarnation };
	int			 ends[2] = { -1, -1 };
	bool			 made;

	if (!heir_has_worker(m, want->slot, want->incarnation))
		return false;
	if (memcmp(pair->incarnation, both, sizeof(both)) == 0 && pair->number > want->after)
		return true;
	if ((memcmp(pair->incarnation, both, sizeof(both)) == 0 && now - pair->made_ms < AGAIN_MS) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
		return false;
	if ((made = heir_peer(m, worker, want->slot, ends[0]))) {
		*pair = (struct peer_pair){ .number = ++m->pairs.last, .made_ms = now,
		    .incarnation = { both[0], both[1] } };
		(void)child_send(worker, MSG_TYPE_WORKER_PEER, 0, &msg, &ends[1], 1);
	}
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return made;
}

void
peers_take(struct child *worker, uint32_t slot, uint32_t incarnation, int fd)
{
	struct msg_WORKER_PEER	msg = { .slot = slot, .incarnation = incarnation, .pair = worker->m->pairs.last + 1 };

	if (!is_serving(worker) || slot >= MASTER_WORKERS_MAX)
		return;			/* the other end sees it closed */
	worker->m->pairs.last++;
	(void)child_send(worker, MSG_TYPE_WORKER_PEER, 0, &msg, &fd, 1);
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
	if (other->state == CHILD_IDLE && want_of_before(worker, want))
		return;
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
