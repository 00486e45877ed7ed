/* SPDX-License-Identifier: Apache-2.0
 *
 * read.c - the files of MCP clients, as servers
 *
 * Process: mcpgwctl, as whoever calls it.
 * Owns:    nothing beyond a call.
 * Trusts:  nothing of a file but that its reader wants these servers; texts are taken as they are.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/import/read.h"
#include "ctl/out.h"
#include "lib/crypt.h"
#include "lib/log.h"
#include "lib/num.h"

#define NAME_MAX_BYTES	64
#define KEPT_BYTES	(64u * 1024)

struct reading {
	struct import	*im;
	const char	*path, *folder;
	const char	*workspace;	/* of the servers being read */
	bool		 failed;
};

/* ---- values ---------------------------------------------------------------------------------------- */

static void
refuse(struct reading *r, const struct conf_node *n, const char *text)
{
	struct buf	where;

	buf_init(&where, 4096);
	if (conf_path(n, &where) != 0)
		buf_clear(&where);
	out_error("%s:%u:%u: error: %.*s: %s", r->path, n->line, n->column, SPAN_FMT(buf_rest(&where)), text);
	buf_fini(&where);
	r->failed = true;
}

static const char *
text_of(struct reading *r, const struct conf_node *n)
{
	if (n->text.n > 0 && memchr(n->text.p, '\0', n->text.n) != NULL)
		refuse(r, n, "holds a NUL");
	return import_text(r->im, n->text);
}

/* A string member, or NULL. */
static const char *
get_text(struct reading *r, const struct conf_node *server, const char *key)
{
	const struct conf_node	*n = conf_find(server, key);

	if (n == NULL || n->type == JSON_NULL)
		return NULL;
	if (n->type == JSON_STRING)
		return text_of(r, n);
	refuse(r, n, "want a string");
	return NULL;
}

static void
get_words(struct reading *r, const struct conf_node *server, const char *key, struct words *to)
{
	const struct conf_node	*list = conf_find(server, key);

	if (list == NULL || list->type == JSON_NULL)
		return;
	if (list->type != JSON_ARRAY || list->count > IMPORT_WORDS_MAX) {
		refuse(r, list, "want a list of strings");
		return;
	}
	for (const struct conf_node *n = list->first; n != NULL; n = n->next) {
		if (n->type == JSON_STRING || n->type == JSON_NUMBER)
			words_add(r->im, to, text_of(r, n));
		else
			refuse(r, n, "want a string");
	}
}

/* Numbers and true stand for their text, as clients take them. */
static void
get_pairs(struct reading *r, const struct conf_node *server, const char *key, struct pairs *to)
{
	const struct conf_node	*list = conf_find(server, key);

	if (list == NULL || list->type == JSON_NULL)
		return;
	if (list->type != JSON_OBJECT || list->count > IMPORT_WORDS_MAX) {
		refuse(r, list, "want an object of strings");
		return;
	}
	for (const struct conf_node *n = list->first; n != NULL; n = n->next) {
		if (n->type == JSON_OBJECT || n->type == JSON_ARRAY)
			refuse(r, n, "want a string");
		else if (n->type != JSON_NULL)
			pairs_set(r->im, to, import_text(r->im, n->key), text_of(r, n));
	}
}

static bool
get_flag(const struct conf_node *server, const char *key, bool otherwise)
{
	const struct conf_node	*n = conf_find(server, key);

	return n == NULL ? otherwise : n->type == JSON_TRUE ? true : n->type == JSON_FALSE ? false : otherwise;
}

/* ---- names ----------------------------------------------------------------------------------------- */

/* Clients allow every name; ours are of letters, digits, _ . and -. */
static const char *
server_name(struct reading *r, struct span from)
{
	char	to[NAME_MAX_BYTES + 1];
	size_t	n = 0;

	for (size_t i = 0; i < from.n && n < NAME_MAX_BYTES; i++) {
		unsigned char c = (unsigned char)from.p[i];

		if (isalnum(c) || c == '_' || c == '.' || c == '-')
			to[n++] = (char)c;
		else if (n > 0 && to[n - 1] != '-')
			to[n++] = '-';
	}
	while (n > 0 && to[n - 1] == '-')
		n--;
	return import_text(r->im, n == 0 ? SPAN_LIT("server") : span_make(to, n));
}

static const struct import_server *
same_name(const struct import *im, const struct import_server *s)
{
	for (size_t i = 0; i < im->count; i++)
		if (&im->servers[i] != s && strcmp(im->servers[i].name, s->name) == 0 &&
		    im->servers[i].fate != IMPORT_LEFT_OUT)
			return &im->servers[i];
	return NULL;
}

/* ---- servers --------------------------------------------------------------------------------------- */

/* What only our own files have, and what has the same meaning there. */
static void
get_own(struct reading *r, const struct conf_node *n, struct import_server *s)
{
	const struct conf_node	*net = conf_find(n, "net"), *limits = conf_find(n, "limits");
	struct buf		 text;

	get_words(r, n, "read", &s->read);
	get_words(r, n, "write", &s->write);
	if (net != NULL && net->type == JSON_STRING)
		s->net_word = strcmp(text_of(r, net), "none") == 0 ? NULL : text_of(r, net);
	else
		get_words(r, n, "net", &s->net);
	s->isolation = get_text(r, n, "isolation");
	s->tier = get_text(r, n, "tier");
	s->exec_tmp = get_flag(n, "exec_tmp", false);
	if (limits != NULL && limits->type == JSON_OBJECT) {
		buf_init(&text, 64 * 1024);
		if (conf_put_json(limits, &text) == 0)
			s->limits = import_text(r->im, buf_rest(&text));
		buf_fini(&text);
	}
}

/* What is ours and means the same in servers.json. */
static void
keep_own(struct reading *r, const struct conf_node *n, struct import_server *s)
{
	static const char *const	keys[] = { "description", "prefix", "timeout_ms", "era", "idempotent",
					    "rewrite_uris" };
	const struct conf_node		*value;
	struct buf			 text;
	int				 failed = 0;

	buf_init(&text, KEPT_BYTES);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && failed == 0; i++)
		if ((value = conf_find(n, keys[i])) != NULL && value->type != JSON_NULL &&
		    (failed = buf_put_fmt(&text, "%s\"%s\": ", text.used > 0 ? ", " : "", keys[i])) == 0)
			failed = conf_put_json(value, &text);
	if (failed != 0)
		refuse(r, n, "its own texts are too long");
	else if (text.used > 0)
		s->kept = import_text(r->im, buf_rest(&text));
	buf_fini(&text);
}

/* By which a gateway finds again what was made of this entry (policy/compiler/imported.c). */
static void
sum_entry(struct reading *r, const struct conf_node *n, struct import_server *s)
{
	char			hex[sizeof(struct crypt_digest) * 2 + 1];
	struct crypt_digest	d;
	struct buf		text;

	buf_init(&text, CONF_MAX_BYTES);
	if (conf_put_json(n, &text) == 0 && crypt_sha256(buf_rest(&text), &d) == 0) {
		num_hex(d.bytes, sizeof(d.bytes), hex);
		s->entry_sha256 = import_text(r->im, span_of(hex));
	}
	buf_fini(&text);
}

static const char *
first_text(struct reading *r, const struct conf_node *n, const char *const *keys)
{
	const char	*text = NULL;

	for (; text == NULL && *keys != NULL; keys++)
		text = get_text(r, n, *keys);
	return text;
}

static void
read_server(struct reading *r, const struct conf_node *n)
{
	static const char *const	urls[] = { "url", "serverUrl", "httpUrl", NULL };
	static const char *const	types[] = { "type", "transport", NULL };
	static const char *const	folders[] = { "workdir", "cwd", NULL };
	struct import			*im = r->im;
	struct import_server		*s = &im->servers[im->count];
	const char			*type;

	if (n->type != JSON_OBJECT) {
		refuse(r, n, "want an object");
		return;
	}
	if (im->count == IMPORT_SERVERS_MAX)
		fatal(EX_DATAERR, "%s: more than %d servers", r->path, IMPORT_SERVERS_MAX);
	im->count++;
	*s = (struct import_server){ .name = server_name(r, n->key), .file = r->path, .folder = r->folder,
	    .workspace = r->workspace };
	if (!span_is(n->key, s->name))
		server_note(im, s, "was \"%s\" in the file", import_text(im, n->key));
	s->command = get_text(r, n, "command");
	s->url = first_text(r, n, urls);
	type = first_text(r, n, types);
	s->type = type != NULL && strcmp(type, "sse") == 0 ? "sse" : NULL;
	s->workdir = first_text(r, n, folders);
	get_words(r, n, "args", &s->args);
	get_pairs(r, n, "env", &s->env);
	get_pairs(r, n, "headers", &s->headers);
	s->helper = get_text(r, n, "headersHelper");
	get_own(r, n, s);
	keep_own(r, n, s);
	sum_entry(r, n, s);
	if ((s->command == NULL) == (s->url == NULL))
		server_leave_out(im, s, s->url == NULL ? "it has neither a command nor a url" :
		    "it has both a command and a url");
	if (get_flag(n, "disabled", false) || !get_flag(n, "enabled", true))
		server_off(im, s, "switched off in the file");
	if (same_name(im, s) != NULL)
		server_leave_out(im, s, "this name came before; import that file by itself, or rename it");
}

static bool
read_list(struct reading *r, const struct conf_node *list, const char *workspace)
{
	if (list == NULL || list->type != JSON_OBJECT)
		return false;
	r->workspace = workspace;
	for (const struct conf_node *n = list->first; n != NULL; n = n->next)
		read_server(r, n);
	return true;
}

static bool
read_projects(struct reading *r, const struct conf_node *projects)
{
	bool	found = false;

	if (projects == NULL || projects->type != JSON_OBJECT)
		return false;
	for (const struct conf_node *n = projects->first; n != NULL; n = n->next)
		found |= read_list(r, conf_find(n, "mcpServers"), import_text(r->im, n->key));
	return found;
}

/* ---- files ----------------------------------------------------------------------------------------- */

static const char *
home(const char *otherwise)
{
	const char	*h = getenv("HOME");

	return h != NULL && h[0] == '/' ? h : otherwise;
}

/* A file in .vscode or .cursor is of the project around it. */
static const char *
workspace_of(struct import *im, const char *folder)
{
	static const char *const	hidden[] = { ".vscode", ".cursor", ".claude", ".gemini", ".roo" };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (strcmp(replace_base_name(folder), hidden[i]) == 0)
			return path_join(im, folder, "..");
	return folder;
}

static const char *
who_writes(const struct reading *r, const struct conf_node *top)
{
	const char	*base = replace_base_name(r->path), *above = replace_base_name(r->folder);

	if (conf_find(top, "projects") != NULL)
		return "Claude Code, settings";
	if (strcmp(base, ".mcp.json") == 0)
		return "Claude Code, project file";
	if (strcmp(base, "claude_desktop_config.json") == 0)
		return "Claude Desktop";
	if (strcmp(above, ".cursor") == 0)
		return "Cursor";
	if (conf_find(top, "mcpServers") == NULL)
		return "VS Code";
	return "mcpServers";
}

static bool
read_top(struct reading *r, const struct conf_node *top)
{
	const bool	 settings = conf_find(top, "projects") != NULL;
	const char	*project = workspace_of(r->im, r->folder);
	const char	*name = replace_base_name(r->path);
	const char	*of_no_project = settings || strcmp(name, "claude_desktop_config.json") == 0 ?
			    home(r->folder) : project;
	bool		 found;

	found = read_list(r, conf_find(top, "mcpServers"), of_no_project);
	found |= read_projects(r, conf_find(top, "projects"));
	if (!found)
		found = read_list(r, conf_find(top, "servers"), project) ||
		    read_list(r, conf_find(conf_find(top, "mcp"), "servers"), project);
	return found;
}

int
read_file(struct import *im, const char *path, const char **about)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct reading		 r = { .im = im };
	char			 real[PATH_MAX], *text = NULL;
	size_t			 bytes, before = im->count;

	if (realpath(path, real) == NULL) {
		out_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	if (replace_read(real, &text, &bytes) != 0)
		return EX_NOINPUT;
	r.path = import_fmt(im, "%s", real);
	r.folder = path_join(im, real, "..");
	if (conf_new(span_make(text, bytes), &c, &error) != 0) {
		out_error("%s:%u:%u: error: %s", path, error.line, error.column, error.text);
		free(text);
		return EX_DATAERR;
	}
	free(text);
	if (!read_top(&r, conf_top(c))) {
		out_error("%s: names no servers: want \"mcpServers\", \"servers\" or Claude Code's \"projects\"", path);
		r.failed = true;
	}
	*about = import_fmt(im, "%zu server%s from %s (%s)", im->count - before, im->count - before == 1 ? "" : "s",
	    path_short(im, r.path), who_writes(&r, conf_top(c)));
	conf_free(&c);
	return r.failed ? EX_DATAERR : 0;
}
