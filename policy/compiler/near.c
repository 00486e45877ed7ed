/* SPDX-License-Identifier: Apache-2.0
 *
 * near.c - the known name that an unknown one was probably meant to be
 *
 * Process: mcpgw-compile.  Owns: nothing.  Trusts: nobody; long words are not looked at.
 */
#include "policy/compiler/near.h"

#define WORD_MAX	64

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t	m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements, and two neighbours swapped. */
static size_t
distance(struct span a, struct span b)
{
	size_t	before[WORD_MAX + 1], last[WORD_MAX + 1], row[WORD_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		before[j] = last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1,
			    last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		memcpy(before, last, sizeof(before));
		memcpy(last, row, sizeof(last));
	}
	return last[b.n];
}

const char *
near_find(struct span word, near_name_fn *name_of, const void *arg, size_t count)
{
	const char	*best = NULL;
	size_t		 best_far = WORD_MAX;

	if (word.n == 0 || word.n > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char	*name = name_of(i, arg);
		struct span	 s = span_of(name);
		size_t		 far;

		if (s.n == 0 || s.n > WORD_MAX)
			continue;
		far = distance(word, s);
		if (far <= (s.n + 2) / 3 && far < best_far) {
			best = name;
			best_far = far;
		}
	}
	return best;
}
