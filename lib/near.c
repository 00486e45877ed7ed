/* SPDX-License-Identifier: Apache-2.0
 *
 * near.c - the known name that an unknown one was probably meant to be
 *
 * Process: mcpgwctl, mcpgw-compile.  Owns: nothing.  Trusts: nobody; long words are not looked at.
 */
#include <stdint.h>
#include <string.h>

#include "lib/near.h"

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t	m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
near_distance(struct span a, struct span b)
{
	size_t	before[NEAR_WORD_MAX + 1], last[NEAR_WORD_MAX + 1], row[NEAR_WORD_MAX + 1];

	if (a.n > NEAR_WORD_MAX || b.n > NEAR_WORD_MAX)
		return SIZE_MAX;
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
		memcpy(before, last, (b.n + 1) * sizeof(last[0]));
		memcpy(last, row, (b.n + 1) * sizeof(row[0]));
	}
	return last[b.n];
}

const char *
near_find(struct span word, near_name_fn *name_of, const void *arg, size_t count)
{
	const char	*best = NULL;
	size_t		 best_far = SIZE_MAX;

	if (word.n == 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char	*name = name_of(i, arg);
		struct span	 s = span_of(name);
		size_t		 far;

		if (s.n == 0)
			continue;
		far = near_distance(word, s);
		if (far <= (s.n + 2) / 3 && far < best_far) {
			best = name;
			best_far = far;
		}
	}
	return best;
}
