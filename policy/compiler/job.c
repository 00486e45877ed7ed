/* SPDX-License-Identifier: Apache-2.0
 *
 * job.c - one run of the compiler: order of reading, notes, memory
 *
 * Process: mcpgw-compile.
 * Owns:    the arena, the builds, the descriptor of the configuration folder.
 * Trusts:  see files.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/compiler/certs.h"
#include "policy/compiler/files.h"
#include "policy/compiler/hosts.h"
#include "policy/compiler/job.h"
#include "policy/compiler/mainconf.h"
#include "policy/compiler/tenants.h"
#include "policy/tenants.h"

#define ARENA_BYTES	((size_t)1 << 30)
#define NOTES_MAX	300		/* of each level; what more there is, is counted */
#define NOTE_BYTES	1000

static void
build_begin(struct build **b, enum snap_kind kind, const char *consumer)
{
	if (build_new(kind, consumer, b) != 0)
		fatal(EX_OSERR, "out of memory");
}

void
job_init(struct job *j)
{
	arena_init(&j->arena, NULL, 0, ARENA_BYTES);
	j->tenant = TENANT_DEFAULT;
	build_begin(&j->policy, SNAP_POLICY, "");
	build_begin(&j->profile, SNAP_PROFILE, j->tenant);
	build_begin(&j->worker_secrets, SNAP_SECRETS, "worker");
	build_begin(&j->tenant_secrets, SNAP_SECRETS, j->tenant);
	build_begin(&j->scout_secrets, SNAP_SECRETS, SCOUT_CONSUMER);
}

void
job_tenant_end(struct job *j)
{
	free(j->servers);
	j->servers = NULL;
	j->server_count = 0;
	free(j->tool_texts);
	j->tool_texts = NULL;
	free(j->written);
	j->written = NULL;
	j->written_count = 0;
	free(j->agents);
	j->agents = NULL;
	j->agent_count = 0;
}

void
job_fini(struct job *j)
{
	build_free(&j->policy);
	build_free(&j->profile);
	build_free(&j->worker_secrets);
	build_free(&j->tenant_secrets);
	build_free(&j->scout_secrets);
	job_tenant_end(j);
	free(j->hosts);
	j->hosts = NULL;
	free(j->shared);
	j->shared = NULL;
	free(j->anchors);
	j->anchors = NULL;
	arena_fini(&j->arena);
	snap_release(&j->vault);
	fd_close(&j->config_fd);
}

/* Notes beyond NOTES_MAX were only counted. */
static void
rest_say(struct job *j, enum note_level level, uint32_t count, const char *what)
{
	char	line[80];

	if (count <= NOTES_MAX)
		return;
	snprintf(line, sizeof(line), "and %u more %s", count - NOTES_MAX, what);
	j->say(level, line, j->say_arg);
}

void
job_run(struct job *j)
{
	mainconf_read(j);
	certs_read(j);
	hosts_put(j);
	tenants_read(j);
	rest_say(j, NOTE_ERROR, j->errors, "errors");
	rest_say(j, NOTE_WARNING, j->warnings, "warnings");
}

void
job_run_params(struct job *j)
{
	mainconf_read(j);
}

uint64_t
job_number(const struct job *j, enum param_id id)
{
	return j->settings[id].number;
}

struct span
job_value(const struct job *j, enum param_id id)
{
	return j->settings[id].value;
}

struct learning *
job_learning(struct job *j, struct span server)
{
	for (size_t i = 0; i < j->learning_count; i++)
		if (span_is(server, j->learning[i].server) && strcmp(j->tenant, j->learning[i].tenant) == 0)
			return &j->learning[i];
	return NULL;
}

const struct known_server *
job_server(const struct job *j, struct span name)
{
	size_t	low = 0, high = j->server_count;

	while (low < high) {
		size_t	mid = low + (high - low) / 2;
		int	r = span_cmp(name, j->servers[mid].name);

		if (r == 0)
			return &j->servers[mid];
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* --- notes -------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 7, 0)))
note(struct job *j, enum note_level level, const char *file, uint32_t line, uint32_t column,
    const char *path, const char *fmt, va_list ap)
{
	uint32_t	*count = level == NOTE_ERROR ? &j->errors : &j->warnings;
	char		 text[NOTE_BYTES];
	size_t		 at;

	if (++*count > NOTES_MAX)
		return;
	at = (size_t)snprintf(text, sizeof(text), "%s:", file);
	if (line > 0 && at < sizeof(text))
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%u:%u:", line, column);
	if (at < sizeof(text))
		at += (size_t)snprintf(text + at, sizeof(text) - at, " %s: %s%s",
		    level == NOTE_ERROR ? "error" : "warning", path == NULL ? "" : path,
		    path == NULL || path[0] == '\0' ? "" : ": ");
	if (at < sizeof(text))
		vsnprintf(text + at, sizeof(text) - at, fmt, ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	j->say(level, text, j->say_arg);
}

void
job_note(struct job *j, enum note_level level, const char *file, uint32_t line, uint32_t column,
    const char *path, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	note(j, level, file, line, column, path, fmt, ap);
	va_end(ap);
}

static const char *
path_cstr(struct job *j, const struct conf_node *n)
{
	return job_path(j, n).p;
}

void
job_error(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	note(j, NOTE_ERROR, s->shown, n->line, n->column, path_cstr(j, n), fmt, ap);
	va_end(ap);
}

void
job_warn(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
{
	va_list	ap;

	if (j->warnings >= NOTES_MAX) {
		j->warnings++;		/* it would not be said: spare the path */
		return;
	}
	va_start(ap, fmt);
	note(j, NOTE_WARNING, s->shown, n->line, n->column, path_cstr(j, n), fmt, ap);
	va_end(ap);
}

void
job_error_key(struct job *j, const struct source *s, const struct conf_node *n, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	note(j, NOTE_ERROR, s->shown, n->key_line, n->key_column, path_cstr(j, n), fmt, ap);
	va_end(ap);
}

/* --- memory ------------------------------------------------------------------------------------- */

void *
job_alloc(struct job *j, size_t bytes)
{
	void	*p = arena_calloc(&j->arena, bytes);

	if (p == NULL)
		fatal(EX_OSERR, "out of memory");
	return p;
}

struct span
job_dup(struct job *j, struct span s)
{
	struct span	copy = arena_dup(&j->arena, s);

	if (copy.p == NULL)
		fatal(EX_OSERR, "out of memory");
	return copy;
}

char *
job_fmt(struct job *j, const char *fmt, ...)
{
	struct span	text;
	va_list		ap;

	va_start(ap, fmt);
	text = arena_vfmt(&j->arena, fmt, ap);
	va_end(ap);
	if (text.p == NULL)
		fatal(EX_OSERR, "out of memory");
	return (char *)(uintptr_t)text.p;
}

struct span
job_path(struct job *j, const struct conf_node *n)
{
	struct span	path;
	struct buf	b;

	buf_init(&b, 64 * 1024);
	if (conf_path(n, &b) != 0)
		buf_clear(&b);		/* longer than any sane path: then none */
	path = job_dup(j, buf_rest(&b));
	buf_fini(&b);
	return path;
}

struct stext
put_text(struct build *b, struct span s)
{
	struct stext	t;

	if (build_text(b, s, &t) != 0)
		fatal(EX_OSERR, "out of memory, or more than 4 GiB of text");
	return t;
}

uint32_t
put_record(struct build *b, enum snap_section section, const void *record)
{
	uint32_t	index;

	if (build_add(b, section, record, &index) != 0)
		fatal(EX_OSERR, "out of memory, or too many records");
	return index;
}

void *
list_more(void *items, size_t count, size_t item_bytes)
{
	/* room doubles at the powers of two, so the count alone tells when */
	if (count != 0 && (count & (count - 1)) != 0)
		return items;
	if ((items = realloc(items, (count == 0 ? 1 : count * 2) * item_bytes)) == NULL)
		fatal(EX_OSERR, "out of memory");
	return items;
}
