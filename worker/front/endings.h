/* SPDX-License-Identifier: Apache-2.0
 *
 * endings.h - what was begun with a credential that is not good any more
 */
#ifndef WORKER_FRONT_ENDINGS_H
#define WORKER_FRONT_ENDINGS_H

#include "worker/worker.h"

/* The keys or the policy changed: streams and calls of those who are refused from now on end at once. */
void	endings_look(struct worker *w);
/* The same of a call that is still to begin: true when its client's credential was taken away while it waited. */
bool	endings_met(struct request *rq);

#endif
