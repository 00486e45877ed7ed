/* SPDX-License-Identifier: Apache-2.0
 *
 * scope.c - lists of scopes
 *
 * Process: mcpgw-scout.  Owns: nothing.
 * Trusts:  no word of a list: servers name them.
 */
#include "lib/buf.h"
#include "oauth/scope.h"

struct span
oauth_scope_next(struct span *list)
{
	struct span	word;
	size_t		n = 0;

	while (list->n > 0 && list->p[0] == ' ')
		*list = span_part(*list, 1, list->n);
	while (n < list->n && list->p[n] != ' ')
		n++;
	word = span_part(*list, 0, n);
	*list = span_part(*list, n, list->n);
	return word;
}

bool
oauth_scope_has(struct span list, struct span word)
{
	struct span	w;

	while ((w = oauth_scope_next(&list)).n > 0)
		if (span_eq(w, word))
			return true;
	return false;
}

bool
oauth_scope_within(struct span list, struct span in)
{
	struct span	w;

	while ((w = oauth_scope_next(&list)).n > 0)
		if (!oauth_scope_has(in, w))
			return false;
	return true;
}

/* RFC 6749: %x21 / %x23-5B / %x5D-7E. */
static bool
is_word(struct span w)
{
	for (size_t i = 0; i < w.n; i++)
		if (w.p[i] < 0x21 || w.p[i] > 0x7e || w.p[i] == '"' || w.p[i] == '\\')
			return false;
	return true;
}

static int
add(struct buf *to, struct span list)
{
	struct span	w;
	int		r;

	while ((w = oauth_scope_next(&list)).n > 0) {
		if (!is_word(w) || oauth_scope_has(buf_rest(to), w))
			continue;
		if ((buf_rest(to).n > 0 && (r = buf_put_str(to, " ")) != 0) || (r = buf_put(to, w)) != 0)
			return r;
	}
	return 0;
}

int
oauth_scope_union(struct span a, struct span b, struct arena *arena, struct span *out)
{
	struct buf	to;
	int		r;

	buf_init(&to, OAUTH_SCOPE_MAX);
	if ((r = add(&to, a)) == 0 && (r = add(&to, b)) == 0 &&
	    (*out = arena_dup(arena, buf_rest(&to))).p == NULL)
		r = E_NOMEM;
	buf_fini(&to);
	return r;
}
