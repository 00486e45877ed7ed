/* SPDX-License-Identifier: Apache-2.0
 *
 * approvals.c - what operators said of calls that wait for approval, for workers that start later
 *
 * Process: master.  Owns: the texts.
 * Trusts:  mcpgwctl for which call it is; a text of another form is not kept.
 */
#include <stdio.h>
#include <string.h>

#include "lib/num.h"
#include "master/master.h"

/* The same call's, else a free one, else the one that is over first. */
static size_t
place(const struct approvals *a, struct span digest)
{
	size_t	first = 0;

	for (size_t i = 0; i < APPROVALS_SAID; i++) {
		if (a->said[i].until_ms != 0 && span_eq(span_make(a->said[i].text, a->said[i].digest_bytes), digest))
			return i;
		if (a->said[i].until_ms < a->said[first].until_ms)
			first = i;
	}
	return first;
}

void
approvals_note(struct approvals *a, struct span text)
{
	const struct span	digest = span_word(&text), said = span_word(&text), until = span_word(&text),
				serial = span_word(&text);
	uint64_t		until_ms;
	size_t			i;
	int			n;

	if (serial.n == 0 || num_u64(until, &until_ms) != 0 || until_ms == 0)
		return;
	i = place(a, digest);
	n = snprintf(a->said[i].text, sizeof(a->said[i].text), "%.*s %.*s %.*s %.*s", SPAN_FMT(digest), SPAN_FMT(said),
	    SPAN_FMT(until), SPAN_FMT(serial));
	a->said[i].digest_bytes = digest.n;
	a->said[i].until_ms = n < (int)sizeof(a->said[i].text) ? until_ms : 0;
}

static bool
holds(const struct approvals *a, size_t i, const struct loop *l)
{
	return a->said[i].until_ms > loop_wall_ms(l);
}

void
approvals_tell(const struct approvals *a, struct child *worker)
{
	struct msg_WORKER_ASK	ask = { .what = WORKER_ASK_DECIDE };

	for (size_t i = 0; i < APPROVALS_SAID; i++) {
		if (!holds(a, i, worker->m->loop))
			continue;
		ask.request = span_of(a->said[i].text);
		(void)child_send(worker, MSG_TYPE_WORKER_ASK, 0, &ask, NULL, 0);
	}
}

int
approvals_bequeath(const struct master *m, struct chan *c)
{
	int	r = 0;

	for (size_t i = 0; r == 0 && i < APPROVALS_SAID; i++)
		if (holds(&m->approvals, i, m->loop))
			r = heir_say(c, HEIR_FACT_DECIDED, 0, 0, m->approvals.said[i].text);
	return r;
}
