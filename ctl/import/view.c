/* SPDX-License-Identifier: Apache-2.0
 *
 * view.c - what of the host a server's jail is to show
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the arguments in a client's file as far as that client gave the server all of the user's files anyway; never
 *          for the gateway's own.  The compiler has the last word on each path (policy/compiler/profile.c).
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/import/find.h"
#include "ctl/import/view.h"

bool
view_within(const char *path, const char *folder)
{
	size_t	n = strlen(folder);

	if (n == 1)
		return true;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool
within_any(const char *path, const char *const *folders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_within(path, folders[i]))
			return true;
	return false;
}

bool
view_is_system(const char *path)
{
	static const char *const	folders[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64" };

	return within_any(path, folders, sizeof(folders) / sizeof(folders[0]));
}

/* The folder of the gateway's own that this would show, or NULL. */
static const char *
own_folder(struct import *im, const char *path)
{
	const char	*own[] = { folders_config(im->ctl), folders_state(im->ctl), folders_run(im->ctl) };
	const char	*shared = import_fmt(im, "%s/pkgs/", own[1]);

	if (strncmp(path, shared, strlen(shared)) == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (view_within(path, own[i]) || view_within(own[i], path))
			return own[i];
	return NULL;
}

bool
view_read(struct import *im, struct import_server *s, const char *path, const char **why)
{
	static const char *const	never[] = { "/proc", "/sys", "/dev" };
	const char			*own, *unused;

	if (why == NULL)
		why = &unused;
	if (within_any(path, s->read.at, s->read.n) || within_any(path, s->write.at, s->write.n) ||
	    view_is_system(path))
		return true;
	if (strcmp(path, "/") == 0 || within_any(path, never, sizeof(never) / sizeof(never[0]))) {
		*why = import_fmt(im, "%s cannot be shown to a tool; give it folders", path);
		return false;
	}
	if ((own = own_folder(im, path)) != NULL) {
		*why = import_fmt(im, "%s would show it the gateway's own files (%s); give it folders within",
		    path_short(im, path), path_short(im, own));
		return false;
	}
	words_add(im, &s->read, path);
	return true;
}

/* ---- scripts --------------------------------------------------------------------------------------- */

bool
view_is_common(struct import *im, const char *path)
{
	static const char *const	common[] = { "/", "/home", "/root", "/tmp", "/var", "/var/tmp", "/etc", "/opt",
		"/srv", "/run", "/mnt", "/media", "/usr", "/usr/local", "/var/lib" };
	const char			*home = getenv("HOME");

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(path, common[i]) == 0)
			return true;
	if (home != NULL && (view_within(home, path) || strcmp(path, import_fmt(im, "%s/.local/bin", home)) == 0 ||
	    strcmp(path, import_fmt(im, "%s/bin", home)) == 0))
		return true;
	return own_folder(im, path) != NULL;
}

static const char *
script_folder(struct import *im, const char *script)
{
	static const char *const	marks[] = { "package.json", "pyproject.toml", "deno.json", "Gemfile" };
	const char			*modules = strstr(script, "/node_modules/");
	const char			*folder = path_join(im, script, "..");

	if (modules != NULL)		/* a package needs those it was installed with */
		return import_fmt(im, "%.*s", (int)(modules - script) + 13, script);
	for (const char *f = folder; !view_is_common(im, f); f = path_join(im, f, ".."))
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if (find_is_file(import_fmt(im, "%s/%s", f, marks[i])))
				return f;
	return folder;
}

void
view_script(struct import *im, struct import_server *s, const char *script)
{
	const char	*folder = script_folder(im, script);

	if (view_is_system(script) || view_is_common(im, folder))
		return;
	(void)view_read(im, s, folder, NULL);
	if (s->workdir == NULL)
		s->workdir = view_within(s->workspace, folder) ? s->workspace : folder;
}

/* ---- arguments ------------------------------------------------------------------------------------- */

static bool
is_relative(const char *path)
{
	return strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0 || strcmp(path, ".") == 0 ||
	    strcmp(path, "..") == 0;
}

/* The path in an argument, also behind the "=" of an option, made absolute; NULL: there is none. */
static const char *
argument_path(struct import *im, const struct import_server *s, const char **argument)
{
	const char	*eq = (*argument)[0] == '-' ? strchr(*argument, '=') : NULL;
	const char	*path = eq != NULL ? eq + 1 : *argument, *whole;

	if (path[0] != '/' && !is_relative(path))
		return NULL;
	whole = path_join(im, s->workspace, path);
	if (access(whole, F_OK) != 0)
		return NULL;
	if (path[0] != '/')
		*argument = import_fmt(im, "%.*s%s", (int)(path - *argument), *argument, whole);
	return whole;
}

/* Variables that every jail sets, and lists of folders, name nothing of the server's own. */
static bool
names_no_file(const char *name)
{
	static const char *const	names[] = { "HOME", "PATH", "PWD", "SHELL", "TMPDIR", "TMP", "TEMP",
		"NODE_PATH", "LD_LIBRARY_PATH" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "XDG_", 4) == 0;
}

void
view_arguments(struct import *im, struct import_server *s)
{
	const char	*path, *why;

	for (size_t i = 0; i < s->args.n; i++) {
		if (strstr(s->args.at[i], "${secret:") != NULL)
			server_leave_out(im, s, "a secret stands in its arguments, where others could read it; secrets "
			    "may be in env and headers");
		if ((path = argument_path(im, s, &s->args.at[i])) != NULL && !view_read(im, s, path, &why))
			server_leave_out(im, s, "%s", why);
	}
	for (size_t i = 0; i < s->env.n; i++)
		if (s->env.at[i].value[0] == '/' && !names_no_file(s->env.at[i].name) &&
		    access(s->env.at[i].value, F_OK) == 0 && !view_read(im, s, s->env.at[i].value, &why))
			server_leave_out(im, s, "%s: %s", s->env.at[i].name, why);
}

/* ---- the operator's words -------------------------------------------------------------------------- */

static void
allow_write(struct import *im, struct import_server *s, const char *value)
{
	char		 cwd[4096];
	const char	*home = getenv("HOME"), *path = value, *why;

	if (value[0] == '~' && (value[1] == '/' || value[1] == '\0') && home != NULL)
		path = import_fmt(im, "%s%s", home, value + 1);
	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) != NULL)
		path = path_join(im, cwd, path);
	path = path_join(im, "/", path);
	if (access(path, F_OK) != 0) {
		server_leave_out(im, s, "--write %s:%s: there is no such folder; make it first", s->name, value);
		return;
	}
	for (size_t i = 0; i < s->read.n;)
		if (view_within(s->read.at[i], path))
			words_drop(&s->read, i, 1);
		else
			i++;
	if (!words_have(&s->write, path)) {
		struct words	read = s->read;

		s->read = (struct words){ 0 };
		if (view_read(im, s, path, &why))
			words_add(im, &s->write, path);
		else
			server_leave_out(im, s, "--write: %s", why);
		s->read = read;
	}
}

void
view_options(struct import *im, struct import_server *s)
{
	const char	*value;

	for (size_t i = 0; (value = words_value(&im->options.write, s->name, i)) != NULL; i++)
		allow_write(im, s, value);
	for (size_t i = 0; (value = words_value(&im->options.net, s->name, i)) != NULL; i++)
		if (!words_have(&s->net, value))
			words_add(im, &s->net, value);
}

/* ---- system mode ----------------------------------------------------------------------------------- */

struct person {
	uid_t	uid;
	gid_t	gid;
};

static bool
may(const struct person *p, const struct stat *st, unsigned rights)
{
	if (p->uid == 0)
		return true;
	if (st->st_uid == p->uid)
		return (st->st_mode >> 6 & rights) == rights;
	if (st->st_gid == p->gid)
		return (st->st_mode >> 3 & rights) == rights;
	return (st->st_mode & rights) == rights;
}

/* The first folder on the way, or the path itself, that this user cannot use; NULL: all can be. */
static const char *
closed_part(struct import *im, const struct person *p, const char *path)
{
	struct stat	 st;
	const char	*part;

	for (size_t n = 1; n <= strlen(path); n++) {
		if (path[n] != '/' && path[n] != '\0')
			continue;
		part = import_fmt(im, "%.*s", (int)n, path);
		if (stat(part, &st) == -1)
			return NULL;
		if (!may(p, &st, path[n] == '\0' ? (S_ISDIR(st.st_mode) ? 5 : 4) : 1))
			return part;
	}
	return NULL;
}

static void
check_path(struct import *im, struct import_server *s, const struct person *p, const char *user, const char *path)
{
	const char	*part = closed_part(im, p, path);
	struct stat	 st = { 0 };
	struct passwd	*pw;
	const char	*mode;

	if (part == NULL || !server_stays(s))
		return;
	pw = stat(part, &st) == 0 ? getpwuid(st.st_uid) : NULL;
	/* The gateway looks for programs as a user of its own: a folder on the way must be open to that one as well. */
	mode = S_ISDIR(st.st_mode) ? strcmp(part, path) == 0 ? "o+rx" : "711" : "o+r";
	if (pw != NULL && st.st_uid != 0 && strcmp(part, path) == 0)
		server_leave_out(im, s, "%s is closed to %s, the user that tools run as. Run them as its owner: "
		    "--run-as %s; or open it: chmod %s %s", part, user, pw->pw_name, mode, part);
	else if (pw != NULL && st.st_uid != 0)
		server_leave_out(im, s, "%s is closed to %s, the user that tools run as; open it: chmod %s %s. Where "
		    "what is in it is its owner's alone: --run-as %s", part, user, mode, part, pw->pw_name);
	else
		server_leave_out(im, s, "%s is closed to %s, the user that tools run as; open it: chmod %s %s", part,
		    user, mode, part);
}

void
view_access(struct import *im, struct import_server *s)
{
	const char		*name = im->options.run_as != NULL ? im->options.run_as : folders_tenant_user(im->ctl);
	const struct passwd	*pw;
	struct person		 p;

	if (geteuid() != 0 || s->command == NULL || !server_stays(s))
		return;
	if ((pw = getpwnam(name)) == NULL && (pw = getpwnam(name = "nobody")) == NULL)
		return;
	p = (struct person){ pw->pw_uid, pw->pw_gid };
	name = import_fmt(im, "%s", name);
	check_path(im, s, &p, name, s->command);
	for (size_t i = 0; i < s->read.n; i++)
		check_path(im, s, &p, name, s->read.at[i]);
	for (size_t i = 0; i < s->write.n; i++)
		check_path(im, s, &p, name, s->write.at[i]);
}
