/* SPDX-License-Identifier: Apache-2.0
 *
 * lists_wait.c - waiting for lists, of several servers at once, and giving that up
 *
 * Process: worker.  Owns: the waiters, until they are served or leave.
 * Trusts:  nothing from outside.
 */
#include <stdlib.h>

#include "worker/lists/lists_priv.h"

struct waiter {
	struct waiter		*next;		/* of the same list */
	struct waiter		*wait_next;	/* of the same wait */
	struct waiters		*of;		/* NULL: it is being served */
	struct lists_wait	*wait;		/* NULL: it left while it was being served */
	bool			 late;
};

void
lists_begin(struct lists_wait *wait, lists_done_fn *done, void *arg)
{
	/* One for lists_ready(), so that done never comes while servers are still added. */
	*wait = (struct lists_wait){ .left = 1, .done = done, .arg = arg };
}

bool
lists_waits(const struct lists_wait *wait)
{
	return wait->waiters != NULL;
}

void
lists_ready(struct lists_wait *wait)
{
	if (--wait->left == 0)
		wait->done(wait, wait->arg);
}

void
lists_leave(struct lists_wait *wait)
{
	struct waiter	*w, **at;

	while ((w = wait->waiters) != NULL) {
		wait->waiters = w->wait_next;
		if (w->of == NULL) {
			w->wait = NULL;
			continue;
		}
		for (at = &w->of->first; *at != w; at = &(*at)->next)
			;
		*at = w->next;
		w->of->count--;
		free(w);
	}
}

int
waiters_add(struct waiters *of, struct lists_wait *wait, bool late)
{
	struct waiter	*w;

	if (of->count == WAITERS_MAX)
		return E_FULL;
	if ((w = malloc(sizeof(*w))) == NULL)
		return E_NOMEM;
	*w = (struct waiter){ .next = of->first, .wait_next = wait->waiters, .of = of, .wait = wait, .late = late };
	of->first = w;
	of->count++;
	wait->waiters = w;
	wait->left++;
	return 0;
}

struct waiter *
waiters_take(struct waiters *of)
{
	struct waiter	**at = &of->first, *w, *taken = NULL;

	while ((w = *at) != NULL) {
		if (w->late) {
			w->late = false;
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = taken;
		w->of = NULL;
		taken = w;
		of->count--;
	}
	return taken;
}

/* What comes of one may make another leave, who is served after it. */
void
waiters_serve(struct waiter *w)
{
	struct lists_wait	*wait;
	struct waiter		*next, **at;

	for (; w != NULL; w = next) {
		if ((wait = w->wait) != NULL) {
			for (at = &wait->waiters; *at != w; at = &(*at)->wait_next)
				;
			*at = w->wait_next;
			lists_ready(wait);
		}
		next = w->next;
		free(w);
	}
}
