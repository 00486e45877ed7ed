/* SPDX-License-Identifier: Apache-2.0
 *
 * inbox.c - who waits for an answer that comes on another stream than its request went
 *
 * Process: worker.  Owns: nothing; seats are embedded in what waits.
 * Trusts:  no id that a server writes.
 */
#include "lib/bug.h"
#include "lib/num.h"
#include "upstream/inbox.h"

void
inbox_init(struct inbox *in, inbox_fn *on_change)
{
	*in = (struct inbox){ .on_change = on_change };
}

void
inbox_put(struct inbox *in, struct inbox_seat *s, struct span id)
{
	BUG_ON(s->in != NULL || num_u64(id, &s->id) != 0);
	s->in = in;
	s->link = &in->buckets[s->id % INBOX_BUCKETS];
	if ((s->next = *s->link) != NULL)
		s->next->link = &s->next;
	*s->link = s;
	in->count++;
	in->on_change(in);
}

void
inbox_leave(struct inbox_seat *s)
{
	struct inbox	*in = s->in;

	if (in == NULL)
		return;
	if ((*s->link = s->next) != NULL)
		s->next->link = s->link;
	*s = (struct inbox_seat){ .in = NULL };
	in->count--;
	in->on_change(in);
}

struct inbox_seat *
inbox_find(const struct inbox *in, struct span id)
{
	struct inbox_seat	*s;
	uint64_t		 n;

	/* Ours begin with no zero. */
	if (num_u64(id, &n) != 0 || id.p[0] == '0')
		return NULL;
	for (s = in->buckets[n % INBOX_BUCKETS]; s != NULL && s->id != n; s = s->next)
		;
	return s;
}

struct inbox_seat *
inbox_first(const struct inbox *in)
{
	for (size_t i = 0; i < INBOX_BUCKETS; i++)
		if (in->buckets[i] != NULL)
			return in->buckets[i];
	return NULL;
}
