/* SPDX-License-Identifier: Apache-2.0
 *
 * ring.c - the last lines of what a server's tools wrote to stderr, and when each tool came and went
 *
 * Process: mcpgw-runner.  Owns: the bytes.
 * Trusts:  nothing; the bytes are the tool's, and lose their control bytes here: an operator's terminal
 *          will see them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "sandbox/runner/ring.h"

#define HEAD_MAX	64	/* of "MILLISECONDS PID KIND " */

struct ring *
ring_of(struct ring **list, const char *name)
{
	struct ring	*r;

	for (r = *list; r != NULL; r = r->next)
		if (strcmp(r->name, name) == 0)
			return r;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->next = *list;
	*list = r;
	return r;
}

void
rings_drop(struct ring **list, bool (*keep)(const char *name, void *arg), void *arg)
{
	struct ring	*r;

	while ((r = *list) != NULL) {
		if (keep(r->name, arg)) {
			list = &r->next;
			continue;
		}
		*list = r->next;
		ring_fini(r);
		free(r);
	}
}

void
ring_fini(struct ring *r)
{
	free(r->data);
	*r = (struct ring){ .data = NULL };
}

static void
ring_put(struct ring *r, struct span bytes)
{
	r->total += bytes.n;
	while (bytes.n > 0) {
		size_t	n = RING_BYTES - r->at;

		if (n > bytes.n)
			n = bytes.n;
		memcpy(r->data + r->at, bytes.p, n);
		r->at = (r->at + n) % RING_BYTES;
		bytes = span_part(bytes, n, bytes.n - n);
	}
}

void
ring_line(struct ring *r, uint64_t wall_ms, uint32_t pid, const char *kind, struct span text)
{
	char	head[HEAD_MAX];
	int	n;

	if (r->data == NULL && (r->data = malloc(RING_BYTES)) == NULL)
		return;
	n = snprintf(head, sizeof(head), "%llu %u %s ", (unsigned long long)wall_ms, pid, kind);
	ring_put(r, span_make(head, (size_t)n < sizeof(head) ? (size_t)n : sizeof(head) - 1));
	ring_put(r, span_part(text, 0, RING_TEXT));
	ring_put(r, SPAN_LIT("\n"));
}

/* The oldest line may have lost its beginning. */
static struct span
whole_lines(struct span old)
{
	const char	*lf = old.n == 0 ? NULL : memchr(old.p, '\n', old.n);

	return lf == NULL ? SPAN_NONE : span_part(old, (size_t)(lf - old.p) + 1, old.n);
}

int
ring_memfd(const struct ring *r, int *fd, uint64_t *bytes)
{
	bool	 full = r->total >= RING_BYTES;
	size_t	 used = full ? RING_BYTES : (size_t)r->total, old;
	char	*flat;
	struct span text;
	int	 res;

	*fd = -1;
	*bytes = 0;
	if ((flat = malloc(used + 1)) == NULL)
		return E_NOMEM;
	old = full ? RING_BYTES - r->at : 0;
	if (old > 0)
		memcpy(flat, r->data + r->at, old);
	if (used > old)
		memcpy(flat + old, r->data, used - old);
	text = full ? whole_lines(span_make(flat, used)) : span_make(flat, used);
	if ((res = fd_memfd_sealed("log", text, fd)) == 0)
		*bytes = text.n;
	free(flat);
	return res;
}

/* ---- one tool's stderr ------------------------------------------------------------------------- */

static bool
tail_turn(struct ring_tail *t)
{
	size_t	i = 0, n = t->bytes < sizeof(t->line) ? t->bytes : sizeof(t->line) - 1;

	while (i < t->bytes && t->next[i] == ' ')
		i++;
	if (i == t->bytes)
		return false;
	for (i = 0; i < n; i++)
		t->line[i] = (unsigned char)t->next[i] >= 0x80 ? '?' : t->next[i];
	t->line[n] = '\0';
	return true;
}

static void
tail_flush(struct ring_tail *t, struct ring *r, uint64_t wall_ms, uint32_t pid)
{
	if (tail_turn(t))
		ring_line(r, wall_ms, pid, "stderr", span_make(t->next, t->bytes));
	t->bytes = 0;
}

void
ring_tail_put(struct ring_tail *t, struct ring *r, uint64_t wall_ms, uint32_t pid, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char	c = (unsigned char)bytes.p[i];

		if (c == '\n') {
			tail_flush(t, r, wall_ms, pid);
			continue;
		}
		if (c == '\r')
			continue;
		t->next[t->bytes++] = c == '\t' ? ' ' : c < 0x20 || c == 0x7f ? '?' : (char)c;
		if (t->bytes == sizeof(t->next))
			tail_flush(t, r, wall_ms, pid);
	}
}

void
ring_tail_end(struct ring_tail *t, struct ring *r, uint64_t wall_ms, uint32_t pid)
{
	tail_flush(t, r, wall_ms, pid);
}

const char *
ring_tail_line(struct ring_tail *t)
{
	tail_turn(t);
	return t->line;
}
