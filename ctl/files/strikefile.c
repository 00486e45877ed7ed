/* SPDX-License-Identifier: Apache-2.0
 *
 * strikefile.c - files of the configuration, without the values that stand where secrets do
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  nothing: what cannot be understood is not shown.
 *
 * The text stays as it was written, comments and all: who looks for a fault looks at that.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ctl/files/strike.h"
#include "lib/err.h"

#define DEPTH_MAX	64

/* Below these every value is one. */
static bool
is_secret_place(struct span name)
{
	return span_is(name, "env") || span_is(name, "headers") || span_is(name, "secrets") || span_is(name, "oauth") ||
	    span_is(name, "inputs");
}

/* What only names a secret is none; with what stands in for it, it is. */
static bool
is_reference(struct span value)
{
	return value.n == 0 || (span_starts(value, SPAN_LIT("${")) && value.p[value.n - 1] == '}' &&
	    memchr(value.p + 2, '$', value.n - 2) == NULL && memchr(value.p, '}', value.n - 1) == NULL &&
	    memmem(value.p, value.n, ":-", 2) == NULL);
}

/* The whole, and what ${VAR:-default} stands for. */
static void
note_value(struct strike *s, struct span value)
{
	const char	*otherwise = value.n == 0 ? NULL : memmem(value.p, value.n, ":-", 2);
	size_t		 at = otherwise == NULL ? 0 : (size_t)(otherwise - value.p) + 2;

	strike_value(s, value);
	if (at > 0 && span_starts(value, SPAN_LIT("${")) && value.p[value.n - 1] == '}')
		strike_value(s, span_part(value, at, value.n - 1 - at));
}

/* "--api-key", "--token=...": *value_at is where the value begins, or the length when it is the next word. */
static bool
is_secret_option(struct span word, size_t *value_at)
{
	const char	*eq = word.n == 0 ? NULL : memchr(word.p, '=', word.n);
	struct span	 name = span_part(word, 0, eq == NULL ? word.n : (size_t)(eq - word.p));

	*value_at = eq == NULL ? word.n : name.n + 1;
	return name.n > 1 && (word.p[0] == '-' || eq != NULL) && strike_is_secret_name(name);
}

/* --- JSON --------------------------------------------------------------------------------------- */

struct reading {
	struct strike	*s;
	struct span	 text;
	struct buf	*to;
	size_t		 at, copied;
	unsigned	 depth;
	struct {
		bool	secret;		/* a place for secrets, or below one */
		bool	array;
	}		 in[DEPTH_MAX];
	struct span	 name;		/* of the value that comes */
	bool		 named, next_is_secret;	/* behind an option that wants a secret */
};

static int
cut(struct reading *r, size_t from, size_t to, const char *with)
{
	int	e;

	if ((e = buf_put(r->to, span_part(r->text, r->copied, from - r->copied))) != 0 ||
	    (e = buf_put_str(r->to, with)) != 0)
		return e;
	r->copied = to;
	return 0;
}

/* Blanks and comments.  False: a comment without end. */
static bool
skip(struct reading *r)
{
	const char	*end;

	for (;;) {
		struct span	rest = span_part(r->text, r->at, r->text.n);

		if (rest.n > 0 && (isspace((unsigned char)rest.p[0]) || rest.p[0] == ',')) {
			r->at++;
		} else if (span_starts(rest, SPAN_LIT("//"))) {
			end = memchr(rest.p, '\n', rest.n);
			r->at = end == NULL ? r->text.n : (size_t)(end - r->text.p);
		} else if (span_starts(rest, SPAN_LIT("/*"))) {
			if ((end = memmem(rest.p + 2, rest.n - 2, "*/", 2)) == NULL)
				return false;
			r->at = (size_t)(end - r->text.p) + 2;
		} else {
			return true;
		}
	}
}

/* A string from its quote on; without quotes in *out, still escaped. */
static bool
take_string(struct reading *r, struct span *out)
{
	const size_t	begin = ++r->at;

	for (; r->at < r->text.n && r->text.p[r->at] != '"'; r->at++)
		if (r->text.p[r->at] == '\\')
			r->at++;
	if (r->at >= r->text.n)
		return false;
	*out = span_part(r->text, begin, r->at - begin);
	r->at++;
	return true;
}

/* Escapes hide a value from a search: what it stands for is noted as well. */
static void
note(struct reading *r, struct span raw)
{
	char	plain[4096];
	size_t	n = 0;

	note_value(r->s, raw);
	if (memchr(raw.p, '\\', raw.n) == NULL || raw.n >= sizeof(plain))
		return;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.n) {
			i++;
			plain[n++] = raw.p[i] == 'n' ? '\n' : raw.p[i] == 't' ? '\t' : raw.p[i];
		} else {
			plain[n++] = raw.p[i];
		}
	}
	note_value(r->s, span_make(plain, n));
}

static bool
is_secret_value(const struct reading *r)
{
	return (r->depth > 0 && r->in[r->depth - 1].secret) || (r->named && strike_is_secret_name(r->name));
}

static int
string_value(struct reading *r, size_t begin, struct span value)
{
	const bool	in_array = r->depth > 0 && r->in[r->depth - 1].array;
	bool		behind = in_array && r->next_is_secret;
	size_t		value_at;

	r->next_is_secret = false;
	if (is_secret_value(r) || behind) {
		if (is_reference(value))
			return 0;
		note(r, value);
		return cut(r, begin + 1, r->at - 1, STRUCK);
	}
	if (in_array && is_secret_option(value, &value_at)) {
		r->next_is_secret = value_at == value.n;
		if (value_at < value.n && !is_reference(span_part(value, value_at, value.n))) {
			note(r, span_part(value, value_at, value.n));
			return cut(r, begin + 1 + value_at, r->at - 1, STRUCK);
		}
	}
	return 0;
}

/* A number, true, false, null: what a program reads as text where text is wanted. */
static int
word_value(struct reading *r)
{
	const size_t	begin = r->at;

	while (r->at < r->text.n && (isalnum((unsigned char)r->text.p[r->at]) ||
	    memchr("+-.", r->text.p[r->at], 3) != NULL))
		r->at++;
	if (r->at == begin)
		return E_FORMAT;
	if (!is_secret_value(r) || span_is(span_part(r->text, begin, r->at - begin), "null"))
		return 0;
	strike_value(r->s, span_part(r->text, begin, r->at - begin));
	return cut(r, begin, r->at, "\"" STRUCK "\"");
}

static int
open_value(struct reading *r, bool array)
{
	const bool	secret = (r->depth > 0 && r->in[r->depth - 1].secret) || (r->named && is_secret_place(r->name));

	if (r->depth == DEPTH_MAX)
		return E_FORMAT;
	r->in[r->depth].secret = secret;
	r->in[r->depth].array = array;
	r->depth++;
	r->at++;
	r->named = r->next_is_secret = false;
	return 0;
}

static int
read_token(struct reading *r)
{
	const char	c = r->text.p[r->at];
	const size_t	begin = r->at;
	struct span	value;
	int		e;

	if (c == '{' || c == '[')
		return open_value(r, c == '[');
	if (c == '}' || c == ']') {
		if (r->depth == 0 || r->in[r->depth - 1].array != (c == ']'))
			return E_FORMAT;
		r->depth--;
		r->at++;
		r->named = r->next_is_secret = false;
		return 0;
	}
	if (c != '"') {
		e = word_value(r);
		r->named = false;
		return e;
	}
	if (!take_string(r, &value) || !skip(r))
		return E_FORMAT;
	if (r->at < r->text.n && r->text.p[r->at] == ':' && r->depth > 0 && !r->in[r->depth - 1].array) {
		r->at++;
		r->name = value;
		r->named = true;
		return 0;
	}
	/* Blanks behind it were skipped; the quote is where it ended. */
	{
		const size_t	after = r->at;

		r->at = begin + value.n + 2;
		e = string_value(r, begin, value);
		r->at = after;
	}
	r->named = false;
	return e;
}

int
strike_json(struct strike *s, struct span text, struct buf *to)
{
	struct reading	r = { .s = s, .text = text, .to = to };
	int		e;

	for (;;) {
		if (!skip(&r))
			return E_FORMAT;
		if (r.at >= text.n)
			break;
		if ((e = read_token(&r)) != 0)
			return e;
	}
	if (r.depth != 0)
		return E_FORMAT;
	return buf_put(to, span_part(text, r.copied, text.n));
}

/* --- lines -------------------------------------------------------------------------------------- */

static struct span
trim(struct span s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0]))
		s = span_part(s, 1, s.n);
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static size_t
indent_of(struct span line)
{
	size_t	n = 0;

	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t' || (line.p[n] == '-' && n + 1 < line.n &&
	    line.p[n + 1] == ' ')))
		n++;
	return n;
}

/* What is struck of the lines that are indented deeper; SIZE_MAX: of none. */
struct struck {
	size_t	block;		/* than a place for secrets: their values */
	size_t	whole;		/* than a value that may go on: all of them */
	bool	next;		/* the item after an option that wants a secret */
};

/* One item of a list, as an argument of a command.  false: it is none that tells of a secret. */
static bool
one_item(struct strike *s, struct span line, struct struck *at, struct buf *to, int *r)
{
	const size_t	indent = indent_of(line);
	const bool	is_item = indent > 1 && memchr(line.p, '-', indent) != NULL, behind = at->next && is_item;
	struct span	item = span_unquote(trim(span_part(line, indent, line.n)));
	size_t		value_at;

	at->next = false;
	if (!is_item || item.n == 0 || (behind && is_reference(item)))
		return false;
	if (behind) {
		note_value(s, item);
		at->whole = indent;
		if ((*r = buf_put(to, span_part(line, 0, indent))) == 0)
			*r = buf_put_str(to, STRUCK);
		return true;
	}
	if (item.p[0] != '-' || !is_secret_option(item, &value_at))
		return false;
	if (value_at == item.n || is_reference(span_part(item, value_at, item.n))) {
		at->next = value_at == item.n;
		return false;
	}
	note_value(s, span_part(item, value_at, item.n));
	at->whole = indent;
	if ((*r = buf_put(to, span_part(line, 0, (size_t)(item.p - line.p) + value_at))) == 0)
		*r = buf_put_str(to, STRUCK);
	return true;
}

/* {A: b, env: {...}} and ["--token", "..."] in one line. */
static bool
hides_places(struct span value)
{
	static const char *const	places[] = { "env", "headers", "inputs" };
	bool				there = strike_is_secret_name(value);

	if (value.n == 0 || (memchr(value.p, '{', value.n) == NULL && memchr(value.p, '[', value.n) == NULL &&
	    memchr(value.p, ',', value.n) == NULL))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		there |= memmem(value.p, value.n, places[i], strlen(places[i])) != NULL;
	return there && (memchr(value.p, ':', value.n) != NULL || value.p[0] == '[');
}

static int
one_line(struct strike *s, struct span line, bool yaml, struct struck *at, struct buf *to)
{
	const char	*sep = line.n == 0 ? NULL : memchr(line.p, yaml ? ':' : '=', line.n);
	const size_t	 indent = indent_of(line);
	struct span	 name, value, bare = trim(line);
	bool		 place;
	int		 r;

	if (bare.n == 0)
		return buf_put(to, line);
	if (at->block != SIZE_MAX && indent <= at->block)
		at->block = SIZE_MAX;
	if (at->whole != SIZE_MAX && indent <= at->whole)
		at->whole = SIZE_MAX;
	if (at->whole != SIZE_MAX)
		return buf_put_str(to, STRUCK);
	if (bare.p[0] == '#')
		return buf_put(to, line);
	if (yaml && at->block == SIZE_MAX && one_item(s, line, at, to, &r))
		return r;
	if (sep == NULL)
		/* Text that goes on, below a place for secrets; or a flow that begins without a name. */
		return at->block == SIZE_MAX && !(yaml && hides_places(bare)) ? buf_put(to, line) :
		    buf_put_str(to, STRUCK);
	name = span_part(line, 0, (size_t)(sep - line.p));
	value = trim(span_part(line, name.n + 1, line.n));
	if (yaml && at->block == SIZE_MAX && span_part(line, indent, 1).n > 0 && line.p[indent] == '{' &&
	    hides_places(bare)) {
		at->whole = indent;
		return buf_put_str(to, STRUCK);
	}
	place = strike_is_secret_name(name) ||
	    (yaml && is_secret_place(span_unquote(trim(span_part(name, indent, name.n)))));
	if (at->block == SIZE_MAX && place) {
		at->block = indent;
		if (value.n == 0)
			return buf_put(to, line);
	} else if (at->block == SIZE_MAX && !(yaml && hides_places(value))) {
		return buf_put(to, line);
	}
	if (is_reference(span_unquote(value)))
		return buf_put(to, line);
	note_value(s, span_unquote(value));
	at->whole = indent;
	if ((r = buf_put(to, span_part(line, 0, name.n + 1))) != 0)
		return r;
	return buf_put_str(to, " " STRUCK);
}

int
strike_lines(struct strike *s, struct span text, bool yaml, struct buf *to)
{
	struct struck	 at = { SIZE_MAX, SIZE_MAX, false };
	struct span	 line;
	const char	*lf;
	int		 r;

	while (text.n > 0) {
		lf = memchr(text.p, '\n', text.n);
		line = span_part(text, 0, lf == NULL ? text.n : (size_t)(lf - text.p));
		if ((r = one_line(s, line, yaml, &at, to)) != 0)
			return r;
		if (lf == NULL)
			break;
		if ((r = buf_put_str(to, "\n")) != 0)
			return r;
		text = span_part(text, (size_t)(lf - text.p) + 1, text.n);
	}
	return 0;
}
