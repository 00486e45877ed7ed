/* SPDX-License-Identifier: Apache-2.0
 *
 * find.c - the file behind a command, as the user's shell would find it
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the caller's PATH.  A file of the user's is run only to say which file it stands for, and never by root.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/import/find.h"
#include "ctl/import/run.h"
#include "lib/fd.h"

#define ASK_MS		10000
#define LINE_BYTES	512

bool
find_is_file(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool
find_is_folder(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *
find_on_path(struct import *im, const char *name)
{
	const char	*path = getenv("PATH"), *file;

	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path != '\0') {
		size_t	n = strcspn(path, ":");

		file = import_fmt(im, "%.*s/%s", (int)n, path, name);
		if (n > 0 && path[0] == '/' && find_is_file(file) && access(file, X_OK) == 0)
			return file;
		path += n + (path[n] == ':');
	}
	return NULL;
}

static const char *
real_path(struct import *im, const char *path)
{
	char	real[PATH_MAX];

	return realpath(path, real) == NULL ? NULL : import_fmt(im, "%s", real);
}

/* ---- shims ----------------------------------------------------------------------------------------- */

/* Where version managers put programs that only choose another one, and who knows which. */
static const struct {
	const char	*part, *tool;
} shims[] = {
	{ "/.pyenv/shims/", "pyenv" }, { "/.rbenv/shims/", "rbenv" }, { "/.nodenv/shims/", "nodenv" },
	{ "/.asdf/shims/", "asdf" }, { "/mise/shims/", "mise" }, { "/.volta/bin/", "volta" },
};

static const char *
shim_tool(const char *path)
{
	for (size_t i = 0; i < sizeof(shims) / sizeof(shims[0]); i++)
		if (strstr(path, shims[i].part) != NULL)
			return shims[i].tool;
	return NULL;
}

/* `pyenv which python3`, in the folder whose version file counts. */
static const char *
shim_resolve(struct import *im, const struct import_server *s, const char *path, const char *tool, const char **why)
{
	const char	*program = find_on_path(im, tool);
	const char	*argv[] = { program, "which", replace_base_name(path), NULL };
	char		 answer[PATH_MAX];

	if (program == NULL) {
		*why = import_fmt(im, "%s chooses a program by %s, which is not on PATH; name the program itself",
		    path_short(im, path), tool);
		return NULL;
	}
	if (!run_may(program)) {
		*why = import_fmt(im, "%s chooses a program, which root does not ask it; name the program itself",
		    path_short(im, path));
		return NULL;
	}
	if (run_read(argv, s->workspace, ASK_MS, answer, sizeof(answer)) == 0) {
		answer[strcspn(answer, "\r\n")] = '\0';
		if (answer[0] == '/' && find_is_file(answer) && shim_tool(answer) == NULL)
			return import_fmt(im, "%s", answer);
	}
	*why = import_fmt(im, "%s which %s names no program; name the program itself", tool, replace_base_name(path));
	return NULL;
}

/* ---- commands -------------------------------------------------------------------------------------- */

static const char *
venv_of(struct import *im, const char *python)
{
	const char	*venv = path_join(im, python, "../..");

	if (strncmp(replace_base_name(python), "python", 6) != 0 ||
	    !find_is_file(import_fmt(im, "%s/pyvenv.cfg", venv)))
		return NULL;
	return venv;
}

bool
find_command(struct import *im, const struct import_server *s, const char *command, struct found *out, const char **why)
{
	const bool	 is_path = strchr(command, '/') != NULL;
	const char	*path = is_path ? path_join(im, s->workdir != NULL ? s->workdir : s->workspace, command) :
			    find_on_path(im, command), *tool;

	*out = (struct found){ .path = path };
	if (path == NULL) {
		*why = import_fmt(im, "%s: not found on PATH", command);
		return false;
	}
	if (!find_is_file(path)) {
		*why = import_fmt(im, "%s: no such program", path_short(im, path));
		return false;
	}
	if (access(path, X_OK) != 0) {
		*why = import_fmt(im, "%s: not executable; chmod +x it", path_short(im, path));
		return false;
	}
	if ((tool = shim_tool(path)) != NULL && (out->path = shim_resolve(im, s, path, tool, why)) == NULL)
		return false;
	out->real = real_path(im, out->path);
	out->venv = venv_of(im, out->path);
	return out->real != NULL;
}

const char *
find_version(struct import *im, const char *path)
{
	const char	*argv[] = { path, "--version", NULL }, *name = replace_base_name(path);
	char		 answer[128];
	const char	*at = answer;
	size_t		 n;
	bool		 python = strncmp(name, "python", 6) == 0;

	name = python ? "python" : import_fmt(im, "%.*s", (int)strcspn(name, "0123456789."), name);
	if (!run_may(path) || run_read(argv, NULL, ASK_MS, answer, sizeof(answer)) != 0)
		return name;
	while (*at != '\0' && !isdigit((unsigned char)*at))
		at++;
	n = strspn(at, "0123456789");
	if (python && at[n] == '.')
		n += 1 + strspn(at + n + 1, "0123456789");
	return n == 0 ? name : import_fmt(im, "%s %.*s", name, (int)n, at);
}

bool
find_interpreter(struct import *im, const char *script, struct words *out)
{
	char	 line[LINE_BYTES];
	int	 fd = open(script, O_RDONLY | O_CLOEXEC);
	ssize_t	 n = fd == -1 ? -1 : read(fd, line, sizeof(line) - 1);
	char	*at = line + 2, *save = NULL;

	fd_close(&fd);
	*out = (struct words){ 0 };
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	for (char *word = strtok_r(at, " \t", &save); word != NULL; word = strtok_r(NULL, " \t", &save))
		words_add(im, out, import_fmt(im, "%s", word));
	return out->n > 0;
}
