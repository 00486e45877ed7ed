/* SPDX-License-Identifier: Apache-2.0
 *
 * clientfile.c - the text of a client's file: its own entries for one that leads to the gateway, and back
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  texts that lib/conf.c has read; what they mean is the client's business.
 */
#include "ctl/files/clientfile.h"

#define EMPTY	SPAN_LIT("{\n}\n")

static struct span
text_or_empty(struct span text)
{
	return span_trim(text).n == 0 ? EMPTY : text;
}

static int
read_text(struct span text, struct conf **out)
{
	struct conf_error	error;
	int			r = conf_new(text, out, &error);

	if (r == 0 && conf_top(*out)->type != JSON_OBJECT) {
		conf_free(out);
		r = E_FORMAT;
	}
	return r == 0 || r == E_NOMEM ? r : E_FORMAT;
}

/* The text of buf becomes that of next. */
static int
take(struct buf *b, const struct buf *next)
{
	buf_clear(b);
	return buf_put(b, buf_rest(next));
}

/* One entry less in b, or one more behind the others: item NULL, or item as `"name": value`. */
static int
change(struct buf *b, const char *const *keys, const char *name, const struct span *item)
{
	const struct conf_node	*list, *n;
	struct conf		*c = NULL;
	struct buf		 next;
	int			 r;

	if ((r = read_text(buf_rest(b), &c)) != 0)
		return r;
	buf_init(&next, CONF_MAX_BYTES);
	list = edit_find(c, keys);
	if (item != NULL)
		r = edit_put(buf_rest(b), c, keys, false, *item, &next);
	else
		r = list == NULL || (n = conf_find(list, name)) == NULL ? E_NOTFOUND :
		    edit_remove(buf_rest(b), n, &next);
	if (r == 0)
		r = take(b, &next);
	buf_fini(&next);
	conf_free(&c);
	return r;
}

static int
put_entry(struct buf *b, const char *const *keys, struct span name, struct span value)
{
	struct buf	item;
	struct span	text;
	int		r;

	buf_init(&item, CONF_MAX_BYTES);
	if ((r = json_put_string(&item, name)) == 0 && (r = buf_put_str(&item, ": ")) == 0 &&
	    (r = buf_put(&item, value)) == 0) {
		text = buf_rest(&item);
		r = change(b, keys, NULL, &text);
	}
	buf_fini(&item);
	return r;
}

/* With a NUL behind, for conf_find(). */
static int
remove_named(struct buf *b, const char *const *keys, struct span name)
{
	struct buf	copy;
	int		r;

	buf_init(&copy, 64 * 1024);
	if ((r = buf_put(&copy, name)) == 0 && (r = buf_put(&copy, span_make("", 1))) == 0)
		r = change(b, keys, buf_rest(&copy).p, NULL);
	buf_fini(&copy);
	return r;
}

int
clientfile_swap(struct span text, const char *const *keys, struct span entry, clientfile_fn *goes, void *arg,
    struct buf *out, size_t *gone)
{
	const struct conf_node	*list, *n;
	struct conf		*c = NULL;
	int			 r;

	*gone = 0;
	text = text_or_empty(text);
	if ((r = read_text(text, &c)) != 0)
		return r;
	list = edit_find(c, keys);
	if (list != NULL && (list->type != JSON_OBJECT || conf_find(list, CLIENTFILE_ENTRY) != NULL)) {
		r = list->type != JSON_OBJECT ? E_FORMAT : E_EXISTS;
		goto out;
	}
	if ((r = buf_put(out, text)) != 0)
		goto out;
	/* First the new one, so that it is laid out as those are that go. */
	r = put_entry(out, keys, SPAN_LIT(CLIENTFILE_ENTRY), entry);
	for (n = list == NULL ? NULL : list->first; r == 0 && n != NULL; n = n->next) {
		if (!goes(n->key, n, arg))
			continue;
		r = remove_named(out, keys, n->key);
		++*gone;
	}
 out:
	conf_free(&c);
	return r;
}

/* ---- back ----------------------------------------------------------------------------------------- */

static bool
is_gone(struct span name, const struct conf_node *entry, void *arg)
{
	const struct conf_node	*now = arg;

	(void)entry;
	for (const struct conf_node *n = now->first; n != NULL; n = n->next)
		if (span_eq(n->key, name))
			return false;
	return true;
}

/* Had nobody touched it, the text would be this. */
static bool
is_untouched(struct span was, struct span now, const char *const *keys, const struct conf_node *list,
    struct span entry)
{
	struct buf	again;
	size_t		gone;
	bool		same;

	buf_init(&again, CONF_MAX_BYTES);
	same = clientfile_swap(was, keys, entry, is_gone, (void *)(uintptr_t)list, &again, &gone) == 0 &&
	    span_eq(buf_rest(&again), now);
	buf_fini(&again);
	return same;
}

static int
put_back(struct span was, const char *const *keys, const struct conf_node *now, struct buf *out)
{
	const struct conf_node	*list, *n;
	struct conf		*c = NULL;
	int			 r;

	if ((r = remove_named(out, keys, SPAN_LIT(CLIENTFILE_ENTRY))) != 0 ||
	    (r = read_text(text_or_empty(was), &c)) != 0)
		return r;
	list = edit_find(c, keys);
	for (n = list == NULL ? NULL : list->first; r == 0 && n != NULL; n = n->next)
		if (is_gone(n->key, n, (void *)(uintptr_t)now))
			r = put_entry(out, keys, n->key, edit_text(text_or_empty(was), n));
	conf_free(&c);
	return r;
}

int
clientfile_back(struct span was, struct span now, const char *const *keys, struct buf *out, bool *exact)
{
	const struct conf_node	*list, *entry;
	struct conf		*c = NULL;
	int			 r;

	*exact = false;
	if ((r = read_text(text_or_empty(now), &c)) != 0)
		return r;
	list = edit_find(c, keys);
	entry = list == NULL ? NULL : conf_find(list, CLIENTFILE_ENTRY);
	if (entry == NULL) {
		r = E_NOTFOUND;
	} else if (is_untouched(was, now, keys, list, edit_text(now, entry))) {
		*exact = true;
		r = buf_put(out, was);
	} else if ((r = buf_put(out, now)) == 0) {
		r = put_back(was, keys, list, out);
	}
	conf_free(&c);
	return r;
}
