/* SPDX-License-Identifier: Apache-2.0
 *
 * pindiff.c - what two definitions of a tool have different, for people
 *
 * Process: mcpgwctl.
 * Owns:    the fields of two definitions, for a call.
 * Trusts:  no text in them: what is not seen, or moves a terminal, is written out.
 *
 * A definition is taken apart into fields, each with the path to it: values that are no objects.  Lists without objects
 * in them are one field.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "ctl/show/pindiff.h"
#include "lib/fold.h"
#include "lib/log.h"
#include "mcp/canon.h"
#include "mcp/suspect.h"

#define TEXT_BYTES	(16u << 20)
#define LINES_MAX	2000		/* of one text: where both have more, all of both is shown */

struct field {
	struct span		path;		/* "inputSchema.properties.body.type" */
	struct json_value	value;
};

struct fields {
	struct field	*at;
	size_t		 count, room;
	struct arena	 text;
};

static void __attribute__((noreturn))
no_memory(void)
{
	fatal(EX_OSERR, "out of memory");
}

/* --- fields ----------------------------------------------------------------------------------- */

static bool
has_objects(struct json_value list)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;

	for (json_iter_init(&it, list); json_iter_next(&it, &key, &v); )
		if (v.type == JSON_OBJECT || v.type == JSON_ARRAY)
			return true;
	return false;
}

static void
fields_add(struct fields *f, struct span path, struct json_value v)
{
	if (f->count == f->room) {
		f->room = 2 * f->room + 64;
		if ((f->at = realloc(f->at, f->room * sizeof(*f->at))) == NULL)
			no_memory();
	}
	f->at[f->count++] = (struct field){ path, v };
}

/* As deep as the scanner let it be: JSON_DEPTH_MAX. */
static void
fields_read(struct fields *f, struct span path, struct json_value v)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key, name, below;
	unsigned		i = 0;
	bool			any = false;

	if (v.type == JSON_NONE)
		return;
	if (v.type == JSON_OBJECT || (v.type == JSON_ARRAY && has_objects(v)))
		for (json_iter_init(&it, v); json_iter_next(&it, &key, &value); any = true) {
			if (v.type == JSON_ARRAY)
				below = arena_fmt(&f->text, "%.*s[%u]", SPAN_FMT(path), i++);
			else if (json_string(json_key(key), &f->text, &name) != 0)
				no_memory();
			else
				below = arena_fmt(&f->text, "%.*s%s%.*s", SPAN_FMT(path), path.n > 0 ? "." : "",
				    SPAN_FMT(name));
			if (below.p == NULL)
				no_memory();
			fields_read(f, below, value);
		}
	if (!any)
		fields_add(f, path, v);
}

static void
fields_init(struct fields *f, struct json_value of)
{
	*f = (struct fields){ .count = 0 };
	arena_init(&f->text, NULL, 0, TEXT_BYTES);
	fields_read(f, SPAN_NONE, of);
}

static void
fields_fini(struct fields *f)
{
	free(f->at);
	arena_fini(&f->text);
}

/* Both mostly have the same order, so the place behind the last one is looked at first. */
static const struct field *
field_find(const struct fields *f, struct span path, size_t *hint)
{
	for (size_t n = 0; n < f->count; n++) {
		size_t	i = (*hint + n) % f->count;

		if (span_eq(f->at[i].path, path)) {
			*hint = i + 1;
			return &f->at[i];
		}
	}
	return NULL;
}

static bool
same(struct json_value a, struct json_value b)
{
	struct buf	x, y;
	bool		equal;

	if (span_eq(a.raw, b.raw))
		return true;
	buf_init(&x, TEXT_BYTES);
	buf_init(&y, TEXT_BYTES);
	if (canon_put(&x, a, NULL) != 0 || canon_put(&y, b, NULL) != 0)
		no_memory();
	equal = span_eq(buf_rest(&x), buf_rest(&y));
	buf_fini(&x);
	buf_fini(&y);
	return equal;
}

/* --- text ------------------------------------------------------------------------------------- */

void
pindiff_print_text(FILE *f, struct span text)
{
	uint32_t	code;
	size_t		bytes;

	for (size_t at = 0; at < text.n; at += bytes) {
		bytes = fold_next(span_part(text, at, text.n), &code);
		if (code == FOLD_NOT_UTF8)
			fputc('?', f);
		else if (code < 0x20 || suspect_hides(code))
			fprintf(f, "<U+%04X>", code);
		else
			fwrite(text.p + at, 1, bytes, f);
	}
}

static void
print_line(FILE *f, char sign, struct span path, struct span line)
{
	struct suspect	s = { .what = NULL };

	if (sign != ' ')
		fprintf(f, "%c ", sign);
	if (!span_is(path, "description") || sign == ' ') {
		pindiff_print_text(f, path);
		fputs(": ", f);
	}
	pindiff_print_text(f, line);
	if (sign == '+')
		suspect_text(line, NULL, &s);
	fputs(s.what != NULL ? "   ! suspicious\n" : "\n", f);
}

struct lines {
	struct span	*at;
	size_t		 count;
};

static void
lines_split(struct lines *l, struct span text)
{
	const char	*end;
	size_t		 n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	if ((l->at = calloc(n, sizeof(*l->at))) == NULL)
		no_memory();
	l->count = 0;
	while ((end = text.n == 0 ? NULL : memchr(text.p, '\n', text.n)) != NULL) {
		l->at[l->count++] = span_part(text, 0, (size_t)(end - text.p));
		text = span_part(text, (size_t)(end - text.p) + 1, text.n);
	}
	l->at[l->count++] = text;
}

/* The longest lines that both have in the same order stay unsaid. */
static size_t
print_lines(FILE *f, struct span path, const struct lines *a, const struct lines *b)
{
	const size_t	 width = b->count + 1;
	uint16_t	*longest = NULL;
	size_t		 i = 0, k = 0, n = 0;

	if (a->count <= LINES_MAX && b->count <= LINES_MAX &&
	    (longest = calloc((a->count + 1) * width, sizeof(*longest))) == NULL)
		no_memory();
	for (size_t x = a->count; longest != NULL && x-- > 0; )
		for (size_t y = b->count; y-- > 0; ) {
			uint16_t	right = longest[x * width + y + 1], down = longest[(x + 1) * width + y];

			longest[x * width + y] = span_eq(a->at[x], b->at[y]) ?
			    (uint16_t)(longest[(x + 1) * width + y + 1] + 1) : right > down ? right : down;
		}
	while (i < a->count || k < b->count) {
		if (longest != NULL && i < a->count && k < b->count && span_eq(a->at[i], b->at[k])) {
			i++;
			k++;
		} else if (i < a->count && (k == b->count || longest == NULL ||
		    longest[(i + 1) * width + k] >= longest[i * width + k + 1])) {
			print_line(f, '-', path, a->at[i++]);
			n++;
		} else {
			print_line(f, '+', path, b->at[k++]);
			n++;
		}
	}
	free(longest);
	return n;
}

/* What a value is written as: a string's content, or JSON. */
static struct span
shown(struct json_value v, struct arena *a)
{
	struct span	s;

	if (v.type != JSON_STRING)
		return v.raw;
	if (json_string(v, a, &s) != 0)
		no_memory();
	return s;
}

static size_t
print_field(FILE *f, struct span path, const struct json_value *from, const struct json_value *to)
{
	struct lines	a = { NULL, 0 }, b = { NULL, 0 };
	struct arena	text;
	size_t		n;

	arena_init(&text, NULL, 0, TEXT_BYTES);
	if (from != NULL)
		lines_split(&a, shown(*from, &text));
	if (to != NULL)
		lines_split(&b, shown(*to, &text));
	n = print_lines(f, path, &a, &b);
	free(a.at);
	free(b.at);
	arena_fini(&text);
	return n;
}

/* --- the whole -------------------------------------------------------------------------------- */

size_t
pindiff_print(FILE *f, struct json_value from, struct json_value to)
{
	const struct field	*other;
	struct fields		 a, b;
	size_t			 n = 0, hint = 0;

	fields_init(&a, from);
	fields_init(&b, to);
	for (size_t i = 0; i < a.count; i++)
		if (field_find(&b, a.at[i].path, &hint) == NULL)
			n += print_field(f, a.at[i].path, &a.at[i].value, NULL);
	hint = 0;
	for (size_t i = 0; i < b.count; i++) {
		other = field_find(&a, b.at[i].path, &hint);
		if (other == NULL || !same(other->value, b.at[i].value))
			n += print_field(f, b.at[i].path, other == NULL ? NULL : &other->value, &b.at[i].value);
	}
	fields_fini(&a);
	fields_fini(&b);
	return n;
}

void
pindiff_print_whole(FILE *f, struct json_value of)
{
	struct fields	a;
	struct lines	l;
	struct arena	text;

	fields_init(&a, of);
	for (size_t i = 0; i < a.count; i++) {
		arena_init(&text, NULL, 0, TEXT_BYTES);
		lines_split(&l, shown(a.at[i].value, &text));
		print_line(f, ' ', a.at[i].path, l.at[0]);
		for (size_t k = 1; k < l.count; k++) {
			fputs("    ", f);
			pindiff_print_text(f, l.at[k]);
			fputc('\n', f);
		}
		free(l.at);
		arena_fini(&text);
	}
	fields_fini(&a);
}

/* --- words ------------------------------------------------------------------------------------ */

static void
add_words(char words[PINDIFF_WORDS], unsigned n, const char *what)
{
	size_t		 used = strlen(words);
	const char	*sep = used > 0 ? ", " : "";

	if (n == 1)
		snprintf(words + used, PINDIFF_WORDS - used, "%s1 %s", sep, what);
	else if (n > 1)
		snprintf(words + used, PINDIFF_WORDS - used, "%s%u %ss", sep, n, what);
}

static void
count_arguments(struct json_value from, struct json_value to, unsigned *came, unsigned *changed)
{
	struct json_value	a = json_get(json_get(from, "inputSchema"), "properties");
	struct json_value	b = json_get(json_get(to, "inputSchema"), "properties"), v, was;
	struct json_iter	it, old;
	struct span		key, name;

	if (b.type != JSON_OBJECT)
		return;
	for (json_iter_init(&it, b); json_iter_next(&it, &key, &v); ) {
		bool	found = false;

		if (a.type == JSON_OBJECT)
			for (json_iter_init(&old, a); !found && json_iter_next(&old, &name, &was); )
				found = same(json_key(name), json_key(key));
		*came += !found;
		*changed += found && !same(was, v);
	}
}

const char *
pindiff_words(struct json_value from, struct json_value to, char words[PINDIFF_WORDS])
{
	static const char *const	fields[] = { "title", "description", "outputSchema", "annotations", "icons",
		"execution", "_meta" };
	unsigned			came = 0, changed = 0, gone = 0, other = 0;
	size_t				used;

	words[0] = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct json_value	a = json_get(from, fields[i]), b = json_get(to, fields[i]);

		if (a.type == b.type && (a.type == JSON_NONE || same(a, b)))
			continue;
		used = strlen(words);
		snprintf(words + used, PINDIFF_WORDS - used, "%s%s %s", used > 0 ? ", " : "", fields[i],
		    a.type == JSON_NONE ? "added" : b.type == JSON_NONE ? "removed" : "changed");
	}
	count_arguments(from, to, &came, &changed);
	count_arguments(to, from, &gone, &other);
	add_words(words, came, "new argument");
	add_words(words, changed, "changed argument");
	add_words(words, gone, "removed argument");
	if (words[0] == '\0')
		snprintf(words, PINDIFF_WORDS, "definition changed");
	return words;
}
