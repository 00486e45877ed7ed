/* SPDX-License-Identifier: Apache-2.0
 *
 * changes.c - "tools" of a server: names, descriptions and arguments that the operator gives them
 *
 * Process: mcpgw-compile.  Owns: lists until they are put.
 * Trusts:  the operator's words, as far as they can be told from the server's: a name that another tool could
 *          be taken for is refused here, as nobody would see it later.
 */
#include <ctype.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/fold.h"
#include "lib/log.h"
#include "lib/nameset.h"
#include "lib/num.h"
#include "policy/compiler/changes.h"
#include "policy/compiler/typed.h"

#define TOOLS_MAX	10000
#define OWN_MAX		512		/* as long as a server's own name may be (mcp/catalogue.h) */
#define NAME_MAX_BYTES	64		/* with its prefix: what model interfaces take */
#define ARGUMENTS_MAX	64
#define CACHE_MS_MIN	100
#define CACHE_MS_MAX	(24 * 3600 * 1000)
#define MARK_BYTES	9		/* _ and 8 hex digits: how a name ends that was cut */

static const char *const keys[] = { "name", "description", "hide", "arguments", "risk_level", "required_roles",
	"annotations", "cache", "cache_shared", NULL };
static const char *const argument_keys[] = { "defaults", "set", NULL };

struct reading {
	struct server		*sv;
	struct change_list	 list;
};

static struct stext
text_of(struct server *sv, struct span s)
{
	return put_text(sv->job->policy, s);
}

static struct stext
json_of(struct server *sv, const struct conf_node *n, struct span *out)
{
	struct buf	b;

	buf_init(&b, CONF_MAX_BYTES);
	if (conf_put_json(n, &b) != 0)
		fatal(EX_OSERR, "out of memory");
	*out = job_dup(sv->job, buf_rest(&b));
	buf_fini(&b);
	return text_of(sv, *out);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool
plain(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		const char	c = name.p[i];

		if (!isalnum((unsigned char)c) && c != '_' && c != '-')
			return false;
	}
	return name.n > 0;
}

static bool
is_marked(struct span name)
{
	if (name.n < MARK_BYTES || name.p[name.n - MARK_BYTES] != '_')
		return false;
	for (size_t i = name.n - MARK_BYTES + 1; i < name.n; i++)
		if (!((name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f')))
			return false;
	return true;
}

static void
read_name(struct server *sv, struct change *c)
{
	const struct conf_node	*n = NULL;
	const size_t		 prefix = sv->rec.prefix.bytes == 0 ? 0 : sv->rec.prefix.bytes + 2;

	if (!typed_string(sv->job, sv->source, c->node, "name", &n) || span_eq(n->text, c->tool))
		return;
	if (!plain(n->text) || n->text.n + prefix > NAME_MAX_BYTES)
		job_error(sv->job, sv->source, n, "\"%.*s\": want letters, digits, _ and -, at most %zu",
		    SHOWN(n->text), NAME_MAX_BYTES - prefix);
	else if (is_marked(n->text))
		job_error(sv->job, sv->source, n, "\"%.*s\": ends as names do that were cut, in _ and eight digits of "
		    "0-9 and a-f; take another ending", SHOWN(n->text));
	/* Without a prefix it would begin with one. */
	else if (prefix == 0 && memmem(n->text.p, n->text.n, "__", 2) != NULL)
		job_error(sv->job, sv->source, n, "\"%.*s\": what stands before __ is a prefix, and this server has "
		    "none; take a name without __", SHOWN(n->text));
	c->name = n->text;
	c->rec.name = text_of(sv, n->text);
	c->rec.flags |= CHANGE_FLAG_SHOWN;
}

/* --- what it says otherwise ------------------------------------------------------------------- */

static void
digest(struct reading *rd, struct span s)
{
	struct digest	d = { rd->list.sum };

	digest_number(&d, s.n);
	digest_text(&d, s);
	rd->list.sum = d.sum;
}

static void
read_texts(struct reading *rd, struct change *c)
{
	struct server		*sv = rd->sv;
	const struct conf_node	*n = NULL;
	struct span		 text;

	if (typed_string(sv->job, sv->source, c->node, "description", &n)) {
		c->rec.description = json_of(sv, n, &text);
		c->rec.flags |= CHANGE_FLAG_SHOWN;
		digest(rd, text);
	}
	if (typed_list(sv->job, sv->source, c->node, "annotations", JSON_OBJECT, false, &n)) {
		c->rec.annotations = json_of(sv, n, &text);
		c->rec.flags |= CHANGE_FLAG_SHOWN;
		digest(rd, text);
	}
}

static void
read_arguments_of(struct reading *rd, struct change *c, const struct conf_node *arguments, const char *key,
    const struct conf_node *other)
{
	struct server		*sv = rd->sv;
	const struct conf_node	*list = NULL, *n;
	const bool		 set = strcmp(key, "set") == 0;
	struct span		 value;
	struct buf		 name;

	if (!typed_list(sv->job, sv->source, arguments, key, JSON_OBJECT, false, &list))
		return;
	for (n = list->first; n != NULL; n = n->next) {
		struct rec_argument	a = { .set = set };

		if (c->rec.argument_count == ARGUMENTS_MAX) {
			job_error_key(sv->job, sv->source, list, "more than %d arguments of one tool", ARGUMENTS_MAX);
			return;
		}
		for (const struct conf_node *o = other == NULL ? NULL : other->first; o != NULL; o = o->next)
			if (span_eq(o->key, n->key))
				job_error_key(sv->job, sv->source, n, "is in \"defaults\" too; want one of them");
		buf_init(&name, 64 * 1024);
		if (json_put_string(&name, n->key) != 0)
			fatal(EX_OSERR, "out of memory, or an argument's name that is too long");
		a.name = text_of(sv, buf_rest(&name));
		digest(rd, buf_rest(&name));
		digest(rd, span_of(key));
		buf_fini(&name);
		a.value = json_of(sv, n, &value);
		digest(rd, value);
		if (c->rec.argument_count++ == 0)
			c->rec.argument_first = (uint32_t)build_count(sv->job->policy, SECTION_ARGUMENT);
		put_record(sv->job->policy, SECTION_ARGUMENT, &a);
		c->rec.flags |= CHANGE_FLAG_SHOWN;
	}
}

static void
read_arguments(struct reading *rd, struct change *c)
{
	const struct conf_node	*arguments = NULL;

	if (!typed_list(rd->sv->job, rd->sv->source, c->node, "arguments", JSON_OBJECT, false, &arguments))
		return;
	typed_keys(rd->sv->job, rd->sv->source, arguments, argument_keys);
	read_arguments_of(rd, c, arguments, "defaults", NULL);
	read_arguments_of(rd, c, arguments, "set", conf_find(arguments, "defaults"));
}

/* --- what policy asks ------------------------------------------------------------------------- */

uint32_t
changes_read_risk(struct job *j, const struct source *s, const struct conf_node *object, const char *key)
{
	static const char *const risks[] = { "low", "medium", "high", NULL };
	uint32_t		 place;

	return typed_word(j, s, object, key, risks, &place) ? RISK_LEVEL_LOW + place : RISK_LEVEL_UNSAID;
}

void
changes_read_roles(struct job *j, const struct source *s, const struct conf_node *object, struct rec_change *out)
{
	const struct conf_node	*list = NULL, *n;
	struct span		 names[NAMESET_MAX], set;
	size_t			 count = 0;

	if (!typed_list(j, s, object, "required_roles", JSON_ARRAY, true, &list) || list->count == 0)
		return;
	for (n = list->first; n != NULL; n = n->next) {
		if (n->text.n == 0) {
			job_error(j, s, n, "want the name of a role");
			return;
		}
		if (count == NAMESET_MAX) {
			job_error_key(j, s, list, "more than %d roles", NAMESET_MAX);
			return;
		}
		names[count++] = n->text;
	}
	if (nameset_make(names, count, &j->arena, &set) != 0)
		fatal(EX_OSERR, "out of memory");
	out->roles = put_text(j->policy, set);
	out->roles_path = put_text(j->policy, job_path(j, list));
	out->roles_line = list->key_line;
	out->file = put_text(j->policy, span_of(s->shown));
}

static void
read_hide(struct server *sv, struct change *c)
{
	bool	hide = false;

	if (!typed_flag(sv->job, sv->source, c->node, "hide", &hide) || !hide)
		return;
	c->rec.flags |= CHANGE_FLAG_HIDE;
	c->rec.hide_line = conf_find(c->node, "hide")->key_line;
	c->rec.hide_path = text_of(sv, job_path(sv->job, conf_find(c->node, "hide")));
	c->rec.file = text_of(sv, span_of(sv->source->shown));
}

/* What is kept of an instance that one principal has alone must not be shown to another. */
static void
read_cache(struct server *sv, struct change *c)
{
	const struct conf_node	*n = NULL;
	uint64_t		 ms = 0;
	bool			 shared = false;

	if (typed_string(sv->job, sv->source, c->node, "cache", &n) &&
	    (num_msec(n->text, &ms) != 0 || ms < CACHE_MS_MIN || ms > CACHE_MS_MAX)) {
		job_error(sv->job, sv->source, n, "\"%.*s\": want a time from 100ms to 1d, such as \"60s\"",
		    SHOWN(n->text));
		return;
	}
	c->rec.cache_ms = ms;
	if (!typed_flag(sv->job, sv->source, c->node, "cache_shared", &shared) || !shared)
		return;
	n = conf_find(c->node, "cache_shared");
	if (ms == 0)
		job_error_key(sv->job, sv->source, n, "nothing is kept to be shared; say how long, as "
		    "\"cache\": \"60s\"");
	else if (sv->rec.isolation != ISOLATION_TENANT)
		job_error_key(sv->job, sv->source, n, "each principal has an instance of this server to itself, and "
		    "what one sees another may not; with \"isolation\": \"tenant\" on the server results can be "
		    "shared");
	c->rec.flags |= CHANGE_FLAG_SHARED;
}

/* --- the list --------------------------------------------------------------------------------- */

static struct change *
list_add(struct change_list *l, struct span tool, const struct conf_node *node)
{
	l->items = list_more(l->items, l->count, sizeof(*l->items));
	l->items[l->count] = (struct change){ .tool = tool, .node = node };
	return &l->items[l->count++];
}

static bool
own_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	return name.n > 0 && name.n <= OWN_MAX;
}

static int
tool_cmp(const void *a, const void *b)
{
	const struct change	*x = a, *y = b;

	return span_cmp(x->tool, y->tool);
}

struct looks {
	char			 text[NAME_MAX_BYTES];	/* as clients' name looks */
	size_t			 bytes;
	const struct change	*change;
};

static int
looks_cmp(const void *a, const void *b)
{
	const struct looks	*x = a, *y = b;
	int			 r;

	if ((r = span_cmp(span_make(x->text, x->bytes), span_make(y->text, y->bytes))) != 0)
		return r;
	return span_cmp(x->change->tool, y->change->tool);
}

/* Names that look the same are the same to people and models.  What a server calls its other tools is not known
 * here: one that has such a name is not shown (mcp/catalogue.c). */
static void
names_check(struct server *sv, const struct change_list *l)
{
	struct looks	*all;
	size_t		 count = 0;

	if (l->count < 2)
		return;
	if ((all = calloc(l->count, sizeof(*all))) == NULL)
		fatal(EX_OSERR, "out of memory");
	for (size_t i = 0; i < l->count; i++) {
		const struct change	*c = &l->items[i];
		const struct span	 name = c->name.n > 0 ? c->name : c->tool;

		if (name.n > sizeof(all->text))
			continue;
		all[count].bytes = fold_name(name, all[count].text).n;
		all[count++].change = c;
	}
	qsort(all, count, sizeof(*all), looks_cmp);
	for (size_t i = 1; i < count; i++) {
		const struct change	*one = all[i].change, *other = all[i - 1].change;

		if (!span_eq(span_make(all[i].text, all[i].bytes), span_make(all[i - 1].text, all[i - 1].bytes)))
			continue;
		if (one->name.n == 0) {
			one = all[i - 1].change;
			other = all[i].change;
		}
		if (one->name.n > 0)
			job_error(sv->job, sv->source, conf_find(one->node, "name"), "\"%.*s\": is, or looks like, the "
			    "name of \"%.*s\" (line %u); give one of them another", SHOWN(one->name),
			    SHOWN(other->tool), other->node->key_line);
	}
	free(all);
}

struct rec_change *
changes_add(struct change_list *l, struct span tool)
{
	return &list_add(l, tool, NULL)->rec;
}

static void
put_all(struct job *j, struct change_list *l, uint32_t *first, uint32_t *count)
{
	if (l->count > 1)
		qsort(l->items, l->count, sizeof(*l->items), tool_cmp);
	*first = (uint32_t)build_count(j->policy, SECTION_CHANGE);
	for (size_t i = 0; i < l->count; i++) {
		if (i > 0 && span_eq(l->items[i - 1].tool, l->items[i].tool))
			continue;
		l->items[i].rec.tool = put_text(j->policy, l->items[i].tool);
		put_record(j->policy, SECTION_CHANGE, &l->items[i].rec);
		++*count;
	}
}

struct renamed {
	struct span	name;
	uint32_t	index;
};

static int
renamed_cmp(const void *a, const void *b)
{
	const struct renamed	*x = a, *y = b;

	return span_cmp(x->name, y->name);
}

static void
put_renamed(struct server *sv, const struct change_list *l)
{
	struct renamed	*all = NULL;
	size_t		 count = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].name.n > 0) {
			all = list_more(all, count, sizeof(*all));
			all[count++] = (struct renamed){ l->items[i].name, sv->rec.change_first + (uint32_t)i };
		}
	if (count > 1)
		qsort(all, count, sizeof(*all), renamed_cmp);
	sv->rec.renamed_first = (uint32_t)build_count(sv->job->policy, SECTION_RENAMED);
	sv->rec.renamed_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		put_record(sv->job->policy, SECTION_RENAMED, &(struct rec_index){ .index = all[i].index });
	free(all);
}

void
changes_put(struct server *sv, struct change_list *l)
{
	put_all(sv->job, l, &sv->rec.change_first, &sv->rec.change_count);
	put_renamed(sv, l);
	if (l->sum != 0 || sv->rec.renamed_count > 0)
		sv->rec.changes = l->sum | 1;
	free(l->items);
	*l = (struct change_list){ 0 };
}

void
changes_put_every(struct job *j, struct change_list *l)
{
	struct rec_tenant	*t;
	uint32_t		 first, count = 0;

	put_all(j, l, &first, &count);
	if ((t = build_at(j->policy, SECTION_TENANT, j->tenant_index)) != NULL) {
		t->every_first = first;
		t->every_count = count;
	}
	free(l->items);
	*l = (struct change_list){ 0 };
}

void
changes_read(struct server *sv)
{
	struct reading		 rd = { .sv = sv };
	const struct conf_node	*tools = NULL, *n;
	struct change		*c;

	if (!typed_list(sv->job, sv->source, sv->node, "tools", JSON_OBJECT, false, &tools))
		return;
	if (tools->count > TOOLS_MAX) {
		job_error_key(sv->job, sv->source, tools, "more than %d tools", TOOLS_MAX);
		return;
	}
	for (n = tools->first; n != NULL; n = n->next) {
		if (!own_ok(n->key)) {
			job_error_key(sv->job, sv->source, n, "want the server's own name of a tool");
			continue;
		}
		if (!typed_is(sv->job, sv->source, n, JSON_OBJECT))
			continue;
		typed_keys(sv->job, sv->source, n, keys);
		c = list_add(&rd.list, n->key, n);
		digest(&rd, n->key);
		read_name(sv, c);
		digest(&rd, c->name);
		read_texts(&rd, c);
		read_arguments(&rd, c);
		read_hide(sv, c);
		c->rec.risk = changes_read_risk(sv->job, sv->source, n, "risk_level");
		changes_read_roles(sv->job, sv->source, n, &c->rec);
		read_cache(sv, c);
	}
	names_check(sv, &rd.list);
	changes_put(sv, &rd.list);
}
