/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.c - begins of one writer in this transaction that may still find their end in it
 *
 * Process: mcpgw-audit.  Owns: copies of the begins.  Trusts: nothing; seqs may leap.
 */
#include <stdlib.h>

#include "audit/pending.h"

#define PLACES_MAX (256 * 1024)		/* more than the records of one transaction */

_Static_assert(RECORD_MAX <= UINT16_MAX, "a record's length fits its place");

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
make_room(struct pending *p, size_t count, size_t bytes)
{
	if (count > p->room) {
		size_t room = p->room == 0 ? 1024 : p->room;
		struct pending_place *v;

		while (room < count)
			room *= 2;
		if ((v = realloc(p->v, room * sizeof(*v))) == NULL)
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
pending_add(struct pending *p, const struct record_look *begin)
{
	uint64_t	seq = begin->head.seq, place;
	int		r;

	if (p->count == 0)
		p->first = seq;
	place = seq - p->first;
	if (seq < p->first || place < p->count || place >= PLACES_MAX)
		return E_RANGE;
	if ((r = make_room(p, place + 1, begin->all.n)) != 0)
		return r;
	while (p->count < place)
		p->v[p->count++].bytes = 0;
	p->v[p->count++] = (struct pending_place){ .at = (uint32_t)p->used,
	    .bytes = (uint16_t)begin->all.n, .fields_bytes = (uint16_t)begin->fields_bytes,
	    .plain = begin->plain };
	memcpy(p->data + p->used, begin->all.p, begin->all.n);
	p->used += begin->all.n;
	return 0;
}

int
pending_end(struct pending *p, uint64_t seq, struct record_look *begin)
{
	struct pending_place	*at;

	if (p->count == 0 || seq < p->first || seq - p->first >= p->count ||
	    (at = &p->v[seq - p->first])->bytes == 0)
		return E_NOTFOUND;
	begin->all = span_make(p->data + at->at, at->bytes);
	memcpy(&begin->head, begin->all.p, sizeof(begin->head));
	begin->fields_bytes = at->fields_bytes;
	begin->plain = at->plain;
	at->bytes = 0;
	return 0;
}

bool
pending_next(const struct pending *p, size_t *place, uint64_t *seq, struct span *begin)
{
	for (size_t i = *place; i < p->count; i++) {
		if (p->v[i].bytes == 0)
			continue;
		*place = i + 1;
		*seq = p->first + i;
		*begin = span_make(p->data + p->v[i].at, p->v[i].bytes);
		return true;
	}
	return false;
}
