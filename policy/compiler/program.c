/* SPDX-License-Identifier: Apache-2.0
 *
 * program.c - a server's command: the real file, and what must be visible for it to start
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's PATH.  Files are looked at, never run.
 *
 * What is shown beside /usr is the least that lets an ordinary server start: for a script its package
 * folder (the outermost node_modules, site-packages, or the nearest folder with a package.json; else
 * the folder it lies in), for a binary the file alone, for an interpreter of somebody's home the one
 * file, under /runtime/bin.  Never a home, /tmp or the like as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/compiler/files.h"
#include "policy/compiler/program.h"

#define RUNTIME_BIN	"/runtime/bin"

static const char *
base_name(const char *path)
{
	const char	*slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static const char *
folder_of(struct job *j, const char *path)
{
	const char	*slash = strrchr(path, '/');

	return slash == path ? "/" : job_fmt(j, "%.*s", (int)(slash - path), path);
}

static bool
is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static bool
is_interpreter(const char *name)
{
	static const char *const names[] = { "node", "nodejs", "deno", "bun", "ruby", "perl", "php",
		"lua", "bash", "sh", "dash", "zsh", NULL };

	return is_one_of(name, names) || strncmp(name, "python", 6) == 0;
}

const char *
program_fetches(const char *command)
{
	static const char *const names[] = { "npx", "npm", "pnpm", "yarn", "bunx", "uvx", "uv", "pipx",
		"docker", "podman", NULL };
	const char		*name = base_name(command);

	return is_one_of(name, names) ? name : NULL;
}

bool
program_only_fetches(const char *command)
{
	static const char *const names[] = { "npx", "bunx", "uvx", "pipx", NULL };

	return is_one_of(base_name(command), names);
}

/* The system's own folders are in every view. */
static bool
is_system(const char *path)
{
	static const char *const folders[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (path_within(path, folders[i]))
			return true;
	return false;
}

static bool
is_file(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *
real_path(struct job *j, const char *path)
{
	char	 real[PATH_MAX];

	return realpath(path, real) == NULL ? NULL : job_fmt(j, "%s", real);
}

/* --- package folders ---------------------------------------------------------------------------- */

/* The folder above `path` that holds its package, or NULL. */
static const char *
package_folder(struct job *j, const char *path)
{
	const char	*found = NULL, *folder = path, *modules = strstr(path, "/node_modules/");

	if (modules != NULL)		/* a package needs those it was installed with */
		return job_fmt(j, "%.*s", (int)(modules - path) + 13, path);
	while (strcmp(folder = folder_of(j, folder), "/") != 0) {
		const char *name = base_name(folder);

		if (strcmp(name, "site-packages") == 0 || strcmp(name, "dist-packages") == 0)
			return folder;
		if (found == NULL && is_file(job_fmt(j, "%s/package.json", folder)))
			found = folder;
	}
	return found;
}

/* What the operator shows is not shown again: a package in a folder of `write` stays writable.  But a
 * program that is executed itself cannot be in a noexec mount, so it stands on it alone. */
static void
script_show(struct job *j, const char *script, bool executed, struct view *v)
{
	const char	*folder;

	if (is_system(script) || view_covers(v, script, executed ? BIND_EXEC : 0))
		return;
	if (view_covers(v, script, 0)) {
		view_add(v, script, script, BIND_EXEC);
		return;
	}
	folder = package_folder(j, script);
	if (folder == NULL || view_is_common(j, folder))
		folder = folder_of(j, script);
	if (view_is_common(j, folder))
		folder = script;
	view_add(v, folder, folder, BIND_EXEC);
}

/* --- interpreters ------------------------------------------------------------------------------- */

static bool
is_venv(struct job *j, const char *found)
{
	return strncmp(base_name(found), "python", 6) == 0 &&
	    is_file(job_fmt(j, "%s/pyvenv.cfg", folder_of(j, folder_of(j, found))));
}

/* pyvenv.cfg's "home = FOLDER" is where the interpreter the environment was made from lies. */
static void
venv_show(struct job *j, const char *found, struct view *v)
{
	const char	*venv = folder_of(j, folder_of(j, found));
	int		 fd = open(job_fmt(j, "%s/pyvenv.cfg", venv), O_RDONLY | O_CLOEXEC);
	struct span	 left, line;
	const char	*home;
	char		*text = NULL;
	size_t		 bytes;

	view_add(v, venv, venv, BIND_EXEC);
	if (fd == -1 || fd_read_all(fd, 64 * 1024, &text, &bytes) != 0) {
		fd_close(&fd);
		return;
	}
	for (left = span_make(text, bytes); left.n > 0; left = span_part(left, line.n + 1, left.n)) {
		const char *lf = memchr(left.p, '\n', left.n), *eq;

		line = span_part(left, 0, lf == NULL ? left.n : (size_t)(lf - left.p));
		eq = memchr(line.p, '=', line.n);
		if (eq == NULL || !span_is(span_trim(span_make(line.p, (size_t)(eq - line.p))), "home"))
			continue;
		home = path_absolute(j, span_trim(span_part(line, (size_t)(eq - line.p) + 1, line.n)), venv);
		home = folder_of(j, home);	/* its prefix: libraries lie beside bin */
		if (!is_system(home) && !view_is_common(j, home))
			view_add(v, home, home, BIND_EXEC);
	}
	free(text);
	fd_close(&fd);
}

static const char *
path_find(struct job *j, const char *name)
{
	const char	*path = getenv("PATH");

	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path != '\0') {
		size_t		 n = strcspn(path, ":");
		const char	*file = job_fmt(j, "%.*s/%s", (int)n, path, name);

		if (n > 0 && path[0] == '/' && is_file(file) && access(file, X_OK) == 0)
			return file;
		path += n + (path[n] == ':');
	}
	return NULL;
}

static const char *
runtime_show(struct job *j, const char *name, const char *real, struct view *v)
{
	const char	*inside = job_fmt(j, RUNTIME_BIN "/%s", name);

	view_add(v, real, inside, BIND_EXEC);
	return inside;
}

/* "#!/usr/bin/env NAME": NAME may be in somebody's home. */
static void
interpreter_show(struct job *j, struct span line, struct view *v)
{
	struct span	 word = span_trim(span_part(line, 2, line.n));
	const char	*space, *found, *real;

	if (!span_starts(word, SPAN_LIT("/usr/bin/env ")))
		return;
	word = span_trim(span_part(word, 13, word.n));
	if (span_starts(word, SPAN_LIT("-S ")))
		word = span_trim(span_part(word, 3, word.n));
	if ((space = memchr(word.p, ' ', word.n)) != NULL)
		word.n = (size_t)(space - word.p);
	found = word.n == 0 ? NULL : path_find(j, job_fmt(j, "%.*s", SPAN_FMT(word)));
	real = found == NULL ? NULL : real_path(j, found);
	if (real != NULL && !is_system(real))
		runtime_show(j, base_name(found), real, v);
}

/* The first line when it is a script's, else empty. */
static struct span
hash_bang(const char *path, char *line, size_t room)
{
	int		fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t		n = fd == -1 ? -1 : read(fd, line, room);
	const char	*lf;

	fd_close(&fd);
	if (n < 2 || line[0] != '#' || line[1] != '!')
		return SPAN_NONE;
	lf = memchr(line, '\n', (size_t)n);
	return span_make(line, lf == NULL ? (size_t)n : (size_t)(lf - line));
}

/* --- the two questions -------------------------------------------------------------------------- */

static bool
look_for(struct job *j, const char *command, const char *folder, struct view *v,
    struct program *out, const char **why)
{
	const bool	 is_path = strchr(command, '/') != NULL;
	const char	*found = is_path ? path_absolute(j, span_of(command), folder) : path_find(j, command);
	const char	*real = found == NULL ? NULL : real_path(j, found);
	char		 line[256];
	struct span	 first;

	*out = (struct program){ .argv0 = command };
	if (real == NULL || !is_file(real)) {
		*why = !is_path ? job_fmt(j, "%s: not found on PATH", command) :
		    errno == EACCES ? job_fmt(j, "%s: user %s cannot get there; a tool must lie where every user "
		    "may go", file_shown(j, found), file_reader(j)) :
		    job_fmt(j, "%s: no such program", file_shown(j, found));
		return false;
	}
	if (access(real, X_OK) != 0) {
		*why = job_fmt(j, "%s: not executable", real);
		return false;
	}
	out->inside = real;
	out->interpreter = is_interpreter(base_name(found));
	if (out->interpreter && is_venv(j, found)) {
		/* a virtual environment is found by the name the interpreter was called by */
		out->inside = out->argv0 = found;
		venv_show(j, found, v);
		return true;
	}
	first = hash_bang(real, line, sizeof(line));
	if (first.n > 0)
		interpreter_show(j, first, v);
	if (is_system(real))
		return true;
	out->argv0 = real;
	if (out->interpreter)
		out->inside = out->argv0 = runtime_show(j, base_name(found), real, v);
	else if (first.n > 0)
		script_show(j, real, true, v);
	else if (!view_covers(v, real, BIND_EXEC))
		view_add(v, real, real, BIND_EXEC);
	return true;
}

bool
program_find(struct job *j, const char *command, const char *folder, struct view *v,
    struct program *out, const char **why)
{
	bool	found;

	if (j->looks_as != 0 && setresuid(j->looks_as, j->looks_as, 0) == -1)
		fatal(EX_OSERR, "cannot look as user %u: %s", j->looks_as, strerror(errno));
	found = look_for(j, command, folder, v, out, why);
	if (j->looks_as != 0 && setresuid(0, 0, 0) == -1)
		fatal(EX_OSERR, "cannot be root again: %s", strerror(errno));
	return found;
}

const char *
program_script(struct job *j, const char *arg, const char *folder, struct view *v)
{
	const char	*path = path_absolute(j, span_of(arg), folder), *real;

	if (!is_file(path) || (real = real_path(j, path)) == NULL)
		return NULL;
	script_show(j, real, false, v);
	return real;
}
