/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue.c - one upstream's tools, from the pages of its tools/list
 *
 * Process: worker.
 * Owns:    a compact copy of every tool object, the tools, two hash tables over them.
 * Trusts:  nothing an upstream lists: what is malformed is dropped, sizes and counts are bounded, the
 *          hashes are keyed.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/sum.h"
#include "mcp/catalogue.h"
#include "mcp/rank.h"
#include "mcp/schema.h"

#define CATALOGUE_MAGIC	0x43617461u

struct index {
	uint32_t	*slot;		/* number of the tool + 1, 0 = free */
	uint32_t	 room;		/* a power of two */
};

struct catalogue {
	uint32_t		 magic;
	uint32_t		 refs;
	bool			 finished;
	struct rank_docs	*words;		/* NULL: nobody searched */
	struct span		 server, prefix;
	struct arena		 text;
	struct sum_key		 key;
	struct catalogue_tool	*tool;
	uint32_t		 count, room;
	struct index		 by_name, by_composed;
	uint64_t		*cursor;	/* sums of the cursors seen */
	size_t			 pages;
	uint32_t		 dropped[CATALOGUE_DROP_KINDS];
};

/* --- look-ups ------------------------------------------------------------------------------------ */

static struct span
key_of(const struct catalogue *c, const struct index *x, uint32_t i)
{
	const struct catalogue_tool	*t = &c->tool[i];

	return x == &c->by_name ? t->name : span_make(t->composed, t->composed_bytes);
}

/* The slot of this key, or the free one where it belongs. */
static uint32_t *
index_slot(const struct catalogue *c, const struct index *x, struct span key)
{
	uint32_t	i = (uint32_t)hash64(&c->key, key) & (x->room - 1);

	while (x->slot[i] != 0 && !span_eq(key_of(c, x, x->slot[i] - 1), key))
		i = (i + 1) & (x->room - 1);
	return &x->slot[i];
}

/* An empty table with room for `count` keys at half load. */
static int
index_make(struct index *x, uint32_t count)
{
	uint32_t	room = 64;

	while (room < 2 * count)
		room *= 2;
	free(x->slot);
	if ((x->slot = calloc(room, sizeof(*x->slot))) == NULL)
		return E_NOMEM;
	x->room = room;
	return 0;
}

static int
tools_grow(struct catalogue *c)
{
	uint32_t		 room = c->room == 0 ? 32 : c->room * 2;
	struct catalogue_tool	*tool = realloc(c->tool, room * sizeof(*tool));
	int			 r;

	if (tool == NULL)
		return E_NOMEM;
	c->tool = tool;
	c->room = room;
	if ((r = index_make(&c->by_name, room)) != 0)
		return r;
	for (uint32_t i = 0; i < c->count; i++)
		*index_slot(c, &c->by_name, c->tool[i].name) = i + 1;
	return 0;
}

/* --- one tool ------------------------------------------------------------------------------------ */

/* Without the blanks between tokens; never longer. */
static size_t
compact(struct span from, char *to)
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
catalogue_member_of(struct span key, struct json_value value)
{
	static const struct { const char *name; unsigned bit; } rows[] = {
		{ "icons", CATALOGUE_HAS_ICONS }, { "execution", CATALOGUE_HAS_EXECUTION },
		{ "title", CATALOGUE_HAS_TITLE }, { "annotations", CATALOGUE_HAS_ANNOTATIONS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_is(json_key(key), rows[i].name))
			return rows[i].bit;
	if (json_is(json_key(key), "outputSchema"))
		return mcp_schema_root_ok(value) ? CATALOGUE_HAS_OUTPUT : CATALOGUE_HAS_OUTPUT_ANY;
	return 0;
}

static bool
name_ok(struct span name)
{
	if (name.n == 0 || name.n > CATALOGUE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	return true;
}

/* Fills t from its compact object: 0, E_NOMEM, or 1 + enum catalogue_drop. */
static int
tool_read(struct catalogue *c, struct catalogue_tool *t)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key, composed;
	size_t			chars;
	int			r;

	t->name_value = json_get(t->object, "name");
	t->description = json_get(t->object, "description");
	t->schema = json_get(t->object, "inputSchema");
	t->members = 0;
	t->clashes = false;
	if (t->name_value.type != JSON_STRING)
		return 1 + CATALOGUE_DROP_NAME;
	if ((r = json_string(t->name_value, &c->text, &t->name)) != 0)
		return r;
	if (!name_ok(t->name))
		return 1 + CATALOGUE_DROP_NAME;
	if (!mcp_schema_root_ok(t->schema))
		return 1 + CATALOGUE_DROP_SCHEMA;
	if (*index_slot(c, &c->by_name, t->name) != 0)
		return 1 + CATALOGUE_DROP_DOUBLE;
	/* Long paths, many times: what is read of a schema may be larger than its text. */
	if ((r = mcp_params_read(t->schema, &c->text, &t->params, &t->param_count)) != 0)
		return 1 + (r == E_FORMAT ? CATALOGUE_DROP_HEADER : CATALOGUE_DROP_LIMIT);
	json_iter_init(&it, t->object);
	while (json_iter_next(&it, &key, &value))
		t->members |= (uint8_t)catalogue_member_of(key, value);
	composed = mcp_name_compose(c->prefix, c->server, t->name, t->composed);
	t->composed_bytes = (uint8_t)composed.n;
	chars = string_chars(t->name_value) + string_chars(t->description) + t->schema.raw.n;
	t->tokens = chars < 8 ? 1 : (uint32_t)(chars / 4);
	return 0;
}

static int
tool_add(struct catalogue *c, struct json_value from)
{
	struct catalogue_tool	*t;
	struct json_value	 proven;
	char			*copy;
	int			 r;

	if (from.type != JSON_OBJECT) {
		c->dropped[CATALOGUE_DROP_NAME]++;
		return 0;
	}
	if ((r = json_parse(from.raw, true, &proven, NULL)) != 0) {
		if (r == E_NOMEM)
			return r;
		c->dropped[CATALOGUE_DROP_DOUBLE]++;
		return 0;
	}
	if (c->count == CATALOGUE_TOOLS_MAX || c->text.used + 2 * from.raw.n > CATALOGUE_BYTES_MAX) {
		c->dropped[CATALOGUE_DROP_LIMIT]++;
		return 0;
	}
	if (c->count == c->room && (r = tools_grow(c)) != 0)
		return r;
	if ((copy = arena_alloc(&c->text, from.raw.n)) == NULL)
		return E_NOMEM;
	t = &c->tool[c->count];
	t->object = (struct json_value){ JSON_OBJECT, span_make(copy, compact(from.raw, copy)) };
	if ((r = tool_read(c, t)) > 0) {
		c->dropped[r - 1]++;
		return 0;
	}
	if (r != 0)
		return r;
	*index_slot(c, &c->by_name, t->name) = ++c->count;
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------------- */

int
catalogue_new(struct span server, struct span prefix, struct catalogue **out)
{
	struct catalogue	*c;
	int			 r = E_NOMEM;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	c->magic = CATALOGUE_MAGIC;
	c->refs = 1;
	arena_init(&c->text, NULL, 0, CATALOGUE_BYTES_MAX);
	c->server = arena_dup(&c->text, server);
	c->prefix = arena_dup(&c->text, prefix);
	if (c->server.p == NULL || c->prefix.p == NULL || (r = crypt_random(&c->key, sizeof(c->key))) != 0 ||
	    (r = tools_grow(c)) != 0) {
		catalogue_free(&c);
		return r;
	}
	*out = c;
	return 0;
}

void
catalogue_free(struct catalogue **c)
{
	if (*c != NULL && --(*c)->refs == 0) {
		rank_docs_free(&(*c)->words);
		arena_fini(&(*c)->text);
		free((*c)->tool);
		free((*c)->by_name.slot);
		free((*c)->by_composed.slot);
		free((*c)->cursor);
		free(*c);
	}
	*c = NULL;
}

/* Holding changes nothing of what there is to see. */
struct catalogue *
catalogue_hold(const struct catalogue *held)
{
	struct catalogue	*c = (struct catalogue *)(uintptr_t)held;

	MAGIC_CHECK(c, CATALOGUE_MAGIC);
	BUG_ON(!c->finished);
	c->refs++;
	return c;
}

struct rank_docs **
catalogue_words(struct catalogue *c)
{
	return &c->words;
}

/* Notes a cursor; false when it was seen before, or the walk is long enough. */
static int
cursor_note(struct catalogue *c, struct span cursor, bool *fresh)
{
	uint64_t	*wider, sum = sum64(cursor);

	*fresh = false;
	for (size_t i = 0; i < c->pages; i++)
		if (c->cursor[i] == sum)
			return 0;
	if (c->pages == CATALOGUE_PAGES_MAX)
		return 0;
	if ((wider = realloc(c->cursor, (c->pages + 1) * sizeof(*wider))) == NULL)
		return E_NOMEM;
	c->cursor = wider;
	c->cursor[c->pages++] = sum;
	*fresh = true;
	return 0;
}

int
catalogue_page(struct catalogue *c, struct json_value result, struct span *cursor)
{
	struct json_value	tools = json_get(result, "tools"), next = json_get(result, "nextCursor"), value;
	struct json_iter	it;
	struct span		key;
	bool			fresh;
	int			r;

	MAGIC_CHECK(c, CATALOGUE_MAGIC);
	BUG_ON(c->finished);
	*cursor = SPAN_NONE;
	if (tools.type != JSON_ARRAY)
		return E_UPSTREAM;
	json_iter_init(&it, tools);
	while (json_iter_next(&it, &key, &value))
		if ((r = tool_add(c, value)) != 0)
			return r;
	/* The empty string is a cursor like any other (2026-07-28 server/utilities/pagination). */
	if (next.type != JSON_STRING || c->dropped[CATALOGUE_DROP_LIMIT] > 0)
		return 0;
	if ((r = cursor_note(c, next.raw, &fresh)) != 0)
		return r;
	if (fresh)
		*cursor = next.raw;
	return 0;
}

int
catalogue_finish(struct catalogue *c)
{
	uint32_t	*slot, i;
	int		 r;

	MAGIC_CHECK(c, CATALOGUE_MAGIC);
	if ((r = index_make(&c->by_composed, c->count)) != 0)
		return r;
	for (i = 0; i < c->count; i++) {
		slot = index_slot(c, &c->by_composed, key_of(c, &c->by_composed, i));
		if (*slot == 0)
			*slot = i + 1;
	}
	/* A tool that does not find itself met another of its name: neither keeps it. */
	for (i = 0; i < c->count; i++) {
		slot = index_slot(c, &c->by_composed, key_of(c, &c->by_composed, i));
		if (*slot != i + 1 && *slot != 0) {
			c->tool[i].composed_bytes = 0;
			c->tool[*slot - 1].clashes = true;
		}
	}
	for (i = 0; i < c->count; i++)
		if (c->tool[i].clashes)
			c->tool[i].composed_bytes = 0;
	c->finished = true;
	return 0;
}

size_t
catalogue_count(const struct catalogue *c)
{
	return c->count;
}

const struct catalogue_tool *
catalogue_at(const struct catalogue *c, size_t i)
{
	BUG_ON(i >= c->count);
	return &c->tool[i];
}

const struct catalogue_tool *
catalogue_find(const struct catalogue *c, struct span name)
{
	uint32_t	i = *index_slot(c, &c->by_name, name);

	return i == 0 ? NULL : &c->tool[i - 1];
}

const struct catalogue_tool *
catalogue_find_composed(const struct catalogue *c, struct span composed)
{
	uint32_t	i;

	BUG_ON(!c->finished);
	if (composed.n == 0)
		return NULL;
	i = *index_slot(c, &c->by_composed, composed);
	return i == 0 ? NULL : &c->tool[i - 1];
}

uint32_t
catalogue_dropped(const struct catalogue *c, enum catalogue_drop why)
{
	BUG_ON(why >= CATALOGUE_DROP_KINDS);
	return c->dropped[why];
}

const char *
catalogue_drop_text(enum catalogue_drop why)
{
	static const char *const texts[CATALOGUE_DROP_KINDS] = {
		[CATALOGUE_DROP_NAME] = "no usable name",
		[CATALOGUE_DROP_SCHEMA] = "inputSchema is not an object of type object",
		[CATALOGUE_DROP_HEADER] = "x-mcp-header against its rules",
		[CATALOGUE_DROP_DOUBLE] = "name or member comes twice",
		[CATALOGUE_DROP_LIMIT] = "too many tools, or too large",
	};

	return why < CATALOGUE_DROP_KINDS ? texts[why] : "";
}
