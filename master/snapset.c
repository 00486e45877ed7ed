/* SPDX-License-Identifier: Apache-2.0
 *
 * snapset.c - the sealed snapshots in force, by kind and consumer
 *
 * Process: master.  Owns: the descriptors.
 * Trusts:  seals and sums, after checking them; not the compiler's word for what it sent.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "master/snapset.h"

void
snapset_init(struct snapset *s)
{
	*s = (struct snapset){ 0 };
}

void
snapset_fini(struct snapset *s)
{
	for (size_t i = 0; i < s->count; i++)
		fd_close(&s->items[i].fd);
	free(s->items);
	snapset_init(s);
}

static struct span
consumer_of(const struct snap_head *h)
{
	return span_make(h->consumer, strnlen(h->consumer, sizeof(h->consumer)));
}

int
snapset_reserve(struct snapset *s, size_t more)
{
	struct snapitem	*items;
	size_t		 room = s->count + more;

	if (room <= s->room)
		return 0;
	room += room / 2 + 8;
	if ((items = realloc(s->items, room * sizeof(*items))) == NULL)
		return E_NOMEM;
	s->items = items;
	s->room = room;
	return 0;
}

const struct snapitem *
snapset_find(const struct snapset *s, enum snap_kind kind, struct span consumer)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].head.kind == kind &&
		    span_eq(consumer_of(&s->items[i].head), consumer))
			return &s->items[i];
	return NULL;
}

int
snapset_take(struct snapset *s, int *fd, unsigned kind, struct span consumer, uint64_t generation)
{
	struct snap_head	head;
	int			r;

	if ((r = snap_check(*fd, &head)) != 0)
		goto out;
	r = E_FORMAT;
	if (head.kind != kind || head.generation != generation || !span_eq(consumer_of(&head), consumer))
		goto out;
	r = E_EXISTS;
	if (snapset_find(s, (enum snap_kind)kind, consumer) != NULL)
		goto out;
	if ((r = snapset_reserve(s, 1)) != 0)
		goto out;
	s->items[s->count++] = (struct snapitem){ head, *fd };
	*fd = -1;
 out:
	fd_close(fd);
	return r;
}

/* Moves items of these kinds from `from` to the end of `to`, which has room. */
static void
set_move(struct snapset *to, struct snapset *from, unsigned kinds)
{
	size_t	kept = 0;

	for (size_t i = 0; i < from->count; i++) {
		if ((kinds & 1u << from->items[i].head.kind) == 0)
			from->items[kept++] = from->items[i];
		else if (to != NULL)
			to->items[to->count++] = from->items[i];
		else
			fd_close(&from->items[i].fd);
	}
	from->count = kept;
}

int
snapset_replace(struct snapset *in, struct snapset *from, unsigned kinds)
{
	int	r;

	if ((r = snapset_reserve(in, from->count)) != 0)
		return r;
	set_move(NULL, in, kinds);
	set_move(in, from, kinds);
	return 0;
}

int
snapset_put(struct snapset *in, struct snapset *from)
{
	int	r;

	if ((r = snapset_reserve(in, from->count)) != 0)
		return r;
	for (size_t i = 0; i < from->count; i++) {
		const struct snapitem	*new = &from->items[i];
		size_t			 at = 0;

		while (at < in->count && (in->items[at].head.kind != new->head.kind ||
		    !span_eq(consumer_of(&in->items[at].head), consumer_of(&new->head))))
			at++;
		if (at == in->count)
			in->count++;
		else
			fd_close(&in->items[at].fd);
		in->items[at] = *new;
	}
	from->count = 0;
	return 0;
}
