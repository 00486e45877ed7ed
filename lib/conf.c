/* SPDX-License-Identifier: Apache-2.0
 *
 * conf.c - our configuration text: JSON with comments and trailing commas, as a tree with positions
 *
 * Process: mcpgw-compile, mcpgwctl.
 * Owns:    a copy of the text, and the arena all nodes live in.
 * Trusts:  nobody: size, depth and memory are bounded; a half-written file is an error with a place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/conf_priv.h"
#include "lib/sum.h"

#define FEW_MEMBERS	8		/* up to here names are compared one with another */

void
conf_say(struct conf_error *e, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list	ap;

	e->line = line;
	e->column = column;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

static void
place_advance(struct place *at, const char *to)
{
	for (; at->p < to; at->p++) {
		if (*at->p == '\n') {
			at->line++;
			at->column = 1;
		} else if (((unsigned char)*at->p & 0xc0) != 0x80) {
			at->column++;
		}
	}
}

static struct place
place_of(const struct conf *c, size_t offset)
{
	struct place	at = { c->original, 1, 1 };

	place_advance(&at, c->original + offset);
	return at;
}

/* Moves on to what stands at p in c->text. */
static void
place_to(struct conf *c, const char *p)
{
	place_advance(&c->place, c->original + (p - c->text));
}

/* --- comments and trailing commas ------------------------------------------------------------- */

static size_t
string_end(const struct conf *c, size_t i)
{
	for (i++; i < c->bytes && c->text[i] != '"'; i++)
		if (c->text[i] == '\\')
			i++;
	return i < c->bytes ? i : c->bytes - 1;
}

/* Blanks the comment at i; answers the offset of its last byte, or c->bytes when it has no end. */
static size_t
comment_blank(struct conf *c, size_t i)
{
	const bool	line = c->text[i + 1] == '/';
	size_t		end = i + 2;

	if (line) {
		while (end < c->bytes && c->text[end] != '\n')
			end++;
	} else {
		while (end + 1 < c->bytes && (c->text[end] != '*' || c->text[end + 1] != '/'))
			end++;
		if (end + 1 >= c->bytes)
			return c->bytes;
		end += 2;
	}
	for (; i < end; i++)
		if (c->text[i] != '\n')
			c->text[i] = ' ';
	return end - 1;
}

/* Makes strict JSON of the text without moving a byte. */
static int
strict_make(struct conf *c, struct conf_error *error)
{
	size_t	comma = 0;		/* a comma that waits for what follows, + 1 */
	char	last = '\0', t;

	for (size_t i = 0; i < c->bytes; i++) {
		t = c->text[i];
		if (t == ' ' || t == '\t' || t == '\n' || t == '\r')
			continue;
		if (t == '/' && i + 1 < c->bytes && (c->text[i + 1] == '/' || c->text[i + 1] == '*')) {
			size_t end = comment_blank(c, i);

			if (end == c->bytes) {
				struct place at = place_of(c, i);

				conf_say(error, at.line, at.column, "comment without */");
				return E_JSON_SYNTAX;
			}
			i = end;
			continue;
		}
		if ((t == ']' || t == '}') && comma != 0)
			c->text[comma - 1] = ' ';
		comma = t == ',' && last != '[' && last != '{' && last != ',' && last != ':' &&
		    last != '\0' ? i + 1 : 0;
		last = t;
		if (t == '"')
			i = string_end(c, i);
	}
	return 0;
}

/* --- what is wrong, in words ------------------------------------------------------------------ */

static char
before(const struct conf *c, size_t at)
{
	while (at > 0) {
		char t = c->text[--at];

		if (t != ' ' && t != '\t' && t != '\n' && t != '\r')
			return t;
	}
	return '\0';
}

static void
syntax_say(const struct conf *c, size_t at, int why, struct conf_error *error)
{
	struct place	p = place_of(c, at < c->bytes ? at : c->bytes);
	unsigned char	t = at < c->bytes ? (unsigned char)c->text[at] : 0;
	char		b = before(c, at);
	const char	*hint = "";

	if (why == E_JSON_DEPTH) {
		conf_say(error, p.line, p.column, "nested more than %d deep", JSON_DEPTH_MAX);
	} else if (why == E_NOMEM) {
		conf_say(error, p.line, p.column, "out of memory");
	} else if (at >= c->bytes) {
		conf_say(error, p.line, p.column, c->bytes == 0 || b == '\0' ?
		    "the file is empty; write {} for \"nothing\"" :
		    "the text ends too early: is the file whole?");
	} else if (at >= 6 && memcmp(c->text + at - 6, "\\u0000", 6) == 0) {
		conf_say(error, p.line, p.column - 6, "a NUL (\\u0000) is not allowed in configuration");
	} else if (t == '\n' || t == '\r') {
		conf_say(error, p.line, p.column, "the line ends inside a string: a closing \" is missing");
	} else if (t < 0x20 || t == 0x7f) {
		conf_say(error, p.line, p.column, "control character 0x%02x", t);
	} else if (t >= 0x80) {
		conf_say(error, p.line, p.column, "not UTF-8, or a character that may stand in a string only");
	} else {
		if ((t == '"' || t == '{' || t == '[' || (t >= '0' && t <= '9')) &&
		    (b == '"' || b == '}' || b == ']' || (b >= '0' && b <= '9') || b == 'e' || b == 'l'))
			hint = ": is a comma missing before it?";
		conf_say(error, p.line, p.column, "unexpected %c%s", t, hint);
	}
}

/* --- the tree --------------------------------------------------------------------------------- */

static int
no_memory(const struct place *at, struct conf_error *error)
{
	conf_say(error, at->line, at->column, "too many values for the memory there is");
	return E_NOMEM;
}

static int
text_decode(struct conf *c, struct json_value v, const struct place *at, struct span *out,
    struct conf_error *error)
{
	return json_string(v, &c->arena, out) != 0 ? no_memory(at, error) : 0;
}

static int
twice_say(const struct conf_node *first, const struct conf_node *second, struct conf_error *error)
{
	conf_say(error, second->key_line, second->key_column, "\"%.*s\" is given twice; first at %u:%u",
	    second->key.n > 80 ? 80 : (int)second->key.n, second->key.p, first->key_line,
	    first->key_column);
	return E_JSON_DUPLICATE;
}

int
conf_members_check(const struct conf_node *object, struct conf_error *error)
{
	const struct conf_node	**table, *n, *m;
	size_t			  slots = 16, i;
	int			  r = 0;

	if (object->count <= FEW_MEMBERS) {
		for (n = object->first; n != NULL; n = n->next)
			for (m = object->first; m != n; m = m->next)
				if (span_eq(n->key, m->key))
					return twice_say(m, n, error);
		return 0;
	}
	while (slots < (size_t)object->count * 2)
		slots *= 2;
	if ((table = calloc(slots, sizeof(*table))) == NULL) {
		conf_say(error, object->line, object->column, "out of memory");
		return E_NOMEM;
	}
	for (n = object->first; n != NULL && r == 0; n = n->next) {
		for (i = sum64(n->key) & (slots - 1); table[i] != NULL; i = (i + 1) & (slots - 1))
			if (span_eq(table[i]->key, n->key)) {
				r = twice_say(table[i], n, error);
				break;
			}
		table[i] = n;
	}
	free(table);
	return r;
}

static int
node_new(struct conf *c, struct json_value v, struct conf_node **out, struct conf_error *error)
{
	struct conf_node	*n;

	place_to(c, v.raw.p);
	if ((n = arena_calloc(&c->arena, sizeof(*n))) == NULL)
		return no_memory(&c->place, error);
	n->type = v.type;
	n->text = v.raw;
	n->line = n->key_line = c->place.line;
	n->column = n->key_column = c->place.column;
	*out = n;
	return v.type == JSON_STRING ? text_decode(c, v, &c->place, &n->text, error) : 0;
}

/* Recursion is bounded: the scanner refused what is deeper than JSON_DEPTH_MAX. */
static int
node_fill(struct conf *c, struct conf_node *parent, struct json_value container,
    struct conf_error *error)
{
	const struct conf_node	**link = &parent->first;
	struct json_value	  v;
	struct json_iter	  it;
	struct conf_node	 *n;
	struct place		  key_at;
	struct span		  raw, key;
	int			  r;

	json_iter_init(&it, container);
	while (json_iter_next(&it, &raw, &v)) {
		key = SPAN_NONE;
		if (container.type == JSON_OBJECT) {
			/* raw stands between its quotes */
			place_to(c, raw.p - 1);
			key_at = c->place;
			if ((r = text_decode(c, (struct json_value){ JSON_STRING,
			    span_make(raw.p - 1, raw.n + 2) }, &key_at, &key, error)) != 0)
				return r;
		}
		if ((r = node_new(c, v, &n, error)) != 0)
			return r;
		if (container.type == JSON_OBJECT) {
			n->key = key;
			n->key_line = key_at.line;
			n->key_column = key_at.column;
		}
		n->parent = parent;
		n->index = parent->count++;
		*link = n;
		link = &n->next;
		if ((r = node_fill(c, n, v, error)) != 0)
			return r;
	}
	return container.type == JSON_OBJECT ? conf_members_check(parent, error) : 0;
}

int
conf_new(struct span text, struct conf **out, struct conf_error *error)
{
	struct conf		*c = NULL;
	struct json_value	 top;
	const char		*nul;
	size_t			 at = 0;
	int			 r;

	*out = NULL;
	*error = (struct conf_error){ .line = 1, .column = 1 };
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = span_part(text, 3, text.n);	/* a byte order mark, as editors elsewhere leave it */
	if (text.n > CONF_MAX_BYTES) {
		conf_say(error, 1, 1, "larger than %u MiB", CONF_MAX_BYTES >> 20);
		return E_TOOBIG;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL || (c->text = malloc(text.n + 1)) == NULL) {
		conf_say(error, 1, 1, "out of memory");
		r = E_NOMEM;
		goto out;
	}
	if (text.n > 0)
		memcpy(c->text, text.p, text.n);
	c->text[text.n] = '\0';
	c->bytes = text.n;
	arena_init(&c->arena, NULL, 0, CONF_NODES_BYTES);
	c->original = text.n > 0 ? text.p : c->text;
	c->place = (struct place){ c->original, 1, 1 };

	if ((nul = memchr(c->text, '\0', c->bytes)) != NULL) {
		struct place p = place_of(c, (size_t)(nul - c->text));

		conf_say(error, p.line, p.column, "a NUL byte: this is no text");
		r = E_FORMAT;
		goto out;
	}
	if ((r = strict_make(c, error)) != 0)
		goto out;
	if ((r = json_parse(span_make(c->text, c->bytes), false, &top, &at)) != 0) {
		syntax_say(c, at, r, error);
		goto out;
	}
	if ((r = node_new(c, top, &c->top, error)) != 0 ||
	    (r = node_fill(c, c->top, top, error)) != 0)
		goto out;
	*out = c;
	c = NULL;
 out:
	conf_free(&c);
	return r;
}

void
conf_free(struct conf **cp)
{
	struct conf	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	arena_fini(&c->arena);
	free(c->text);
	free(c);
}

const struct conf_node *
conf_top(const struct conf *c)
{
	return c->top;
}

const struct conf_node *
conf_find(const struct conf_node *n, const char *key)
{
	struct span	want = span_of(key);

	if (n == NULL || n->type != JSON_OBJECT)
		return NULL;
	for (n = n->first; n != NULL; n = n->next)
		if (span_eq(n->key, want))
			return n;
	return NULL;
}

/* Keys of blanks, quotes, brackets and control characters are quoted; a dot is not, since agent names
 * may hold one and the seeds write them plain. */
static bool
key_is_plain(struct span key)
{
	for (size_t i = 0; i < key.n; i++)
		if ((unsigned char)key.p[i] <= ' ' || strchr("\"[]\\", key.p[i]) != NULL || key.p[i] == 0x7f)
			return false;
	return key.n > 0;
}

int
conf_path(const struct conf_node *n, struct buf *to)
{
	int	r;

	if (n->parent == NULL)
		return 0;
	if ((r = conf_path(n->parent, to)) != 0)
		return r;
	if (n->parent->type == JSON_ARRAY)
		return buf_put_fmt(to, "[%u]", n->index);
	if (!key_is_plain(n->key)) {
		if ((r = buf_put_str(to, "[")) != 0 || (r = json_put_string(to, n->key)) != 0)
			return r;
		return buf_put_str(to, "]");
	}
	if (n->parent->parent != NULL && (r = buf_put_str(to, ".")) != 0)
		return r;
	return buf_put(to, n->key);
}

int
conf_put_json(const struct conf_node *n, struct buf *to)
{
	bool	object = n->type == JSON_OBJECT;
	int	r;

	if (n->type == JSON_STRING)
		return json_put_string(to, n->text);
	if (!object && n->type != JSON_ARRAY)
		return buf_put(to, n->text);
	if ((r = buf_put_str(to, object ? "{" : "[")) != 0)
		return r;
	for (const struct conf_node *m = n->first; m != NULL; m = m->next) {
		if (m != n->first && (r = buf_put_str(to, ",")) != 0)
			return r;
		if (object && ((r = json_put_string(to, m->key)) != 0 || (r = buf_put_str(to, ":")) != 0))
			return r;
		if ((r = conf_put_json(m, to)) != 0)
			return r;
	}
	return buf_put_str(to, object ? "}" : "]");
}

const char *
conf_type_name(enum json_type t)
{
	switch (t) {
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "true or false";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	default:
		return "nothing";
	}
}
