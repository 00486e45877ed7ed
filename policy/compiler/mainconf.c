/* SPDX-License-Identifier: Apache-2.0
 *
 * mainconf.c - mcpgw.conf(5): `name = value`, and the other places a parameter may come from
 *
 * Process: mcpgw-compile.
 * Owns:    nothing: all texts live in the job's arena.
 * Trusts:  the operator's files and environment to be meant; never to be right.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/assign.h"
#include "lib/log.h"
#include "lib/near.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/files.h"
#include "policy/compiler/mainconf.h"
#include "policy/compiler/values.h"

#define FILE_MAX	(1024 * 1024)

extern char **environ;

static const char *
name_of(size_t i, const void *arg)
{
	(void)arg;
	return param_row((unsigned)i)->name;
}

static void
unknown_say(struct job *j, enum note_level level, const char *file, uint32_t line, uint32_t column,
    struct span name)
{
	const char	*near = near_find(name, name_of, NULL, PARAM_ID_LIMIT);

	if (near != NULL)
		job_note(j, level, file, line, column, NULL,
		    "\"%.*s\" is no parameter; did you mean %s?", SHOWN(name), near);
	else
		job_note(j, level, file, line, column, NULL,
		    "\"%.*s\" is no parameter; mcpgw.conf(5) lists them", SHOWN(name));
}

/* --- the file ----------------------------------------------------------------------------------- */

static void
assign_take(struct job *j, const char *file, const struct assign *a)
{
	struct setting	*s;
	int		 id;

	if (a->kind == ASSIGN_STRAY) {
		job_note(j, NOTE_ERROR, file, a->line, 1, NULL,
		    "begins with a blank, but there is no line to continue");
		return;
	}
	if (a->kind == ASSIGN_NO_EQUALS) {
		job_note(j, NOTE_ERROR, file, a->line, 1, NULL, "\"%.*s\": want name = value",
		    SHOWN(a->text));
		return;
	}
	if ((id = param_find(a->name)) == -1) {
		unknown_say(j, NOTE_ERROR, file, a->line, 1, a->name);
		return;
	}
	s = &j->settings[id];
	if (j->tenant_conf && param_row((unsigned)id)->scope != PARAM_SCOPE_TENANT) {
		job_note(j, NOTE_ERROR, file, a->line, 1, NULL,
		    "%s is the same for all tenants: it stands in mcpgw.conf",
		    param_row((unsigned)id)->name);
		return;
	}
	if (s->file != NULL && strcmp(s->file, file) == 0)
		job_note(j, NOTE_WARNING, file, a->line, 1, NULL,
		    "%s is given twice; the one in line %u does not count", param_row((unsigned)id)->name,
		    s->line);
	*s = (struct setting){ .raw = job_dup(j, a->value), .source = j->tenant_conf ? "tenant.conf" : "mcpgw.conf",
	    .file = file, .line = a->line, .column = a->column };
}

static void
file_parse(struct job *j, const char *file, struct span text)
{
	struct assign_reader	reader;
	struct assign		a;
	int			r;

	if (text.n > 0 && text.p[text.n - 1] != '\n')
		job_note(j, NOTE_WARNING, file, 0, 0, NULL,
		    "the last line has no line end: is the file whole?");
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
		job_note(j, NOTE_ERROR, file, 0, 0, NULL, "holds a NUL byte: this is no text");
		return;
	}
	assign_init(&reader, text, &j->arena);
	while ((r = assign_next(&reader, &a)) == 0)
		assign_take(j, file, &a);
	if (r != E_EOF)
		fatal(EX_OSERR, "%s", err_text(r));
}

static void
file_take(struct job *j, const char *path)
{
	const char	*why;
	char		*text;
	size_t		 bytes;
	int		 r = file_read(j, path, FILE_MAX, &text, &bytes, &why);

	if (r == 0)
		file_parse(j, job_dup(j, span_of(path)).p, span_make(text, bytes));
	else if (r != E_NOTFOUND)
		job_note(j, NOTE_ERROR, path, 0, 0, NULL, "%s", why);
	free(text);
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whoever may put files into a folder of the configuration may as well write those that are there. */
static void
closed_check(struct job *j, int fd, const char *folder)
{
	struct stat	st;

	if (fstat(fd, &st) == -1 || (st.st_mode & S_IWOTH) != 0)
		job_note(j, NOTE_ERROR, folder, 0, 0, NULL, "%s", "may be written by everybody: chmod o-w it");
}

static void
folder_take(struct job *j)
{
	static const char	 folder[] = "mcpgw.conf.d";
	char			**names = NULL;
	struct dirent		*e;
	size_t			 count = 0, n;
	DIR			*d = NULL;
	int			 fd = openat(j->config_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || (d = fdopendir(fd)) == NULL)
		return;
	closed_check(j, fd, folder);
	while ((e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (e->d_name[0] == '.' || n < 6 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		names = list_more(names, count, sizeof(*names));
		names[count++] = job_fmt(j, "%s/%s", folder, e->d_name);
	}
	closedir(d);
	if (count > 1)
		qsort(names, count, sizeof(*names), name_cmp);
	for (size_t i = 0; i < count; i++)
		file_take(j, names[i]);
	free(names);
}

/* --- the other places ---------------------------------------------------------------------------- */

static void
environment_take(struct job *j)
{
	static const char	prefix[] = "MCPGW_";
	const size_t		skip = sizeof(prefix) - 1;

	for (char **e = environ; *e != NULL; e++) {
		const char	*eq = strchr(*e, '=');
		char		*name;
		int		 id;

		if (eq == NULL || strncmp(*e, prefix, skip) != 0)
			continue;
		name = job_fmt(j, "%.*s", (int)(eq - *e - (ptrdiff_t)skip), *e + skip);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		if ((id = param_find(span_of(name))) == -1) {
			unknown_say(j, NOTE_WARNING, "environment", 0, 0, span_of(name));
			continue;
		}
		j->settings[id] = (struct setting){ .raw = span_of(eq + 1), .source = "environment",
		    .file = job_fmt(j, "environment %.*s", (int)(eq - *e), *e) };
	}
}

static void
options_take(struct job *j)
{
	for (size_t i = 0; i < j->option_count; i++) {
		const char	*option = j->options[i], *eq = strchr(option, '=');
		struct span	 name = span_trim(eq == NULL ? span_of(option) :
				     span_make(option, (size_t)(eq - option)));
		int		 id;

		if (eq == NULL)
			job_note(j, NOTE_ERROR, "-o", 0, 0, NULL, "\"%.80s\": want name=value", option);
		else if (memchr(name.p, '/', name.n) != NULL)
			continue;	/* a tenant's: tenant_options_take() */
		else if ((id = param_find(name)) == -1)
			unknown_say(j, NOTE_ERROR, "-o", 0, 0, name);
		else
			j->settings[id] = (struct setting){ .raw = span_trim(span_of(eq + 1)),
			    .source = "-o", .file = job_fmt(j, "-o %.*s", SPAN_FMT(name)) };
	}
}

/* -o TENANT/name=value: what its tenant.conf may hold, or where one of its files is. */
static void
tenant_options_take(struct job *j)
{
	static const enum param_id	files[] = { PARAM_ID_servers_file, PARAM_ID_rules_file, PARAM_ID_issuers_file,
					    PARAM_ID_tools_dir };
	const size_t			n = strlen(j->tenant);

	for (size_t i = 0; i < j->option_count; i++) {
		const char	*option = j->options[i], *eq = strchr(option, '=');
		struct span	 name;
		bool		 may = false;
		int		 id;

		if (strncmp(option, j->tenant, n) != 0 || option[n] != '/' || eq == NULL || eq <= option + n)
			continue;
		name = span_make(option + n + 1, (size_t)(eq - option) - n - 1);
		if ((id = param_find(name)) == -1) {
			unknown_say(j, NOTE_ERROR, "-o", 0, 0, name);
			continue;
		}
		for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++)
			may |= files[k] == (enum param_id)id;
		if (may || param_row((unsigned)id)->scope == PARAM_SCOPE_TENANT)
			j->settings[id] = (struct setting){ .raw = span_trim(span_of(eq + 1)),
			    .source = "tenant.conf", .file = job_fmt(j, "-o %.*s", (int)(eq - option), option) };
		else
			job_note(j, NOTE_ERROR, "-o", 0, 0, NULL, "%.*s is the same for all tenants", SPAN_FMT(name));
	}
}

static void
defaults_take(struct job *j)
{
	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++) {
		const struct param_row	*row = param_row(i);

		j->settings[i] = (struct setting){
			.raw = span_of(j->personal && row->personal != NULL ? row->personal : row->normal),
			.source = "default",
		};
	}
}

/* -c alone says where the folder is: a file in it cannot. */
static void
config_dir_fix(struct job *j)
{
	struct setting	*s = &j->settings[PARAM_ID_config_dir];

	if (strcmp(s->source, "default") != 0)
		job_note(j, NOTE_ERROR, s->file, s->line, s->line > 0 ? 1 : 0, NULL,
		    "config_dir is set by -c only");
	*s = (struct setting){ .raw = span_of(j->config_dir), .value = span_of(j->config_dir),
	    .source = "-c", .state = EXPAND_DONE };
}

static void
records_put(struct job *j)
{
	for (uint32_t i = 0; i < PARAM_ID_LIMIT; i++) {
		const struct setting	*s = &j->settings[i];
		struct rec_param	 p = { .id = i, .source_line = s->line, .number = s->number };

		p.text = put_text(j->policy, s->value);
		p.source = put_text(j->policy, span_of(s->source));
		put_record(j->policy, SECTION_PARAM, &p);
	}
}

void
mainconf_tenant_read(struct job *j, const char *path)
{
	j->tenant_conf = true;
	file_take(j, path);
	j->tenant_conf = false;
	tenant_options_take(j);
	expand_all(j);
	for (unsigned id = 0; id < PARAM_ID_LIMIT; id++)
		if (strcmp(j->settings[id].source, "tenant.conf") == 0)
			value_check(j, id);
}

void
mainconf_read(struct job *j)
{
	defaults_take(j);
	closed_check(j, j->config_fd, j->config_dir);
	file_take(j, "mcpgw.conf");
	folder_take(j);
	environment_take(j);
	options_take(j);
	config_dir_fix(j);
	expand_all(j);
	values_check(j);
	records_put(j);
}
