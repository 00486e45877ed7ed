/* SPDX-License-Identifier: Apache-2.0
 *
 * swap.c - the snapshots in force in this process: hold, release, replace
 *
 * Process: worker, runner, spawner, auditor, store.
 * Owns:    one hold on each current snapshot.
 * Trusts:  the master's offer no further than the head of what it offers agrees with it.
 */
#include "policy/swap.h"

void
swap_init(struct swap *sw)
{
	*sw = (struct swap){ 0 };
}

void
swap_fini(struct swap *sw)
{
	for (unsigned i = 0; i < SNAP_KIND_LIMIT; i++)
		snap_release(&sw->current[i]);
}

int
swap_offer(struct swap *sw, int fd, uint32_t kind, uint64_t generation, uint64_t length)
{
	const struct snap_head	*head;
	struct snap		*s;
	int			 r;

	if ((r = snap_map(fd, &s)) != 0)
		return r;
	head = snap_head(s);
	if (head->kind != kind || head->generation != generation || head->length != length)
		r = E_FORMAT;
	else if (sw->current[kind] != NULL &&
	    snap_head(sw->current[kind])->generation > generation)
		r = E_UNTIMELY;
	if (r != 0) {
		snap_release(&s);
		return r;
	}
	swap_replace(sw, &s);
	return 0;
}

void
swap_replace(struct swap *sw, struct snap **s)
{
	struct snap	*old;
	uint32_t	 kind;

	if (*s == NULL)
		return;
	kind = snap_head(*s)->kind;
	old = sw->current[kind];
	sw->current[kind] = *s;
	*s = NULL;
	snap_release(&old);
}

void
swap_restore(struct swap *sw, enum snap_kind kind, struct snap **before)
{
	snap_release(&sw->current[kind]);
	sw->current[kind] = *before;
	*before = NULL;
}

const struct snap *
swap_current(const struct swap *sw, enum snap_kind kind)
{
	return kind < SNAP_KIND_LIMIT ? sw->current[kind] : NULL;
}

struct snap *
swap_hold(struct swap *sw, enum snap_kind kind)
{
	if (kind >= SNAP_KIND_LIMIT || sw->current[kind] == NULL)
		return NULL;
	return snap_hold(sw->current[kind]);
}
