/* SPDX-License-Identifier: Apache-2.0
 *
 * secretuse.c - which servers use which secret, by the files of the configuration
 *
 * Process: mcpgwctl.
 * Owns:    the list.
 * Trusts:  the files for no more than what is shown of them; the compiler decides what a reference means.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/files/replace.h"
#include "ctl/files/secretuse.h"
#include "ctl/folders.h"
#include "lib/conf.h"
#include "lib/conf_yaml.h"
#include "lib/log.h"
#include "policy/params.h"

#define USES_MAX	10000

static void
use_add(struct secretuse *u, struct span secret, struct span server, bool jailed)
{
	if (secret.n == 0 || secret.n >= sizeof(u->uses->secret) || server.n >= sizeof(u->uses->server))
		return;
	for (size_t i = 0; i < u->count; i++)
		if (span_is(secret, u->uses[i].secret) && span_is(server, u->uses[i].server))
			return;
	if (u->count == USES_MAX)
		return;
	if ((u->uses = realloc(u->uses, (u->count + 1) * sizeof(*u->uses))) == NULL)
		fatal(EX_OSERR, "out of memory");
	snprintf(u->uses[u->count].secret, sizeof(u->uses->secret), "%.*s", SPAN_FMT(secret));
	snprintf(u->uses[u->count].server, sizeof(u->uses->server), "%.*s", SPAN_FMT(server));
	u->uses[u->count++].jailed = jailed;
}

static void
look_in_text(struct secretuse *u, struct span text, struct span server, bool jailed)
{
	static const char	 begin[] = "${secret:";
	const char		*at, *end;

	while ((at = memmem(text.p, text.n, begin, sizeof(begin) - 1)) != NULL) {
		at += sizeof(begin) - 1;
		text = span_make(at, (size_t)(text.p + text.n - at));
		if ((end = memchr(text.p, '}', text.n)) == NULL)
			return;
		use_add(u, span_make(text.p, (size_t)(end - text.p)), server, jailed);
	}
}

static void
look_in_node(struct secretuse *u, const struct conf_node *n, struct span server, bool jailed)
{
	if (n->type == JSON_STRING)
		look_in_text(u, n->text, server, jailed);
	for (const struct conf_node *c = n->first; c != NULL; c = c->next)
		look_in_node(u, c, server, jailed);
}

static struct conf *
read_file(const char *path)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	char			*text;
	size_t			 bytes;
	int			 r;

	if (replace_read(path, &text, &bytes) != 0)
		return NULL;
	r = bytes == 0 ? E_EOF : replace_is_yaml(path) ? conf_yaml_new(span_make(text, bytes), &c, &error) :
	    conf_new(span_make(text, bytes), &c, &error);
	free(text);
	return r == 0 ? c : NULL;
}

static void
look_in_servers(struct secretuse *u, const char *path)
{
	struct conf		*c = read_file(path);
	const struct conf_node	*list, *n;

	if (c == NULL)
		return;
	if ((list = conf_find(conf_top(c), "mcpServers")) == NULL)
		list = conf_find(conf_top(c), "servers");
	for (n = list == NULL ? NULL : list->first; n != NULL; n = n->next)
		look_in_node(u, n, n->key, conf_find(n, "command") != NULL);
	conf_free(&c);
}

/* A program's file: its server is called as it says, or as the file is. */
static void
look_in_tools(struct secretuse *u, const char *folder, const char *name)
{
	char			 path[PATH_MAX];
	const char		*dot = strrchr(name, '.');
	const struct conf_node	*named;
	struct conf		*c;

	if (dot == NULL || name[0] == '.' || (strcmp(dot, ".json") != 0 && !replace_is_yaml(name)))
		return;
	snprintf(path, sizeof(path), "%.3000s/%.255s", folder, name);
	if ((c = read_file(path)) == NULL)
		return;
	named = conf_find(conf_top(c), "server");
	look_in_node(u, conf_top(c), named != NULL && named->type == JSON_STRING ? named->text :
	    span_make(name, (size_t)(dot - name)), true);
	conf_free(&c);
}

void
secretuse_read(struct ctl *ctl, const struct snap *settings, struct secretuse *out)
{
	struct params	 p;
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*dir;

	*out = (struct secretuse){ NULL, 0 };
	if (settings == NULL || folders_params(ctl, settings, &p) != 0)
		return;
	if (p.servers_file.n > 0 && p.servers_file.n < sizeof(path)) {
		snprintf(path, sizeof(path), "%.*s", SPAN_FMT(p.servers_file));
		look_in_servers(out, path);
	}
	if (p.tools_dir.n == 0 || p.tools_dir.n >= sizeof(path))
		return;
	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(p.tools_dir));
	if ((dir = opendir(path)) == NULL)
		return;
	while ((e = readdir(dir)) != NULL)
		look_in_tools(out, path, e->d_name);
	closedir(dir);
}

void
secretuse_fini(struct secretuse *u)
{
	free(u->uses);
	*u = (struct secretuse){ NULL, 0 };
}
