/* SPDX-License-Identifier: Apache-2.0
 *
 * span.h - borrowed (pointer, length) text; never owns, never ends in NUL by promise
 */
#ifndef LIB_SPAN_H
#define LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char	*p;
	size_t		 n;
};

#define SPAN_NONE	((struct span){ NULL, 0 })
#define SPAN_LIT(s)	((struct span){ "" s "", sizeof(s) - 1 })
#define SPAN_FMT(s)	(int)(s).n, (s).p == NULL ? "" : (s).p	/* for "%.*s" */

static inline struct span
span_of(const char *cstr)
{
	return cstr == NULL ? SPAN_NONE : (struct span){ cstr, strlen(cstr) };
}

static inline struct span
span_make(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/* The part [at, at + n) of s, cut to what is there. */
static inline struct span
span_part(struct span s, size_t at, size_t n)
{
	if (at > s.n)
		at = s.n;
	if (n > s.n - at)
		n = s.n - at;
	return (struct span){ s.p == NULL ? NULL : s.p + at, n };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_is(struct span a, const char *cstr)
{
	return span_eq(a, span_of(cstr));
}

static inline bool
span_starts(struct span s, struct span with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

/* memcmp order, shorter first. */
static inline int
span_cmp(struct span a, struct span b)
{
	size_t	n = a.n < b.n ? a.n : b.n;
	int	r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

/* ASCII only: header names and hosts. */
static inline bool
span_eq_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];

		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return false;
	}
	return true;
}

/* Without the blanks and tabs at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The next word of a list divided by blanks, which is cut off; empty: there is none. */
static inline struct span
span_word(struct span *list)
{
	struct span	word;
	size_t		n = 0;

	*list = span_trim(*list);
	while (n < list->n && list->p[n] != ' ' && list->p[n] != '\t')
		n++;
	word = span_part(*list, 0, n);
	*list = span_part(*list, n, list->n);
	return word;
}

/* Without the quotes around it, when both ends have the same one. */
static inline struct span
span_unquote(struct span s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return span_part(s, 1, s.n - 2);
	return s;
}

/* The first line of *rest, which goes on behind it; its end, CR LF as well, is in neither. */
static inline struct span
span_take_line(struct span *rest)
{
	const char	*lf = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
	size_t		 n = lf == NULL ? rest->n : (size_t)(lf - rest->p);
	struct span	 line = span_part(*rest, 0, n);

	*rest = span_part(*rest, n + (lf != NULL), rest->n);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

#endif
