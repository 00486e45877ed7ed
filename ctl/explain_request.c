/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_request.c - what was decided about one request, by the record of it, and what would be now
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  no text of a record: clients and tools chose some of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/explain.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "lib/json.h"
#include "lib/log.h"

#define SHOWN_MAX	256
#define CUT_DIGITS	16		/* tables/auditfields.def */
#define ROW_MAX		(1024 * 1024)	/* decoded texts of one record */

/* Bytes of a text that the record has. */
enum {
#define FIELD(name, id, type, max, when, doc) FIELD_MAX_##name = (max),
#include "tables/auditfields.def"
#undef FIELD
};

/* One record, and room for its texts. */
struct row {
	struct json_value	json;
	struct arena		arena;
};

/* A member's text, decoded; of what is no text, the JSON.  Absent: nothing. */
static struct span
member(struct row *row, const char *name)
{
	struct json_value	v = json_get(row->json, name);
	struct span		s = v.raw;

	if (v.type == JSON_STRING && json_string(v, &row->arena, &s) != 0)
		fatal(EX_OSERR, "out of memory");
	return s;
}

static void
print_time(struct row *row)
{
	char		text[SHOWN_MAX], when[OUT_TIME] = "-";
	struct tm	tm = { 0 };
	time_t		t;

	if (strptime(out_clean(member(row, "time"), text, sizeof(text)), "%Y-%m-%dT%H:%M:%S", &tm) != NULL) {
		t = timegm(&tm);
		localtime_r(&t, &tm);
		strftime(when, sizeof(when), "%F %H:%M:%S", &tm);
	}
	printf("%s", when);
}

static void
print_member(const char *before, struct row *row, const char *name)
{
	struct span	s = member(row, name);
	char		text[SHOWN_MAX];

	printf("%s%s%s", before, out_clean(s, text, sizeof(text)), s.n >= sizeof(text) ? "..." : "");
}

/* "backend@default (key ci-bot)  ->  postgres.drop_table   DENIED, generation 41". */
static void
print_head(struct row *row)
{
	struct span	decision = member(row, "decision");

	print_time(row);
	print_member("  ", row, "agent");
	print_member("@", row, "tenant");
	print_member(" (", row, "how");
	print_member(" ", row, "principal");
	print_member(")  ->  ", row, "server");
	print_member(member(row, "server").n > 0 && member(row, "object").n > 0 ? "." : "", row, "object");
	printf("   %s", span_is(decision, "deny") ? "DENIED" : span_is(decision, "allow") ? "allowed" : "not decided");
	print_member(", generation ", row, "generation");
	print_member("\n  rule     ", row, "rule");
	print_member("\n  outcome  ", row, "outcome");
	if (member(row, "error").n > 0)
		print_member(", ", row, "error");
	printf("\n");
}

/* Longer than the record has room for: it has the front up to a character's end, "~" and digits. */
static bool
is_cut(struct span name, size_t max)
{
	return name.n + 3 >= max && name.n > CUT_DIGITS && name.p[name.n - CUT_DIGITS - 1] == '~';
}

static int
print_now(struct ctl *ctl, struct row *row)
{
	struct explain_question	 q = { member(row, "tenant"), member(row, "agent"), member(row, "server"),
	    member(row, "object") };
	struct decision		 d;
	struct snap		*s = NULL;
	bool			 was = span_is(member(row, "decision"), "allow");
	struct ask		 a;
	int			 r;

	if (!span_is(member(row, "kind"), "tool") || ask_open(ctl, &a, false) != 0)
		return 0;	/* only of tools is more to be said, and only by a gateway */
	if (is_cut(q.tenant, FIELD_MAX_tenant) || is_cut(q.agent, FIELD_MAX_agent) ||
	    is_cut(q.server, FIELD_MAX_server) || is_cut(q.tool, FIELD_MAX_object)) {
		ask_close(&a);
		printf("A name in it is cut, so that what would be decided now cannot be said.\n");
		return 0;
	}
	ask_command(&a, CTLCMD_explain, NULL);
	r = ask_wait(&a, ask_take_snapshot, &s);
	ask_close(&a);
	if (r != 0 || s == NULL)
		return r;
	explain_decide(s, &q, &d);
	printf("Now (generation %" PRIu64 "): %s", snap_head(s)->generation, was == d.allow ? "still " : "");
	explain_print(stdout, s, &d);
	printf("\n");
	explain_beaten(stdout, s, &q, &d);
	explain_remedy(stdout, s, &q, &d);
	snap_release(&s);
	return 0;
}

struct asked {
	struct ctl	*ctl;
	unsigned	 count;
	int		 error;
};

/* A request of several calls has several records. */
static void
explain_line(struct span line, void *arg)
{
	struct asked	*asked = arg;
	struct row	 row;
	int		 r = 0;

	asked->count++;
	arena_init(&row.arena, NULL, 0, ROW_MAX);
	if (json_parse(line, false, &row.json, NULL) != 0 || row.json.type != JSON_OBJECT) {
		out_error("a line of the audit is not JSON");
		r = EX_DATAERR;
	} else if (asked->ctl->json) {
		printf("%.*s\n", SPAN_FMT(line));
	} else {
		print_head(&row);
		r = print_now(asked->ctl, &row);
	}
	arena_fini(&row.arena);
	if (asked->error == 0)
		asked->error = r;
}

int
explain_request(struct ctl *ctl, const char *id)
{
	struct asked		asked = { ctl, 0, 0 };
	struct query		q = { .count = 0 };
	struct query_run	run;
	int			r;

	query_add(&q, "--request", id);
	if ((r = query_start(ctl, CTLCMD_audit_list, &q, -1, &run)) != 0)
		return r;
	query_lines(&run, explain_line, &asked);
	/* Why was said, by us or by the query. */
	if (query_end(&run) != 0)
		return EX_DATAERR;
	if (asked.count == 0) {
		out_error("%s: no such request in the audit", id);
		return EX_DATAERR;
	}
	return out_end(asked.error);
}
