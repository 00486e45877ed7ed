/* SPDX-License-Identifier: Apache-2.0
 *
 * stop.h - the orderly end
 */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include "lib/loop.h"

struct master;

enum stop_phase { STOP_WORKERS, STOP_TOOLS, STOP_EGRESS, STOP_RECORD, STOP_OVER };

struct stop {
	enum stop_phase		 phase;
	struct loop_timer	 look;
};

/* Workers first, then the tools, their way out, then the record: each has its time, then it is killed.  The loop
 * stops when nobody is left.  A second call changes nothing. */
void	stop_begin(struct master *m);
/* Another master serves: workers leave when they have nothing to do any more, then the rest as above. */
void	stop_retire(struct master *m);
/* And now sooner. */
void	stop_hurry(struct master *m);

#endif
