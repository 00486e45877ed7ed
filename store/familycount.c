/* SPDX-License-Identifier: Apache-2.0
 *
 * familycount.c - the store: how many sessions each tenant has, and whether it may have one more
 *
 * Process: mcpgw-store.
 * Owns:    the table; it is made anew each time that the store looks through its sessions.
 * Trusts:  its caller for whose a session is.
 */
#include <stdlib.h>

#include "store/familycount.h"

#define ROOM_FIRST	16

static struct family_count *
find(const struct family_counts *c, uint64_t tenant)
{
	for (size_t i = 0; i < c->used; i++)
		if (c->of[i].tenant == tenant)
			return &c->of[i];
	return NULL;
}

int
family_counts_add(struct family_counts *c, uint64_t tenant)
{
	struct family_count	*f = find(c, tenant);

	if (f == NULL && c->used == c->room) {
		const size_t		 room = c->room == 0 ? ROOM_FIRST : 2 * c->room;
		struct family_count	*more = reallocarray(c->of, room, sizeof(*more));

		if (more == NULL)
			return E_NOMEM;
		c->of = more;
		c->room = room;
	}
	if (f == NULL) {
		f = &c->of[c->used++];
		*f = (struct family_count){ tenant, 0 };
	}
	f->count++;
	c->all++;
	return 0;
}

void
family_counts_take(struct family_counts *c, uint64_t tenant, uint64_t gone)
{
	struct family_count	*f = find(c, tenant);

	if (f != NULL)
		f->count -= gone < f->count ? gone : f->count;
	c->all -= gone < c->all ? gone : c->all;
}

bool
family_counts_full(const struct family_counts *c, uint64_t tenant, uint64_t most)
{
	const struct family_count	*f = find(c, tenant);

	return c->all >= most || (f != NULL && f->count >= most - c->all);
}

void
family_counts_clear(struct family_counts *c)
{
	free(c->of);
	*c = (struct family_counts){ .of = NULL };
}
