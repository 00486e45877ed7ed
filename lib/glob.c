/* SPDX-License-Identifier: Apache-2.0
 *
 * glob.c - the patterns of rules
 *
 * Process: all.  Owns: nothing.
 * Trusts:  nobody: patterns may come from a client too (get_server_tools), so matching never goes
 *          back further than the last `*`.
 */
#include <stdint.h>

#include "lib/glob.h"

/* The character at s.p[*at], which is moved behind it.  A byte that is not UTF-8 stands for itself,
 * above all characters. */
static uint32_t
next_char(struct span s, size_t *at)
{
	unsigned char	c = (unsigned char)s.p[*at];
	unsigned	more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t	v = c;

	if (c < 0x80 || c >= 0xf8 || more == 0 || s.n - *at <= more) {
		(*at)++;
		return c < 0x80 ? c : 0x110000u + c;
	}
	v &= 0x3fu >> more;
	for (unsigned i = 1; i <= more; i++) {
		unsigned char b = (unsigned char)s.p[*at + i];

		if ((b & 0xc0) != 0x80) {
			(*at)++;
			return 0x110000u + c;
		}
		v = v << 6 | (b & 0x3fu);
	}
	*at += 1 + more;
	return v;
}

/* The offset of the `]` that closes the `[` at `open`; 0 when there is none.  A `]` right behind
 * `[` or `[!` is a member. */
static size_t
set_end(struct span pattern, size_t open)
{
	size_t	i = open + 1;

	if (i < pattern.n && pattern.p[i] == '!')
		i++;
	for (i++; i < pattern.n; i++)
		if (pattern.p[i] == ']')
			return i;
	return 0;
}

static bool
set_has(struct span set, uint32_t c)
{
	bool	negated = set.n > 0 && set.p[0] == '!', found = false;

	for (size_t i = negated ? 1 : 0; i < set.n; ) {
		uint32_t low = next_char(set, &i), high = low;

		if (i + 1 < set.n && set.p[i] == '-') {
			i++;
			high = next_char(set, &i);
		}
		found |= c >= low && c <= high;
	}
	return found != negated;
}

/* Does the element at pattern.p[*p], which is no `*`, match the character at text.p[*t]?  Moves both
 * when it does. */
static bool
match_one(struct span pattern, size_t *p, struct span text, size_t *t)
{
	size_t		after = *t, end;
	uint32_t	c = next_char(text, &after);

	switch (pattern.p[*p]) {
	case '?':
		(*p)++;
		break;
	case '[':
		if ((end = set_end(pattern, *p)) != 0) {
			if (!set_has(span_part(pattern, *p + 1, end - *p - 1), c))
				return false;
			*p = end + 1;
			break;
		}
		/* fall through */
	default:
		end = *p;
		if (next_char(pattern, &end) != c)
			return false;
		*p = end;
	}
	*t = after;
	return true;
}

bool
glob_match(struct span pattern, struct span text)
{
	size_t	p = 0, t = 0, star_p = 0, star_t = 0;
	bool	star = false;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = true;
			star_p = ++p;
			star_t = t;
		} else if (p < pattern.n && match_one(pattern, &p, text, &t)) {
			continue;
		} else if (star) {
			next_char(text, &star_t);	/* the `*` takes one more */
			p = star_p;
			t = star_t;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool
glob_is_exact(struct span pattern)
{
	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];

		if (c == '*' || c == '?' || (c == '[' && set_end(pattern, i) != 0))
			return false;
	}
	return true;
}

const char *
glob_check(struct span pattern)
{
	size_t	stars = 0, end;

	if (pattern.n == 0)
		return "empty pattern";
	for (size_t i = 0; i < pattern.n; i++) {
		if (pattern.p[i] == '*') {
			if (++stars > 1)
				return "only one *";
			if (i != 0 && i != pattern.n - 1)
				return "* only at the start or the end";
		} else if (pattern.p[i] == '[') {
			if ((end = set_end(pattern, i)) == 0)
				return "[ without ]";
			for (; i < end; i++)
				if (pattern.p[i] == '*')
					return "no * between [ and ]";
		}
	}
	return NULL;
}
