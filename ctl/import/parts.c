/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.c - the packages that an installer put into one folder, by its own account
 *
 * Process: mcpgwctl.
 * Owns:    the lists.
 * Trusts:  an installer that ran in a jail no further than that its account is shown and kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/import/parts.h"
#include "lib/conf.h"
#include "lib/log.h"

static char *
dup_text(struct span s)
{
	char	*copy = strndup(s.p == NULL ? "" : s.p, s.n);

	if (copy == NULL)
		fatal(EX_OSERR, "no memory");
	return copy;
}

static struct span
text_of(const struct conf_node *n, const char *key)
{
	const struct conf_node	*m = conf_find(n, key);

	return m == NULL || m->type != JSON_STRING ? SPAN_LIT("") : m->text;
}

static int
add(struct parts *p, struct span name, struct span version, const char *integrity, bool asked, bool scripts)
{
	struct part	*more;

	if (p->count == PARTS_MAX)
		return E_TOOBIG;
	if (p->count % 64 == 0) {
		if ((more = realloc(p->list, (p->count + 64) * sizeof(*more))) == NULL)
			fatal(EX_OSERR, "no memory");
		p->list = more;
	}
	p->list[p->count++] = (struct part){ dup_text(name), dup_text(version), dup_text(span_of(integrity)), asked,
	    scripts };
	return 0;
}

static bool
is_true(const struct conf_node *n, const char *key)
{
	const struct conf_node	*m = conf_find(n, key);

	return m != NULL && m->type == JSON_TRUE;
}

static bool
has_member(const struct conf_node *n, struct span key)
{
	for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
		if (span_eq(n->key, key))
			return true;
	return false;
}

static int
open_text(struct span text, const char *what, struct conf **c, char why[PARTS_WHY])
{
	struct conf_error	error;
	int			r;

	why[0] = '\0';
	if ((r = conf_new(text, c, &error)) != 0)
		snprintf(why, PARTS_WHY, "%s: line %u:%u: %s", what, error.line, error.column, error.text);
	return r;
}

static int
finish(int r, const char *what, const struct parts *p, char why[PARTS_WHY])
{
	if (r == E_TOOBIG)
		snprintf(why, PARTS_WHY, "%s: more than %d packages", what, PARTS_MAX);
	else if (p->count == 0)
		snprintf(why, PARTS_WHY, "%s: names no package", what);
	return r == 0 && p->count == 0 ? E_FORMAT : r;
}

/* ---- npm ------------------------------------------------------------------------------------------ */

/* "node_modules/a/node_modules/@scope/b" is b's place; what lies elsewhere is the folder's own, or linked. */
static struct span
name_of_place(struct span place)
{
	const struct span	mark = SPAN_LIT("node_modules/");

	for (size_t i = place.n; i >= mark.n; i--)
		if (span_starts(span_part(place, i - mark.n, place.n), mark))
			return span_part(place, i, place.n);
	return SPAN_NONE;
}

int
parts_npm(struct span text, struct parts *out, char why[PARTS_WHY])
{
	static const char	 what[] = "package-lock.json";
	const struct conf_node	*list, *n, *asked;
	struct conf		*c = NULL;
	char			 integrity[256];
	struct span		 name;
	int			 r;

	*out = (struct parts){ NULL, 0 };
	if ((r = open_text(text, what, &c, why)) != 0)
		return r;
	list = conf_find(conf_top(c), "packages");
	asked = conf_find(conf_find(list, ""), "dependencies");
	for (n = list == NULL || list->type != JSON_OBJECT ? NULL : list->first; n != NULL && r == 0; n = n->next) {
		if (n->type != JSON_OBJECT || (name = name_of_place(n->key)).n == 0)
			continue;
		/* An alias lies in one place and is called otherwise. */
		if (text_of(n, "name").n > 0)
			name = text_of(n, "name");
		snprintf(integrity, sizeof(integrity), "%.*s", SPAN_FMT(text_of(n, "integrity")));
		r = add(out, name, text_of(n, "version"), integrity, has_member(asked, name),
		    is_true(n, "hasInstallScript"));
	}
	conf_free(&c);
	return finish(r, what, out, why);
}

/* ---- pip ------------------------------------------------------------------------------------------ */

static bool
is_wheel(struct span url)
{
	const char	*end = memchr(url.p, '#', url.n);

	if (end != NULL)
		url.n = (size_t)(end - url.p);
	return url.n > 4 && memcmp(url.p + url.n - 4, ".whl", 4) == 0;
}

int
parts_pip(struct span text, struct parts *out, char why[PARTS_WHY])
{
	static const char	 what[] = "pip's report";
	const struct conf_node	*list, *n, *from, *about, *archive;
	struct conf		*c = NULL;
	char			 integrity[256];
	struct span		 sum;
	int			 r;

	*out = (struct parts){ NULL, 0 };
	if ((r = open_text(text, what, &c, why)) != 0)
		return r;
	list = conf_find(conf_top(c), "install");
	for (n = list == NULL || list->type != JSON_ARRAY ? NULL : list->first; n != NULL && r == 0; n = n->next) {
		about = conf_find(n, "metadata");
		from = conf_find(n, "download_info");
		archive = conf_find(from, "archive_info");
		sum = text_of(conf_find(archive, "hashes"), "sha256");
		if (sum.n > 0)
			snprintf(integrity, sizeof(integrity), "sha256=%.*s", SPAN_FMT(sum));
		else
			snprintf(integrity, sizeof(integrity), "%.*s", SPAN_FMT(text_of(archive, "hash")));
		r = add(out, text_of(about, "name"), text_of(about, "version"), integrity,
		    is_true(n, "requested"), from != NULL && !is_wheel(text_of(from, "url")));
	}
	conf_free(&c);
	return finish(r, what, out, why);
}

/* ---- all ------------------------------------------------------------------------------------------ */

int
parts_one(const char *name, struct span version, bool scripts, struct parts *out)
{
	*out = (struct parts){ NULL, 0 };
	return add(out, span_of(name), version, "", true, scripts);
}

void
parts_free(struct parts *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].name);
		free(p->list[i].version);
		free(p->list[i].integrity);
	}
	free(p->list);
	*p = (struct parts){ NULL, 0 };
}

const struct part *
parts_find(const struct parts *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->list[i].name, name) == 0)
			return &p->list[i];
	return NULL;
}

static int
put_member(struct buf *to, const char *before, const char *value)
{
	int	r = buf_put_str(to, before);

	return r != 0 ? r : json_put_string(to, span_of(value));
}

int
parts_put(const struct parts *p, struct buf *to)
{
	int	r = buf_put_str(to, "[");

	for (size_t i = 0; i < p->count && r == 0; i++)
		if ((r = put_member(to, i == 0 ? "\n\t\t{\"name\": " : ",\n\t\t{\"name\": ", p->list[i].name)) == 0 &&
		    (r = put_member(to, ", \"version\": ", p->list[i].version)) == 0 &&
		    (r = put_member(to, ", \"integrity\": ", p->list[i].integrity)) == 0)
			r = buf_put_str(to, p->list[i].scripts ? ", \"scripts\": true}" : "}");
	return r != 0 ? r : buf_put_str(to, "]");
}
