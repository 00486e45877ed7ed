/* SPDX-License-Identifier: Apache-2.0
 *
 * lists_priv.h - who waits for a list, between lists.c and lists_wait.c
 */
#ifndef WORKER_LISTS_PRIV_H
#define WORKER_LISTS_PRIV_H

#include "worker/lists.h"

#define WAITERS_MAX	4096		/* of one list */

struct waiter;

struct waiters {			/* of one list; zero: nobody */
	struct waiter	*first;
	uint32_t	 count;
};

/* late: the list being fetched is not new enough for it, it waits for the next one.  0, E_FULL or E_NOMEM. */
must_check int	waiters_add(struct waiters *of, struct lists_wait *wait, bool late);
/* Those who are not late; the others are not late any more.  For waiters_serve(), which must follow. */
struct waiter	*waiters_take(struct waiters *of);
/* Each has one list less to wait for; done comes from here. */
void		waiters_serve(struct waiter *taken);

#endif
