/* SPDX-License-Identifier: Apache-2.0
 *
 * assign.c - lines of `name = value` with continuations, and $names in the values
 *
 * Process: mcpgw-compile, mcpgw-stdio.  Owns: nothing.
 * Trusts:  no text.
 *
 * The syntax is that of Postfix's main.cf: a line that begins with a blank continues the one before,
 * lines of blanks or beginning with # do not count, also in between.
 */
#include <ctype.h>

#include "lib/assign.h"

void
assign_init(struct assign_reader *r, struct span text, struct arena *arena)
{
	*r = (struct assign_reader){ .rest = text, .arena = arena };
}

static void
take_apart(const struct assign_reader *r, struct assign *out)
{
	struct span	 text = r->text;
	const char	*eq = memchr(text.p, '=', text.n);

	*out = (struct assign){ .kind = ASSIGN_NO_EQUALS, .text = text, .line = r->text_line, .column = 1,
	    .last_line = r->text_last };
	if (eq == NULL)
		return;
	out->kind = ASSIGN_SETTING;
	out->name = span_trim(span_make(text.p, (size_t)(eq - text.p)));
	out->value = span_trim(span_part(text, (size_t)(eq - text.p) + 1, text.n));
	out->column = (uint32_t)((out->value.n > 0 ? out->value.p : eq) - text.p) + 1;
}

static bool
is_comment(struct span line)
{
	line = span_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

/* One line of the text, without its end. */
static struct span
line_take(struct assign_reader *r)
{
	const char	*lf = memchr(r->rest.p, '\n', r->rest.n);
	struct span	 one = span_part(r->rest, 0, lf == NULL ? r->rest.n : (size_t)(lf - r->rest.p));

	r->rest = span_part(r->rest, one.n + 1, r->rest.n);
	r->line++;
	if (one.n > 0 && one.p[one.n - 1] == '\r')
		one.n--;
	return one;
}

int
assign_next(struct assign_reader *r, struct assign *out)
{
	struct span	one;
	bool		whole;

	while (r->rest.n > 0) {
		one = line_take(r);
		if (is_comment(one))
			continue;
		if (one.p[0] == ' ' || one.p[0] == '\t') {
			if (r->text_line == 0) {
				*out = (struct assign){ .kind = ASSIGN_STRAY, .text = one, .line = r->line,
				    .column = 1, .last_line = r->line };
				return 0;
			}
			r->text = arena_fmt(r->arena, "%.*s %.*s", SPAN_FMT(r->text),
			    SPAN_FMT(span_trim(one)));
			if (r->text.p == NULL)
				return E_NOMEM;
			r->text_last = r->line;
			continue;
		}
		if ((whole = r->text_line != 0))
			take_apart(r, out);
		r->text = one;
		r->text_line = r->text_last = r->line;
		if (whole)
			return 0;
	}
	if (r->text_line == 0)
		return E_EOF;
	take_apart(r, out);
	r->text_line = 0;
	return 0;
}

/* The name behind the dollar sign at s.p[at]; *end is the place behind all of it. */
static bool
name_at(struct span s, size_t at, struct span *name, size_t *end)
{
	const bool	braces = at + 1 < s.n && s.p[at + 1] == '{';
	size_t		from = at + (braces ? 2 : 1), to = from;

	while (to < s.n && (isalnum((unsigned char)s.p[to]) || s.p[to] == '_'))
		to++;
	*name = span_make(s.p + from, to - from);
	*end = to + (braces ? 1 : 0);
	return to > from && (!braces || (to < s.n && s.p[to] == '}'));
}

int
assign_expand(struct span raw, struct buf *to, assign_value_fn *fn, void *arg)
{
	struct span	name, part;
	size_t		i = 0, end;
	const char	*dollar;
	int		r;

	while (i < raw.n) {
		dollar = memchr(raw.p + i, '$', raw.n - i);
		part = span_part(raw, i, dollar == NULL ? raw.n : (size_t)(dollar - raw.p) - i);
		i += part.n;
		if ((r = buf_put(to, part)) != 0 || dollar == NULL)
			return r;
		if (i + 1 < raw.n && raw.p[i + 1] == '$') {
			r = buf_put(to, SPAN_LIT("$"));
			i += 2;
		} else if (!name_at(raw, i, &name, &end)) {
			return E_FORMAT;
		} else {
			r = fn(name, islower((unsigned char)name.p[0]), to, arg);
			i = end;
		}
		if (r != 0)
			return r;
	}
	return 0;
}
