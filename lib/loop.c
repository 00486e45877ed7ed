/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.c - thin skin on libevent
 *
 * Process: all long-lived ones.  Owns: the event base, the signal events.
 * Trusts:  nothing that comes in; it only says that something came.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "lib/loop.h"

#define IO_MAGIC	0x10f1a001u
#define TIMER_MAGIC	0x10f1a002u
#define MAX_TURN_FNS	8
#define MAX_SIGNALS	8
#define RESERVE_BYTES	(128 * 1024)

struct turn_fn {
	loop_turn_fn	*fn;
	void		*arg;
};

struct signal_fn {
	struct event	 event;
	loop_signal_fn	*fn;
	void		*arg;
};

struct loop {
	struct event_base	*base;
	bool			 stop, clock_fresh;
	uint64_t		 mono_ns, wall_ms;
	struct turn_fn		 turn[LOOP_RANK_LIMIT][MAX_TURN_FNS];
	struct signal_fn	 signals[MAX_SIGNALS];
	size_t			 signal_count;
};

static uint64_t
clock_ns(clockid_t which)
{
	struct timespec	t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void
loop_clock_update(struct loop *l)
{
	l->mono_ns = clock_ns(CLOCK_MONOTONIC);
	l->wall_ms = clock_ns(CLOCK_REALTIME_COARSE) / 1000000;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->mono_ns / 1000000;
}

uint64_t
loop_now_ns(const struct loop *l)
{
	return l->mono_ns;
}

uint64_t
loop_wall_ms(const struct loop *l)
{
	return l->wall_ms;
}

/* What libevent has no memory for it does not do: a descriptor would never be heard of again, a timer never
 * fire, and nobody would know.  So there is some put by for that, and when that is gone too a process that
 * starts anew is better. */
static void *
must_have(void *old, size_t n)
{
	static void	*reserve;
	void		*p = realloc(old, n);

	if (p == NULL && n > 0) {
		free(reserve);
		reserve = NULL;
		if ((p = realloc(old, n)) == NULL)
			fatal(EX_OSERR, "out of memory for events");
		log_err(NULL, "out of memory for events: lived on what was put by");
	}
	if (reserve == NULL)
		reserve = malloc(RESERVE_BYTES);
	return p;
}

static void *
must_have_new(size_t n)
{
	return must_have(NULL, n);
}

int
loop_new(struct loop **out)
{
	struct event_config	*config;
	struct loop		*l;

	*out = NULL;
	event_set_mem_functions(must_have_new, must_have, free);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return E_NOMEM;
	if ((config = event_config_new()) != NULL) {
		/* One thread.  No changelist: a descriptor that another process holds too may be closed in
		 * the turn it is disarmed in. */
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		l->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (l->base == NULL) {
		free(l);
		return E_NOMEM;
	}
	loop_clock_update(l);
	*out = l;
	return 0;
}

void
loop_free(struct loop **lp)
{
	struct loop	*l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->signal_count; i++)
		event_del(&l->signals[i].event);
	event_base_free(l->base);
	free(l);
}

void
loop_turn(struct loop *l, bool block)
{
	l->clock_fresh = false;
	/* Without ONCE it would go on as long as anything is ready, before what waits for the turn's end. */
	event_base_loop(l->base, EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK));
	for (int rank = 0; rank < LOOP_RANK_LIMIT; rank++)
		for (size_t i = 0; i < MAX_TURN_FNS && l->turn[rank][i].fn != NULL; i++)
			l->turn[rank][i].fn(l->turn[rank][i].arg);
}

void
loop_run(struct loop *l)
{
	while (!l->stop)
		loop_turn(l, true);
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
	event_base_loopbreak(l->base);
}

/* The first handler of a turn reads the clock for all. */
static void
clock_tick(struct loop *l)
{
	if (l->clock_fresh)
		return;
	l->clock_fresh = true;
	loop_clock_update(l);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io	*io = arg;

	(void)fd;
	MAGIC_CHECK(io, IO_MAGIC);
	clock_tick(io->loop);
	io->fn(io, (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0), io->arg);
}

void
loop_io_init(struct loop *l, struct loop_io *io, int fd, loop_io_fn *fn, void *arg)
{
	*io = (struct loop_io){ .magic = IO_MAGIC, .loop = l, .fn = fn, .arg = arg };
	event_assign(&io->read, l->base, fd, EV_READ | EV_PERSIST, on_io, io);
	event_assign(&io->write, l->base, fd, EV_WRITE | EV_PERSIST, on_io, io);
}

void
loop_io_arm(struct loop_io *io, unsigned what)
{
	unsigned	change = io->armed ^ what;

	MAGIC_CHECK(io, IO_MAGIC);
	if (change & LOOP_READ)
		(void)(what & LOOP_READ ? event_add(&io->read, NULL) : event_del(&io->read));
	if (change & LOOP_WRITE)
		(void)(what & LOOP_WRITE ? event_add(&io->write, NULL) : event_del(&io->write));
	io->armed = what;
}

void
loop_io_fini(struct loop_io *io)
{
	if (io->magic == 0)
		return;
	loop_io_arm(io, 0);
	io->magic = 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer	*t = arg;

	(void)fd;
	(void)what;
	MAGIC_CHECK(t, TIMER_MAGIC);
	clock_tick(t->loop);
	t->armed = false;
	t->fn(t, t->arg);
}

void
loop_timer_init(struct loop *l, struct loop_timer *t, loop_timer_fn *fn, void *arg)
{
	/* A call has several, of which most are never armed. */
	t->magic = TIMER_MAGIC;
	t->armed = t->assigned = false;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
}

void
loop_timer_arm(struct loop_timer *t, uint64_t ms)
{
	struct timeval	tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	MAGIC_CHECK(t, TIMER_MAGIC);
	if (!t->assigned)
		event_assign(&t->event, t->loop->base, -1, 0, on_timer, t);
	t->assigned = true;
	event_add(&t->event, &tv);
	t->armed = true;
}

void
loop_timer_disarm(struct loop_timer *t)
{
	if (t->magic == 0 || !t->armed)
		return;
	event_del(&t->event);
	t->armed = false;
}

void
loop_at_turn_end(struct loop *l, enum loop_rank rank, loop_turn_fn *fn, void *arg)
{
	for (size_t i = 0; i < MAX_TURN_FNS; i++) {
		if (l->turn[rank][i].fn == NULL) {
			l->turn[rank][i] = (struct turn_fn){ fn, arg };
			return;
		}
	}
	bug_abort(__FILE__, __LINE__, "too many turn-end functions");
}

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_fn	*s = arg;

	(void)what;
	s->fn((int)signo, s->arg);
}

int
loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
	struct signal_fn	*s = &l->signals[l->signal_count];

	BUG_ON(l->signal_count == MAX_SIGNALS);
	s->fn = fn;
	s->arg = arg;
	event_assign(&s->event, l->base, signo, EV_SIGNAL | EV_PERSIST, on_signal, s);
	if (event_add(&s->event, NULL) == -1)
		return E_SYS;
	l->signal_count++;
	return 0;
}
