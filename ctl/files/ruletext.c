/* SPDX-License-Identifier: Apache-2.0
 *
 * ruletext.c - one rule of a rules file: written into its text, or taken out of it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the operator's text, once lib/conf.c has read it.
 */
#include "ctl/files/edit.h"
#include "ctl/files/ruletext.h"

#define EMPTY	SPAN_LIT("{\n}\n")

static void
keys_of(const struct ruletext *rule, const char *keys[EDIT_KEYS_MAX])
{
	size_t	n = 0;

	keys[n++] = "agents";
	keys[n++] = rule->agent;
	keys[n++] = rule->section;
	keys[n++] = rule->tool == NULL ? "servers" : "tools";
	if (rule->tool != NULL)
		keys[n++] = rule->server;
	keys[n] = NULL;
}

static struct span
name_of(const struct ruletext *rule)
{
	return span_of(rule->tool == NULL ? rule->server : rule->tool);
}

/* The element that is this rule, or NULL. */
static const struct conf_node *
find(const struct conf *c, const struct ruletext *rule)
{
	const char		*keys[EDIT_KEYS_MAX];
	const struct conf_node	*list, *n;

	keys_of(rule, keys);
	if ((list = edit_find(c, keys)) == NULL || list->type != JSON_ARRAY)
		return NULL;
	for (n = list->first; n != NULL; n = n->next)
		if (n->type == JSON_STRING && span_eq(n->text, name_of(rule)))
			return n;
	return NULL;
}

static struct span
text_or_empty(struct span text)
{
	return text.n == 0 ? EMPTY : text;
}

bool
ruletext_has(struct span text, const struct ruletext *rule)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	bool			 has;

	if (conf_new(text_or_empty(text), &c, &error) != 0)
		return false;
	has = find(c, rule) != NULL;
	conf_free(&c);
	return has;
}

int
ruletext_add(struct span text, const struct ruletext *rule, struct buf *out)
{
	const char		*keys[EDIT_KEYS_MAX];
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 item;
	int			 r;

	text = text_or_empty(text);
	if ((r = conf_new(text, &c, &error)) != 0)
		return r == E_NOMEM ? r : E_FORMAT;
	buf_init(&item, 64 * 1024);
	keys_of(rule, keys);
	if (find(c, rule) != NULL)
		r = E_EXISTS;
	else if ((r = json_put_string(&item, name_of(rule))) == 0)
		r = edit_put(text, c, keys, true, buf_rest(&item), out);
	buf_fini(&item);
	conf_free(&c);
	return r;
}

/* One of them: `text` to `out`. */
static int
remove_one(struct span text, const struct ruletext *rule, struct buf *out)
{
	struct conf_error	 error;
	const struct conf_node	*n;
	struct conf		*c = NULL;
	int			 r;

	if ((r = conf_new(text, &c, &error)) != 0)
		return r == E_NOMEM ? r : E_FORMAT;
	r = (n = find(c, rule)) == NULL ? E_NOTFOUND : edit_remove(text, n, out);
	conf_free(&c);
	return r;
}

int
ruletext_remove(struct span text, const struct ruletext *rule, struct buf *out)
{
	struct buf	next;
	int		r;

	if ((r = remove_one(text_or_empty(text), rule, out)) != 0)
		return r;
	for (;;) {
		buf_init(&next, CONF_MAX_BYTES);
		if ((r = remove_one(buf_rest(out), rule, &next)) == 0) {
			buf_clear(out);
			r = buf_put(out, buf_rest(&next));
		}
		buf_fini(&next);
		if (r != 0)
			return r == E_NOTFOUND ? 0 : r;
	}
}
