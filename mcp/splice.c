/* SPDX-License-Identifier: Apache-2.0
 *
 * splice.c - small changes within a text that passes in pieces
 *
 * Process: worker, runner.
 * Owns:    nothing; lists are the caller's arena's.
 * Trusts:  that places lie within one proven token each, so none is cut by the end of a piece.
 */
#include "mcp/splice.h"

#define SPLICES_MAX	(16 * 1024)

void
splices_init(struct splices *s, struct arena *a)
{
	*s = (struct splices){ .arena = a };
}

void
splices_init_in(struct splices *s, struct splice *at, size_t room)
{
	*s = (struct splices){ .at = at, .room = room };
}

int
splices_add(struct splices *s, struct span cut, struct span put)
{
	struct splice	*wider;
	size_t		 room;

	if (s->count > 0 && cut.p < s->at[s->count - 1].cut.p + s->at[s->count - 1].cut.n)
		return E_UNTIMELY;
	if (s->count == s->room) {
		room = s->room == 0 ? 8 : s->room * 2;
		if (room > SPLICES_MAX || s->arena == NULL)
			return E_TOOBIG;
		if ((wider = arena_alloc(s->arena, room * sizeof(*wider))) == NULL)
			return E_NOMEM;
		if (s->count > 0)
			memcpy(wider, s->at, s->count * sizeof(*wider));
		s->at = wider;
		s->room = room;
	}
	s->at[s->count++] = (struct splice){ cut, put };
	return 0;
}

int
splices_add_prefix(struct splices *s, struct json_value string, struct span prefix)
{
	if (string.type != JSON_STRING)
		return 0;
	return splices_add(s, span_make(string.raw.p + 1, 0), prefix);
}

/* The first splice at or behind this place. */
static size_t
first_at(const struct splices *s, const char *place)
{
	size_t	low = 0, high = s->count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->at[mid].cut.p < place)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Is the whole place within [text.p, its end)? */
static bool
is_within(const struct splice *one, const char *at, const char *end)
{
	return one->cut.p >= at && one->cut.p < end && one->cut.p + one->cut.n <= end;
}

int
splice_pieces(struct bridge_pieces *p, const struct splices *s)
{
	struct bridge_pieces	out = { .arena = p->arena };
	const char		*at, *end;
	int			 r = 0;

	if (s->count == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < p->count; i++) {
		at = p->piece[i].p;
		end = at + p->piece[i].n;
		for (size_t k = first_at(s, at); r == 0 && k < s->count && is_within(&s->at[k], at, end); k++) {
			if ((r = bridge_pieces_add(&out, span_make(at, (size_t)(s->at[k].cut.p - at)))) == 0)
				r = bridge_pieces_add(&out, s->at[k].put);
			at = s->at[k].cut.p + s->at[k].cut.n;
		}
		if (r == 0)
			r = bridge_pieces_add(&out, span_make(at, (size_t)(end - at)));
	}
	if (r == 0)
		*p = out;
	return r;
}

int
splice_text(struct buf *to, struct span whole, const struct splices *s)
{
	const char	*at = whole.p, *end = at + whole.n;
	int		 r;

	for (size_t k = first_at(s, at); k < s->count && is_within(&s->at[k], at, end); k++) {
		if ((r = buf_put(to, span_make(at, (size_t)(s->at[k].cut.p - at)))) != 0 ||
		    (r = buf_put(to, s->at[k].put)) != 0)
			return r;
		at = s->at[k].cut.p + s->at[k].cut.n;
	}
	return buf_put(to, span_make(at, (size_t)(end - at)));
}
