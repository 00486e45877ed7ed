/* SPDX-License-Identifier: Apache-2.0
 *
 * package.c - packages of npm and PyPI: those that are there, and those that are fetched
 *
 * Process: mcpgwctl.
 * Owns:    what was got, until packages_free().
 * Trusts:  no package, and no installer once it ran: what it left is looked at, closed, and only then named.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/import/fetch.h"
#include "ctl/import/progress.h"
#include "ctl/import/treehash.h"
#include "ctl/out.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"

#define FILE_MAX	(16u << 20)
#define BATCH_MAX	(INSTALL_TOOLS / 3)

/* ---- for the kinds -------------------------------------------------------------------------------- */

char *
fetch_text(const char *fmt, ...)
{
	va_list	 ap;
	char	*text;
	int	 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		fatal(EX_OSERR, "no memory");
	return text;
}

int
fetch_refuse(char why[FETCH_WHY], const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, FETCH_WHY, fmt, ap);
	va_end(ap);
	return E_FORMAT;
}

int
fetch_read(int dir, const char *path, char **text, size_t *bytes)
{
	int	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), r;

	*text = NULL;
	*bytes = 0;
	if (fd == -1)
		return E_NOTFOUND;
	r = fd_read_all(fd, FILE_MAX, text, bytes);
	fd_close(&fd);
	return r;
}

void
fetch_tool(struct fetch *f, struct fetch_one *o, size_t number, const char *const *argv)
{
	snprintf(o->tool[o->tools], INSTALL_NAME, "p%zu-%zu", number, o->tools);
	install_tool(&f->install, o->tool[o->tools++], argv);
}

/* ---- one package ---------------------------------------------------------------------------------- */

static void
set_why(struct fetch_one *o, const char *why)
{
	if (o->got->why == NULL)
		o->got->why = fetch_text("%s: %s", o->want->spec, why[0] == '\0' ? "could not be fetched" : why);
}

static const struct fetch_kind *
kind_of(const char *name)
{
	return strcmp(name, fetch_npm.name) == 0 ? &fetch_npm : strcmp(name, fetch_pypi.name) == 0 ? &fetch_pypi : NULL;
}

/* A folder's name for what is fetched; always the same, since its path gets into some of the files. */
static void
name_folder(struct fetch_one *o)
{
	snprintf(o->folder, sizeof(o->folder), "%s-%s", o->want->kind, o->spec.source ? "source" : o->spec.name);
	for (char *p = o->folder; *p != '\0'; p++)
		if (*p == '/')
			*p = '+';
}

static bool
read_spec(struct fetch_one *o)
{
	const struct fetch_kind	*kind = kind_of(o->want->kind);
	const char		*why = NULL;

	if (kind == NULL)
		set_why(o, "no such kind of package");
	else if (kind->spec(o->want->spec, &o->spec, &why) != 0)
		set_why(o, why);
	else if (o->spec.source && !o->want->source)
		set_why(o, "comes from a repository or an address, not from a registry; allow it with --allow-source");
	else if (o->want->from != NULL && (o->want->from[0] != '/' || strpbrk(o->want->from, "\n${}") != NULL))
		set_why(o, "--from: want an absolute path");
	else if (o->want->from != NULL && access(o->want->from, R_OK) == -1)
		set_why(o, strerror(errno));
	else
		name_folder(o);
	return o->got->why == NULL;
}

static void
take_parts(struct package_got *got, const struct parts *parts, bool scripts)
{
	got->modules = (unsigned)parts->count;
	if ((got->with_scripts = calloc(parts->count + 1, sizeof(*got->with_scripts))) == NULL)
		fatal(EX_OSERR, "no memory");
	for (size_t i = 0; i < parts->count && !scripts; i++)
		if (parts->list[i].scripts)
			got->with_scripts[got->with_scripts_n++] = fetch_text("%s", parts->list[i].name);
}

/* What lies there is closed, summed up, named and moved to its place. */
static int
settle(const struct fetch_kind *kind, struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	char		path[300];
	struct treehash	tree;
	struct parts	parts = { NULL, 0 };
	struct kept	kept = { .kind = kind->name, .spec = o->want->spec, .from = o->want->from,
			    .scripts = o->want->scripts, .exact = o->spec.exact[0] != '\0',
			    .node = kind->version(f), .parts = &parts };
	int		dir, r;

	snprintf(path, sizeof(path), KEEP_NEW "/%s", o->folder);
	if ((dir = openat(f->keep->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return fetch_refuse(why, "%s: %s", path, strerror(errno));
	if ((r = treehash_make(dir, true, kind->outside(f), &tree)) != 0)
		snprintf(why, FETCH_WHY, "%s", tree.why);
	else if ((r = kind->look(f, o, dir, &parts, why)) == 0) {
		o->got->tree_hash = fetch_text("%s", tree.hex);
		o->got->bytes = kept.bytes = tree.bytes;
		kept.name = o->got->name;
		kept.version = o->got->version;
		kept.tree = tree.hex;
		take_parts(o->got, &parts, o->want->scripts);
		r = keep_put(f->keep, o->folder, &kept, o->got, why);
	}
	parts_free(&parts);
	fd_close(&dir);
	return r;
}

static int
make_one(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	char	path[300];

	snprintf(path, sizeof(path), KEEP_NEW "/%s", o->folder);
	/* What an earlier package's scripts left is nobody's cache. */
	if (f->scripts)
		keep_remove(f->keep, KEEP_NEW "/cache");
	if (keep_make(f->keep, path, 0755, f->install.uid, f->install.gid) != 0 ||
	    keep_make(f->keep, KEEP_NEW "/tmp", 0700, f->install.uid, f->install.gid) != 0)
		return fetch_refuse(why, "%s: %s", path, strerror(errno));
	return 0;
}

static void
fetch_one(const struct fetch_kind *kind, struct fetch *f, struct fetch_one *o)
{
	char	why[FETCH_WHY] = "";
	int	r;

	if ((r = make_one(f, o, why)) == 0)
		r = kind->prepare(f, o, why);
	for (size_t i = 0; i < o->tools && r == 0; i++) {
		/* The second program of npm runs scripts, which tokens are no business of. */
		if (i == 1 && kind == &fetch_npm)
			keep_remove(f->keep, KEEP_SETTINGS "/npmrc");
		r = install_run(&f->install, o->tool[i], why);
	}
	if (r == 0)
		r = settle(kind, f, o, why);
	if (r == 0 && (r = kind->entry(f, o, why)) != 0 && !o->got->already)
		keep_drop(f->keep, strrchr(o->got->dir, '/') + 1);
	if (r != 0)
		set_why(o, why);
}

/* ---- a batch -------------------------------------------------------------------------------------- */

static int
write_setting(struct fetch *f, const char *name, const struct buf *text, char why[FETCH_WHY])
{
	char	path[64];
	int	fd, r;

	if (buf_rest(text).n == 0)
		return 0;
	snprintf(path, sizeof(path), KEEP_SETTINGS "/%s", name);
	fd = openat(f->keep->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0400);
	r = fd == -1 || fd_write_all(fd, buf_rest(text)) != 0 ||
	    (geteuid() == 0 && fchown(fd, f->install.uid, f->install.gid) == -1) ?
	    fetch_refuse(why, "%s/%s: %s", f->keep->path, path, strerror(errno)) : 0;
	fd_close(&fd);
	return r;
}

/* Both folders, and in one of them what the installers are told. */
static int
make_folders(struct fetch *f, char why[FETCH_WHY])
{
	const struct sources	*s = &f->sources;
	int			 r;

	if (keep_make(f->keep, KEEP_NEW, 0700, f->install.uid, f->install.gid) != 0 ||
	    keep_make(f->keep, KEEP_SETTINGS, 0700, f->install.uid, f->install.gid) != 0)
		return fetch_refuse(why, "%s: %s", f->keep->path, strerror(errno));
	if ((r = write_setting(f, "npmrc", &s->npmrc, why)) != 0 ||
	    (r = write_setting(f, "npmrc-open", &s->npmrc_open, why)) != 0 ||
	    (r = write_setting(f, "pip.conf", &s->pip, why)) != 0 ||
	    (r = write_setting(f, "npm-ca.pem", &s->npm_ca, why)) != 0 ||
	    (r = write_setting(f, "pip-ca.pem", &s->pip_ca, why)) != 0)
		return r;
	return write_setting(f, "extra-ca.pem", &s->extra_ca, why);
}

static int
start(struct fetch *f, struct fetch_one *list, const size_t *which, size_t n)
{
	char			pip[PATH_MAX + 32], extra[PATH_MAX + 32], tmp[PATH_MAX + 32];
	const char		*read[BATCH_MAX + SOURCES_FOLDERS + 8];
	struct install_env	env[8];
	struct install_view	view = { .folder = f->new, .runs = f->scripts, .read = read, .env = env,
				    .hosts = f->offline ? NULL : &f->sources.hosts, .settings = f->rc };
	size_t			count = 0, k = 0;

	snprintf(pip, sizeof(pip), "%s/pip.conf", f->rc);
	snprintf(extra, sizeof(extra), "%s/extra-ca.pem", f->rc);
	snprintf(tmp, sizeof(tmp), "%s/tmp", f->new);
	read[count++] = f->rc;
	if (f->node.npm_folder[0] != '\0')
		read[count++] = f->node.npm_folder;
	if (f->python.prefix[0] != '\0')
		read[count++] = f->python.prefix;
	for (size_t i = 0; i < f->sources.folder_count; i++)
		read[count++] = f->sources.folders[i];
	for (size_t i = 0; i < n; i++)
		if (list[which[i]].want->from != NULL)
			read[count++] = list[which[i]].want->from;
	read[count] = NULL;
	env[k++] = (struct install_env){ "TMPDIR", tmp };
	/* So that what is fetched twice is the same twice. */
	env[k++] = (struct install_env){ "SOURCE_DATE_EPOCH", "315532800" };
	env[k++] = (struct install_env){ "PIP_CONFIG_FILE", pip };
	if (buf_rest(&f->sources.extra_ca).n > 0)
		env[k++] = (struct install_env){ "NODE_EXTRA_CA_CERTS", extra };
	/* The jail's own proxy is for those who find no other way; npm would ask it for plain http too. */
	env[k++] = (struct install_env){ "HTTPS_PROXY", "" };
	env[k++] = (struct install_env){ "https_proxy", "" };
	env[k] = (struct install_env){ NULL, NULL };
	return install_start(&f->install, f->ctl, &view);
}

static int
run_batch(const struct fetch_kind *kind, struct fetch *f, struct fetch_one *list, const size_t *which, size_t n)
{
	char	why[FETCH_WHY] = "";
	int	r, code;

	sources_init(&f->sources);
	if ((code = install_init(&f->install, f->ctl)) != 0)
		return code;
	r = kind->tools(f->ctl->where.system, f, why);
	if (r == 0 && !f->offline)
		r = kind->sources(f, why);
	if (r == 0)
		r = make_folders(f, why);
	for (size_t i = 0; i < n && r == 0; i++)
		kind->plan(f, &list[which[i]], i);
	if (r == 0)
		code = start(f, list, which, n);
	for (size_t i = 0; i < n && r == 0 && code == 0; i++) {
		progress_say("Fetching %s", list[which[i]].want->spec);
		fetch_one(kind, f, &list[which[i]]);
	}
	for (size_t i = 0; i < n; i++)
		if (r != 0)
			set_why(&list[which[i]], why);
		else if (code != 0)
			set_why(&list[which[i]], "nothing to fetch it with, as said above");
	install_fini(&f->install);
	sources_fini(&f->sources);
	keep_remove(f->keep, KEEP_NEW);
	keep_remove(f->keep, KEEP_SETTINGS);
	return code;
}

/* ---- all ------------------------------------------------------------------------------------------ */

/* Those that are there need no network, no jail and no time; but their runtime must still be there. */
static void
use_kept(struct ctl *ctl, struct keep *keep, struct fetch_one *o)
{
	const struct fetch_kind	*kind = kind_of(o->want->kind);
	struct fetch		 f = { .ctl = ctl, .keep = keep };
	char			 why[FETCH_WHY] = "";

	if (keep_find(keep, o->want, o->spec.name, o->spec.exact, o->got) != 0)
		return;
	if (kind->tools(ctl->where.system, &f, why) != 0 || kind->entry(&f, o, why) != 0)
		set_why(o, why);
}

static bool
is_open(const struct fetch_one *o)
{
	return o->got->why == NULL && o->got->dir == NULL;
}

static bool
is_together(const struct package_want *a, const struct package_want *b)
{
	return strcmp(a->kind, b->kind) == 0 && a->scripts == b->scripts && (a->from == NULL) == (b->from == NULL);
}

/* The same package twice is one package. */
static bool
is_twin(const struct fetch_one *a, const struct fetch_one *b)
{
	return strcmp(a->folder, b->folder) == 0;
}

/* The next ones that are fetched alike. */
static size_t
choose(const struct fetch_one *list, size_t n, size_t which[BATCH_MAX])
{
	size_t	count = 0;

	for (size_t i = 0; i < n && count < BATCH_MAX; i++) {
		bool	twin = false;

		if (!is_open(&list[i]) || (count > 0 && !is_together(list[which[0]].want, list[i].want)))
			continue;
		for (size_t k = 0; k < count; k++)
			twin |= is_twin(&list[which[k]], &list[i]);
		if (!twin)
			which[count++] = i;
	}
	return count;
}

static void
say_end(const struct fetch_one *list, size_t n, uint64_t began_ms)
{
	size_t	npm = 0, pypi = 0, scripts = 0;
	char	what[128] = "";

	for (size_t i = 0; i < n; i++) {
		if (list[i].got->why != NULL || list[i].got->dir == NULL || list[i].got->already)
			continue;
		*(strcmp(list[i].want->kind, "npm") == 0 ? &npm : &pypi) += 1;
		scripts += list[i].want->scripts;
	}
	if (npm + pypi == 0)
		return;
	if (npm > 0 && pypi > 0)
		snprintf(what, sizeof(what), "%zu npm, %zu Python package%s", npm, pypi, pypi == 1 ? "" : "s");
	else
		snprintf(what, sizeof(what), "%zu %s package%s", npm + pypi, npm > 0 ? "npm" : "Python",
		    npm + pypi == 1 ? "" : "s");
	progress_end(began_ms, "Fetched %s: pinned, install scripts %s, in a jail.", what, scripts > 0 ? "run" : "off");
}

int
packages_fetch(struct ctl *ctl, const struct package_want *want, struct package_got *got, size_t n, const char *into)
{
	struct fetch_one	*list = calloc(n + 1, sizeof(*list));
	size_t			 which[BATCH_MAX], count;
	const uint64_t		 began_ms = clock_mono_ms();
	struct keep		 keep;
	int			 code = 0;

	if (list == NULL)
		fatal(EX_OSERR, "no memory");
	for (size_t i = 0; i < n; i++) {
		got[i] = (struct package_got){ NULL };
		list[i] = (struct fetch_one){ .want = &want[i], .got = &got[i] };
	}
	if ((code = keep_open(into, &keep)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (read_spec(&list[i]) && !want[i].fresh)
			use_kept(ctl, &keep, &list[i]);
	progress_begin();
	while (code == 0 && (count = choose(list, n, which)) > 0) {
		const struct package_want	*first = list[which[0]].want;
		struct fetch			*f = calloc(1, sizeof(*f));

		if (f == NULL)
			fatal(EX_OSERR, "no memory");
		f->ctl = ctl;
		f->keep = &keep;
		f->offline = first->from != NULL;
		f->scripts = first->scripts;
		snprintf(f->new, sizeof(f->new), "%s/" KEEP_NEW, keep.path);
		snprintf(f->rc, sizeof(f->rc), "%s/" KEEP_SETTINGS, keep.path);
		code = run_batch(kind_of(first->kind), f, list, which, count);
		free(f);
		/* What was asked for twice is there now. */
		for (size_t i = 0; i < n && code == 0; i++)
			if (is_open(&list[i]))
				use_kept(ctl, &keep, &list[i]);
	}
	say_end(list, n, began_ms);
 out:
	for (size_t i = 0; i < n; i++)
		if (is_open(&list[i]))
			set_why(&list[i], "not fetched");
	keep_close(&keep);
	free(list);
	return code;
}

static void
free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void
packages_free(struct package_got *got, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct package_got	*g = &got[i];

		free(g->why);
		free(g->name);
		free(g->version);
		free(g->dir);
		free(g->runtime);
		free(g->entry);
		free(g->tree_hash);
		free_list(g->with_scripts, g->with_scripts_n);
		free_list(g->prefixes, g->prefixes_n);
		*g = (struct package_got){ NULL };
	}
}
