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
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/explain.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "lib/json.h"

#define TEXT_MAX	256

/* A text member, decoded, with control bytes shown as '?'. */
static const char *
member(struct json_value row, const char *name, char to[TEXT_MAX])
{
	struct json_value	v = json_get(row, name);
	struct span		s = v.raw;
	size_t			n;

	if (v.type == JSON_STRING && s.n >= 2)
		s = span_part(s, 1, s.n - 2);
	n = s.n < TEXT_MAX ? s.n : TEXT_MAX - 1;
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
	to[n] = '\0';
	return to;
}

static void
print_time(struct json_value row)
{
	char		text[TEXT_MAX], when[OUT_TIME] = "-";
	struct tm	tm = { 0 };
	time_t		t;

	if (strptime(member(row, "time", text), "%Y-%m-%dT%H:%M:%S", &tm) != NULL) {
		t = timegm(&tm);
		localtime_r(&t, &tm);
		strftime(when, sizeof(when), "%F %H:%M:%S", &tm);
	}
	printf("%s", when);
}

/* "backend@default (key ci-bot)  ->  postgres.drop_table   DENIED, generation 41". */
static void
print_head(struct json_value row)
{
	char		agent[TEXT_MAX], tenant[TEXT_MAX], how[TEXT_MAX], who[TEXT_MAX], server[TEXT_MAX],
			object[TEXT_MAX], word[TEXT_MAX], number[TEXT_MAX];
	const char	*decision = member(row, "decision", word);

	print_time(row);
	printf("  %s@%s (%s %s)  ->  %s%s%s   %s, generation %s\n", member(row, "agent", agent),
	    member(row, "tenant", tenant), member(row, "how", how), member(row, "principal", who),
	    member(row, "server", server), server[0] != '\0' && member(row, "object", object)[0] != '\0' ? "." : "",
	    member(row, "object", object), strcmp(decision, "deny") == 0 ? "DENIED" :
	    strcmp(decision, "allow") == 0 ? "allowed" : "not decided", member(row, "generation", number));
	printf("  rule     %s\n", member(row, "rule", word));
	printf("  outcome  %s", member(row, "outcome", word));
	if (member(row, "error", object)[0] != '\0')
		printf(", %s", object);
	printf("\n");
}

static int
print_now(struct ctl *ctl, struct json_value row)
{
	char			 agent[TEXT_MAX], tenant[TEXT_MAX], server[TEXT_MAX], object[TEXT_MAX], kind[TEXT_MAX],
				 word[TEXT_MAX];
	struct explain_question	 q = { span_of(member(row, "tenant", tenant)), span_of(member(row, "agent", agent)),
	    span_of(member(row, "server", server)), span_of(member(row, "object", object)) };
	struct decision		 d;
	struct snap		*s = NULL;
	bool			 was = strcmp(member(row, "decision", word), "allow") == 0;
	struct ask		 a;
	int			 r;

	if (strcmp(member(row, "kind", kind), "tool") != 0 || ask_open(ctl, &a, false) != 0)
		return 0;	/* only of tools is more to be said, and only by a gateway */
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
	explain_remedy(stdout, &q, &d);
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
	struct asked		*asked = arg;
	struct json_value	 row;
	int			 r = 0;

	asked->count++;
	if (json_parse(line, false, &row, NULL) != 0 || row.type != JSON_OBJECT) {
		out_error("a line of the audit is not JSON");
		r = EX_DATAERR;
	} else if (asked->ctl->json) {
		printf("%.*s\n", SPAN_FMT(line));
	} else {
		print_head(row);
		r = print_now(asked->ctl, row);
	}
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
	if (query_end(&run) != 0)
		return EX_DATAERR;
	if (asked.count == 0) {
		out_error("%s: no such request in the audit", id);
		return EX_DATAERR;
	}
	return out_end(asked.error);
}
