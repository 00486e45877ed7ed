/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_audit.c - audit list, audit tail, audit verify
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  no text of a record: clients and tools chose some of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "lib/json.h"
#include "lib/log.h"
#include "policy/tenants.h"

#define TAIL_ROWS	"10"
#define ROW_REST	48		/* columns of all but those of struct rows, with blanks between them */
#define OBJECT_LEAST	12
#define NAME_WIDTH	12		/* agents' and tenants' are cut to */
#define FIRST_ROWS	256		/* whose widths columns are made for */

/* --- rows ---------------------------------------------------------------------------------------- */

/* As a cell has it: cut in the middle to `width`. */
static void
cut(struct span s, size_t width, char *to, size_t room)
{
	const size_t	head = (width - 3) / 2;

	if (s.n <= width)
		snprintf(to, room, "%.*s", SPAN_FMT(s));
	else
		snprintf(to, room, "%.*s...%.*s", (int)head, s.p, (int)(width - 3 - head),
		    s.p + s.n - (width - 3 - head));
	out_clean(span_of(to), to, room);
}

static void
member(struct json_value row, const char *name, size_t width, char *to, size_t room)
{
	struct json_value	v = json_get(row, name);
	struct span		s = v.raw;

	if (v.type == JSON_STRING && s.n >= 2)
		s = span_part(s, 1, s.n - 2);
	if (v.type == JSON_NONE || s.n == 0)
		s = SPAN_LIT("-");
	cut(s, width, to, room);
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

struct row {
	char	when[16], id[32], agent[32], tenant[32], object[288], decision[16], outcome[32], ms[24];
	bool	sentence;		/* object is what an operator did, and its front says most */
};

/* Rows are printed as they come when they are followed; else the first of them say how wide the columns are. */
struct rows {
	bool		 follow, titled;
	unsigned	 count;			/* that wait in `first` */
	uint64_t	 all;
	int		 terminal;		/* its columns; 0: it is none, and nothing is cut */
	int		 agent, tenant, object, outcome;	/* widths; tenant 0: it is the same everywhere */
	struct row	*first;
};

static int
terminal_columns(void)
{
	struct winsize	size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0 ? 80 : size.ws_col;
}

static void
print_cells(const struct rows *r, const struct row *row)
{
	const int	n = (int)strlen(row->object);
	char		object[sizeof(row->object)];

	if (r->terminal > 0 && n > r->object && row->sentence)
		snprintf(object, sizeof(object), "%.*s...", r->object - 3, row->object);
	else if (r->terminal > 0 && n > r->object)
		snprintf(object, sizeof(object), "%.*s...%s", (r->object - 3) / 2, row->object,
		    row->object + n - (r->object - 2) / 2);
	else
		snprintf(object, sizeof(object), "%s", row->object);
	/* Cut bytes may be half a character. */
	out_clean(span_of(object), object, sizeof(object));
	printf("%-8s  %-14s  %-*s  ", row->when, row->id, r->agent, row->agent);
	if (r->tenant > 0)
		printf("%-*s  ", r->tenant, row->tenant);
	printf("%-*s  %-8s  %-*s  %s\n", r->object, object, row->decision, r->outcome, row->outcome, row->ms);
}

static void
widen(int *width, const char *cell)
{
	if ((int)strlen(cell) > *width)
		*width = (int)strlen(cell);
}

/* The titles, and the rows that waited. */
static void
print_first(struct rows *r)
{
	static const struct row	titles = { "TIME", "REQUEST", "AGENT", "TENANT", "OBJECT", "DECISION", "OUTCOME",
		"MS", false };
	bool			others = r->follow;
	int			left;

	if (r->titled)
		return;
	r->titled = true;
	r->agent = r->tenant = r->outcome = 7;
	r->object = r->follow ? 19 : 6;
	for (unsigned i = 0; i < r->count; i++) {
		widen(&r->agent, r->first[i].agent);
		widen(&r->tenant, r->first[i].tenant);
		widen(&r->object, r->first[i].object);
		widen(&r->outcome, r->first[i].outcome);
		others = others || (strcmp(r->first[i].tenant, "-") != 0 &&
		    strcmp(r->first[i].tenant, TENANT_DEFAULT) != 0);
	}
	left = r->terminal - ROW_REST - r->agent - r->tenant - r->outcome;
	/* On a terminal objects need the room more than one tenant's name. */
	if (r->terminal > 0 && !others && r->object > left) {
		left += r->tenant + 2;
		r->tenant = 0;
	}
	if (r->terminal > 0 && (r->follow || r->object > left))
		r->object = left < OBJECT_LEAST ? OBJECT_LEAST : left;
	print_cells(r, &titles);
	for (unsigned i = 0; i < r->count; i++)
		print_cells(r, &r->first[i]);
	r->count = 0;
}

/* Who did it: ann, of "uid 1001 (ann)"; whoever has no name, by number. */
static void
operator(struct json_value line, char *to, size_t room)
{
	char		text[160], *name, *end;

	member(line, "principal", sizeof(text) - 1, text, sizeof(text));
	if (strncmp(text, "uid ", 4) == 0 && (name = strstr(text, " (")) != NULL &&
	    (end = strrchr(name, ')')) != NULL) {
		*end = '\0';
		memmove(text, name + 2, strlen(name + 2) + 1);
	}
	cut(span_of(text), NAME_WIDTH, to, room);
}

static void
fill_row(struct json_value line, struct row *row)
{
	char	server[128], kind[32], did[sizeof(row->object) + 128], *end;
	double	ms;

	local_time(line, row->when, sizeof(row->when));
	member(line, "request_id", 14, row->id, sizeof(row->id));
	member(line, "agent", NAME_WIDTH, row->agent, sizeof(row->agent));
	member(line, "tenant", NAME_WIDTH, row->tenant, sizeof(row->tenant));
	member(line, "server", 100, server, sizeof(server));
	member(line, "object", 100, row->object, sizeof(row->object));
	if (strcmp(server, "-") != 0 && strcmp(row->object, "-") != 0) {
		size_t n = strlen(server);

		memmove(row->object + n + 1, row->object, strlen(row->object) + 1);
		memcpy(row->object, server, n);
		row->object[n] = '.';
	} else if (strcmp(row->object, "-") == 0) {
		member(line, strcmp(server, "-") == 0 ? "method" : "server", 100, row->object, sizeof(row->object));
	}
	/* Of what an operator did: who, and what with which. */
	member(line, "kind", 16, kind, sizeof(kind));
	row->sentence = strcmp(kind, "admin") == 0;
	if (row->sentence) {
		operator(line, row->agent, sizeof(row->agent));
		member(line, "method", 100, server, sizeof(server));
		snprintf(did, sizeof(did), "%s %s", server, strcmp(row->object, server) == 0 ? "" : row->object);
		snprintf(row->object, sizeof(row->object), "%.*s", (int)sizeof(row->object) - 1, did);
	}
	member(line, "decision", 8, row->decision, sizeof(row->decision));
	member(line, "outcome", 11, row->outcome, sizeof(row->outcome));
	/* Nothing came of it, and the decision says why. */
	if (strcmp(row->decision, "deny") == 0)
		snprintf(row->outcome, sizeof(row->outcome), "-");
	member(line, "ms", 20, row->ms, sizeof(row->ms));
	ms = strtod(row->ms, &end);
	if (end != row->ms && *end == '\0')
		snprintf(row->ms, sizeof(row->ms), "%.*f", ms < 0.1 ? 2 : ms < 10 ? 1 : 0, ms);
}

static void
take_row(struct span line, void *arg)
{
	struct rows		*r = arg;
	struct json_value	 v;
	struct row		 row;

	r->all++;
	if (json_parse(line, false, &v, NULL) != 0 || v.type != JSON_OBJECT) {
		out_error("a line of the audit is not JSON");
		return;
	}
	fill_row(v, &row);
	if (!r->titled && !r->follow && r->count < FIRST_ROWS) {
		r->first[r->count++] = row;
		return;
	}
	print_first(r);
	print_cells(r, &row);
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

struct filter_values {
	const char	*since, *until, *limit, *request, *agent, *tenant, *server, *kind, *tool, *decision, *outcome;
	bool		 follow;
};

/* Nothing was found: was it asked for somebody who is not there?  Records of those who were may be. */
static void
say_none(struct ctl *ctl, const struct filter_values *v)
{
	const char	*tenant = v->tenant == NULL ? TENANT_DEFAULT : v->tenant;

	if ((v->tenant == NULL || !known_missing(ctl, KNOWN_TENANT, "", v->tenant)) &&
	    (v->agent == NULL || !known_missing(ctl, KNOWN_AGENT, tenant, v->agent)) && v->server != NULL)
		(void)known_missing(ctl, KNOWN_SERVER, tenant, v->server);
	out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no record is of that"));
}

static int
run(struct ctl *ctl, uint32_t command, const struct query *q, const struct filter_values *v)
{
	struct rows		rows = { .follow = v->follow, .terminal = terminal_columns() };
	struct query_run	run;
	int			r;

	if (!ctl->json && (rows.first = calloc(FIRST_ROWS, sizeof(*rows.first))) == NULL)
		fatal(EX_OSERR, "out of memory");
	if ((r = query_start(ctl, command, q, ctl->json ? STDOUT_FILENO : -1, &run)) == 0) {
		if (!ctl->json && v->follow)
			print_first(&rows);
		if (!ctl->json)
			query_lines(&run, take_row, &rows);
		r = query_end(&run);
		if (!ctl->json && r == 0 && rows.all > 0)
			print_first(&rows);
		fflush(stdout);
		if (!ctl->json && r == 0 && rows.all == 0)
			say_none(ctl, v);
	}
	free(rows.first);
	return out_end(r);
}

/* --- commands ------------------------------------------------------------------------------------ */

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
	const struct opt	rows[] = { FILTER_OPTIONS(v), { "-n", &v.limit, NULL }, { NULL, NULL, NULL } };
	struct query		q = { .count = 0 };

	(void)opts_take(rows, argc, argv, 0, 0);
	filters_fill(&q, &v);
	return run(ctl, CTLCMD_audit_list, &q, &v);
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
	return run(ctl, CTLCMD_audit_tail, &q, &v);
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
