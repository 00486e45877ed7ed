/* SPDX-License-Identifier: Apache-2.0
 *
 * change.c - what an operator changes of a server's tool
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that tool and arguments are proven JSON, and what the compiler made of the operator's words.
 */
#include "mcp/change.h"
#include "mcp/splice.h"

#define ARGUMENTS_MAX	(32 * 1024 * 1024)	/* bytes they may become */

/* --- arguments --------------------------------------------------------------------------------- */

/* Are two JSON strings the same text?  0, 1, or E_NOMEM. */
static int
same_string(struct json_value a, struct json_value b)
{
	struct span	x, y;
	struct arena	arena;
	int		r;

	/* Mostly neither has an escape. */
	if (memchr(a.raw.p, '\\', a.raw.n) == NULL && memchr(b.raw.p, '\\', b.raw.n) == NULL)
		return span_eq(a.raw, b.raw);
	arena_init(&arena, NULL, 0, a.raw.n + b.raw.n + 4096);
	if ((r = json_string(a, &arena, &x)) == 0 && (r = json_string(b, &arena, &y)) == 0)
		r = span_eq(x, y);
	arena_fini(&arena);
	return r;
}

/* The argument of this name: 1 with *out, 0, or E_NOMEM. */
static int
argument_of(const struct mcp_change *c, struct span key, const struct mcp_argument **out)
{
	int	r;

	for (size_t i = 0; i < c->count; i++)
		if ((r = same_string(json_key(key), (struct json_value){ JSON_STRING, c->arguments[i].name })) != 0) {
			*out = &c->arguments[i];
			return r;
		}
	return 0;
}

/* Those the client has not given, as members behind its own. */
static int
put_rest(struct buf *to, const struct mcp_change *c, const bool *given, bool comma)
{
	int	r;

	for (size_t i = 0; i < c->count; i++) {
		if (given[i])
			continue;
		if ((r = buf_put_str(to, comma ? "," : "")) != 0 || (r = buf_put(to, c->arguments[i].name)) != 0 ||
		    (r = buf_put_str(to, ":")) != 0 || (r = buf_put(to, c->arguments[i].value)) != 0)
			return r;
		comma = true;
	}
	return 0;
}

static int
splice_given(const struct mcp_change *c, struct json_value arguments, struct arena *a, bool *given, struct splices *s)
{
	const struct mcp_argument	*one = NULL;
	struct json_iter		 it;
	struct json_value		 value;
	struct span			 key, rest = SPAN_NONE;
	struct buf			 b;
	bool				 comma = false;
	int				 r;

	json_iter_init(&it, arguments);
	for (; json_iter_next(&it, &key, &value); comma = true) {
		if ((r = argument_of(c, key, &one)) < 0)
			return r;
		if (r == 0)
			continue;
		given[one - c->arguments] = true;
		if (one->set && (r = splices_add(s, value.raw, one->value)) != 0)
			return r;
	}
	buf_init(&b, ARGUMENTS_MAX);
	if ((r = put_rest(&b, c, given, comma)) == 0 && buf_rest(&b).n > 0 &&
	    (rest = arena_dup(a, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	if (r != 0 || rest.n == 0)
		return r;
	return splices_add(s, span_make(arguments.raw.p + arguments.raw.n - 1, 0), rest);
}

int
mcp_change_arguments(const struct mcp_change *c, struct json_value given, struct arena *a, struct json_value *out)
{
	struct splices	 s;
	struct buf	 b;
	bool		*seen;
	int		 r;

	if (given.type != JSON_OBJECT)
		given = (struct json_value){ JSON_OBJECT, SPAN_LIT("{}") };
	*out = given;
	if (c->count == 0)
		return 0;
	if ((seen = arena_calloc(a, c->count * sizeof(*seen))) == NULL)
		return E_NOMEM;
	splices_init(&s, a);
	if ((r = splice_given(c, given, a, seen, &s)) != 0 || s.count == 0)
		return r;
	buf_init(&b, ARGUMENTS_MAX);
	if ((r = splice_text(&b, given.raw, &s)) == 0 && (out->raw = arena_dup(a, buf_rest(&b))).p == NULL)
		r = E_NOMEM;
	buf_fini(&b);
	return r;
}

/* --- the tool as it is shown -------------------------------------------------------------------- */

struct putting {
	struct buf		*to;
	const struct mcp_change	*c;
	bool			 comma;
};

static int
put_key(struct putting *p, struct span quoted)
{
	const bool	comma = p->comma;
	int		r;

	p->comma = true;
	if ((comma && (r = buf_put_str(p->to, ",")) != 0) || (r = buf_put(p->to, quoted)) != 0)
		return r;
	return buf_put_str(p->to, ":");
}

static int
put_pair(struct putting *p, struct span key, struct span value)
{
	int	r;

	if ((r = put_key(p, json_key(key).raw)) != 0)
		return r;
	return buf_put(p->to, value);
}

/* One property, with what it is when it is not given. */
static int
put_with_default(struct putting *p, struct json_value property, struct span fallback)
{
	struct putting		in = { p->to, p->c, false };
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r;

	if (property.type != JSON_OBJECT)
		return buf_put(p->to, property.raw);
	if ((r = buf_put_str(p->to, "{")) != 0)
		return r;
	json_iter_init(&it, property);
	while (json_iter_next(&it, &key, &value))
		if (!json_is(json_key(key), "default") && (r = put_pair(&in, key, value.raw)) != 0)
			return r;
	if ((r = put_key(&in, SPAN_LIT("\"default\""))) != 0 || (r = buf_put(p->to, fallback)) != 0)
		return r;
	return buf_put_str(p->to, "}");
}

static int
put_properties(struct putting *p, struct json_value properties)
{
	struct putting			in = { p->to, p->c, false };
	const struct mcp_argument	*one = NULL;
	struct json_iter		it;
	struct json_value		value;
	struct span			key;
	int				r;

	if (properties.type != JSON_OBJECT)
		return buf_put(p->to, properties.raw);
	if ((r = buf_put_str(p->to, "{")) != 0)
		return r;
	json_iter_init(&it, properties);
	while (json_iter_next(&it, &key, &value)) {
		if ((r = argument_of(p->c, key, &one)) < 0)
			return r;
		if (r == 0)
			r = put_pair(&in, key, value.raw);
		else if (one->set)
			continue;
		else if ((r = put_key(&in, json_key(key).raw)) == 0)
			r = put_with_default(&in, value, one->value);
		if (r != 0)
			return r;
	}
	return buf_put_str(p->to, "}");
}

static int
put_required(struct putting *p, struct json_value required)
{
	const struct mcp_argument	*one = NULL;
	struct json_iter		it;
	struct json_value		value;
	struct span			none;
	bool				comma = false;
	int				r;

	if (required.type != JSON_ARRAY)
		return buf_put(p->to, required.raw);
	if ((r = buf_put_str(p->to, "[")) != 0)
		return r;
	json_iter_init(&it, required);
	while (json_iter_next(&it, &none, &value)) {
		r = value.type != JSON_STRING ? 0 : argument_of(p->c, span_part(value.raw, 1, value.raw.n - 2), &one);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if ((comma && (r = buf_put_str(p->to, ",")) != 0) || (r = buf_put(p->to, value.raw)) != 0)
			return r;
		comma = true;
	}
	return buf_put_str(p->to, "]");
}

static int
put_schema(struct putting *p, struct json_value schema)
{
	struct putting		in = { p->to, p->c, false };
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r;

	if (schema.type != JSON_OBJECT || p->c->count == 0)
		return buf_put(p->to, schema.raw);
	if ((r = buf_put_str(p->to, "{")) != 0)
		return r;
	json_iter_init(&it, schema);
	while (json_iter_next(&it, &key, &value)) {
		if ((r = put_key(&in, json_key(key).raw)) != 0)
			return r;
		if (json_is(json_key(key), "properties"))
			r = put_properties(&in, value);
		else if (json_is(json_key(key), "required"))
			r = put_required(&in, value);
		else
			r = buf_put(p->to, value.raw);
		if (r != 0)
			return r;
	}
	return buf_put_str(p->to, "}");
}

/* The server's hints, those of the operator over them. */
static int
put_annotations(struct putting *p, struct json_value theirs)
{
	const struct json_value	ours = { JSON_OBJECT, p->c->annotations };
	struct putting		in = { p->to, p->c, false };
	struct json_iter	it, of;
	struct json_value	value, other;
	struct span		key, name;
	bool			said;
	int			r;

	if ((r = buf_put_str(p->to, "{")) != 0)
		return r;
	if (theirs.type == JSON_OBJECT)
		json_iter_init(&it, theirs);
	while (theirs.type == JSON_OBJECT && json_iter_next(&it, &key, &value)) {
		said = false;
		json_iter_init(&of, ours);
		while (!said && json_iter_next(&of, &name, &other)) {
			if ((r = same_string(json_key(key), json_key(name))) < 0)
				return r;
			said = r > 0;
		}
		if (!said && (r = put_pair(&in, key, value.raw)) != 0)
			return r;
	}
	json_iter_init(&of, ours);
	while (json_iter_next(&of, &name, &other))
		if ((r = put_pair(&in, name, other.raw)) != 0)
			return r;
	return buf_put_str(p->to, "}");
}

int
mcp_change_put(struct buf *to, const struct mcp_change *c, struct json_value tool)
{
	struct putting		p = { to, c, false };
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	bool			described = c->description.n == 0, hinted = c->annotations.n == 0;
	int			r;

	if ((r = buf_put_str(to, "{")) != 0)
		return r;
	json_iter_init(&it, tool);
	while (json_iter_next(&it, &key, &value)) {
		const struct json_value	name = json_key(key);

		if ((r = put_key(&p, name.raw)) != 0)
			return r;
		if (c->name.n > 0 && json_is(name, "name")) {
			r = json_put_string(to, c->name);
		} else if (c->description.n > 0 && json_is(name, "description")) {
			described = true;
			r = buf_put(to, c->description);
		} else if (c->annotations.n > 0 && json_is(name, "annotations")) {
			hinted = true;
			r = put_annotations(&p, value);
		} else if (json_is(name, "inputSchema")) {
			r = put_schema(&p, value);
		} else {
			r = buf_put(to, value.raw);
		}
		if (r != 0)
			return r;
	}
	if ((!described && ((r = put_key(&p, SPAN_LIT("\"description\""))) != 0 ||
	    (r = buf_put(to, c->description)) != 0)) ||
	    (!hinted && ((r = put_key(&p, SPAN_LIT("\"annotations\""))) != 0 ||
	    (r = buf_put(to, c->annotations)) != 0)))
		return r;
	return buf_put_str(to, "}");
}
