/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.c - begins of this transaction that may still find their end in it
 *
 * Process: mcpgw-audit.  Owns: copies of the begins.  Trusts: nothing; seqs may come in any order.
 */
#include <stdlib.h>

#include "audit/pending.h"

void
pending_fini(struct pending *p)
{
	free(p->v);
	free(p->data);
	*p = (struct pending){ .v = NULL };
}

void
pending_clear(struct pending *p)
{
	p->count = 0;
	p->used = 0;
}

static int
make_room(struct pending *p, size_t bytes)
{
	if (p->count == p->room) {
		size_t room = p->room == 0 ? 256 : p->room * 2;
		struct pending_entry *v = realloc(p->v, room * sizeof(*v));

		if (v == NULL)
			return E_NOMEM;
		p->v = v;
		p->room = room;
	}
	if (bytes > p->data_room - p->used) {
		size_t room = p->data_room == 0 ? 65536 : p->data_room * 2;
		char *data;

		if (room < p->used + bytes || room > UINT32_MAX || (data = realloc(p->data, room)) == NULL)
			return E_NOMEM;
		p->data = data;
		p->data_room = room;
	}
	return 0;
}

int
pending_add(struct pending *p, const char key[PENDING_KEY], struct span begin)
{
	struct pending_entry	*e;
	int			 r;

	/* Segments are read in the order of their keys; anything else need not be fast. */
	if (p->count > 0 && memcmp(p->v[p->count - 1].key, key, PENDING_KEY) >= 0)
		return E_RANGE;
	if ((r = make_room(p, begin.n)) != 0)
		return r;
	e = &p->v[p->count++];
	*e = (struct pending_entry){ .at = (uint32_t)p->used, .bytes = (uint32_t)begin.n };
	memcpy(e->key, key, PENDING_KEY);
	memcpy(p->data + p->used, begin.p, begin.n);
	p->used += begin.n;
	return 0;
}

int
pending_end(struct pending *p, const char key[PENDING_KEY], struct span *begin)
{
	size_t	low = 0, high = p->count;

	*begin = SPAN_NONE;
	while (low < high) {
		size_t mid = (low + high) / 2;
		struct pending_entry *e = &p->v[mid];
		int cmp = memcmp(e->key, key, PENDING_KEY);

		if (cmp == 0) {
			if (e->ended)
				return E_NOTFOUND;
			e->ended = true;
			*begin = span_make(p->data + e->at, e->bytes);
			return 0;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return E_NOTFOUND;
}
