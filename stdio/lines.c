/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.c - lines out of what the client writes, however it comes in pieces, bounded
 *
 * Process: mcpgw-stdio.  Owns: the bytes that are read and not yet told.
 * Trusts:  no byte.
 */
#include "stdio/lines.h"

#define KEEP_ROOM	(1024u * 1024)	/* memory kept from one line to the next */

void
lines_init(struct lines *l)
{
	*l = (struct lines){ .scanned = 0 };
	buf_init(&l->buf, LINES_MAX + 2 * LINES_READ);
}

void
lines_fini(struct lines *l)
{
	buf_fini(&l->buf);
}

/* Forgets the line that was given out. */
static void
let_go(struct lines *l)
{
	if (l->told == 0)
		return;
	buf_drain(&l->buf, l->told);
	l->told = 0;
	if (l->buf.used == 0 && l->buf.room > KEEP_ROOM)
		buf_fini(&l->buf);
}

int
lines_room(struct lines *l, char **room)
{
	let_go(l);
	return buf_reserve(&l->buf, LINES_READ, room);
}

void
lines_commit(struct lines *l, size_t n)
{
	buf_commit(&l->buf, n);
}

void
lines_end(struct lines *l)
{
	l->ended = true;
}

static int
take(struct lines *l, size_t n, size_t end_bytes, struct span *line)
{
	l->told = n + end_bytes;
	l->scanned = 0;
	*line = span_part(buf_rest(&l->buf), 0, n);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	if (!l->skipping && n <= LINES_MAX)
		return 0;
	l->skipping = false;
	return E_TOOBIG;
}

int
lines_next(struct lines *l, struct span *line)
{
	struct span	 rest;
	const char	*lf;

	let_go(l);
	*line = SPAN_NONE;
	rest = buf_rest(&l->buf);
	lf = rest.n == l->scanned ? NULL : memchr(rest.p + l->scanned, '\n', rest.n - l->scanned);
	if (lf != NULL)
		return take(l, (size_t)(lf - rest.p), 1, line);
	if (l->ended && (rest.n > 0 || l->skipping))
		return take(l, rest.n, 0, line);
	if (l->ended)
		return E_EOF;
	l->scanned = rest.n;
	if (rest.n > LINES_MAX || l->skipping) {
		l->skipping = true;
		l->scanned = 0;
		buf_fini(&l->buf);
	}
	return E_AGAIN;
}
