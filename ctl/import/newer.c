/* SPDX-License-Identifier: Apache-2.0
 *
 * newer.c - a server of servers.json whose package is exchanged for another version of it
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  the operator's file.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/files/edit.h"
#include "ctl/import/newer.h"

#define CHANGES_MAX	1000

static const struct conf_node *
server_node(const struct conf *c, const char *name)
{
	const struct conf_node	*list = conf_find(conf_top(c), "mcpServers");

	return conf_find(list != NULL ? list : conf_find(conf_top(c), "servers"), name);
}

/* What stands behind PKGS/ in a path of it, from the package's folder on; empty when it lies elsewhere. */
static struct span
below(struct span path, const char *pkgs)
{
	size_t	n = strlen(pkgs);

	if (path.n <= n + 1 || !span_starts(path, span_of(pkgs)) || path.p[n] != '/')
		return SPAN_NONE;
	return span_part(path, n + 1, path.n);
}

static bool
take_folder(struct newer *out, struct span path, const char *pkgs)
{
	struct span	rest = below(path, pkgs);
	const char	*slash = rest.n == 0 ? NULL : memchr(rest.p, '/', rest.n);

	if (slash == NULL || (size_t)(slash - rest.p) >= sizeof(out->folder) || rest.p[0] == '.')
		return false;
	snprintf(out->folder, sizeof(out->folder), "%.*s", (int)(slash - rest.p), rest.p);
	return true;
}

int
newer_find(struct span text, const char *name, const char *pkgs, struct newer *out, char why[NEWER_WHY])
{
	const struct conf_node	*n, *args;
	struct conf_error	 error;
	int			 r;

	*out = (struct newer){ NULL };
	if ((r = conf_new(text, &out->conf, &error)) != 0) {
		snprintf(why, NEWER_WHY, "line %u:%u: %s", error.line, error.column, error.text);
		return r;
	}
	out->server = server_node(out->conf, name);
	if (out->server == NULL || out->server->type != JSON_OBJECT) {
		snprintf(why, NEWER_WHY, "no server of this name stands there; see: mcpgwctl server list");
		return E_NOTFOUND;
	}
	n = conf_find(out->server, "enabled");
	out->off = n != NULL && n->type == JSON_FALSE;
	args = conf_find(out->server, "args");
	for (n = args == NULL || args->type != JSON_ARRAY ? NULL : args->first; n != NULL; n = n->next)
		if (n->type == JSON_STRING && n->text.n < sizeof(out->entry) && take_folder(out, n->text, pkgs)) {
			snprintf(out->entry, sizeof(out->entry), "%.*s", SPAN_FMT(n->text));
			return 0;
		}
	snprintf(why, NEWER_WHY, "its program is no package that import fetched to %.300s, so there is nothing to "
	    "update", pkgs);
	return E_NOTFOUND;
}

void
newer_fini(struct newer *n)
{
	conf_free(&n->conf);
}

/* ---- changing -------------------------------------------------------------------------------------- */

/* The first text below this node that is a path of the package, in order of the file. */
static const struct conf_node *
find_path(const struct conf_node *n, const char *old)
{
	const struct conf_node	*found;
	size_t			 bytes = strlen(old);

	if (n->type == JSON_STRING && span_starts(n->text, span_of(old)) &&
	    (n->text.n == bytes || n->text.p[bytes] == '/'))
		return n;
	for (n = n->first; n != NULL; n = n->next)
		if ((found = find_path(n, old)) != NULL)
			return found;
	return NULL;
}

static int
change(struct span text, const char *name, const char *old, const char *new, const struct newer *was,
    const char *entry, struct buf *to)
{
	const struct conf_node	*at;
	struct conf_error	 error;
	struct conf		*c;
	struct buf		 path, value;
	int			 r;

	if ((r = conf_new(text, &c, &error)) != 0)
		return r;
	buf_init(&path, PATH_MAX * 2);
	buf_init(&value, PATH_MAX * 12);
	if ((at = server_node(c, name)) == NULL || (at = find_path(at, old)) == NULL)
		r = E_NOTFOUND;
	else if (span_is(at->text, was->entry))
		r = buf_put_str(&path, entry);
	else if ((r = buf_put_str(&path, new)) == 0)
		r = buf_put(&path, span_part(at->text, strlen(old), at->text.n));
	if (r == 0 && (r = json_put_string(&value, buf_rest(&path))) == 0)
		r = edit_replace(text, at, buf_rest(&value), to);
	buf_fini(&path);
	buf_fini(&value);
	conf_free(&c);
	return r;
}

int
newer_text(struct span text, const char *name, const char *pkgs, const struct newer *was, const char *folder,
    const char *entry, struct buf *to)
{
	char		old[PATH_MAX], new[PATH_MAX];
	struct buf	next;
	int		r;

	snprintf(old, sizeof(old), "%s/%s", pkgs, was->folder);
	snprintf(new, sizeof(new), "%s/%s", pkgs, folder);
	if ((r = buf_put(to, text)) != 0 || strcmp(old, new) == 0)
		return r;
	for (unsigned i = 0; i < CHANGES_MAX; i++) {
		buf_init(&next, CONF_MAX_BYTES);
		if ((r = change(buf_rest(to), name, old, new, was, entry, &next)) == 0) {
			buf_clear(to);
			r = buf_put(to, buf_rest(&next));
		}
		buf_fini(&next);
		if (r == E_NOTFOUND)
			return 0;
		if (r != 0)
			return r;
	}
	return E_TOOBIG;
}
