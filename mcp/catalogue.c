/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue.c - what one upstream lists of one kind, page by page
 *
 * Process: worker.
 * Owns:    a compact copy of every object, the items, two hash tables over them.
 * Trusts:  nothing an upstream lists: what is malformed is dropped, sizes and counts are bounded, the
 *          hashes are keyed.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/fold.h"
#include "lib/sum.h"
#include "mcp/catalogue_priv.h"
#include "mcp/rank.h"

#define CATALOGUE_MAGIC	0x43617461u

struct index {
	uint32_t	*slot;		/* number of the item + 1, 0 = free */
	uint32_t	 room;		/* a power of two */
};

struct catalogue {
	uint32_t		 magic;
	uint32_t		 refs;
	bool			 finished;
	enum catalogue_kind	 kind;
	const struct catalogue_row *row;
	struct rank_docs	*words;		/* NULL: nobody searched */
	struct span		 server, prefix;
	catalogue_change_fn	*change;	/* NULL: nothing is changed; until it is finished */
	void			*change_arg;
	struct arena		 text;
	struct sum_key		 key;
	struct catalogue_item	*item;
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
	const struct catalogue_item	*t = &c->item[i];

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
items_grow(struct catalogue *c)
{
	uint32_t		 room = c->room == 0 ? 32 : c->room * 2;
	struct catalogue_item	*item = realloc(c->item, room * sizeof(*item));
	int			 r;

	if (item == NULL)
		return E_NOMEM;
	c->item = item;
	c->room = room;
	if ((r = index_make(&c->by_name, room)) != 0)
		return r;
	for (uint32_t i = 0; i < c->count; i++)
		*index_slot(c, &c->by_name, c->item[i].name) = i + 1;
	return 0;
}

/* --- one item ------------------------------------------------------------------------------------ */

static int
item_add(struct catalogue *c, struct json_value from)
{
	struct catalogue_item	*t;
	struct json_value	 proven;
	struct mcp_change	 change;
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
	if (c->count == c->row->most || c->text.used + 2 * from.raw.n > CATALOGUE_BYTES_MAX) {
		c->dropped[CATALOGUE_DROP_LIMIT]++;
		return 0;
	}
	if (c->count == c->room && (r = items_grow(c)) != 0)
		return r;
	if ((copy = arena_alloc(&c->text, from.raw.n)) == NULL)
		return E_NOMEM;
	t = &c->item[c->count];
	t->object = (struct json_value){ JSON_OBJECT, span_make(copy, catalogue_compact(from.raw, copy)) };
	if ((r = catalogue_item_read(c->kind, &c->text, t)) == 0 && *index_slot(c, &c->by_name, t->name) != 0)
		r = 1 + CATALOGUE_DROP_DOUBLE;
	if (r == 0 && c->change != NULL && c->change(t->name, &change, c->change_arg))
		r = catalogue_item_change(&c->text, t, &change);
	if (r > 0) {
		c->dropped[r - 1]++;
		return 0;
	}
	if (r != 0)
		return r;
	if (c->row->composes && t->shown.n > 0)
		t->composed_bytes = (uint8_t)mcp_name_compose(c->prefix, c->server, t->shown, t->composed).n;
	*index_slot(c, &c->by_name, t->name) = ++c->count;
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------------- */

int
catalogue_new(enum catalogue_kind kind, struct span server, struct span prefix, struct catalogue **out)
{
	struct catalogue	*c;
	int			 r = E_NOMEM;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	c->magic = CATALOGUE_MAGIC;
	c->refs = 1;
	c->kind = kind;
	c->row = catalogue_row(kind);
	arena_init(&c->text, NULL, 0, CATALOGUE_BYTES_MAX);
	c->server = arena_dup(&c->text, server);
	c->prefix = arena_dup(&c->text, prefix);
	if (c->server.p == NULL || c->prefix.p == NULL || (r = crypt_random(&c->key, sizeof(c->key))) != 0 ||
	    (r = items_grow(c)) != 0) {
		catalogue_free(&c);
		return r;
	}
	*out = c;
	return 0;
}

void
catalogue_changes(struct catalogue *c, catalogue_change_fn *fn, void *arg)
{
	BUG_ON(c->count > 0 || c->kind != CATALOGUE_TOOLS);
	c->change = fn;
	c->change_arg = arg;
}

void
catalogue_free(struct catalogue **c)
{
	if (*c != NULL && --(*c)->refs == 0) {
		rank_docs_free(&(*c)->words);
		arena_fini(&(*c)->text);
		free((*c)->item);
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
	struct json_value	list, next = json_get(result, "nextCursor"), value;
	struct json_iter	it;
	struct span		key;
	bool			fresh;
	int			r;

	MAGIC_CHECK(c, CATALOGUE_MAGIC);
	BUG_ON(c->finished);
	*cursor = SPAN_NONE;
	list = json_get(result, c->row->member);
	if (list.type != JSON_ARRAY)
		return E_UPSTREAM;
	json_iter_init(&it, list);
	while (json_iter_next(&it, &key, &value))
		if ((r = item_add(c, value)) != 0)
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

/* Tools whose names look the same: in merged views neither keeps its own. */
static int
look_alikes(struct catalogue *c)
{
	struct span	*looks = NULL;
	uint32_t	*slot = NULL, room = 64, at;
	struct arena	 names;
	int		 r = E_NOMEM;

	arena_init(&names, NULL, 0, CATALOGUE_BYTES_MAX);
	while (room < 2 * c->count)
		room *= 2;
	if ((looks = calloc(c->count + 1, sizeof(*looks))) == NULL || (slot = calloc(room, sizeof(*slot))) == NULL)
		goto out;
	for (uint32_t i = 0; i < c->count; i++) {
		char	*to = arena_alloc(&names, c->item[i].shown.n + 1);

		if (to == NULL)
			goto out;
		looks[i] = fold_name(c->item[i].shown, to);
		if (looks[i].n == 0)
			continue;
		for (at = (uint32_t)hash64(&c->key, looks[i]) & (room - 1); slot[at] != 0 &&
		    !span_eq(looks[slot[at] - 1], looks[i]); at = (at + 1) & (room - 1))
			;
		if (slot[at] == 0)
			slot[at] = i + 1;
		else
			c->item[i].clashes = c->item[slot[at] - 1].clashes = true;
	}
	r = 0;
 out:
	arena_fini(&names);
	free(looks);
	free(slot);
	return r;
}

int
catalogue_finish(struct catalogue *c)
{
	uint32_t	*slot, i;
	int		 r;

	MAGIC_CHECK(c, CATALOGUE_MAGIC);
	c->change = NULL;
	if ((r = index_make(&c->by_composed, c->count)) != 0)
		return r;
	if (!c->row->composes) {
		c->finished = true;
		return 0;
	}
	for (i = 0; i < c->count; i++) {
		if (c->item[i].composed_bytes == 0)
			continue;
		slot = index_slot(c, &c->by_composed, key_of(c, &c->by_composed, i));
		if (*slot == 0)
			*slot = i + 1;
	}
	/* One that does not find itself met another of its name: neither keeps it. */
	for (i = 0; i < c->count; i++) {
		if (c->item[i].composed_bytes == 0)
			continue;
		slot = index_slot(c, &c->by_composed, key_of(c, &c->by_composed, i));
		if (*slot != i + 1 && *slot != 0) {
			c->item[i].composed_bytes = 0;
			c->item[*slot - 1].clashes = true;
		}
	}
	if (c->kind == CATALOGUE_TOOLS && (r = look_alikes(c)) != 0)
		return r;
	for (i = 0; i < c->count; i++)
		if (c->item[i].clashes)
			c->item[i].composed_bytes = 0;
	c->finished = true;
	return 0;
}

enum catalogue_kind
catalogue_kind(const struct catalogue *c)
{
	return c->kind;
}

size_t
catalogue_count(const struct catalogue *c)
{
	return c->count;
}

const struct catalogue_item *
catalogue_at(const struct catalogue *c, size_t i)
{
	BUG_ON(i >= c->count);
	return &c->item[i];
}

struct catalogue_item *
catalogue_change(struct catalogue *c, size_t i)
{
	BUG_ON(i >= c->count);
	return &c->item[i];
}

const struct catalogue_item *
catalogue_find(const struct catalogue *c, struct span name)
{
	uint32_t	i = *index_slot(c, &c->by_name, name);

	return i == 0 ? NULL : &c->item[i - 1];
}

const struct catalogue_item *
catalogue_find_composed(const struct catalogue *c, struct span composed)
{
	uint32_t	i;

	BUG_ON(!c->finished);
	if (composed.n == 0)
		return NULL;
	i = *index_slot(c, &c->by_composed, composed);
	return i == 0 ? NULL : &c->item[i - 1];
}

uint32_t
catalogue_dropped(const struct catalogue *c, enum catalogue_drop why)
{
	BUG_ON(why >= CATALOGUE_DROP_KINDS);
	return c->dropped[why];
}
