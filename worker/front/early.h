/* SPDX-License-Identifier: Apache-2.0
 *
 * early.h - calls that take long: their streams begin before there is anything to say
 *
 * A client can come back only for a stream, and only when it has an id of it (mcp-wire 3.3).  So a client of
 * 2025-11-25, which knows events that say nothing else, gets one when its call was not answered within
 * stream_after; all others are answered as JSON.
 */
#ifndef WORKER_FRONT_EARLY_H
#define WORKER_FRONT_EARLY_H

#include "worker/worker.h"

void	early_init(struct worker *w);
/* A call of a session begins. */
void	early_watch(struct worker *w);

#endif
