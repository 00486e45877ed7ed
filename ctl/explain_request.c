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
#include "policy/reach.h"

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
	struct tm	tm = { 0 }, today;
	time_t		t, now = time(NULL);

	if (strptime(out_clean(member(row, "time"), text, sizeof(text)), "%Y-%m-%dT%H:%M:%S", &tm) != NULL) {
		t = timegm(&tm);
		localtime_r(&t, &tm);
		localtime_r(&now, &today);
		strftime(when, sizeof(when), tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday ? "%H:%M:%S" :
		    "%F %H:%M:%S", &tm);
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
	printf("   %s", span_is(decision, "deny") ? "DENIED" : span_is(decision, "allow") ? "allowed" :
	    span_is(decision, "shadow") ? "allowed (enforced, it would be denied)" : "not decided");
	print_member(", generation ", row, "generation");
	printf("\n");
}

static void
print_outcome(struct row *row)
{
	print_member("  outcome  ", row, "outcome");
	if (member(row, "error").n > 0)
		print_member(", ", row, "error");
	printf("\n");
}

/* The record has the rule's path alone. */
static void
print_rule(struct row *row)
{
	if (member(row, "rule").n > 0) {
		print_member("  decided  ", row, "rule");
		printf("\n");
	}
	print_outcome(row);
}

/* Longer than the record has room for: it has the front up to a character's end, "~" and digits. */
static bool
is_cut(struct span name, size_t max)
{
	return name.n + 3 >= max && name.n > CUT_DIGITS && name.p[name.n - CUT_DIGITS - 1] == '~';
}

static bool
is_any_cut(const struct explain_question *q)
{
	return is_cut(q->tenant, FIELD_MAX_tenant) || is_cut(q->agent, FIELD_MAX_agent) ||
	    is_cut(q->server, FIELD_MAX_server) || is_cut(q->tool, FIELD_MAX_object);
}

static uint64_t
recorded_ms(struct row *row)
{
	char		text[SHOWN_MAX];
	struct tm	tm = { 0 };

	if (strptime(out_clean(member(row, "time"), text, sizeof(text)), "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return out_now_ms();
	return (uint64_t)timegm(&tm) * 1000;
}

/* Of what conditions ask for, the record has when and from where. */
static void
know_client(struct row *row, struct explain_question *q)
{
	struct reach_host	host;

	if (reach_host_parse(member(row, "client"), &host, NULL) == 0 && host.is_address)
		q->facts.client = host.address;
	else if (!span_is(member(row, "client"), "unix"))
		return;
	q->facts.known |= FACT_CLIENT;
}

/* Where the rule stands and which it beat are in the policy: in that of the record while it is in force, else that is
 * what would be decided now. */
static void
print_decisions(struct row *row, const struct explain_question *q, const struct snap *s)
{
	struct explain_question	then = *q;
	struct decision		d, hope, now;
	const struct rec_rule	*rule;
	const bool		was = !span_is(member(row, "decision"), "deny");
	char			generation[24];
	bool			same, sure;

	explain_decide(s, q, &now);
	then.facts.wall_ms = recorded_ms(row);
	explain_decide(s, &then, &d);
	explain_hope(s, &then, &hope);
	/* What the record does not have made it end as it did. */
	sure = d.allow == hope.allow;
	if (d.allow != was && hope.allow == was)
		d = hope;
	snprintf(generation, sizeof(generation), "%" PRIu64, snap_head(s)->generation);
	same = span_is(member(row, "generation"), generation) && was == d.allow;
	rule = d.rule == 0 ? NULL : SNAP_AT(s, RULE, d.rule - 1);
	if (same && !sure) {
		print_rule(row);
		if (rule != NULL)
			explain_when(stdout, s, &then, rule);
		explain_beaten(stdout, s, &then, &d);
		printf("Now (generation %s): that depends on what is not recorded; see explain --args\n", generation);
		return;
	}
	if (same && now.allow == d.allow) {
		printf("  decided  ");
		explain_rule(stdout, s, &d);
		printf("\n");
		if (rule != NULL)
			explain_when(stdout, s, &then, rule);
		explain_beaten(stdout, s, &then, &d);
		print_outcome(row);
		printf("Now (generation %s): still %s.\n", generation, d.allow ? "allowed" : "denied");
	} else {
		print_rule(row);
		printf("Now (generation %s): %s", generation, was == now.allow ? "still " : "");
		explain_print(stdout, s, &now);
		printf("\n");
		explain_beaten(stdout, s, q, &now);
	}
	explain_remedy(stdout, s, q, &now);
}

static int
print_now(struct ctl *ctl, struct row *row)
{
	struct explain_question	 q = explain_asked(member(row, "tenant"), member(row, "agent"), member(row, "server"),
	    member(row, "object"));
	struct snap		*s = NULL;
	struct ask		 a;
	int			 r;

	know_client(row, &q);
	if (!span_is(member(row, "kind"), "tool") || ask_open(ctl, &a, false) != 0) {
		print_rule(row);
		return 0;	/* only of tools is more to be said, and only by a gateway */
	}
	if (is_any_cut(&q)) {
		ask_close(&a);
		print_rule(row);
		printf("A name in it is cut, so that what would be decided now cannot be said.\n");
		return 0;
	}
	ask_command(&a, CTLCMD_explain, NULL);
	r = ask_wait(&a, ask_take_snapshot, &s);
	ask_close(&a);
	if (r != 0 || s == NULL) {
		print_rule(row);
		return r;
	}
	print_decisions(row, &q, s);
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
