/* SPDX-License-Identifier: Apache-2.0
 *
 * uris.c - resource URIs of a server whose URIs are rewritten
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  that texts are proven JSON, and nothing in them: what stands in the wrong place is not looked for.
 */
#include <strings.h>

#include "mcp/uris.h"

#define OLD_UI_KEY	"ui/resourceUri"

bool
uris_stays(struct span uri)
{
	static const char *const schemes[] = { "https:", "http:", "data:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (uri.n >= strlen(schemes[i]) && strncasecmp(uri.p, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

bool
uris_split(struct span uri, struct span *prefix, struct span *own)
{
	const size_t	 head = sizeof(URIS_SCHEME) - 1;
	const char	*colon;

	if (!span_starts(uri, SPAN_LIT(URIS_SCHEME)) || (colon = memchr(uri.p + head, ':', uri.n - head)) == NULL)
		return false;
	*prefix = span_make(uri.p + head, (size_t)(colon - uri.p) - head);
	*own = span_part(uri, (size_t)(colon - uri.p) + 1, uri.n);
	return prefix->n > 0 && own->n > 0;
}

/* --- places -------------------------------------------------------------------------------------- */

static int
add(struct splices *s, struct json_value uri, struct span begin)
{
	struct arena	a;
	struct span	text;
	bool		stays;

	if (uri.type != JSON_STRING)
		return 0;
	text = span_part(uri.raw, 1, uri.raw.n - 2);
	/* A scheme may be written in escapes. */
	if (memchr(text.p, '\\', text.n) != NULL) {
		arena_init(&a, NULL, 0, CATALOGUE_URI_MAX * 6);
		stays = json_string(uri, &a, &text) == 0 && uris_stays(text);
		arena_fini(&a);
	} else {
		stays = uris_stays(text);
	}
	return stays ? 0 : splices_add_prefix(s, uri, begin);
}

/* _meta of an extension: the page that shows a tool. */
static int
add_meta(struct splices *s, struct json_value meta, struct span begin)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r = 0;

	if (meta.type != JSON_OBJECT)
		return 0;
	json_iter_init(&it, meta);
	while (r == 0 && json_iter_next(&it, &key, &value)) {
		if (json_is(json_key(key), "ui"))
			r = add(s, json_get(value, "resourceUri"), begin);
		else if (json_is(json_key(key), OLD_UI_KEY))
			r = add(s, value, begin);
	}
	return r;
}

static int
add_block(struct splices *s, struct json_value block, struct span begin)
{
	struct json_value	type = json_get(block, "type");

	if (json_is(type, "resource_link"))
		return add(s, json_get(block, "uri"), begin);
	if (json_is(type, "resource"))
		return add(s, json_get(json_get(block, "resource"), "uri"), begin);
	return 0;
}

typedef int each_fn(struct splices *s, struct json_value one, struct span begin);

static int
add_each(struct splices *s, struct json_value array, each_fn *fn, struct span begin)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	int			r = 0;

	if (array.type != JSON_ARRAY)
		return 0;
	json_iter_init(&it, array);
	while (r == 0 && json_iter_next(&it, &key, &one))
		r = fn(s, one, begin);
	return r;
}

static int
add_message(struct splices *s, struct json_value message, struct span begin)
{
	struct json_value	content = json_get(message, "content");

	return content.type == JSON_ARRAY ? add_each(s, content, add_block, begin) : add_block(s, content, begin);
}

static int
add_content(struct splices *s, struct json_value content, struct span begin)
{
	return add(s, json_get(content, "uri"), begin);
}

/* In the order of the text. */
static int
add_result(struct splices *s, struct json_value result, struct span begin)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	int			r = 0;

	if (result.type != JSON_OBJECT)
		return 0;
	json_iter_init(&it, result);
	while (r == 0 && json_iter_next(&it, &key, &value)) {
		struct json_value name = json_key(key);

		if (json_is(name, "content"))
			r = add_each(s, value, add_block, begin);
		else if (json_is(name, "messages"))
			r = add_each(s, value, add_message, begin);
		else if (json_is(name, "contents"))
			r = add_each(s, value, add_content, begin);
		else if (json_is(name, "_meta"))
			r = add_meta(s, value, begin);
	}
	return r;
}

int
uris_of_item(enum catalogue_kind kind, struct json_value item, struct span begin, struct splices *s)
{
	const char		*member = catalogue_row(kind)->composes ? NULL : catalogue_row(kind)->key;
	struct json_iter	 it;
	struct json_value	 value;
	struct span		 key;
	int			 r = 0;

	json_iter_init(&it, item);
	while (r == 0 && json_iter_next(&it, &key, &value)) {
		if (json_is(json_key(key), "_meta"))
			r = add_meta(s, value, begin);
		else if (member != NULL && json_is(json_key(key), member))
			r = add(s, value, begin);
	}
	return r;
}

int
uris_of_answer(const struct rpc_answer *from, enum mcp_method method, struct span begin, struct splices *s)
{
	if (from->is_error)
		return method == MCP_RESOURCES_READ ? add(s, json_get(from->error_data, "uri"), begin) : 0;
	if (method == MCP_TASKS_GET)
		return add_result(s, json_get(from->result, "result"), begin);
	return add_result(s, from->result, begin);
}
