/* SPDX-License-Identifier: Apache-2.0
 *
 * keyuse.h - which API keys were used here, told to the store some seconds later
 *
 * With a request a number is written into memory of this worker's, and nothing else is done; a key that is used all the
 * time costs one message in KEYUSE_MS.
 */
#ifndef WORKER_FRONT_KEYUSE_H
#define WORKER_FRONT_KEYUSE_H

#include "worker/worker.h"

#define KEYUSE_MS	5000	/* from a use until it is told */

void		keyuse_init(struct worker *w);
void		keyuse_fini(struct worker *w);
/* Other keys are in force; `before` are those until now, or NULL. */
void		keyuse_keys_changed(struct worker *w, const struct snap *before);
/* Behind each request that may have used one. */
static inline void
keyuse_look(struct worker *w)
{
	if (w->keyuse.uses.any && !w->keyuse.tell.armed)
		loop_timer_arm(&w->keyuse.tell, KEYUSE_MS);
}

#endif
