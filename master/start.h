/* SPDX-License-Identifier: Apache-2.0
 *
 * start.h - from nothing to READY, in the order of day-one 12
 */
#ifndef MASTER_START_H
#define MASTER_START_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"

struct master;

/* What the start waits for; filled in by status.c and the compiler. */
struct start {
	bool	 compiled;
	int	 compile_result;
	int	 dump;			/* the store's, or -1 */
	uint64_t dump_ref;		/* by which it was asked for */
	bool	 no_dump;		/* it cannot be read */
	int	 last_good;		/* the stored policy, or -1 */
	bool	 last_good_came;
	uint64_t took_ms;		/* until it served */
	struct loop_timer remind;	/* that the text does not compile */
};

/* Everything up to READY.  0, or a sysexits code with the reason said. */
int	start_run(struct master *m);

/* The line for the log. */
void	start_say_ready(const struct master *m);

/* From status.c; take *fd when it was asked for. */
void	start_on_dump(struct master *m, int *fd);
void	start_on_last_good(struct master *m, int *fd, uint64_t generation);
/* The store has no more to say to what was asked of it by this ref. */
void	start_on_store_done(struct master *m, uint64_t ref);

#endif
