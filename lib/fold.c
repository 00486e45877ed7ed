/* SPDX-License-Identifier: Apache-2.0
 *
 * fold.c - texts as they look: without case, look-alikes the same, what is not seen left out
 *
 * Process: worker, compile, mcpgwctl.  Owns: nothing.
 * Trusts:  nothing: what is not UTF-8 stays as it is, byte by byte.
 */
#include "lib/fold.h"

#define MATH_LETTERS	0x1d400u	/* alphabets of 52 letters, one after the other */
#define MATH_END	0x1d6a4u

struct alike {
	uint32_t	 first, last;
	const char	*to;		/* NULL: nothing */
};

static const struct alike rows[] = {
#define ALIKE(first, last, to) { first, last, to },
#define BLANK(first, last) { first, last, NULL },
#include "tables/confusables.def"
#undef ALIKE
#undef BLANK
};

size_t
fold_next(struct span s, uint32_t *code)
{
	static const uint32_t	least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char		c = (unsigned char)s.p[0];
	size_t			n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t		v = n == 1 ? c : c & (0xffu >> (n + 1));

	*code = FOLD_NOT_UTF8;
	if (n == 0 || n > s.n)
		return 1;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | ((unsigned char)s.p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff)
		return 1;
	*code = v;
	return n;
}

uint32_t
fold_char(uint32_t code)
{
	size_t	low = 0, high = sizeof(rows) / sizeof(rows[0]);

	if (code >= MATH_LETTERS && code < MATH_END) {
		code = (code - MATH_LETTERS) % 26 + 'a';
		return code == 'i' ? 'l' : code;
	}
	while (low < high) {
		size_t			 middle = (low + high) / 2;
		const struct alike	*row = &rows[middle];

		if (code < row->first)
			high = middle;
		else if (code > row->last)
			low = middle + 1;
		else if (row->to == NULL)
			return 0;
		else
			return (unsigned char)row->to[row->to[1] == '\0' ? 0 : code - row->first];
	}
	/* Capitals of Greek, Cyrillic and Armenian that look like none of ours; their small letters may. */
	if ((code >= 0x391 && code <= 0x3a9) || (code >= 0x410 && code <= 0x42f))
		return fold_char(code + 0x20);
	if (code >= 0x400 && code <= 0x40f)
		return fold_char(code + 0x50);
	return code >= 0x531 && code <= 0x556 ? fold_char(code + 0x30) : code;
}

static struct span
fold(struct span s, char *to, uint32_t *from, bool name)
{
	size_t		n = 0, k = 0, bytes;
	uint32_t	code, looks;

	for (size_t at = 0; at < s.n; at += bytes) {
		bytes = fold_next(span_part(s, at, s.n), &code);
		looks = code == FOLD_NOT_UTF8 ? code : fold_char(code);
		if (looks == 0)
			continue;
		if (looks < 0x80) {
			to[n++] = name && looks == '-' ? '_' : (char)looks;
		} else if (looks != code && bytes == 2) {
			to[n++] = (char)(0xc0 | looks >> 6);
			to[n++] = (char)(0x80 | (looks & 0x3f));
		} else {
			memcpy(to + n, s.p + at, bytes);
			n += bytes;
		}
		for (; k < n; k++)
			if (from != NULL)
				from[k] = (uint32_t)at;
	}
	return span_make(to, n);
}

struct span
fold_text(struct span s, char *to, uint32_t *from)
{
	return fold(s, to, from, false);
}

struct span
fold_name(struct span s, char *to)
{
	return fold(s, to, NULL, true);
}

bool
fold_alike(struct span a, struct span b)
{
	char	x[FOLD_NAME_MAX], y[FOLD_NAME_MAX];

	if (a.n > sizeof(x) || b.n > sizeof(y))
		return false;
	return span_eq(fold_name(a, x), fold_name(b, y));
}
