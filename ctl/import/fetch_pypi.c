/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch_pypi.c - packages by pip: wheels into an environment of their own, found again by pip's report
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  nothing in the package's folder, but that it does not change any more.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/entry.h"
#include "ctl/import/fetch.h"
#include "lib/fd.h"

#define WORDS_MAX	40
#define REPORT		"report.json"

static int
pypi_tools(bool system, struct fetch *f, char why[FETCH_WHY])
{
	return toolchain_python(system, &f->python, why);
}

static int
pypi_sources(struct fetch *f, char why[FETCH_WHY])
{
	char	ca[PATH_MAX + 16];

	snprintf(ca, sizeof(ca), "%s/pip-ca.pem", f->rc);
	return sources_pip(&f->sources, f->python.index, f->python.files, ca, why);
}

static bool
is_folder(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* An interpreter outside of /usr would be shown elsewhere, away from its libraries: there it is started by another. */
static size_t
begin(const struct fetch *f, const char **argv)
{
	size_t	n = 0;

	if (f->python.prefix[0] != '\0')
		argv[n++] = "/usr/bin/env";
	argv[n++] = f->python.python;
	argv[n++] = "-I";
	argv[n++] = "-m";
	return n;
}

static void
pypi_plan(struct fetch *f, struct fetch_one *o, size_t number)
{
	char		 dir[PATH_MAX * 2], python[PATH_MAX * 2 + 16], cache[PATH_MAX + 64], report[PATH_MAX + 64];
	char		 links[PATH_MAX];
	const char	*argv[WORDS_MAX], *from = o->want->from;
	size_t		 n = begin(f, argv);

	snprintf(dir, sizeof(dir), "%s/%s", f->new, o->folder);
	argv[n++] = "venv";
	argv[n++] = "--without-pip";
	argv[n++] = "--symlinks";
	argv[n++] = dir;
	argv[n] = NULL;
	fetch_tool(f, o, number, argv);

	snprintf(python, sizeof(python), "%s/bin/python", dir);
	snprintf(cache, sizeof(cache), "--cache-dir=%s/cache", f->new);
	snprintf(report, sizeof(report), "--report=%s/" REPORT, f->new);
	n = begin(f, argv);
	argv[n++] = "pip";
	argv[n++] = "--python";
	argv[n++] = python;
	argv[n++] = "install";
	argv[n++] = "--no-input";
	argv[n++] = "--no-warn-script-location";
	argv[n++] = "--disable-pip-version-check";
	argv[n++] = "--progress-bar=off";
	argv[n++] = "--quiet";
	argv[n++] = "--retries=1";
	argv[n++] = cache;
	argv[n++] = report;
	if (!f->scripts)
		argv[n++] = "--only-binary=:all:";
	if (from != NULL) {
		snprintf(links, sizeof(links), "--find-links=%.*s", is_folder(from) ? (int)strlen(from) :
		    (int)(strrchr(from, '/') - from), from);
		argv[n++] = "--no-index";
		argv[n++] = links;
	}
	argv[n++] = "--";
	argv[n++] = from != NULL && !is_folder(from) ? from : o->spec.text;
	argv[n] = NULL;
	fetch_tool(f, o, number, argv);
}

static int
pypi_prepare(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	(void)f;
	(void)o;
	(void)why;
	return 0;
}

static bool
is_called(const char *written, const char *name)
{
	struct spec	s;
	const char	*why;

	return spec_pypi(written, &s, &why) == 0 && strcmp(s.name, name) == 0;
}

static int
pypi_look(struct fetch *f, struct fetch_one *o, int dir, struct parts *parts, char why[FETCH_WHY])
{
	const struct part	*main = NULL;
	char			*text = NULL;
	struct spec		 s;
	const char		*reason;
	size_t			 bytes;
	int			 new, r;

	(void)dir;
	new = openat(f->keep->fd, KEEP_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = new == -1 ? E_SYS : fetch_read(new, REPORT, &text, &bytes);
	fd_close(&new);
	if (r != 0)
		return fetch_refuse(why, "pip left no report; is it older than 22.2?");
	r = parts_pip(span_make(text, bytes), parts, why);
	free(text);
	if (r != 0)
		return r;
	for (size_t i = 0; i < parts->count && main == NULL; i++)
		if (o->spec.name[0] != '\0' ? is_called(parts->list[i].name, o->spec.name) : parts->list[i].asked)
			main = &parts->list[i];
	if (main == NULL || spec_pypi(main->name, &s, &reason) != 0)
		return fetch_refuse(why, "pip's report has no package %s", o->spec.name);
	o->got->name = fetch_text("%s", s.name);
	o->got->version = fetch_text("%s", main->version);
	return 0;
}

/* ---- the program ---------------------------------------------------------------------------------- */

/* lib/python3.11/site-packages, of the one Python there is. */
static int
open_packages(int dir, char path[256])
{
	int		 lib = openat(dir, "lib", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR		*d = lib == -1 ? NULL : fdopendir(lib);
	struct dirent	*e;

	path[0] = '\0';
	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "python", 6) == 0 && strlen(e->d_name) < 64)
			snprintf(path, 256, "lib/%s/site-packages", e->d_name);
	if (d != NULL)
		closedir(d);
	else
		fd_close(&lib);
	return path[0] == '\0' ? -1 : openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* NAME-VERSION.dist-info, where NAME is written in one way of several. */
static bool
find_info(int packages, const char *name, char to[300])
{
	int		 fd = openat(packages, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		*d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent	*e;
	char		 written[256];
	const char	*dash;
	bool		 found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n < 11 || strcmp(e->d_name + n - 10, ".dist-info") != 0 || (dash = strchr(e->d_name, '-')) == NULL)
			continue;
		snprintf(written, sizeof(written), "%.*s", (int)(dash - e->d_name), e->d_name);
		if ((found = is_called(written, name)))
			snprintf(to, 300, "%s", e->d_name);
	}
	if (d != NULL)
		closedir(d);
	else
		fd_close(&fd);
	return found;
}

static int
find_program(int dir, struct fetch_one *o, char to[ENTRY_TEXT], char why[FETCH_WHY])
{
	char		 path[256], info[300], file[340], reason[ENTRY_WHY], *text = NULL;
	size_t		 bytes = 0;
	struct stat	 st;
	int		 packages = open_packages(dir, path), r;

	if (packages == -1 || !find_info(packages, o->got->name, info)) {
		fd_close(&packages);
		return fetch_refuse(why, "the environment has no package %s", o->got->name);
	}
	snprintf(file, sizeof(file), "%s/entry_points.txt", info);
	(void)!fetch_read(packages, file, &text, &bytes);
	fd_close(&packages);
	if ((r = entry_pypi(span_make(text, bytes), o->got->name, o->want->bin, to, reason)) != 0)
		snprintf(why, FETCH_WHY, "%s", reason);
	free(text);
	snprintf(file, sizeof(file), "bin/%.300s", to);
	if (r == 0 && (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode)))
		r = fetch_refuse(why, "its program %s is not there", file);
	return r;
}

static int
pypi_entry(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY])
{
	char	name[ENTRY_TEXT];
	int	dir = open(o->got->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (dir == -1)
		return fetch_refuse(why, "%s: %s", o->got->dir, strerror(errno));
	if ((r = find_program(dir, o, name, why)) == 0) {
		o->got->runtime = fetch_text("%s/bin/python", o->got->dir);
		o->got->entry = fetch_text("%s/bin/%s", o->got->dir, name);
		if (f->python.prefix[0] != '\0' && (o->got->prefixes = calloc(1, sizeof(char *))) != NULL)
			o->got->prefixes[o->got->prefixes_n++] = fetch_text("%s", f->python.prefix);
	}
	fd_close(&dir);
	return r;
}

static const char *
pypi_version(const struct fetch *f)
{
	return f->python.version;
}

static const char *
pypi_outside(const struct fetch *f)
{
	return f->python.prefix[0] == '\0' ? NULL : f->python.prefix;
}

const struct fetch_kind	fetch_pypi = { "pypi", spec_pypi, pypi_tools, pypi_sources, pypi_plan, pypi_prepare, pypi_look,
	pypi_entry, pypi_version, pypi_outside };
