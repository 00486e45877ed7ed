/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.c - messages to and from other workers: who gets what, and who is told that it is lost
 *
 * Process: worker.  Owns: what is queued for other workers.
 * Trusts:  the master for who is at the other end of a pair.
 *
 * A message waits for a pair (waiting), or is written into one (out), never first one and then back.  So
 * it is lost with the pair it went into, loudly, and never sent twice.
 *
 * Reading never waits for writing: a handler's answer is queued, and refused when the queue is full.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "worker/peers_priv.h"

#define LAST_READS	64		/* of a pair that is replaced: more than a socket holds */

/* --- queues ----------------------------------------------------------------------------------- */

static void
queue_init(struct peer_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void
queue_put(struct peer_queue *q, struct peer_message *m)
{
	m->next = NULL;
	*q->last = m;
	q->last = &m->next;
}

struct peer_message *
peer_queue_take(struct peer_queue *q)
{
	struct peer_message	*m = q->first;

	if (m != NULL && (q->first = m->next) == NULL)
		q->last = &q->first;
	return m;
}

void
peer_message_free(struct peer *p, struct peer_message *m)
{
	p->queued -= m->bytes;
	p->set->queued -= m->bytes;
	free(m);
}

void
peer_queue_drop(struct peer *p, struct peer_queue *q)
{
	struct peer_message	*m;

	while ((m = peer_queue_take(q)) != NULL)
		peer_message_free(p, m);
}

static bool
queue_has(const struct peer_queue *q, uint32_t to)
{
	for (const struct peer_message *m = q->first; m != NULL; m = m->next)
		if (m->to == to)
			return true;
	return false;
}

/* --- who is gone ------------------------------------------------------------------------------ */

void
peer_tell_gone(struct peer *p, uint32_t incarnation)
{
	struct peers	*ps = p->set;

	for (size_t i = 0; i < PEER_GONE_MAX && ps->gone[i].fn != NULL; i++)
		ps->gone[i].fn(p->slot, incarnation, ps->gone[i].arg);
}

/* There will be no pair for what waits for this one. */
static void
waiting_fail(struct peer *p, uint32_t to)
{
	struct peer_queue	 all = p->waiting;
	struct peer_message	*m;

	if (!queue_has(&p->waiting, to))
		return;
	queue_init(&p->waiting);
	while ((m = peer_queue_take(&all)) != NULL)
		if (m->to == to)
			peer_message_free(p, m);
		else
			queue_put(&p->waiting, m);
	peer_tell_gone(p, to);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void
on_turn_end(void *arg)
{
	struct peers	*ps = arg;
	uint64_t	 dirty = ps->dirty;

	ps->dirty = 0;
	for (; dirty != 0; dirty &= dirty - 1)
		peer_flush(ps->at[__builtin_ctzll(dirty)]);
}

/* What was queued after that waits for the next turn, and makes sure that it comes. */
static void
on_turn_over(void *arg)
{
	struct peers	*ps = arg;

	for (uint64_t dirty = ps->dirty; dirty != 0; dirty &= dirty - 1)
		loop_io_arm(&ps->at[__builtin_ctzll(dirty)]->io, LOOP_READ | LOOP_WRITE);
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct peer *
peer_at(struct peers *ps, uint32_t slot)
{
	struct peer	*p = ps->at[slot];

	if (p != NULL || (p = calloc(1, sizeof(*p))) == NULL)
		return p;
	p->magic = PEER_MAGIC;
	p->set = ps;
	p->slot = slot;
	p->fd = -1;
	queue_init(&p->out);
	queue_init(&p->waiting);
	buf_init(&p->in, sizeof(struct peer_head) + PEER_PAYLOAD_MAX);
	return ps->at[slot] = p;
}

static int
message_new(uint32_t to, const struct peer_head *head, struct span payload, struct peer_message **out)
{
	struct peer_head	 h = *head;
	struct peer_message		*m;

	if ((m = *out = malloc(sizeof(*m) + sizeof(h) + payload.n)) == NULL)
		return E_NOMEM;
	h.bytes = (uint32_t)payload.n;
	m->to = to;
	m->bytes = sizeof(h) + payload.n;
	m->sent = 0;
	memcpy(m->wire, &h, sizeof(h));
	if (payload.n > 0)
		memcpy(m->wire + sizeof(h), payload.p, payload.n);
	return 0;
}

static bool
is_self(const struct peers *ps, uint32_t slot, uint32_t incarnation)
{
	return slot == ps->slot && (incarnation == 0 || incarnation == ps->incarnation);
}

int
peers_send(struct peers *ps, uint32_t slot, uint32_t incarnation, const struct peer_head *head,
    struct span payload)
{
	struct peer	*p;
	struct peer_message	*m;
	bool		 here;
	int		 r;

	BUG_ON(head->type == 0 || head->type >= PEER_TYPE_LIMIT);
	if (is_self(ps, slot, incarnation))
		return E_RANGE;
	if (slot >= ps->workers || slot == ps->slot)
		return E_NOTFOUND;
	if (payload.n > PEER_PAYLOAD_MAX)
		return E_TOOBIG;
	if ((p = peer_at(ps, slot)) == NULL)
		return E_NOMEM;
	here = p->up && (incarnation == 0 || incarnation == p->incarnation);
	if (here && p->deaf)
		return E_CLOSED;
	if (!here && incarnation != 0 && incarnation < p->living)
		return E_NOTFOUND;
	if (sizeof(*head) + payload.n > PEERS_QUEUE_MAX - p->queued)
		return E_FULL;
	if ((r = message_new(incarnation, head, payload, &m)) != 0)
		return r;
	if (!here && !queue_has(&p->waiting, incarnation) &&
	    (r = ps->wanted(slot, incarnation, p->pair, ps->wanted_arg)) != 0) {
		free(m);
		return r;
	}
	p->queued += m->bytes;
	ps->queued += m->bytes;
	queue_put(here ? &p->out : &p->waiting, m);
	/* What waits for room in the socket is told when there is some. */
	if (here && (p->io.armed & LOOP_WRITE) == 0)
		ps->dirty |= peer_bit(p);
	return 0;
}

size_t
peers_queued(const struct peers *ps)
{
	return ps->queued;
}

/* --- what the master says --------------------------------------------------------------------- */

void
peers_attach(struct peers *ps, uint32_t slot, uint32_t incarnation, uint64_t pair, int fd)
{
	struct peer	*p;
	struct peer_queue	 waited;
	struct peer_message	*m;

	if (slot >= ps->workers || slot == ps->slot || (p = peer_at(ps, slot)) == NULL || pair <= p->pair) {
		fd_close(&fd);
		return;
	}
	/* The other side let go of the one before; what it had said in it is still true. */
	peer_read(p, LAST_READS);
	if (p->up)
		peer_down(p);
	peer_up(p, fd);
	p->pair = pair;
	p->incarnation = incarnation;
	if (incarnation > p->living)
		p->living = incarnation;
	waited = p->waiting;
	queue_init(&p->waiting);
	while ((m = peer_queue_take(&waited)) != NULL)
		queue_put(m->to == 0 || m->to == incarnation ? &p->out : &p->waiting, m);
	if (p->out.first != NULL)
		ps->dirty |= peer_bit(p);
	/* A gone handler may send, so look from the front each time. */
	do {
		for (m = p->waiting.first; m != NULL && m->to >= p->living; m = m->next)
			;
		if (m != NULL)
			waiting_fail(p, m->to);
	} while (m != NULL);
}

void
peers_none(struct peers *ps, uint32_t slot, uint32_t incarnation, uint32_t living)
{
	struct peer	*p;

	if (slot >= ps->workers || (p = ps->at[slot]) == NULL)
		return;
	if (living > p->living)
		p->living = living;
	waiting_fail(p, incarnation);
}

void
peers_master_gone(struct peers *ps)
{
	for (size_t i = 0; i < PEER_SLOTS_MAX; i++)
		while (ps->at[i] != NULL && ps->at[i]->waiting.first != NULL)
			waiting_fail(ps->at[i], ps->at[i]->waiting.first->to);
}

/* --- birth and end ---------------------------------------------------------------------------- */

int
peers_new(struct loop *l, peers_wanted_fn *wanted, void *arg, struct peers **out)
{
	struct peers	*ps;

	if ((ps = *out = calloc(1, sizeof(*ps))) == NULL)
		return E_NOMEM;
	ps->loop = l;
	ps->wanted = wanted;
	ps->wanted_arg = arg;
	loop_at_turn_end(l, LOOP_RANK_FLUSH, on_turn_end, ps);
	loop_at_turn_end(l, LOOP_RANK_AFTER, on_turn_over, ps);
	return 0;
}

void
peers_free(struct peers **psp)
{
	struct peers	*ps = *psp;
	struct peer	*p;

	*psp = NULL;
	if (ps == NULL)
		return;
	for (size_t i = 0; i < PEER_SLOTS_MAX; i++) {
		if ((p = ps->at[i]) == NULL)
			continue;
		if (p->up) {
			loop_io_fini(&p->io);
			fd_close(&p->fd);
		}
		peer_queue_drop(p, &p->out);
		peer_queue_drop(p, &p->waiting);
		buf_fini(&p->in);
		p->magic = 0;
		free(p);
	}
	free(ps);
}

void
peers_set_self(struct peers *ps, uint32_t slot, uint32_t incarnation, uint32_t workers)
{
	ps->slot = slot;
	ps->incarnation = incarnation;
	ps->workers = workers < PEER_SLOTS_MAX ? workers : PEER_SLOTS_MAX;
}

void
peers_on(struct peers *ps, enum peer_type type, peers_fn *fn, void *arg)
{
	BUG_ON(ps->on[type].fn != NULL);
	ps->on[type].fn = fn;
	ps->on[type].arg = arg;
}

void
peers_on_gone(struct peers *ps, peers_gone_fn *fn, void *arg)
{
	size_t	i;

	for (i = 0; i < PEER_GONE_MAX && ps->gone[i].fn != NULL; i++)
		;
	BUG_ON(i == PEER_GONE_MAX);
	ps->gone[i].fn = fn;
	ps->gone[i].arg = arg;
}
