/* SPDX-License-Identifier: Apache-2.0
 *
 * tidings.h - what tools say of no call, on its way to every worker (ipc/link.h, mcp-wire 14.6)
 */
#ifndef SANDBOX_RUNNER_TIDINGS_H
#define SANDBOX_RUNNER_TIDINGS_H

#include "ipc/link.h"
#include "lib/loop.h"

#define TIDING_BUCKETS	64
#define TIDING_URIS	256	/* updated resources of one instance that are remembered at a time */
#define TIDING_URIS_ALL	4096	/* the same of all */
#define TIDING_MOST	16384	/* events on their way; a worker that has not taken these is dead */

struct tiding;
struct line;
struct instance;
struct runner;
struct wlink;

struct tidings {
	struct tiding		*head, *tail;		/* in the order they were last told */
	struct tiding		*bucket[TIDING_BUCKETS];	/* of one instance */
	size_t			 count, uri_count;
	uint64_t		 seq;			/* of the last one told; a link knows how far it is */
	uint64_t		 dropped;		/* updates there was no room for */
	struct loop_timer	 timer;
};

void	tidings_init(struct runner *r);
void	tidings_fini(struct runner *r);

/* A list_changed or updated notification of a tool that is up. */
void	tiding_take(struct instance *i, const struct line *line);
/* Tells every link, now or when its time has come; `uri` is empty but for UPDATED. */
void	tidings_put(struct runner *r, const struct link_event *what, struct span uri);
/* What this link was not told yet, as far as it has room. */
void	tidings_tell(struct wlink *l);
/* A link has ended: nothing waits for it any more. */
void	tidings_link_gone(struct runner *r);

#endif
