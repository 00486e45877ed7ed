/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_audit.c - audit list, audit tail, audit verify
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  no text of a record: clients and tools chose some of them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "lib/json.h"

#define TAIL_ROWS	"10"
#define ROW_FORMAT	"%-8s  %-14s  %-7s  %-7s  %-*s  %-8s  %-7s  %s\n"
#define ROW_REST	69		/* columns of all but the object */
#define OBJECT_WIDTH	19
#define OBJECT_LEAST	12

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
	head = (width - 3) / 2;
	if (s.n <= width)
		snprintf(to, room, "%.*s", SPAN_FMT(s));
	else
		snprintf(to, room, "%.*s...%.*s", (int)head, s.p, (int)(width - 3 - head),
		    s.p + s.n - (width - 3 - head));
	out_clean(span_of(to), to, room);
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

/* What a terminal has left for an object; 0: nobody asks that it be cut. */
static int
object_width(void)
{
	struct winsize	size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		size.ws_col = 80;
	return size.ws_col < ROW_REST + OBJECT_LEAST ? OBJECT_LEAST : size.ws_col - ROW_REST;
}

static void
print_row(struct span line, int width)
{
	struct json_value	row;
	char			when[16], id[32], agent[32], tenant[32], server[128], name[288], object[288];
	char			decision[16], outcome[32], ms[24], kind[32], did[420];
	int			cut;

	if (json_parse(line, false, &row, NULL) != 0 || row.type != JSON_OBJECT) {
		out_error("a line of the audit is not JSON");
		return;
	}
	local_time(row, when, sizeof(when));
	member(row, "request_id", 14, id, sizeof(id));
	member(row, "agent", 12, agent, sizeof(agent));
	member(row, "tenant", 12, tenant, sizeof(tenant));
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
	/* Of what an operator did: who, and what with which. */
	member(row, "kind", 16, kind, sizeof(kind));
	if (strcmp(kind, "admin") == 0) {
		member(row, "principal", 12, agent, sizeof(agent));
		member(row, "method", 100, server, sizeof(server));
		snprintf(did, sizeof(did), "%s %s", server, strcmp(name, server) == 0 ? "" : name);
		snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, did);
	}
	cut = (int)strlen(name);
	if (width > 0 && cut > width)
		snprintf(object, sizeof(object), "%.*s...%s", (width - 3) / 2, name, name + cut - (width - 2) / 2);
	else
		snprintf(object, sizeof(object), "%s", name);
	/* Cut bytes may be half a character. */
	out_clean(span_of(object), object, sizeof(object));
	member(row, "decision", 8, decision, sizeof(decision));
	member(row, "outcome", 11, outcome, sizeof(outcome));
	/* Nothing came of it, and the decision says why. */
	if (strcmp(decision, "deny") == 0)
		snprintf(outcome, sizeof(outcome), "-");
	member(row, "ms", 10, ms, sizeof(ms));
	printf(ROW_FORMAT, when, id, agent, tenant, width > 0 ? width : OBJECT_WIDTH, object, decision, outcome, ms);
}

static void
print_line(struct span line, void *arg)
{
	print_row(line, *(const int *)arg);
}

/* "1204118 records, chain whole, head 9f07..."; whether it is whole, the exit code says as well. */
static void
print_verdict(struct span line, void *arg)
{
	const struct ctl	*ctl = arg;

	char			 text[1024];

	if (!ctl->json) {
		printf("%s\n", out_clean(line, text, sizeof(text)));
		return;
	}
	out_json_begin();
	out_json_bool("whole", span_is(line, "0 records") ||
	    memmem(line.p, line.n, "chain whole", strlen("chain whole")) != NULL);
	out_json_text("says", line);
	out_json_end();
}

static int
run(struct ctl *ctl, uint32_t command, const struct query *q)
{
	struct query_run	run;
	int			width = object_width(), r;

	if ((r = query_start(ctl, command, q, ctl->json ? STDOUT_FILENO : -1, &run)) == 0) {
		if (!ctl->json) {
			printf(ROW_FORMAT, "TIME", "REQUEST", "AGENT", "TENANT", width > 0 ? width : OBJECT_WIDTH,
			    "OBJECT", "DECISION", "OUTCOME", "MS");
			query_lines(&run, print_line, &width);
		}
		r = query_end(&run);
	}
	return out_end(r);
}

/* --- commands ------------------------------------------------------------------------------------ */

struct filter_values {
	const char	*since, *until, *limit, *request, *agent, *tenant, *server, *kind, *tool, *decision, *outcome;
	bool		 follow;
};

#define FILTER_OPTIONS(v)								\
	{ "--since", &(v).since, NULL }, { "--until", &(v).until, NULL },		\
	{ "--limit", &(v).limit, NULL }, { "--request", &(v).request, NULL },		\
	{ "--agent", &(v).agent, NULL }, { "--tenant", &(v).tenant, NULL },		\
	{ "--server", &(v).server, NULL }, { "--kind", &(v).kind, NULL },		\
	{ "--tool", &(v).tool, NULL }, { "--decision", &(v).decision, NULL },		\
	{ "--outcome", &(v).outcome, NULL }

static void
filters_fill(struct query *q, const struct filter_values *v)
{
	query_add(q, "--since", v->since);
	query_add(q, "--until", v->until);
	query_add(q, "--limit", v->limit);
	query_add(q, "--request", v->request);
	query_add(q, "--agent", v->agent);
	query_add(q, "--tenant", v->tenant);
	query_add(q, "--server", v->server);
	query_add(q, "--kind", v->kind);
	query_add(q, "--tool", v->tool);
	query_add(q, "--decision", v->decision);
	query_add(q, "--outcome", v->outcome);
	if (v->follow)
		query_add(q, "--follow", "");
}

int
cmd_audit_list(struct ctl *ctl, int argc, char **argv)
{
	struct filter_values	v = { 0 };
	const struct opt	rows[] = { FILTER_OPTIONS(v), { NULL, NULL, NULL } };
	struct query		q = { .count = 0 };

	(void)opts_take(rows, argc, argv, 0, 0);
	filters_fill(&q, &v);
	return run(ctl, CTLCMD_audit_list, &q);
}

int
cmd_audit_tail(struct ctl *ctl, int argc, char **argv)
{
	struct filter_values	v = { .limit = TAIL_ROWS };
	const struct opt	rows[] = { FILTER_OPTIONS(v), { "-f", NULL, &v.follow },
	    { "--follow", NULL, &v.follow }, { "-n", &v.limit, NULL }, { NULL, NULL, NULL } };
	struct query		q = { .count = 0 };

	(void)opts_take(rows, argc, argv, 0, 0);
	filters_fill(&q, &v);
	return run(ctl, CTLCMD_audit_tail, &q);
}

int
cmd_audit_verify(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	struct query		q = { .count = 0 };
	struct query_run	run;
	int			r;

	(void)opts_take(none, argc, argv, 0, 0);
	query_add(&q, "--verify", "");
	if ((r = query_start(ctl, CTLCMD_audit_verify, &q, -1, &run)) == 0) {
		query_lines(&run, print_verdict, ctl);
		r = query_end(&run);
	}
	return out_end(r);
}
