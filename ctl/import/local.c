/* SPDX-License-Identifier: Apache-2.0
 *
 * local.c - a program of this machine: the real file, its interpreter, and what it is made of
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the caller's PATH and folders; files are looked at, and run only by find.c.
 *
 * What is written stands without PATH: the gateway may be started by a service manager that knows none of the
 * user's version managers.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/import/find.h"
#include "ctl/import/runtime.h"
#include "ctl/import/shape.h"
#include "ctl/import/view.h"

static bool
is_python(const char *name)
{
	return strncmp(name, "python", 6) == 0;
}

static bool
is_interpreter(const char *name)
{
	static const char *const	names[] = { "node", "nodejs", "deno", "bun", "ruby", "perl", "php", "lua",
		"bash", "sh", "dash", "zsh", "ksh", NULL };

	return is_one_of(name, names) || is_python(name);
}

static bool
is_shell(const char *name)
{
	static const char *const	names[] = { "bash", "sh", "dash", "zsh", "ksh", "fish", NULL };

	return is_one_of(name, names);
}

/* The file that is to be written: links followed, but not those of a venv, which is known by its own name. */
static const char *
file_of(const struct found *f)
{
	return f->venv != NULL ? f->path : f->real;
}

static const char *
label(struct import *im, const struct import_server *s, const char *path)
{
	if (view_within(path, s->workspace) && strlen(s->workspace) > 1 && strcmp(path, s->workspace) != 0)
		return path + strlen(s->workspace) + 1;
	return path_short(im, path);
}

/* ---- interpreters ---------------------------------------------------------------------------------- */

/* Where the script stands among the arguments; args.n: there is none. */
static size_t
script_place(const struct import_server *s, const char *interpreter)
{
	static const char *const	valued[] = { "-r", "--require", "--import", "--loader",
		"--experimental-loader", "-C", "--conditions", "-W", "-X", "-I", "--env-file", NULL };
	static const char *const	none[] = { "-m", "-c", "-e", "--eval", "-p", "--print", NULL };
	static const char *const	verbs[] = { "run", NULL };
	bool				 verb = strcmp(interpreter, "deno") == 0 || strcmp(interpreter, "bun") == 0;

	for (size_t i = 0; i < s->args.n; i++) {
		const char *word = s->args.at[i];

		if (is_one_of(word, none))
			return s->args.n;
		if (is_one_of(word, valued))
			i++;
		else if (verb && is_one_of(word, verbs))
			verb = false;
		else if (word[0] != '-')
			return i;
	}
	return s->args.n;
}

/* A python's libraries are shown by the compiler, which finds them by its pyvenv.cfg; the project is not.  A home is
 * no project. */
static void
show_project(struct import *im, struct import_server *s, const char *folder)
{
	if (view_is_common(im, folder) || !view_read(im, s, folder, NULL)) {
		server_note(im, s, "sees nothing of %s; --write %s:FOLDER shows it what it needs.",
		    path_short(im, folder), s->name);
		s->workdir = NULL;
		return;
	}
	if (s->workdir == NULL)
		s->workdir = folder;
}

static void
take_script(struct import *im, struct import_server *s, const struct found *f)
{
	size_t		 at = script_place(s, replace_base_name(f->path));
	const char	*script, *folder = s->workdir != NULL ? s->workdir : s->workspace;

	if (at < s->args.n) {
		script = path_join(im, folder, s->args.at[at]);
		if (!find_is_file(script)) {
			if (strchr(s->args.at[at], '/') != NULL || strchr(s->args.at[at], '.') != NULL)
				server_leave_out(im, s, "%s: no such file", path_short(im, script));
			return;
		}
		s->args.at[at] = script;
		s->runs = import_fmt(im, "%s, %s", label(im, s, script), find_version(im, f->path));
		view_script(im, s, script);
	} else if (is_python(replace_base_name(f->path)) && s->args.n > 1 && strcmp(s->args.at[0], "-m") == 0) {
		s->runs = import_fmt(im, "%s, %s", s->args.at[1], find_version(im, f->path));
		show_project(im, s, folder);
	}
}

/* The text of -c, also in "-lc"; NULL: none. */
static const char *
shell_text(const struct import_server *s)
{
	for (size_t i = 0; i + 1 < s->args.n && s->args.at[i][0] == '-'; i++)
		if (s->args.at[i][1] != '-' && strchr(s->args.at[i], 'c') != NULL)
			return s->args.at[i + 1];
	return NULL;
}

static void
take_shell(struct import *im, struct import_server *s)
{
	s->runs = import_fmt(im, "%s -c ...", replace_base_name(s->command));
	if (words_have(&im->options.allow_shell, s->name)) {
		server_note(im, s, "runs the shell text: %s", s->shell);
		show_project(im, s, s->workdir != NULL ? s->workdir : s->workspace);
	} else {
		server_leave_out(im, s, "it is a shell's text: %s. Import it as it is: --allow-shell %s", s->shell,
		    s->name);
	}
}

/* ---- programs -------------------------------------------------------------------------------------- */

/* A script whose interpreter is no file of the system is started by that: its first line may name a PATH, or a venv
 * that was made elsewhere. */
static void
take_program(struct import *im, struct import_server *s, const struct found *f)
{
	struct words	 line;
	struct found	 interpreter;
	const char	*why;
	size_t		 env;

	s->command = f->real;
	s->runs = label(im, s, f->path);
	if (!find_interpreter(im, f->real, &line))
		return;		/* one file, which is shown alone */
	view_script(im, s, f->real);
	env = strcmp(replace_base_name(line.at[0]), "env") != 0 ? 0 :
	    line.n > 1 && strcmp(line.at[1], "-S") == 0 ? 2 : 1;
	words_drop(&line, 0, env);
	if (line.n == 0 || !find_command(im, s, line.at[0], &interpreter, &why)) {
		server_leave_out(im, s, "%s is run by %s, which is not there", label(im, s, f->path),
		    line.n == 0 ? "nothing" : line.at[0]);
		return;
	}
	if (env == 0 && interpreter.venv == NULL && view_is_system(interpreter.real))
		return;
	words_unshift(im, &s->args, f->real);
	for (size_t i = line.n; i > 1; i--)
		words_unshift(im, &s->args, line.at[i - 1]);
	s->command = file_of(&interpreter);
	if (!is_shell(replace_base_name(interpreter.path)))
		s->runs = import_fmt(im, "%s, %s", s->runs, find_version(im, interpreter.path));
}

/* ---- uv run ---------------------------------------------------------------------------------------- */

/* `uv run --directory D X`: what uv would start of the project's own environment, without uv, which would fetch. */
static void
take_uv_run(struct import *im, struct import_server *s)
{
	static const char *const	valued[] = { "--directory", "--project", "--python", "-p", "--extra", "--group",
		"--env-file", "--with-editable", NULL };
	static const char *const	with[] = { "--with", NULL };
	const char			*folder = s->workdir != NULL ? s->workdir : s->workspace;
	const char			*more = NULL, *venv, *x, *bin;
	bool				 run = false, module = false;

	while (s->args.n > 0 && (s->args.at[0][0] == '-' || !run)) {
		const char *word = s->args.at[0];
		size_t	n = strcspn(word, "=");
		const char *name = import_fmt(im, "%.*s", (int)n, word);
		bool	value = is_one_of(name, valued) || is_one_of(name, with);
		const char *text = word[n] == '=' ? word + n + 1 : s->args.n > 1 ? s->args.at[1] : "";

		if (strcmp(word, "run") == 0)
			run = true;
		else if (strcmp(name, "--directory") == 0 || strcmp(name, "--project") == 0)
			folder = path_join(im, folder, text);
		else if (is_one_of(name, with))
			more = text;
		else if (strcmp(word, "-m") == 0 || strcmp(word, "--module") == 0)
			module = true;
		words_drop(&s->args, 0, value && word[n] != '=' ? 2 : 1);
	}
	if (s->args.n == 0) {
		server_leave_out(im, s, "uv run is given no program");
		return;
	}
	x = s->args.at[0];
	words_drop(&s->args, 0, 1);
	venv = import_fmt(im, "%s/.venv", folder);
	s->command = import_fmt(im, "%s/bin/python", venv);
	bin = import_fmt(im, "%s/bin/%s", venv, x);
	s->runs = import_fmt(im, "uv run %s", x);
	if (more != NULL && !find_is_file(s->command)) {
		server_leave_out(im, s, "uv run --with makes its environment anew at each start; import it as: "
		    "uvx --from %s %s", more, x);
		return;
	}
	if (!find_is_file(s->command)) {
		server_leave_out(im, s, "%s has no environment; make it there: uv sync", path_short(im, folder));
		return;
	}
	if (module) {
		words_unshift(im, &s->args, x);
		words_unshift(im, &s->args, "-m");
	} else if (!is_python(x)) {
		words_unshift(im, &s->args, find_is_file(bin) ? bin : path_join(im, folder, x));
		if (!find_is_file(s->args.at[0]))
			server_leave_out(im, s, "%s: neither a program of %s nor a file", x, path_short(im, venv));
	}
	s->workdir = folder;
	show_project(im, s, folder);
}

/* ---- all ------------------------------------------------------------------------------------------- */

/* A node in a home that is closed to the tools' user is copied for root's gateway, as that of a package is. */
static void
place_node(struct import *im, struct import_server *s)
{
	const char	*name = replace_base_name(s->command);
	char		*to = NULL, why[RUNTIME_WHY];

	if (!im->ctl->where.system || (strcmp(name, "node") != 0 && strcmp(name, "nodejs") != 0))
		return;
	folders_make_state(im->ctl);
	if (runtime_place(im->ctl, import_fmt(im, "%s/pkgs", folders_state(im->ctl)), s->command, "local", &to,
	    why) != 0)
		server_leave_out(im, s, "%s", import_fmt(im, "%s", why));
	else
		s->command = import_fmt(im, "%s", to);
	free(to);
}

static void
take_fetched(struct import *im, struct import_server *s)
{
	s->command = import_fmt(im, "%s", s->got.runtime);
	words_unshift(im, &s->args, import_fmt(im, "%s", s->got.entry));
	for (size_t i = 0; i < s->got.prefixes_n; i++)
		(void)view_read(im, s, import_fmt(im, "%s", s->got.prefixes[i]), NULL);
	s->runs = import_fmt(im, "%s, %s", s->runs, find_version(im, s->command));
}

void
shape_program(struct import *im, struct import_server *s)
{
	struct found	 f;
	const char	*why = "";
	bool		 venv_script;

	if (s->command == NULL || !server_stays(s))
		return;
	if (s->got.entry != NULL) {
		take_fetched(im, s);
		return;
	}
	if (strcmp(replace_base_name(s->command), "uv") == 0 && words_have(&s->args, "run")) {
		take_uv_run(im, s);
		if (!server_stays(s))
			return;
	}
	if (!find_command(im, s, s->command, &f, &why)) {
		server_leave_out(im, s, "%s", why);
		return;
	}
	venv_script = f.venv != NULL && s->runs != NULL && strncmp(s->runs, "uv run", 6) == 0;
	if (is_shell(replace_base_name(f.path)) && (s->shell = shell_text(s)) != NULL) {
		s->command = file_of(&f);
		take_shell(im, s);
	} else if (is_interpreter(replace_base_name(f.path))) {
		s->command = file_of(&f);
		if (!venv_script)
			take_script(im, s, &f);
	} else {
		take_program(im, s, &f);
	}
	if (server_stays(s))
		place_node(im, s);
}
