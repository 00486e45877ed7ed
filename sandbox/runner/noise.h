/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.h - how much a process may make us do with stderr and sockets that it is refused
 */
#ifndef SANDBOX_RUNNER_NOISE_H
#define SANDBOX_RUNNER_NOISE_H

#include "lib/loop.h"

#define NOISE_MS	50		/* in this time: */
#define NOISE_BYTES	(256u * 1024)
#define NOISE_ASKS	64

struct noise {
	struct loop		*loop;
	uint64_t		 since_ms;	/* counted from here */
	size_t			 bytes, asks;
	struct loop_timer	 timer;		/* armed: it has to wait */
};

/* fn, with arg: it need not wait any more. */
void	noise_init(struct noise *n, struct loop *loop, loop_timer_fn *fn, void *arg);
void	noise_fini(struct noise *n);
bool	noise_waits(const struct noise *n);
/* Takes note of what was read; true: from here on it has to wait, so do not read. */
must_check bool	noise_add(struct noise *n, size_t bytes, size_t asks);

#endif
