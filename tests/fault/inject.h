/* SPDX-License-Identifier: Apache-2.0
 *
 * inject.h - the faults of faults.def that are driven at random times
 */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include "tests/fault/world.h"

struct injection {
	struct window	 window;
	const char	*program;	/* is there again when so many of it run, other than those that were hit; NULL: as calls say */
	size_t		 count;
	pid_t		 hit, stopped;	/* 0: none */
};
/* Injects it; the window but for its end, and what is waited for, are set.  False: there was nothing to hit. */
typedef bool inject_fn(struct world *w, struct injection *in);

struct fault_row {
	struct fault	 is;
	inject_fn	*fn;
};
extern const struct fault_row fault_rows[];
extern const size_t fault_row_count;
/* Of this name; it is there. */
const struct fault *fault_named(const char *name);

/* Waits until all is as it was before, at most as long as its row says; sets window.over.  Answers the milliseconds it
 * took, or -1. */
long	inject_await(struct world *w, struct injection *in);

#endif
