/* SPDX-License-Identifier: Apache-2.0
 *
 * drive.h - a call whose server makes a task of it, for a client that knows nothing of that (mcp-wire 14.12)
 *
 * The gateway asks for the task's state at the interval its server wants, has the client asked what the task
 * asks, and answers the client's own request with what comes of it.  All within one call.
 */
#ifndef WORKER_TALK_DRIVE_H
#define WORKER_TALK_DRIVE_H

#include <stdbool.h>

#include "lib/span.h"

#define DRIVE_MS	(3600u * 1000)	/* of one task, from its making */
#define DRIVE_ALONE_MS	(600u * 1000)	/* when a legacy client is away or gone */
#define DRIVES_MAX	4096		/* of this worker */
#define DRIVES_EACH	64		/* of those, of one principal */
#define DRIVE_TASK	"{\"ttl\":3600000}"	/* params.task towards a legacy server */
#define DRIVE_POLL_LEAST_MS	100	/* whatever a server asks for */
#define DRIVE_POLL_MOST_MS	60000
#define DRIVE_POLL_MS	1000		/* when it asks for nothing */
#define DRIVE_KEYS_MAX	64		/* questions of one task */

struct answer_ready;
struct call;

/* Takes the answer of the call's server when it is about a task that is driven; false: it is the client's. */
bool	drive_takes(struct call *c, const struct answer_ready *ready);
/* A modern server refused because tasks were not declared, for a client that cannot: the call is made again
 * with them.  True: the answer was taken. */
bool	drive_retries(struct call *c, const struct answer_ready *ready);
/* Is there nothing in flight now, but a pause? */
bool	drive_pauses(const struct call *c);
/* The call ends.  A task that has not ended is cancelled. */
void	drive_fini(struct call *c);

#endif
