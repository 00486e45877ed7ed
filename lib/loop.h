/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.h - thin skin on libevent: base, descriptors, timers, signals, one clock a turn
 *
 * One turn of the loop: handlers run and only fill queues; then the turn-end functions run in the
 * order of their ranks.  That order is a promise (day-one 14): the audit is written before any
 * socket is flushed, so `begin` precedes dispatch and `end` precedes the last byte.
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

enum loop_rank {
	LOOP_RANK_AUDIT,	/* one write of all records of this turn */
	LOOP_RANK_FLUSH,	/* then sockets and runner links */
	LOOP_RANK_AFTER,	/* then housekeeping */
	LOOP_RANK_LIMIT
};

#define LOOP_READ	1u
#define LOOP_WRITE	2u

struct loop;
struct loop_io;
struct loop_timer;

typedef void loop_io_fn(struct loop_io *, unsigned what, void *arg);
typedef void loop_timer_fn(struct loop_timer *, void *arg);
typedef void loop_turn_fn(void *arg);
typedef void loop_signal_fn(int signo, void *arg);

/* Embedded in what owns the descriptor; the descriptor stays that owner's. */
struct loop_io {
	uint32_t	 magic;
	unsigned	 armed;		/* LOOP_READ | LOOP_WRITE */
	struct loop	*loop;
	struct event	 read, write;
	loop_io_fn	*fn;
	void		*arg;
};

struct loop_timer {
	uint32_t	 magic;
	bool		 armed;
	bool		 assigned;	/* event is; before it is armed first nothing is in it */
	struct loop	*loop;
	loop_timer_fn	*fn;
	void		*arg;
	struct event	 event;
};

/* One per program.  E_NOMEM or E_SYS. */
must_check int	loop_new(struct loop **out);
void		loop_free(struct loop **l);
/* Until loop_stop(). */
void		loop_run(struct loop *l);
void		loop_stop(struct loop *l);
/* One turn; `block` waits for the first event.  For tests and for drains. */
void		loop_turn(struct loop *l, bool block);

/* Milliseconds and nanoseconds of the monotonic clock, read once per turn; wall time likewise. */
uint64_t	loop_now_ms(const struct loop *l);
uint64_t	loop_now_ns(const struct loop *l);
uint64_t	loop_wall_ms(const struct loop *l);
/* Reads the clock now, within a turn that took long. */
void		loop_clock_update(struct loop *l);

void		loop_io_init(struct loop *l, struct loop_io *io, int fd, loop_io_fn *fn, void *arg);
/* Exactly these; 0 disarms.  Persistent and level-triggered. */
void		loop_io_arm(struct loop_io *io, unsigned what);
void		loop_io_fini(struct loop_io *io);

void		loop_timer_init(struct loop *l, struct loop_timer *t, loop_timer_fn *fn, void *arg);
/* Fires once, after ms.  Re-arming moves it. */
void		loop_timer_arm(struct loop_timer *t, uint64_t ms);
void		loop_timer_disarm(struct loop_timer *t);

/* Runs at the end of every turn, ranks in order, within a rank in order of registration.  At most
 * 8 of a rank. */
void		loop_at_turn_end(struct loop *l, enum loop_rank rank, loop_turn_fn *fn, void *arg);
/* At most 8 per loop. */
must_check int	loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg);

#endif
