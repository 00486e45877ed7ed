/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch_npm.c - packages by npm: installed without scripts, found again by the lock file and npx's rule
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  nothing in the package's folder, but that it does not change any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/entry.h"
#include "ctl/import/fetch.h"
#include "ctl/import/runtime.h"
#include "lib/conf.h"
#include "lib/fd.h"

#define WORDS_MAX	40
#define HEAD_BYTES	256

static int
npm_tools(bool system, struct fetch *f, char why[FETCH_WHY])
{
	char	*place = NULL;
	int	 r;

	if ((r = toolchain_node(system, &f->node, why)) != 0 ||
	    (r = runtime_place(f->ctl, f->keep->path, f->node.node, f->node.version, &place, why)) != 0)
		return r;
	snprintf(f->node.node, sizeof(f->node.node), "%s", place);
	free(place);
	return 0;
}

static int
npm_sources(struct fetch *f, char why[FETCH_WHY])
{
	char	ca[PATH_MAX + 16], normal[URL_TEXT];

	if (f->node.npm[0] == '\0') {
		snprintf(why, FETCH_WHY, "no npm here: apt install npm, or --from DIR|TARBALL");
		return E_NOTFOUND;
	}
	if (toolchain_npm_registry(&f->node, normal, sizeof(normal)) != 0)
		return fetch_refuse(why, "%s does not run; try: npm config get registry", f->node.npm);
	snprintf(ca, sizeof(ca), "%s/npm-ca.pem", f->rc);
	return sources_npm(&f->sources, f->node.npm_folder, normal, ca, why);
}

/* ---- the plan ------------------------------------------------------------------------------------- */

static bool
is_folder(const char *path)
{
	struct stat	st;

	return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder that npm installed to elsewhere, or the package's own. */
static bool
holds_install(const struct fetch_one *o)
{
	char	path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/node_modules/%s/package.json", o->want->from, o->spec.name) <
	    PATH_MAX && access(path, F_OK) == 0;
}

static void
plan_copy(struct fetch *f, struct fetch_one *o, size_t number)
{
	char	from[PATH_MAX + 4], to[PATH_MAX * 2];

	snprintf(from, sizeof(from), "%s/.", o->want->from);
	if (holds_install(o))
		snprintf(to, sizeof(to), "%s/%s", f->new, o->folder);
	else
		snprintf(to, sizeof(to), "%s/%s/node_modules/%s", f->new, o->folder, o->spec.name);
	fetch_tool(f, o, number, (const char *const[]){ "/bin/cp", "-R", "-P", "--", from, to, NULL });
}

static void
npm_plan(struct fetch *f, struct fetch_one *o, size_t number)
{
	char		 prefix[PATH_MAX * 2], cache[PATH_MAX + 16], rc[PATH_MAX + 32], none[PATH_MAX + 32];
	const char	*common[] = { prefix, rc, none, cache, "--no-audit", "--no-fund", "--no-update-notifier",
			    "--no-progress", "--loglevel=error", "--omit=dev", "--fetch-retries=1",
			    "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000" };
	const char	*argv[WORDS_MAX] = { f->node.node, f->node.npm, "install" };
	size_t		 n = 3;

	if (is_folder(o->want->from)) {
		plan_copy(f, o, number);
		return;
	}
	snprintf(prefix, sizeof(prefix), "--prefix=%s/%s", f->new, o->folder);
	snprintf(cache, sizeof(cache), "--cache=%s/cache", f->new);
	snprintf(rc, sizeof(rc), "--userconfig=%s/npmrc", f->rc);
	snprintf(none, sizeof(none), "--globalconfig=%s/none", f->rc);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		argv[n++] = common[i];
	argv[n++] = "--save-exact";
	argv[n++] = "--ignore-scripts";
	if (f->offline)
		argv[n++] = "--offline";
	argv[n++] = "--";
	argv[n++] = o->want->from != NULL ? o->want->from : o->spec.text;
	argv[n] = NULL;
	fetch_tool(f, o, number, argv);
	if (!f->scripts)
		return;
	/* By themselves, when the tokens are gone. */
	n = 3;
	argv[2] = "rebuild";
	snprintf(rc, sizeof(rc), "--userconfig=%s/npmrc-open", f->rc);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		argv[n++] = common[i];
	argv[n++] = "--no-ignore-scripts";
	argv[n++] = "--foreground-scripts";
	argv[n] = NULL;
	fetch_tool(f, o, number, argv);
}

/* Folders that a copy goes to, one in the other. */
static int
npm_prepare(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	char	path[PATH_MAX], *end;

	if (!is_folder(o->want->from) || holds_install(o))
		return 0;
	snprintf(path, sizeof(path), KEEP_NEW "/%s/node_modules/%s/", o->folder, o->spec.name);
	for (end = path + strlen(KEEP_NEW) + strlen(o->folder) + 2; (end = strchr(end, '/')) != NULL; end++) {
		*end = '\0';
		if ((mkdirat(f->keep->fd, path, 0755) == -1 && errno != EEXIST) ||
		    (geteuid() == 0 && fchownat(f->keep->fd, path, f->install.uid, f->install.gid, 0) == -1))
			return fetch_refuse(why, "%s: %s", path, strerror(errno));
		*end = '/';
	}
	return 0;
}

/* ---- what came ------------------------------------------------------------------------------------ */

static int
open_manifest(int dir, const char *name, struct conf **c, char why[FETCH_WHY])
{
	struct conf_error	error;
	char			path[512], *text = NULL;
	size_t			bytes;
	int			r;

	*c = NULL;
	snprintf(path, sizeof(path), "node_modules/%s/package.json", name);
	if ((r = fetch_read(dir, path, &text, &bytes)) != 0)
		return fetch_refuse(why, "%s: not there", path);
	if ((r = conf_new(span_make(text, bytes), c, &error)) != 0)
		r = fetch_refuse(why, "%s:%u:%u: %s", path, error.line, error.column, error.text);
	free(text);
	return r;
}

static int
read_lock(int dir, struct parts *parts, char why[FETCH_WHY])
{
	static const char *const	files[] = { "package-lock.json", "node_modules/.package-lock.json" };
	char				*text = NULL;
	size_t				bytes;
	int				r = E_NOTFOUND;

	for (size_t i = 0; i < 2 && r != 0; i++)
		if (fetch_read(dir, files[i], &text, &bytes) == 0) {
			r = parts_npm(span_make(text, bytes), parts, why);
			free(text);
		}
	return r;
}

/* A folder that was copied need not have a lock file: then the package stands for all that it brought. */
static int
one_part(int dir, const char *name, struct parts *parts, char why[FETCH_WHY])
{
	const struct conf_node	*version, *scripts;
	struct conf		*c;
	bool			 runs;
	int			 r;

	if ((r = open_manifest(dir, name, &c, why)) != 0)
		return r;
	version = conf_find(conf_top(c), "version");
	scripts = conf_find(conf_top(c), "scripts");
	runs = conf_find(scripts, "install") != NULL || conf_find(scripts, "preinstall") != NULL ||
	    conf_find(scripts, "postinstall") != NULL;
	r = version == NULL || version->type != JSON_STRING ?
	    fetch_refuse(why, "%s: its package.json has no version", name) :
	    parts_one(name, version->text, runs, parts);
	conf_free(&c);
	return r;
}

static int
npm_look(struct fetch *f, struct fetch_one *o, int dir, struct parts *parts, char why[FETCH_WHY])
{
	const struct part	*main = NULL;
	int			 r = read_lock(dir, parts, why);

	(void)f;
	if (r != 0) {
		parts_free(parts);
		if (o->want->from == NULL || o->spec.name[0] == '\0' ||
		    (r = one_part(dir, o->spec.name, parts, why)) != 0)
			return r;
	}
	for (size_t i = 0; i < parts->count && main == NULL; i++)
		if (o->spec.name[0] != '\0' ? strcmp(parts->list[i].name, o->spec.name) == 0 : parts->list[i].asked)
			main = &parts->list[i];
	if (main == NULL)
		return fetch_refuse(why, "the lock file has no package %s", o->spec.name);
	o->got->name = fetch_text("%s", main->name);
	o->got->version = fetch_text("%s", main->version);
	return 0;
}

/* ---- the program ---------------------------------------------------------------------------------- */

static int
check_runner(int dir, const char *path, char why[FETCH_WHY])
{
	char		 real[HEAD_BYTES];
	struct stat	 st;
	ssize_t		 n;
	int		 fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;

	/* Links stay within: that was looked at when it was sealed. */
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || (n = read(fd, real, sizeof(real))) < 0)
		r = fetch_refuse(why, "its program %s is not there; does the package want a script to make it?", path);
	else if (entry_runner(span_make(real, (size_t)n), path) != ENTRY_NODE)
		r = fetch_refuse(why, "its program %s is no script for node", path);
	fd_close(&fd);
	return r;
}

static int
npm_entry(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	char		 file[ENTRY_TEXT], path[ENTRY_TEXT + 300], reason[ENTRY_WHY] = "";
	struct conf	*c = NULL;
	int		 dir = open(o->got->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (dir == -1)
		return fetch_refuse(why, "%s: %s", o->got->dir, strerror(errno));
	if ((r = open_manifest(dir, o->got->name, &c, why)) == 0) {
		if ((r = entry_npm(conf_top(c), o->want->bin, file, reason)) != 0)
			snprintf(why, FETCH_WHY, "%s", reason);
		snprintf(path, sizeof(path), "node_modules/%s/%s", o->got->name, r == 0 ? file : "");
		if (r == 0)
			r = check_runner(dir, path, why);
	}
	if (r == 0) {
		o->got->runtime = fetch_text("%s", f->node.node);
		o->got->entry = fetch_text("%s/%s", o->got->dir, path);
	}
	conf_free(&c);
	fd_close(&dir);
	return r;
}

static const char *
npm_version(const struct fetch *f)
{
	return f->node.version;
}

static const char *
npm_outside(const struct fetch *f)
{
	(void)f;
	return NULL;
}

const struct fetch_kind	fetch_npm = { "npm", spec_npm, npm_tools, npm_sources, npm_plan, npm_prepare, npm_look,
	npm_entry, npm_version, npm_outside };
