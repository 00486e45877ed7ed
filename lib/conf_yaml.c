/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_yaml.c - YAML to the tree of lib/conf.h
 *
 * Process: mcpgw-compile.
 * Owns:    a libyaml parser for the length of a call, and the arena all nodes live in.
 * Trusts:  nobody: size, depth and memory are bounded, and what YAML has beyond JSON's values is refused.
 *
 * Plain words are read as YAML 1.2's core schema reads them, so "yes" and "off" are texts; what it takes
 * for a number and JSON does not (0x1f, .5, +1, 007, .inf) is refused, since readers differ about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "lib/conf_priv.h"
#include "lib/conf_yaml.h"

struct open {
	struct conf_node	 *node;
	const struct conf_node	**link;		/* where the next child goes */
	bool			  has_key;
	struct span		  key;
	yaml_mark_t		  key_at;
};

struct reading {
	struct conf		*c;
	struct conf_error	*error;
	struct span		 text;
	yaml_parser_t		 parser;
	struct open		 open[JSON_DEPTH_MAX];
	size_t			 depth;
	bool			 ended;		/* the document; what follows is one too many */
};

static int __attribute__((format(printf, 4, 5)))
fault(struct reading *r, int error, yaml_mark_t at, const char *fmt, ...)
{
	va_list	ap;

	conf_say(r->error, (uint32_t)at.line + 1, (uint32_t)at.column + 1, "%s", "");
	va_start(ap, fmt);
	vsnprintf(r->error->text, sizeof(r->error->text), fmt, ap);
	va_end(ap);
	return error;
}

/* --- plain words ------------------------------------------------------------------------------ */

static bool
is_one_of(struct span s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (span_is(s, *words))
			return true;
	return false;
}

static size_t
digits(struct span s, size_t at)
{
	size_t	n = 0;

	while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
		n++;
	return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, or 0o17, or 0x1f */
static bool
looks_like_number(struct span s)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
		"-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };
	size_t	at = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'), whole, n;

	if (is_one_of(s, words))
		return true;
	if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'o' || s.p[1] == 'x')) {
		for (n = 2; n < s.n; n++)
			if (s.p[1] == 'o' ? s.p[n] < '0' || s.p[n] > '7' :
			    strchr("0123456789abcdefABCDEF", s.p[n]) == NULL)
				return false;
		return true;
	}
	at += whole = digits(s, at);
	if (at < s.n && s.p[at] == '.') {
		at++;
		n = digits(s, at);
		at += n;
		whole += n;
	}
	if (whole == 0)
		return false;
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		at += at < s.n && (s.p[at] == '-' || s.p[at] == '+');
		if ((n = digits(s, at)) == 0)
			return false;
		at += n;
	}
	return at == s.n;
}

/* What a plain word is; JSON_NONE: a number that JSON would write otherwise. */
static enum json_type
plain_type(struct span s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	struct json_value	 v;

	if (is_one_of(s, nulls))
		return JSON_NULL;
	if (is_one_of(s, trues))
		return JSON_TRUE;
	if (is_one_of(s, falses))
		return JSON_FALSE;
	if (!looks_like_number(s))
		return JSON_STRING;
	return json_parse(s, false, &v, NULL) == 0 && v.type == JSON_NUMBER ? JSON_NUMBER : JSON_NONE;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static int
no_memory(struct reading *r, yaml_mark_t at)
{
	return fault(r, E_NOMEM, at, "too many values for the memory there is");
}

static int
node_add(struct reading *r, enum json_type type, struct span text, yaml_mark_t at, struct conf_node **out)
{
	struct open		*parent = r->depth == 0 ? NULL : &r->open[r->depth - 1];
	struct conf_node	*n;

	*out = NULL;
	if ((n = arena_calloc(&r->c->arena, sizeof(*n))) == NULL)
		return no_memory(r, at);
	n->type = type;
	n->text = text;
	n->line = n->key_line = (uint32_t)at.line + 1;
	n->column = n->key_column = (uint32_t)at.column + 1;
	*out = n;
	if (parent == NULL) {
		r->c->top = n;
		return 0;
	}
	if (parent->node->type == JSON_OBJECT) {
		n->key = parent->key;
		n->key_line = (uint32_t)parent->key_at.line + 1;
		n->key_column = (uint32_t)parent->key_at.column + 1;
		parent->has_key = false;
	}
	n->parent = parent->node;
	n->index = parent->node->count++;
	*parent->link = n;
	parent->link = &n->next;
	return 0;
}

/* Anchors are refused with their aliases: a text of a few lines could stand for a billion values. */
static int
check_properties(struct reading *r, const yaml_char_t *anchor, const yaml_char_t *tag, yaml_mark_t at)
{
	if (anchor != NULL)
		return fault(r, E_FORMAT, at, "anchors (&name) are not allowed; write the value where it is meant");
	if (tag != NULL)
		return fault(r, E_FORMAT, at, "tags (!name) are not allowed");
	return 0;
}

static bool
wants_key(const struct reading *r)
{
	const struct open	*o = r->depth == 0 ? NULL : &r->open[r->depth - 1];

	return o != NULL && o->node->type == JSON_OBJECT && !o->has_key;
}

static int
take_scalar(struct reading *r, const yaml_event_t *e)
{
	bool			 plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct span		 text = span_make(e->data.scalar.value, e->data.scalar.length);
	enum json_type		 type = plain ? plain_type(text) : JSON_STRING;
	struct conf_node	*n;
	struct open		*o;
	int			 res;

	if ((res = check_properties(r, e->data.scalar.anchor, e->data.scalar.tag, e->start_mark)) != 0)
		return res;
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return fault(r, E_FORMAT, e->start_mark, "a NUL is not allowed in configuration");
	if (type == JSON_NONE)
		return fault(r, E_FORMAT, e->start_mark, "%.*s: write the number as JSON does, or quotes around a text",
		    text.n > 60 ? 60 : (int)text.n, text.p);
	if (type == JSON_TRUE)
		text = SPAN_LIT("true");
	else if (type == JSON_FALSE)
		text = SPAN_LIT("false");
	else if (type == JSON_NULL)
		text = SPAN_LIT("null");
	if ((text = arena_dup(&r->c->arena, text)).p == NULL)
		return no_memory(r, e->start_mark);
	if (!wants_key(r))
		return node_add(r, type, text, e->start_mark, &n);
	if (type != JSON_STRING)
		return fault(r, E_FORMAT, e->start_mark, "%.*s as a name: put it in quotes",
		    text.n > 60 ? 60 : (int)text.n, text.p);
	o = &r->open[r->depth - 1];
	o->key = text;
	o->key_at = e->start_mark;
	o->has_key = true;
	return 0;
}

static int
take_begin(struct reading *r, enum json_type type, const yaml_char_t *anchor, const yaml_char_t *tag,
    yaml_mark_t at)
{
	struct conf_node	*n;
	int			 res;

	if ((res = check_properties(r, anchor, tag, at)) != 0)
		return res;
	if (wants_key(r))
		return fault(r, E_FORMAT, at, "a name must be a text");
	if (r->depth == JSON_DEPTH_MAX)
		return fault(r, E_JSON_DEPTH, at, "nested more than %d deep", JSON_DEPTH_MAX);
	if ((res = node_add(r, type, SPAN_NONE, at, &n)) != 0)
		return res;
	r->open[r->depth++] = (struct open){ .node = n, .link = &n->first };
	return 0;
}

static int
take_end(struct reading *r)
{
	const struct conf_node	*n = r->open[--r->depth].node;

	return n->type == JSON_OBJECT ? conf_members_check(n, r->error) : 0;
}

static int
take_event(struct reading *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->ended)
			return fault(r, E_FORMAT, e->start_mark, "more than one document in the file");
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		r->ended = true;
		return 0;
	case YAML_ALIAS_EVENT:
		return fault(r, E_FORMAT, e->start_mark, "aliases (*name) are not allowed; write the value itself");
	case YAML_SCALAR_EVENT:
		return take_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		return take_begin(r, JSON_ARRAY, e->data.sequence_start.anchor, e->data.sequence_start.tag,
		    e->start_mark);
	case YAML_MAPPING_START_EVENT:
		return take_begin(r, JSON_OBJECT, e->data.mapping_start.anchor, e->data.mapping_start.tag,
		    e->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return take_end(r);
	default:
		return 0;
	}
}

/* Does the line begin with blanks, and then a tab? */
static bool
has_tab(struct span text, size_t line)
{
	size_t	i = 0;

	for (; line > 0 && i < text.n; i++)
		line -= text.p[i] == '\n';
	while (i < text.n && text.p[i] == ' ')
		i++;
	return line == 0 && i < text.n && text.p[i] == '\t';
}

static int
syntax(struct reading *r)
{
	const yaml_parser_t	*p = &r->parser;
	const char		*problem = p->problem != NULL ? p->problem : "not YAML";

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(r, p->mark);
	/* What the parser says of it helps nobody. */
	if (p->error == YAML_SCANNER_ERROR && has_tab(r->text, p->problem_mark.line))
		return fault(r, E_FORMAT, p->problem_mark, "a tab in front; YAML wants blanks there");
	/* The reader knows only how far it came. */
	return fault(r, E_FORMAT, p->error == YAML_READER_ERROR ? p->mark : p->problem_mark, "%s%s%s", problem,
	    p->context != NULL ? " " : "", p->context != NULL ? p->context : "");
}

static int
read_events(struct reading *r)
{
	yaml_event_t	e;
	bool		over = false;
	int		res = 0;

	while (res == 0 && !over) {
		if (yaml_parser_parse(&r->parser, &e) == 0)
			return syntax(r);
		over = e.type == YAML_STREAM_END_EVENT;
		res = take_event(r, &e);
		yaml_event_delete(&e);
	}
	if (res == 0 && r->c->top == NULL)
		return fault(r, E_FORMAT, (yaml_mark_t){ 0 }, "the file is empty; write {} for \"nothing\"");
	return res;
}

int
conf_yaml_new(struct span text, struct conf **out, struct conf_error *error)
{
	static struct reading	 r;		/* one thread, and not called again before it returns */
	struct conf		*c;
	int			 res;

	*out = NULL;
	*error = (struct conf_error){ .line = 1, .column = 1 };
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = span_part(text, 3, text.n);
	if (text.n > CONF_YAML_MAX) {
		conf_say(error, 1, 1, "larger than %u MiB", CONF_YAML_MAX >> 20);
		return E_TOOBIG;
	}
	r = (struct reading){ .error = error, .text = text };
	if ((c = calloc(1, sizeof(*c))) == NULL || yaml_parser_initialize(&r.parser) == 0) {
		free(c);
		conf_say(error, 1, 1, "out of memory");
		return E_NOMEM;
	}
	arena_init(&c->arena, NULL, 0, CONF_NODES_BYTES);
	r.c = c;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.n == 0 ? (const yaml_char_t *)"" :
	    (const yaml_char_t *)text.p, text.n);
	res = read_events(&r);
	yaml_parser_delete(&r.parser);
	if (res == 0) {
		*out = c;
		c = NULL;
	}
	conf_free(&c);
	return res;
}
