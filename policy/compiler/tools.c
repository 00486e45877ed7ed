/* SPDX-License-Identifier: Apache-2.0
 *
 * tools.c - tools_dir: one server for each file, programs as its tools
 *
 * Process: mcpgw-compile.  Owns: the open texts until the job is done.
 * Trusts:  the operator's words; names of files only as far as a server's name goes.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/compiler/files.h"
#include "policy/compiler/native.h"
#include "policy/compiler/tools.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"

#define FILES_MAX	256
#define TOOLS_MAX	128		/* of one file */
#define TIMEOUT_MAX_MS	(60 * 60 * 1000)
#define TIMEOUT_MORE_MS	1000		/* the server's over the longest of its tools */
#define OUTPUT_NORMAL	(1u << 20)
#define OUTPUT_MAX	(4u << 20)	/* written as JSON it still is an answer that passes */

static const char *const file_keys[] = { "server", "description", "prefix", "enabled", "disabled_reason",
	"disabled_until", "tier", "net", "read", "write", "workdir", "env", "limits", "timeout_ms", "exec_tmp",
	"tools", NULL };
static const char *const tool_keys[] = { "name", "title", "description", "command", "args", "slots", "stdin",
	"output", "output_schema", "ok_status", "max_output", "timeout_ms", "risk", "annotations", "idempotent",
	NULL };

/* --- one tool --------------------------------------------------------------------------------- */

static void
read_name(struct native *t)
{
	const struct conf_node	*n = NULL, *other;

	if (!typed_string(t->j, t->s, t->node, "name", &n)) {
		if (conf_find(t->node, "name") == NULL)
			job_error_key(t->j, t->s, t->node, "needs a \"name\"");
		return;
	}
	if (!name_ok(n->text))
		job_error(t->j, t->s, n, "a tool's name is of letters, digits, _ . -, at most 64");
	for (const struct conf_node *o = t->node->parent->first; o != t->node; o = o->next)
		if ((other = conf_find(o, "name")) != NULL && other->type == JSON_STRING &&
		    span_eq(other->text, n->text))
			job_error(t->j, t->s, n, "\"%.*s\" is the tool at %u:%u already", SHOWN(n->text), other->line,
			    other->column);
	t->rec.name = put_text(t->m->b, n->text);
}

static void
read_statuses(struct native *t)
{
	const struct conf_node	*list = NULL, *n;
	uint64_t		 v;

	t->rec.ok_status[0] = 1;
	if (!typed_list(t->j, t->s, t->node, "ok_status", JSON_ARRAY, false, &list))
		return;
	t->rec.ok_status[0] = 0;
	for (n = list->first; n != NULL; n = n->next)
		if (json_u64((struct json_value){ n->type, n->text }, &v) != 0 || v > 255)
			job_error(t->j, t->s, n, "want a number from 0 to 255");
		else
			t->rec.ok_status[v / 64] |= UINT64_C(1) << v % 64;
}

static void
read_settings(struct native *t)
{
	static const char *const outputs[] = { "text", "json", "structured", NULL };
	static const char *const risks[] = { "low", "medium", "high", NULL };
	uint64_t		 v = OUTPUT_NORMAL;

	t->risk = RISK_UNSAID;
	(void)typed_word(t->j, t->s, t->node, "risk", risks, &t->risk);
	(void)typed_word(t->j, t->s, t->node, "output", outputs, &t->rec.output);
	(void)typed_size(t->j, t->s, t->node, "max_output", 1, OUTPUT_MAX, &v);
	t->rec.max_output = (uint32_t)v;
	if (typed_number(t->j, t->s, t->node, "timeout_ms", 1, TIMEOUT_MAX_MS, &v))
		t->rec.timeout_ms = (uint32_t)v;
	(void)typed_flag(t->j, t->s, t->node, "idempotent", &t->idempotent);
	read_statuses(t);
}

static void
read_command(struct native *t)
{
	const struct conf_node	*n = NULL;
	struct program		 program;

	if (!typed_string(t->j, t->s, t->node, "command", &n)) {
		if (conf_find(t->node, "command") == NULL)
			job_error_key(t->j, t->s, t->node, "needs a \"command\"");
		return;
	}
	if (t->m->sv->rec.shown.bytes == 0)
		t->m->sv->rec.shown = put_text(t->j->policy, n->text);
	if (!making_program(t->m, n, &program))
		return;
	t->rec.program = put_text(t->m->b, span_of(program.inside));
	t->rec.argv0 = put_text(t->m->b, span_of(program.argv0));
	digest_text(&t->m->digest, span_of(program.inside));
	digest_text(&t->m->digest, span_of(program.argv0));
}

static void
tool_digest(struct native *t, struct span definition)
{
	struct digest	*d = &t->m->digest;

	digest_text(d, definition);
	for (size_t i = 0; i < 4; i++)
		digest_number(d, t->rec.ok_status[i]);
	digest_number(d, t->rec.output);
	digest_number(d, t->rec.max_output);
	digest_number(d, t->rec.timeout_ms);
}

/* The longest time any of the tools may take, so far, is in *longest. */
static void
tool_read(struct making *m, const struct conf_node *node, uint32_t *longest)
{
	static struct native	 t;		/* large, and one at a time */
	struct span		 definition;
	const struct conf_node	*limit = conf_find(m->sv->node, "timeout_ms");

	t = (struct native){ .m = m, .j = m->j, .s = m->s, .node = node };
	if (!typed_is(t.j, t.s, node, JSON_OBJECT)) {
		m->ok = false;
		return;
	}
	typed_keys(t.j, t.s, node, tool_keys);
	read_name(&t);
	read_settings(&t);
	read_command(&t);
	native_slots_read(&t);
	native_words_read(&t);
	native_slots_put(&t);
	definition = native_definition(&t);
	t.rec.definition = put_text(m->b, definition);
	tool_digest(&t, definition);
	if (limit != NULL && t.rec.timeout_ms > m->sv->rec.timeout_ms)
		job_error(t.j, t.s, conf_find(node, "timeout_ms"), "longer than the server's \"timeout_ms\" (line %u)",
		    limit->line);
	if (t.rec.timeout_ms > *longest)
		*longest = t.rec.timeout_ms;
	if (t.risk != RISK_UNSAID && conf_find(node, "name") != NULL)
		changes_add(&m->changes, conf_find(node, "name")->text)->risk = RISK_LEVEL_LOW + t.risk;
	put_record(m->b, SECTION_TOOL, &t.rec);
	m->p.tool_count++;
}

/* --- one file --------------------------------------------------------------------------------- */

static void
read_tools(struct server *sv)
{
	const struct conf_node	*list = NULL, *n;
	struct making		 m;
	uint32_t		 longest = 0, errors = sv->job->errors;

	if (!typed_list(sv->job, sv->source, sv->node, "tools", JSON_ARRAY, false, &list) || list->count == 0 ||
	    list->count > TOOLS_MAX) {
		if (list != NULL || conf_find(sv->node, "tools") == NULL)
			job_error_key(sv->job, sv->source, list == NULL ? sv->node : list,
			    "needs \"tools\": 1 to %d of them", TOOLS_MAX);
		return;
	}
	making_begin(&m, sv);
	m.p.tool_first = (uint32_t)build_count(m.b, SECTION_TOOL);
	for (n = list->first; n != NULL; n = n->next)
		tool_read(&m, n, &longest);
	changes_put(sv, &m.changes);
	/* A tool may be given more time than calls otherwise have. */
	if (sv->rec.timeout_ms == 0 && longest >= job_number(sv->job, PARAM_ID_call_timeout))
		sv->rec.timeout_ms = longest + TIMEOUT_MORE_MS;
	if (sv->job->errors != errors)
		m.ok = false;
	making_end(&m);
}

/* The file's name without what follows its last dot. */
static struct span
stem(const char *name)
{
	const char	*dot = strrchr(name, '.');

	return span_make(name, (size_t)(dot - name));
}

static void
file_read_tools(struct job *j, const char *path, const char *name)
{
	struct source		*text = job_alloc(j, sizeof(*text));
	const struct conf_node	*top, *named = NULL;
	struct server		 sv;
	struct span		 own;

	if (!source_open(j, path, text) || text->conf == NULL)
		return;
	j->tool_texts = list_more(j->tool_texts, j->tool_text_count, sizeof(*j->tool_texts));
	j->tool_texts[j->tool_text_count++] = text;
	top = conf_top(text->conf);
	own = job_dup(j, stem(name));
	if (typed_string(j, text, top, "server", &named))
		own = named->text;
	if (!server_begin(&sv, j, text, top, named != NULL ? named : top, own))
		return;
	typed_keys(j, text, top, file_keys);
	sv.rec.kind = SERVER_STDIO;
	sv.rec.era = ERA_PIN_MODERN;
	sv.rec.tier = TIER_STRICT;
	/* One list serves all callers; calls share nothing anyway. */
	sv.rec.isolation = ISOLATION_TENANT;
	sv.rec.flags |= SERVER_FLAG_NATIVE;
	server_common(&sv);
	if (sv.enabled)
		read_tools(&sv);
	server_end(&sv);
}

/* --- the folder ------------------------------------------------------------------------------- */

static int
is_tools_file(const struct dirent *e)
{
	static const char *const endings[] = { ".json", ".yaml", ".yml" };
	const char		*dot = strrchr(e->d_name, '.');

	if (dot == NULL || e->d_name[0] == '.')
		return 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcmp(dot, endings[i]) == 0)
			return 1;
	return 0;
}

static int
name_cmp(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
folder_error(struct job *j, const char *path, const char *why)
{
	job_note(j, NOTE_ERROR, file_shown(j, path), 0, 0, NULL, "%s", why);
}

void
tools_read(struct job *j)
{
	struct span	 path = job_value(j, PARAM_ID_tools_dir);
	struct dirent	**names = NULL;
	struct stat	 st;
	int		 fd, n;

	if (path.n == 0)
		return;
	if ((fd = folder_open(j, path.p)) == -1) {
		if (errno != ENOENT)		/* absent is empty */
			folder_error(j, path.p, errno == EXDEV ?
			    "leads out of the configuration folder by a link or \"..\"" : strerror(errno));
		return;
	}
	/* Whoever adds a file there adds a program. */
	if (fstat(fd, &st) == -1 || (st.st_mode & S_IWOTH) != 0) {
		folder_error(j, path.p, "may be written by everybody: chmod o-w it");
		close(fd);
		return;
	}
	n = scandirat(fd, ".", &names, is_tools_file, name_cmp);
	if (n == -1)
		folder_error(j, path.p, strerror(errno));
	if (n > FILES_MAX)
		folder_error(j, path.p, job_fmt(j, "more than %d files", FILES_MAX));
	for (int i = 0; i < n; i++) {
		if (i < FILES_MAX)
			file_read_tools(j, job_fmt(j, "%.*s/%s", SPAN_FMT(path), names[i]->d_name), names[i]->d_name);
		free(names[i]);
	}
	free(names);
	close(fd);
}

void
tools_close(struct job *j)
{
	for (size_t i = 0; i < j->tool_text_count; i++)
		source_close(j->tool_texts[i]);
	j->tool_text_count = 0;
}
