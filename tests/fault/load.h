/* SPDX-License-Identifier: Apache-2.0
 *
 * load.h - clients that never retry, and write down what they asked and what came
 */
#ifndef TESTS_FAULT_LOAD_H
#define TESTS_FAULT_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/fault/fault.h"

#define LOAD_CLIENTS	8

struct load {
	const char		*address;
	char			 keys[2][256];		/* of "default" and of "acme" */
	unsigned		 seed, pause_ms;	/* between two requests, at most */
	struct asked_log	 asked;			/* under `lock` while it runs */
	pthread_mutex_t		 lock;
	pthread_t		 threads[LOAD_CLIENTS];
	atomic_bool		 stop;
	atomic_uint		 next_address, next_client;
	/* Of each place: when the newest call that was answered with a result began, and how many were. */
	_Atomic int64_t		 well_us[PLACE_LIMIT];
	atomic_uint		 well[PLACE_LIMIT];
};

/* Address and keys are set. */
void	load_start(struct load *l);
/* After what is under way has come. */
void	load_stop(struct load *l);

int64_t	fault_now_us(void);
/* A number below n, of a seed that moves on (xorshift). */
unsigned fault_random(uint64_t *state, unsigned n);

#endif
