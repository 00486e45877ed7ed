/* SPDX-License-Identifier: Apache-2.0
 *
 * words.c - the words of a text, as a search compares them
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing: any bytes are a text, and what is no UTF-8 makes a word that nobody asks for.
 */
#include "mcp/words.h"

enum letter { BETWEEN, SMALL, CAPITAL, DIGIT };

/* Blanks and punctuation beyond ASCII: U+0080-00BF, U+2000-206F, U+3000-303F. */
static bool
is_gap(const char *p, const char *end)
{
	const unsigned char	*u = (const unsigned char *)p;

	if (u[0] == 0xc2)
		return true;
	if (end - p < 3)
		return false;
	return (u[0] == 0xe2 && (u[1] == 0x80 || (u[1] == 0x81 && u[2] <= 0xaf))) ||
	    (u[0] == 0xe3 && u[1] == 0x80);
}

/* Of the character at p; *n is its length. */
static enum letter
letter_at(const char *p, const char *end, size_t *n)
{
	unsigned char	c = (unsigned char)*p;
	bool		gap;

	*n = 1;
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (c >= 'A' && c <= 'Z')
		return CAPITAL;
	if (c >= 'a' && c <= 'z')
		return SMALL;
	if (c < 0x80)
		return BETWEEN;
	gap = is_gap(p, end);
	while (p + *n < end && ((unsigned char)p[*n] & 0xc0) == 0x80)
		(*n)++;
	return gap ? BETWEEN : SMALL;
}

/* Does a word end between a and b, of which b stands at p? */
static bool
is_border(enum letter a, enum letter b, const char *p, const char *end)
{
	size_t	n;

	if (a == b && a != CAPITAL)
		return false;
	if (a == CAPITAL && b == SMALL)
		return false;
	if (a != b)
		return true;
	/* In HTTPServer the second word begins with the last of the capitals. */
	return p + 1 < end && letter_at(p + 1, end, &n) == SMALL;
}

void
words_begin(struct words *w, struct span text)
{
	w->p = text.n == 0 ? "" : text.p;
	w->end = w->p + text.n;
}

bool
words_next(struct words *w, struct span *word)
{
	enum letter	kind, before = BETWEEN;
	size_t		n, used = 0;

	for (; w->p < w->end; w->p += n) {
		kind = letter_at(w->p, w->end, &n);
		if (kind == BETWEEN) {
			if (before != BETWEEN)
				break;
			continue;
		}
		if (before != BETWEEN && is_border(before, kind, w->p, w->end))
			break;
		before = kind;
		for (size_t i = 0; i < n && used < sizeof(w->word); i++)
			w->word[used++] = kind == CAPITAL ? (char)(w->p[i] | 0x20) : w->p[i];
	}
	*word = span_make(w->word, used);
	return used > 0;
}
