/* SPDX-License-Identifier: Apache-2.0
 *
 * nameset.c - a small set of names in one text
 *
 * Process: any.  Owns: nothing.
 */
#include <stdlib.h>

#include "lib/nameset.h"

static int
by_name(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool
is_member(struct span name)
{
	return name.n > 0 && memchr(name.p, '\0', name.n) == NULL;
}

int
nameset_make(const struct span *names, size_t count, struct arena *a, struct span *out)
{
	struct span	sorted[NAMESET_MAX];
	size_t		n = 0, bytes = 0;
	char		*to;

	*out = SPAN_NONE;
	for (size_t i = 0; i < count; i++) {
		if (!is_member(names[i]))
			continue;
		if (n == NAMESET_MAX)
			return E_FULL;
		sorted[n++] = names[i];
		bytes += names[i].n + 1;
	}
	if (n == 0)
		return 0;
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	if ((to = arena_alloc(a, bytes)) == NULL)
		return E_NOMEM;
	*out = span_make(to, 0);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && span_eq(sorted[i - 1], sorted[i]))
			continue;
		memcpy(to + out->n, sorted[i].p, sorted[i].n);
		out->n += sorted[i].n;
		to[out->n++] = '\0';
	}
	return 0;
}

struct span
nameset_take(struct span *rest)
{
	const char	*end = rest->n == 0 ? NULL : memchr(rest->p, '\0', rest->n);
	const size_t	 n = end == NULL ? rest->n : (size_t)(end - rest->p);
	struct span	 name = span_part(*rest, 0, n);

	*rest = span_part(*rest, n + (end != NULL), rest->n);
	return name;
}

bool
nameset_has(struct span set, struct span name)
{
	while (set.n > 0)
		if (span_eq(nameset_take(&set), name))
			return true;
	return false;
}

bool
nameset_meets(struct span a, struct span b)
{
	while (a.n > 0)
		if (nameset_has(b, nameset_take(&a)))
			return true;
	return false;
}
