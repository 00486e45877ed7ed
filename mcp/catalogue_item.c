/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue_item.c - one tool, prompt, resource or template as its upstream lists it
 *
 * Process: worker.  Owns: nothing; decoded names are the caller's arena's.
 * Trusts:  that the object was proven, and nothing in it.
 */
#include "mcp/catalogue_priv.h"
#include "mcp/schema.h"

static const struct catalogue_row rows[CATALOGUE_KINDS] = {
	[CATALOGUE_TOOLS] = { "tools", "tools", "name", true, MCP_TOOLS_LIST, MCP_OFFER_TOOLS,
	    CATALOGUE_ITEMS_MAX },
	[CATALOGUE_PROMPTS] = { "prompts", "prompts", "name", true, MCP_PROMPTS_LIST, MCP_OFFER_PROMPTS,
	    CATALOGUE_ITEMS_MAX },
	[CATALOGUE_RESOURCES] = { "resources", "resources", "uri", false, MCP_RESOURCES_LIST,
	    MCP_OFFER_RESOURCES, CATALOGUE_ITEMS_MAX },
	[CATALOGUE_TEMPLATES] = { "resource templates", "resourceTemplates", "uriTemplate", false,
	    MCP_RESOURCES_TEMPLATES_LIST, MCP_OFFER_RESOURCES, CATALOGUE_TEMPLATES_MAX },
};

const struct catalogue_row *
catalogue_row(enum catalogue_kind kind)
{
	return &rows[kind < CATALOGUE_KINDS ? kind : CATALOGUE_TOOLS];
}

const char *
catalogue_drop_text(enum catalogue_drop why)
{
	static const char *const texts[CATALOGUE_DROP_KINDS] = {
		[CATALOGUE_DROP_NAME] = "no usable name",
		[CATALOGUE_DROP_SCHEMA] = "inputSchema is not an object of type object",
		[CATALOGUE_DROP_ARGUMENTS] = "arguments is not a list of named ones",
		[CATALOGUE_DROP_HEADER] = "x-mcp-header against its rules",
		[CATALOGUE_DROP_DOUBLE] = "name or member comes twice",
		[CATALOGUE_DROP_LIMIT] = "too many of them, or too large",
	};

	return why < CATALOGUE_DROP_KINDS ? texts[why] : "";
}

/* Without the blanks between tokens; never longer. */
size_t
catalogue_compact(struct span from, char *to)
{
	const char	*p = from.p, *end = from.p + from.n;
	char		*start = to;
	bool		 string = false;

	for (; p < end; p++) {
		if (string && *p == '\\' && end - p > 1) {
			*to++ = *p++;
		} else if (*p == '"') {
			string = !string;
		} else if (!string && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
			continue;
		}
		*to++ = *p;
	}
	return (size_t)(to - start);
}

/* Characters of a string value, as Python counts them. */
static size_t
string_chars(struct json_value v)
{
	size_t	n = 0;

	if (v.type != JSON_STRING)
		return 0;
	for (size_t i = 1; i + 1 < v.raw.n; i++) {
		if (v.raw.p[i] != '\\') {
			n += ((unsigned char)v.raw.p[i] & 0xc0) != 0x80;
			continue;
		}
		i++;
		if (v.raw.p[i] != 'u') {
			n++;
			continue;
		}
		/* A low surrogate belongs to the character before it. */
		n += !((v.raw.p[i + 1] | 0x20) == 'd' && (v.raw.p[i + 2] | 0x20) >= 'c');
		i += 4;
	}
	return n;
}

unsigned
catalogue_member_of(enum catalogue_kind kind, struct span key, struct json_value value)
{
	static const struct { const char *name; unsigned bit; bool tools_only; } names[] = {
		{ "icons", CATALOGUE_HAS_ICONS, false }, { "title", CATALOGUE_HAS_TITLE, false },
		{ "execution", CATALOGUE_HAS_EXECUTION, true },
		{ "annotations", CATALOGUE_HAS_ANNOTATIONS, true },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_is(json_key(key), names[i].name))
			return names[i].tools_only && kind != CATALOGUE_TOOLS ? 0 : names[i].bit;
	if (kind == CATALOGUE_TOOLS && json_is(json_key(key), "outputSchema"))
		return mcp_schema_root_ok(value) ? CATALOGUE_HAS_OUTPUT : CATALOGUE_HAS_OUTPUT_ANY;
	return 0;
}

static bool
text_ok(struct span text, size_t most)
{
	if (text.n == 0 || text.n > most)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return true;
}

/* [{"name":...}, ...], or none. */
static bool
arguments_ok(struct json_value arguments)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;

	if (arguments.type == JSON_NONE)
		return true;
	if (arguments.type != JSON_ARRAY)
		return false;
	json_iter_init(&it, arguments);
	while (json_iter_next(&it, &key, &value))
		if (json_get(value, "name").type != JSON_STRING)
			return false;
	return true;
}

static int
judge(enum catalogue_kind kind, const struct catalogue_item *t)
{
	switch (kind) {
	case CATALOGUE_TOOLS:
		if (!mcp_schema_root_ok(t->schema))
			return 1 + CATALOGUE_DROP_SCHEMA;
		return 0;
	case CATALOGUE_PROMPTS:
		return arguments_ok(json_get(t->object, "arguments")) ? 0 : 1 + CATALOGUE_DROP_ARGUMENTS;
	case CATALOGUE_RESOURCES:
	case CATALOGUE_TEMPLATES:
	default:
		return json_get(t->object, "name").type == JSON_STRING ? 0 : 1 + CATALOGUE_DROP_NAME;
	}
}

static uint8_t
tasks_of(struct json_value tool)
{
	struct json_value	support = json_get(json_get(tool, "execution"), "taskSupport");

	return json_is(support, "required") ? CATALOGUE_TASKS_MUST : json_is(support, "optional") ?
	    CATALOGUE_TASKS_MAY : CATALOGUE_TASKS_NONE;
}

void
catalogue_hints(struct json_value annotations, uint8_t *hints, uint8_t *said)
{
	static const struct { const char *name; uint8_t bit; } named[] = {
		{ "readOnlyHint", HINT_READ_ONLY }, { "destructiveHint", HINT_DESTRUCTIVE },
		{ "idempotentHint", HINT_IDEMPOTENT }, { "openWorldHint", HINT_OPEN_WORLD },
	};

	*hints = *said = 0;
	for (size_t i = 0; annotations.type == JSON_OBJECT && i < sizeof(named) / sizeof(named[0]); i++) {
		enum json_type	type = json_get(annotations, named[i].name).type;

		*said |= type == JSON_TRUE || type == JSON_FALSE ? named[i].bit : 0;
		*hints |= type == JSON_TRUE ? named[i].bit : 0;
	}
}

int
catalogue_item_read(enum catalogue_kind kind, struct arena *text, struct catalogue_item *t)
{
	const struct catalogue_row	*row = catalogue_row(kind);
	struct json_iter		 it;
	struct json_value		 value;
	struct span			 key;
	size_t				 chars;
	int				 r;

	t->name_value = json_get(t->object, row->key);
	t->description = json_get(t->object, "description");
	t->schema = kind == CATALOGUE_TOOLS ? json_get(t->object, "inputSchema") :
	    (struct json_value){ JSON_NONE, SPAN_NONE };
	t->members = t->composed_bytes = t->param_count = 0;
	t->params = NULL;
	t->fills = false;
	t->tasks = kind == CATALOGUE_TOOLS ? tasks_of(t->object) : CATALOGUE_TASKS_NONE;
	t->standing = CATALOGUE_STANDS;
	t->clashes = false;
	t->hints = t->hints_said = 0;
	if (kind == CATALOGUE_TOOLS)
		catalogue_hints(json_get(t->object, "annotations"), &t->hints, &t->hints_said);
	if (t->name_value.type != JSON_STRING)
		return 1 + CATALOGUE_DROP_NAME;
	if ((r = json_string(t->name_value, text, &t->name)) != 0)
		return r;
	if (!text_ok(t->name, row->composes ? CATALOGUE_NAME_MAX : CATALOGUE_URI_MAX))
		return 1 + CATALOGUE_DROP_NAME;
	if ((r = judge(kind, t)) != 0)
		return r;
	/* Long paths, many times: what is read of a schema may be larger than its text. */
	if (kind == CATALOGUE_TOOLS && (r = mcp_params_read(t->schema, text, &t->params, &t->param_count)) != 0)
		return 1 + (r == E_FORMAT ? CATALOGUE_DROP_HEADER : CATALOGUE_DROP_LIMIT);
	json_iter_init(&it, t->object);
	while (json_iter_next(&it, &key, &value))
		t->members |= (uint8_t)catalogue_member_of(kind, key, value);
	chars = string_chars(t->name_value) + string_chars(t->description) + t->schema.raw.n;
	t->tokens = chars < 8 ? 1 : (uint32_t)(chars / 4);
	t->definition = t->object;
	t->shown = t->name;
	t->asked = t->params;
	t->asked_count = t->param_count;
	return 0;
}

int
catalogue_item_change(struct arena *text, struct catalogue_item *t, const struct mcp_change *c)
{
	struct catalogue_item	as = *t;
	struct json_value	proven;
	struct buf		b;
	char			*copy;
	int			r;

	buf_init(&b, CATALOGUE_BYTES_MAX);
	if ((r = mcp_change_put(&b, c, t->definition)) == 0 &&
	    (r = json_parse(buf_rest(&b), true, &proven, NULL)) == 0) {
		if ((copy = arena_alloc(text, proven.raw.n)) == NULL)
			r = E_NOMEM;
		else
			as.object.raw = span_make(copy, catalogue_compact(proven.raw, copy));
	}
	buf_fini(&b);
	if (r != 0)
		return r == E_NOMEM ? r : 1 + CATALOGUE_DROP_LIMIT;
	if ((r = catalogue_item_read(CATALOGUE_TOOLS, text, &as)) != 0)
		return r;
	/* What its server is told stays its own. */
	as.asked = as.params;
	as.asked_count = as.param_count;
	as.params = t->params;
	as.param_count = t->param_count;
	as.definition = t->definition;
	as.shown = c->taken ? SPAN_NONE : as.name;
	as.name = t->name;
	as.fills = mcp_change_fills(c);
	*t = as;
	return 0;
}
