/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_audit.c - audit list, audit tail, audit verify
 *
 * Process: mcpgwctl.
 * Owns:    the pipe a query process writes its lines to.
 * Trusts:  no text of a record: clients and tools chose some of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/auditask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

#define TAIL_ROWS	"10"
#define ROW_FORMAT	"%-8s  %-14s  %-10s  %-21s  %-8s  %-7s  %s\n"

struct filters {
	const char	*args[AUDITASK_ARGS_MAX];
	size_t		 count;
};

/* --- rows ---------------------------------------------------------------------------------------- */

/* The member as text for a cell, cut in the middle to `width`. */
static void
member(struct json_value row, const char *name, size_t width, char *to, size_t room)
{
	struct json_value	v = json_get(row, name);
	struct span		s = v.raw;
	size_t			head;

	if (v.type == JSON_STRING && s.n >= 2)
		s = span_part(s, 1, s.n - 2);
	if (v.type == JSON_NONE || s.n == 0)
		s = SPAN_LIT("-");
	if (s.n <= width) {
		snprintf(to, room, "%.*s", SPAN_FMT(s));
		return;
	}
	head = (width - 3) / 2;
	snprintf(to, room, "%.*s...%.*s", (int)head, s.p, (int)(width - 3 - head),
	    s.p + s.n - (width - 3 - head));
}

/* "10:31:07" in local time, of "2026-11-20T09:31:07.123Z". */
static void
local_time(struct json_value row, char *to, size_t room)
{
	char		text[40];
	struct tm	tm = { 0 };
	time_t		t;

	member(row, "time", 30, text, sizeof(text));
	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		snprintf(to, room, "-");
		return;
	}
	t = timegm(&tm);
	localtime_r(&t, &tm);
	strftime(to, room, "%H:%M:%S", &tm);
}

static void
print_row(struct span line)
{
	struct json_value	row;
	char			when[16], id[32], agent[32], server[128], name[288], object[40];
	char			decision[16], outcome[32], ms[24];
	int			cut;

	if (json_parse(line, false, &row, NULL) != 0 || row.type != JSON_OBJECT) {
		out_error("a line of the audit is not JSON");
		return;
	}
	local_time(row, when, sizeof(when));
	member(row, "request_id", 14, id, sizeof(id));
	member(row, "agent", 10, agent, sizeof(agent));
	member(row, "server", 100, server, sizeof(server));
	member(row, "object", 100, name, sizeof(name));
	if (strcmp(server, "-") != 0 && strcmp(name, "-") != 0) {
		size_t n = strlen(server);

		memmove(name + n + 1, name, strlen(name) + 1);
		memcpy(name, server, n);
		name[n] = '.';
	} else if (strcmp(name, "-") == 0) {
		member(row, strcmp(server, "-") == 0 ? "method" : "server", 100, name, sizeof(name));
	}
	cut = (int)strlen(name);
	if (cut > 21)
		snprintf(object, sizeof(object), "%.9s...%s", name, name + cut - 9);
	else
		snprintf(object, sizeof(object), "%s", name);
	member(row, "decision", 8, decision, sizeof(decision));
	member(row, "outcome", 11, outcome, sizeof(outcome));
	member(row, "ms", 10, ms, sizeof(ms));
	printf(ROW_FORMAT, when, id, agent, object, decision, outcome, ms);
}

/* Prints line by line as they come; true at the end of input. */
static void
print_lines(int fd)
{
	struct buf	b;
	char		*room;
	ssize_t		 n;
	size_t		 at;

	buf_init(&b, 1024 * 1024);
	printf(ROW_FORMAT, "TIME", "REQUEST", "AGENT", "OBJECT", "DECISION", "OUTCOME", "MS");
	for (;;) {
		struct span rest = buf_rest(&b);

		for (at = 0; at < rest.n && rest.p[at] != '\n'; at++)
			;
		if (at < rest.n) {
			print_row(span_part(rest, 0, at));
			buf_drain(&b, at + 1);
			continue;
		}
		fflush(stdout);
		if (buf_reserve(&b, 16384, &room) != 0 || (n = read(fd, room, 16384)) == 0 ||
		    (n == -1 && errno != EINTR))
			break;
		if (n > 0)
			buf_commit(&b, (size_t)n);
	}
	buf_fini(&b);
}

/* "1204118 records, chain whole, head 9f07..."; whether it is whole, the exit code says as well. */
static void
print_verdict(const struct ctl *ctl, int fd)
{
	char	*text = NULL;
	size_t	 bytes = 0;
	bool	 whole;

	if (fd_read_all(fd, 4096, &text, &bytes) != 0 || bytes == 0) {
		free(text);
		return;		/* the reason is on stderr */
	}
	text[strcspn(text, "\n")] = '\0';
	whole = strstr(text, "chain whole") != NULL || strcmp(text, "0 records") == 0;
	if (ctl->json) {
		out_json_begin();
		out_json_bool("whole", whole);
		out_json_text("says", span_of(text));
		out_json_end();
	} else {
		printf("%s\n", text);
	}
	free(text);
}

/* --- asking -------------------------------------------------------------------------------------- */

static int
query_run(struct ctl *ctl, uint32_t command, const struct filters *f)
{
	struct auditask	ask;
	int		pair[2] = { -1, -1 }, r;
	bool		piped = !ctl->json || command == CTLCMD_audit_verify;

	if (piped && pipe2(pair, O_CLOEXEC) == -1)
		fatal(EX_OSERR, "pipe: %s", strerror(errno));
	r = auditask_start(ctl, command, f->args, f->count, piped ? pair[1] : STDOUT_FILENO, &ask);
	fd_close(&pair[1]);
	if (r == 0) {
		if (command == CTLCMD_audit_verify)
			print_verdict(ctl, pair[0]);
		else if (piped)
			print_lines(pair[0]);
		r = auditask_wait(&ask);
	}
	fd_close(&pair[0]);
	return out_end(r);
}

/* --- commands ------------------------------------------------------------------------------------ */

struct filter_values {
	const char	*since, *until, *limit, *request, *agent, *tenant, *tool, *decision, *outcome;
	bool		 follow;
};

#define FILTER_OPTIONS(v)								\
	{ "--since", &(v).since, NULL }, { "--until", &(v).until, NULL },		\
	{ "--limit", &(v).limit, NULL }, { "--request", &(v).request, NULL },		\
	{ "--agent", &(v).agent, NULL }, { "--tenant", &(v).tenant, NULL },		\
	{ "--tool", &(v).tool, NULL }, { "--decision", &(v).decision, NULL },		\
	{ "--outcome", &(v).outcome, NULL }

static void
filter_add(struct filters *f, const char *name, const char *value)
{
	if (value == NULL)
		return;
	f->args[f->count++] = name;
	if (value[0] != '\0')
		f->args[f->count++] = value;
}

static void
filters_fill(struct filters *f, const struct filter_values *v)
{
	filter_add(f, "--since", v->since);
	filter_add(f, "--until", v->until);
	filter_add(f, "--limit", v->limit);
	filter_add(f, "--request", v->request);
	filter_add(f, "--agent", v->agent);
	filter_add(f, "--tenant", v->tenant);
	filter_add(f, "--tool", v->tool);
	filter_add(f, "--decision", v->decision);
	filter_add(f, "--outcome", v->outcome);
	if (v->follow)
		filter_add(f, "--follow", "");
}

int
cmd_audit_list(struct ctl *ctl, int argc, char **argv)
{
	struct filter_values	v = { 0 };
	const struct opt	rows[] = { FILTER_OPTIONS(v), { NULL, NULL, NULL } };
	struct filters		f = { .count = 0 };

	(void)opts_take(rows, argc, argv, 0, 0);
	filters_fill(&f, &v);
	return query_run(ctl, CTLCMD_audit_list, &f);
}

int
cmd_audit_tail(struct ctl *ctl, int argc, char **argv)
{
	struct filter_values	v = { .limit = TAIL_ROWS };
	const struct opt	rows[] = { FILTER_OPTIONS(v), { "-f", NULL, &v.follow },
	    { "--follow", NULL, &v.follow }, { "-n", &v.limit, NULL }, { NULL, NULL, NULL } };
	struct filters		f = { .count = 0 };

	(void)opts_take(rows, argc, argv, 0, 0);
	filters_fill(&f, &v);
	return query_run(ctl, CTLCMD_audit_tail, &f);
}

int
cmd_audit_verify(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	struct filters		f = { .count = 0 };

	(void)opts_take(none, argc, argv, 0, 0);
	filter_add(&f, "--verify", "");
	return query_run(ctl, CTLCMD_audit_verify, &f);
}
