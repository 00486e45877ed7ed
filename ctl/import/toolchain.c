/* SPDX-License-Identifier: Apache-2.0
 *
 * toolchain.c - the node, npm, Python and pip that this user has
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  the user's PATH.  What version managers put there is asked, as the user, which program it stands for: that
 *          one goes into jails, never the shim.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/import/toolchain.h"
#include "lib/fd.h"

#define ASK_SECONDS	20
#define ANSWER_MAX	8192
#define PATH_NORMAL	"/usr/local/bin:/usr/bin:/bin"

extern char	**environ;

/* The next one on PATH of this name; *path goes on. */
static bool
path_next(const char **path, const char *name, char to[PATH_MAX])
{
	struct stat	st;

	while (**path != '\0') {
		size_t		 n = strcspn(*path, ":");
		const char	*folder = *path;

		*path += n + ((*path)[n] == ':');
		if (n > 0 && folder[0] == '/' && snprintf(to, PATH_MAX, "%.*s/%s", (int)n, folder, name) < PATH_MAX &&
		    stat(to, &st) == 0 && S_ISREG(st.st_mode) && access(to, X_OK) == 0)
			return true;
	}
	return false;
}

static const char *
user_path(void)
{
	const char	*path = getenv("PATH");

	return path == NULL || *path == '\0' ? PATH_NORMAL : path;
}

bool
toolchain_is_open(const char *path)
{
	char		 part[PATH_MAX];
	struct stat	 st;

	if (snprintf(part, sizeof(part), "%s", path) >= PATH_MAX || stat(part, &st) == -1 || (st.st_mode & 0004) == 0)
		return false;
	for (char *slash = strrchr(part, '/'); slash != NULL && slash != part; slash = strrchr(part, '/')) {
		*slash = '\0';
		if (stat(part, &st) == -1 || (st.st_mode & 0001) == 0)
			return false;
	}
	return true;
}

/* What a program says, as lines; its errors are nobody's business.  False when it says nothing or fails. */
static bool
ask(char *const *argv, char *const *env, char answer[ANSWER_MAX])
{
	size_t	used = 0;
	ssize_t	n;
	int	fds[2], status, null;
	pid_t	pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return false;
	if ((pid = fork()) == 0) {
		alarm(ASK_SECONDS);
		null = open("/dev/null", O_RDWR);
		if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(null, STDERR_FILENO) == -1 ||
		    dup2(fds[1], STDOUT_FILENO) == -1)
			_exit(127);
		execve(argv[0], argv, env);
		_exit(127);
	}
	fd_close(&fds[1]);
	while (pid != -1 && used < ANSWER_MAX - 1 && (n = read(fds[0], answer + used, ANSWER_MAX - 1 - used)) > 0)
		used += (size_t)n;
	answer[used] = '\0';
	fd_close(&fds[0]);
	return pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    used > 0;
}

/* The next line off the front; NULL when there is none. */
static char *
take_line(char **rest)
{
	char	*line = strsep(rest, "\n");

	return line == NULL || *line == '\0' ? NULL : line;
}

static bool
copy_line(char **rest, char *to, size_t room)
{
	const char	*line = take_line(rest);

	return line != NULL && (size_t)snprintf(to, room, "%s", line) < room;
}

/* ---- node ----------------------------------------------------------------------------------------- */

static bool
ask_node(const char *found, struct toolchain_node *out)
{
	static char	 script[] = "console.log(process.execPath); console.log(process.versions.node)", flag[] = "-e";
	char		 answer[ANSWER_MAX], *rest = answer, program[PATH_MAX];
	char		*argv[] = { program, flag, script, NULL };

	snprintf(program, sizeof(program), "%s", found);
	return ask(argv, environ, answer) && copy_line(&rest, program, sizeof(program)) &&
	    realpath(program, out->node) != NULL && copy_line(&rest, out->version, sizeof(out->version));
}

static bool
take_npm(const char *path, struct toolchain_node *out)
{
	char	real[PATH_MAX], *end;

	if (realpath(path, real) == NULL || (end = strstr(real, "/bin/npm-cli.js")) == NULL || end[15] != '\0')
		return false;
	memcpy(out->npm, real, sizeof(out->npm));
	*end = '\0';
	memcpy(out->npm_folder, real, sizeof(out->npm_folder));
	return true;
}

static void
find_npm(bool system, struct toolchain_node *out)
{
	static const char *const	places[] = { "/usr/share/nodejs/npm", "/usr/lib/node_modules/npm",
					    "/usr/local/lib/node_modules/npm" };
	const char			*path = user_path();
	char				 at[PATH_MAX + 64], found[PATH_MAX];

	while (path_next(&path, "npm", found))
		if (take_npm(found, out) && (!system || toolchain_is_open(out->npm)))
			return;
	/* <prefix>/bin/node */
	snprintf(at, sizeof(at), "%.*s/../lib/node_modules/npm/bin/npm-cli.js",
	    (int)(replace_base_name(out->node) - out->node), out->node);
	if (take_npm(at, out) && (!system || toolchain_is_open(out->npm)))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(at, sizeof(at), "%s/bin/npm-cli.js", places[i]);
		if (take_npm(at, out))
			return;
	}
	out->npm[0] = '\0';
}

int
toolchain_node(bool system, struct toolchain_node *out, char why[TOOLCHAIN_WHY])
{
	static const char *const	names[] = { "node", "nodejs" };
	char				found[PATH_MAX];
	const char			*path;
	bool				hidden = false;

	*out = (struct toolchain_node){ .node = "" };
	for (size_t i = 0; i < 2; i++)
		for (path = user_path(); path_next(&path, names[i], found); ) {
			if (!ask_node(found, out))
				continue;
			/* The system's gateway makes a copy of one in a home; root can read it there. */
			find_npm(system, out);
			if (!system || toolchain_is_open(out->node) || out->npm[0] != '\0')
				return 0;
			hidden = true;
		}
	snprintf(why, TOOLCHAIN_WHY, hidden ? "npm lies in a home that is closed to others: apt install npm, or --from "
	    "DIR|TARBALL" : "no node here: apt install nodejs npm");
	return E_NOTFOUND;
}

int
toolchain_npm_registry(const struct toolchain_node *n, char *to, size_t room)
{
	/* It would make folders for its log, and in a home. */
	static char	config[] = "config", get[] = "get", what[] = "registry", home[] = "HOME=/dev/null",
			path[] = "PATH=" PATH_NORMAL, none[] = "npm_config_globalconfig=/dev/null",
			cache[] = "npm_config_cache=/dev/null", logs[] = "npm_config_logs_max=0",
			news[] = "npm_config_update_notifier=false";
	char		answer[ANSWER_MAX], *rest = answer;
	char		*argv[] = { (char *)(uintptr_t)n->node, (char *)(uintptr_t)n->npm, config, get, what, NULL };
	char		*env[] = { home, path, none, cache, logs, news, NULL };

	return ask(argv, env, answer) && copy_line(&rest, to, room) ? 0 : E_NOTFOUND;
}

/* ---- Python --------------------------------------------------------------------------------------- */

static bool
ask_python(const char *found, struct toolchain_python *out)
{
	static char	script[] = "import sys, os, importlib.util as u\n"
			    "print(os.path.realpath(sys.executable))\nprint(os.path.realpath(sys.base_prefix))\n"
			    "print('%d.%d.%d' % sys.version_info[:3])\n"
			    "print(u.find_spec('pip') is not None)\nprint(u.find_spec('venv') is not None)\n"
			    "try:\n from pip._internal.models.index import PyPI\n"
			    " print(PyPI.simple_url)\n print(PyPI.file_storage_domain)\nexcept ImportError: pass\n";
	static char	isolated[] = "-I", flag[] = "-c";
	char		answer[ANSWER_MAX], *rest = answer, program[PATH_MAX], *line;
	char		*argv[] = { program, isolated, flag, script, NULL };

	snprintf(program, sizeof(program), "%s", found);
	if (!ask(argv, environ, answer) || !copy_line(&rest, out->python, sizeof(out->python)) ||
	    !copy_line(&rest, out->prefix, sizeof(out->prefix)) ||
	    !copy_line(&rest, out->version, sizeof(out->version)))
		return false;
	out->pip = (line = take_line(&rest)) != NULL && strcmp(line, "True") == 0;
	out->venv = (line = take_line(&rest)) != NULL && strcmp(line, "True") == 0;
	out->pip = out->pip && copy_line(&rest, out->index, sizeof(out->index)) &&
	    copy_line(&rest, out->files, sizeof(out->files));
	if (strcmp(out->prefix, "/usr") == 0)
		out->prefix[0] = '\0';
	return true;
}

int
toolchain_python(bool system, struct toolchain_python *out, char why[TOOLCHAIN_WHY])
{
	static const char	*const last = "/usr/bin";
	const char		*paths[] = { user_path(), last };
	char			 found[PATH_MAX];
	bool			 met = false;

	for (size_t i = 0; i < 2; i++)
		for (const char *path = paths[i]; path_next(&path, "python3", found); ) {
			*out = (struct toolchain_python){ .python = "" };
			if (!ask_python(found, out) || (system && !toolchain_is_open(out->python)))
				continue;
			met = true;
			if (out->pip && out->venv)
				return 0;
		}
	snprintf(why, TOOLCHAIN_WHY, met ? "no pip here: apt install python3-pip python3-venv" :
	    "no Python here: apt install python3 python3-pip python3-venv");
	return E_NOTFOUND;
}
