/* SPDX-License-Identifier: Apache-2.0
 *
 * schema.c - what we ask of a tool's inputSchema
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that the schema's text was proven, so that its depth is bounded.
 */
#include "mcp/schema.h"

struct walk {
	schema_header_fn	*fn;		/* may be NULL */
	void			*arg;
	struct span		 seen[SCHEMA_HEADERS_MAX];
	size_t			 count;
	struct span		 path[SCHEMA_PATH_MAX];	/* raw keys of the properties we are in */
	size_t			 depth;
};

enum place {
	AT_ROOT,
	AT_PROPERTY,		/* reached from the root through `properties` alone */
	AT_OTHER,
};

static int walk_schema(struct walk *w, struct json_value schema, enum place place);

bool
mcp_schema_root_ok(struct json_value schema)
{
	return schema.type == JSON_OBJECT && json_is(json_get(schema, "type"), "object");
}

static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return s.n > 0;
}

static int
take_annotation(struct walk *w, struct json_value schema, struct json_value value, enum place place)
{
	struct json_value	type = json_get(schema, "type");
	struct span		name;

	if (place != AT_PROPERTY || value.type != JSON_STRING || w->count == SCHEMA_HEADERS_MAX)
		return E_FORMAT;
	if (!json_is(type, "string") && !json_is(type, "integer") && !json_is(type, "boolean"))
		return E_FORMAT;
	name = span_part(value.raw, 1, value.raw.n - 2);	/* no token needs an escape */
	if (!is_token(name))
		return E_FORMAT;
	for (size_t i = 0; i < w->count; i++)
		if (span_eq_nocase(w->seen[i], name))
			return E_FORMAT;
	w->seen[w->count++] = name;
	return w->fn == NULL ? 0 : w->fn(name, w->path, w->depth, w->arg);
}

/* Members are schemas by name, whatever the names are. */
static int
walk_named(struct walk *w, struct json_value map, enum place place)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r = 0;

	if (map.type != JSON_OBJECT)
		return 0;
	if (w->depth == SCHEMA_PATH_MAX)
		return E_FORMAT;
	json_iter_init(&it, map);
	w->depth++;
	while (r == 0 && json_iter_next(&it, &key, &value)) {
		w->path[w->depth - 1] = key;
		r = walk_schema(w, value, place);
	}
	w->depth--;
	return r;
}

static int
walk_member(struct walk *w, struct json_value schema, struct span key, struct json_value value,
    enum place place)
{
	static const char *const data[] = { "default", "const", "enum", "examples", NULL };
	static const char *const maps[] = { "patternProperties", "$defs", "definitions", "dependentSchemas",
		NULL };

	if (json_is(json_key(key), "x-mcp-header"))
		return take_annotation(w, schema, value, place);
	if (json_is(json_key(key), "properties"))
		return walk_named(w, value, place == AT_OTHER ? AT_OTHER : AT_PROPERTY);
	if (json_is_one_of(json_key(key), data))
		return 0;
	if (json_is_one_of(json_key(key), maps))
		return walk_named(w, value, AT_OTHER);
	return walk_schema(w, value, AT_OTHER);
}

static int
walk_schema(struct walk *w, struct json_value schema, enum place place)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r = 0;

	if (schema.type != JSON_OBJECT && schema.type != JSON_ARRAY)
		return 0;
	json_iter_init(&it, schema);
	while (r == 0 && json_iter_next(&it, &key, &value))
		r = it.object ? walk_member(w, schema, key, value, place) : walk_schema(w, value, AT_OTHER);
	return r;
}

int
mcp_schema_headers(struct json_value schema, schema_header_fn *fn, void *arg)
{
	struct walk	w = { .fn = fn, .arg = arg };

	return walk_schema(&w, schema, AT_ROOT);
}
