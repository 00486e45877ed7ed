/* SPDX-License-Identifier: Apache-2.0
 *
 * toolwords.c - a server's tools as documents to search
 *
 * Process: worker.  Owns: nothing; the words are the catalogue's.
 * Trusts:  nothing a server writes about its tools: each text is read to a bound, so that no tool holds
 *          the loop.
 */
#include "mcp/toolwords.h"

#define NAME_WEIGHT		3
#define ARGUMENT_WEIGHT		2
#define DESCRIPTION_WEIGHT	1
#define DESCRIPTION_MAX		(16 * 1024)	/* bytes of it that are read */
#define SCHEMA_MAX		(128 * 1024)	/* in a larger one no argument names are looked for */
#define ARGUMENTS_MAX		64
#define ARGUMENT_MAX		256		/* bytes of an argument's name */
#define TOOL_WORK		256		/* what a tool costs besides its texts */

/* A string's beginning, decoded; empty when there is none. */
static struct span
text_of(struct json_value v, size_t max, struct arena *a)
{
	struct span	text;

	v.raw = span_part(v.raw, 0, max);
	return json_string(v, a, &text) == 0 ? text : SPAN_NONE;
}

static size_t
read_arguments(const struct catalogue_item *t, struct rank_text *to, struct arena *a)
{
	struct json_value	properties, value;
	struct json_iter	it;
	struct span		key;
	size_t			n = 0;

	if (t->schema.raw.n > SCHEMA_MAX)
		return 0;
	properties = json_get(t->schema, "properties");
	if (properties.type != JSON_OBJECT)
		return 0;
	json_iter_init(&it, properties);
	while (n < ARGUMENTS_MAX && json_iter_next(&it, &key, &value))
		to[n++] = (struct rank_text){ text_of(json_key(key), ARGUMENT_MAX, a), ARGUMENT_WEIGHT };
	return n;
}

static int
read_tool(struct rank_docs *d, const struct catalogue_item *t, size_t *work)
{
	_Alignas(16) char	first[8192];
	struct arena		a;
	struct rank_text	texts[ARGUMENTS_MAX + 2];
	size_t			n = 0, cost;
	int			r;

	arena_init(&a, first, sizeof(first), DESCRIPTION_MAX + ARGUMENTS_MAX * ARGUMENT_MAX + 64 * 1024);
	texts[n++] = (struct rank_text){ t->shown, NAME_WEIGHT };
	n += read_arguments(t, texts + n, &a);
	texts[n++] = (struct rank_text){ text_of(t->description, DESCRIPTION_MAX, &a), DESCRIPTION_WEIGHT };
	r = rank_docs_add(d, texts, n);
	cost = TOOL_WORK + texts[n - 1].text.n + (t->schema.raw.n > SCHEMA_MAX ? 0 : t->schema.raw.n);
	*work = *work > cost ? *work - cost : 0;
	arena_fini(&a);
	return r;
}

int
toolwords_read(struct catalogue *c, size_t *work)
{
	struct rank_docs	**d = catalogue_words(c);
	uint32_t		  count = (uint32_t)catalogue_count(c);
	int			  r;

	if (*d == NULL && (r = rank_docs_new(count, d)) != 0)
		return r;
	while (*work > 0 && rank_docs_count(*d) < count)
		if ((r = read_tool(*d, catalogue_at(c, rank_docs_count(*d)), work)) != 0)
			return r;
	return 0;
}

bool
toolwords_whole(struct catalogue *c)
{
	struct rank_docs	*d = *catalogue_words(c);

	return d != NULL && rank_docs_count(d) == catalogue_count(c);
}
