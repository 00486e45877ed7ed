/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.c - the last bytes of what a server's tools wrote to stderr
 *
 * Process: mcpgw-runner.  Owns: the bytes.
 * Trusts:  nothing; the bytes are the tool's, and none of them is looked at here but for the last
 *          line, which loses its control bytes.
 */
#include <stdlib.h>

#include "sandbox/runner/ring.h"

void
ring_fini(struct ring *r)
{
	free(r->data);
	*r = (struct ring){ .data = NULL };
}

void
ring_put(struct ring *r, struct span bytes)
{
	r->total += bytes.n;
	if (r->data == NULL && (r->data = malloc(RING_BYTES)) == NULL)
		return;
	if (bytes.n > RING_BYTES)
		bytes = span_part(bytes, bytes.n - RING_BYTES, RING_BYTES);
	while (bytes.n > 0) {
		size_t	n = RING_BYTES - r->at;

		if (n > bytes.n)
			n = bytes.n;
		memcpy(r->data + r->at, bytes.p, n);
		r->at = (r->at + n) % RING_BYTES;
		bytes = span_part(bytes, n, bytes.n - n);
	}
}

static bool
tail_turn(struct ring_tail *t)
{
	size_t	i = 0;

	while (i < t->bytes && t->next[i] == ' ')
		i++;
	if (i == t->bytes)
		return false;
	memcpy(t->line, t->next, t->bytes);
	t->line[t->bytes] = '\0';
	return true;
}

void
ring_tail_put(struct ring_tail *t, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char	c = (unsigned char)bytes.p[i];

		if (c == '\n') {
			tail_turn(t);
			t->bytes = 0;
		} else if (c != '\r' && t->bytes < sizeof(t->next) - 1) {
			t->next[t->bytes++] = c < 0x20 || c >= 0x7f ? (c == '\t' ? ' ' : '?') : (char)c;
		}
	}
}

const char *
ring_tail_line(struct ring_tail *t)
{
	tail_turn(t);
	return t->line;
}
