/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_set.c - all client connections of a process: states as lists, time limits, the turn's end
 *
 * Process: worker, mcpgw-admin.  Owns: every struct conn, the pool of blocks.
 * Trusts:  nobody's speed: each state but CONN_BUSY, which the handler's deadline ends, has a limit.
 */
#include <malloc.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "http/conn_priv.h"

#define KEEP_BLOCKS	256
#define REST_MS		100
#define LINGER_MS	2000
#define CALM_MS		1000	/* that a flood has to be over */
#define CALM_BLOCKS	16	/* kept then */
#define FLOOD_LEAST	256	/* connections, or blocks */

static uint64_t
limit_ms(const struct conn_set *s, enum conn_state state)
{
	switch (state) {
	case CONN_SHAKE:
		return s->params.shake_timeout_ms;
	case CONN_IDLE:
		return s->params.idle_timeout_ms;
	case CONN_FRESH:
	case CONN_HEAD:
		return s->params.head_timeout_ms;
	case CONN_BODY:
		return s->params.body_timeout_ms;
	case CONN_WRITE:
		return s->params.write_timeout_ms;
	case CONN_REST:
		return REST_MS;
	case CONN_LINGER:
		return LINGER_MS;
	case CONN_BUSY:
	case CONN_STATE_LIMIT:
		break;
	}
	return 0;
}

static void
sweep_by(struct conn_set *s, uint64_t due_ms)
{
	uint64_t	now = loop_now_ms(s->loop);

	if (s->sweep_ms != 0 && s->sweep_ms <= due_ms)
		return;
	s->sweep_ms = due_ms;
	loop_timer_arm(&s->sweep, due_ms > now ? due_ms - now : 0);
}

static void
list_remove(struct conn *c)
{
	struct conn_list	*list = &c->set->lists[c->state];

	*(c->older == NULL ? &list->oldest : &c->older->newer) = c->newer;
	*(c->newer == NULL ? &list->newest : &c->newer->older) = c->older;
	list->count--;
}

void
conn_list_append(struct conn *c)
{
	struct conn_list	*list = &c->set->lists[c->state];

	c->newer = NULL;
	c->older = list->newest;
	*(c->older == NULL ? &list->oldest : &c->older->newer) = c;
	list->newest = c;
	list->count++;
}

void
conn_move(struct conn *c, enum conn_state state)
{
	struct conn_set	*s = c->set;
	uint64_t	 limit = limit_ms(s, state);

	list_remove(c);
	c->state = (uint8_t)state;
	c->since_ms = loop_now_ms(s->loop);
	conn_list_append(c);
	if (limit > 0)
		sweep_by(s, c->since_ms + limit);
}

static void
on_sweep(struct loop_timer *t, void *arg)
{
	struct conn_set	*s = arg;
	uint64_t	 now = loop_now_ms(s->loop), limit, next = 0;
	struct conn	*c;

	(void)t;
	s->sweep_ms = 0;
	for (enum conn_state state = 0; state < CONN_STATE_LIMIT; state++) {
		if ((limit = limit_ms(s, state)) == 0)
			continue;
		while ((c = s->lists[state].oldest) != NULL && now - c->since_ms >= limit) {
			s->count.timeouts += state != CONN_REST;
			conn_timed_out(c);
			/* Whatever that did, this connection is not the list's oldest any more. */
			if (s->lists[state].oldest == c)
				conn_move(c, state);
		}
		if (c != NULL && (next == 0 || c->since_ms + limit < next))
			next = c->since_ms + limit;
	}
	if (next != 0)
		sweep_by(s, next);
}

void
conn_flush_later(struct conn *c)
{
	if (c->to_flush)
		return;
	c->to_flush = true;
	c->flush_next = c->set->flush;
	c->set->flush = c;
}

void
conn_kick_later(struct conn *c)
{
	if (c->to_kick)
		return;
	c->to_kick = true;
	c->kick_next = c->set->kick;
	if (c->set->kick == NULL)
		loop_timer_arm(&c->set->kicker, 0);
	c->set->kick = c;
}

void
conn_die(struct conn *c, enum flow_end why)
{
	if (c->dead)
		return;
	c->dead = true;
	c->why = (uint8_t)why;
	loop_io_arm(&c->io, 0);
	conn_kick_later(c);
}

static void
on_turn_end(void *arg)
{
	struct conn_set	*s = arg;
	struct conn	*c, *next;

	s->shakes = 0;
	c = s->flush;
	s->flush = NULL;
	for (; c != NULL; c = next) {
		next = c->flush_next;
		c->to_flush = false;
		conn_flush(c);
	}
	conn_set_relieve(s);
}

static void
on_kick(struct loop_timer *t, void *arg)
{
	struct conn_set	*s = arg;
	struct conn	*c, *next;

	(void)t;
	c = s->kick;
	s->kick = NULL;
	for (; c != NULL; c = next) {
		next = c->kick_next;
		c->to_kick = false;
		conn_kick(c);
	}
}

struct span
conn_date(struct conn_set *s)
{
	uint64_t	now_s = loop_wall_ms(s->loop) / 1000;

	if (now_s != s->date_s) {
		s->date_s = now_s;
		http_write_date(now_s * 1000, s->date);
	}
	return span_make(s->date, HTTP_DATE_BYTES - 1);
}

/* --- after a flood -------------------------------------------------------------------------------- */

void
conn_count_most(struct conn_set *s)
{
	if (s->count.open > s->open_most)
		s->open_most = s->count.open;
}

static bool
fell(size_t most, size_t now)
{
	return most >= FLOOD_LEAST && now < most / 4;
}

static bool
flood_is_over(const struct conn_set *s)
{
	return fell(s->open_most, s->count.open) || fell(s->blocks_most, s->pool.used_count);
}

/* The allocator keeps what was freed, as much as there ever was: others may want it. */
static void
on_calm(struct loop_timer *t, void *arg)
{
	struct conn_set	*s = arg;

	(void)t;
	if (!flood_is_over(s))
		return;
	block_pool_trim(&s->pool, CALM_BLOCKS);
	malloc_trim(0);
	s->open_most = s->count.open;
	s->blocks_most = s->pool.used_count;
}

void
conn_free(struct conn *c)
{
	struct conn_set	*s = c->set;

	BUG_ON(c->to_flush || c->to_kick);
	if (s->pool.used_count > s->blocks_most)
		s->blocks_most = s->pool.used_count;
	list_remove(c);
	conn_from_give(&s->froms, &c->from);
	s->queued -= c->counted;
	s->count.open--;
	loop_io_fini(&c->io);
	if (c->tls != NULL)
		s->tls.free(&c->tls);
	fd_close(&c->fd);
	http_queue_fini(&c->out);
	block_put(&s->pool, c->in);
	exchange_unref(&c->x);
	free(c->peer);
	c->magic = 0;
	free(c);
	if (!s->calm.armed && flood_is_over(s))
		loop_timer_arm(&s->calm, CALM_MS);
}

int
conn_set_new(struct loop *l, const struct conn_params *params, exchange_fn *on_request, void *arg,
    struct conn_set **out)
{
	struct conn_set	*s;
	int		 r;

	*out = NULL;
	if ((s = malloc(sizeof(*s))) == NULL)
		return E_NOMEM;
	memset(s, 0, offsetof(struct conn_set, scratch));
	if ((r = conn_froms_init(&s->froms)) != 0) {
		free(s);
		return r;
	}
	s->loop = l;
	s->params = *params;
	s->on_request = on_request;
	s->arg = arg;
	block_pool_init(&s->pool, KEEP_BLOCKS);
	loop_timer_init(l, &s->sweep, on_sweep, s);
	loop_timer_init(l, &s->kicker, on_kick, s);
	loop_timer_init(l, &s->calm, on_calm, s);
	/* Twice: an answer may follow from what the turn-end functions of the first rank found. */
	loop_at_turn_end(l, LOOP_RANK_FLUSH, on_turn_end, s);
	loop_at_turn_end(l, LOOP_RANK_AFTER, on_turn_end, s);
	*out = s;
	return 0;
}

void
conn_set_free(struct conn_set **sp)
{
	struct conn_set	*s = *sp;
	struct conn	*c;

	*sp = NULL;
	if (s == NULL)
		return;
	for (enum conn_state state = 0; state < CONN_STATE_LIMIT; state++)
		while ((c = s->lists[state].oldest) != NULL) {
			if (c->x != NULL)
				exchange_wire_gone(c->x, FLOW_CANCELLED);
			/* The loop does not turn any more for this set. */
			c->to_flush = c->to_kick = false;
			conn_free(c);
		}
	loop_timer_disarm(&s->sweep);
	loop_timer_disarm(&s->kicker);
	loop_timer_disarm(&s->calm);
	block_pool_fini(&s->pool);
	free(s);
}

void
conn_set_params(struct conn_set *s, const struct conn_params *params)
{
	s->params = *params;
}

void
conn_set_drain(struct conn_set *s)
{
	s->drain = true;
	for (struct conn *c = s->lists[CONN_IDLE].oldest; c != NULL; c = c->newer)
		conn_die(c, FLOW_GONE);
	for (struct conn *c = s->lists[CONN_FRESH].oldest; c != NULL; c = c->newer)
		conn_die(c, FLOW_GONE);
	for (struct conn *c = s->lists[CONN_SHAKE].oldest; c != NULL; c = c->newer)
		conn_die(c, FLOW_GONE);
}

void
conn_set_retire(struct conn_set *s)
{
	s->retire = true;
}

void
conn_set_tls(struct conn_set *s, const struct conn_tls *tls)
{
	s->tls = *tls;
}

bool
conn_set_is_full(const struct conn_set *s)
{
	return s->count.open >= s->params.max_connections;
}

const struct conn_count *
conn_set_count(const struct conn_set *s)
{
	return &s->count;
}

struct block_pool *
conn_set_pool(struct conn_set *s)
{
	return &s->pool;
}
