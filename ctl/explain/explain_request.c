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

#include "ctl/explain/explain.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "ctl/show/keyrow.h"
#include "lib/json.h"
#include "lib/log.h"
#include "policy/policy.h"
#include "policy/reach.h"

#define SHOWN_MAX	256
#define CUT_DIGITS	16		/* tables/auditfields.def */
#define ID_CHARS	14		/* audit/requestid.h */
#define ID_ALPHABET	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
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
	/* Who showed no credential is nobody yet. */
	if (member(row, "agent").n > 0 || member(row, "principal").n > 0) {
		print_member("  ", row, "agent");
		print_member("@", row, "tenant");
		print_member(" (", row, "how");
		print_member(" ", row, "principal");
		printf(")");
	} else {
		printf("  somebody");
	}
	print_member("  ->  ", row, "server");
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
	if (span_is(member(row, "rule"), "default")) {
		printf("  decided  no rule allowed it\n");
	} else if (member(row, "rule").n > 0) {
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

/* --- who it was ----------------------------------------------------------------------------------- */

/* Two parts of a text, around the last `sep` of it; false: it has none. */
static bool
split(struct span text, const char *sep, struct span *first, struct span *second)
{
	const size_t	n = strlen(sep);

	for (size_t i = text.n; i-- > 0;)
		if (i + n <= text.n && memcmp(text.p + i, sep, n) == 0) {
			*first = span_part(text, 0, i);
			*second = span_part(text, i + n, text.n);
			return true;
		}
	return false;
}

struct key_wanted {
	struct span		 name, public_name, tenant;	/* public_name: empty where no other key has the name */
	struct row		*row;
	struct traits		 traits;
	unsigned		 count;
	bool			 failed;
};

static void
take_key(const struct keyrow *k, void *arg)
{
	struct key_wanted	*w = arg;
	struct arena		*a = &w->row->arena;

	if (!span_eq(k->name, w->name) || !span_eq(k->tenant, w->tenant) ||
	    (w->public_name.n > 0 && !span_eq(k->public_name, w->public_name)) || w->count++ > 0)
		return;
	w->traits = (struct traits){ .roles = arena_dup(a, k->roles), .groups = arena_dup(a, k->groups),
	    .scopes = arena_dup(a, k->scopes), .workspace = arena_dup(a, k->workspace), .scoped = k->scopes.n > 0 };
	w->failed = (k->roles.n > 0 && w->traits.roles.p == NULL) || (k->groups.n > 0 && w->traits.groups.p == NULL) ||
	    (k->scopes.n > 0 && w->traits.scopes.p == NULL) || (k->workspace.n > 0 && w->traits.workspace.p == NULL);
}

/* What a key gives stands in the store, if the key is still there. */
static void
know_key(struct ctl *ctl, struct row *row, struct explain_question *q)
{
	struct key_wanted	w = { .name = q->subject, .tenant = q->tenant, .row = row };
	struct span		name, rest;

	if (split(q->subject, " (", &name, &rest) && span_starts(rest, SPAN_LIT("mgk_"))) {
		w.name = q->subject = name;
		w.public_name = span_part(rest, 0, rest.n - 1);
	}
	if (keyrow_each(ctl, take_key, &w) != 0 || w.count != 1 || w.failed)
		return;
	q->traits = w.traits;
	q->facts.known |= FACT_BEARER;
}

/* Of a credential the record has how it was one, and whose.  What it gave is known of keys, and of those that give
 * nothing: of a token it is not. */
static void
know_caller(struct ctl *ctl, struct row *row, struct explain_question *q)
{
	const struct span	how = member(row, "how");

	q->subject = member(row, "principal");
	for (q->how = HOW_NONE + 1; q->how < HOW_LIMIT && !span_is(how, decide_how(q->how)); q->how++)
		;
	if (q->how == HOW_LIMIT || is_cut(q->subject, FIELD_MAX_principal)) {
		q->how = HOW_NONE;
		return;
	}
	q->facts.known |= FACT_WHO;
	if (q->how == HOW_KEY)
		know_key(ctl, row, q);
	else if (q->how == HOW_TOKEN)
		(void)split(q->subject, " at ", &q->traits.user, &q->traits.issuer);
	else
		q->facts.known |= FACT_BEARER;
	if (q->how == HOW_CERT && split(q->subject, " by ", &q->traits.user, &q->traits.issuer)) {
		const char	*colon = memchr(q->traits.user.p, ':', q->traits.user.n);

		if (colon != NULL)
			q->traits.user = span_part(q->traits.user, (size_t)(colon - q->traits.user.p) + 1,
			    q->traits.user.n);
	}
}

/* --- what is decided ------------------------------------------------------------------------------ */

static void
add_unsaid(struct span key, void *arg)
{
	struct buf	*b = arg;

	if (memmem(buf_rest(b).p, buf_rest(b).n, key.p, key.n) != NULL)
		return;
	if (buf_rest(b).n > 0)
		(void)!buf_put_str(b, ", ");
	(void)!buf_put(b, key);			/* as many as there is room for */
}

/* Roles and a workspace that nobody knows of may decide, too. */
static bool
is_bearer_open(const struct snap *s, const struct explain_question *q)
{
	return (q->facts.known & FACT_BEARER) == 0 && policy_has_roles(s, q->tenant);
}

static void
print_depends(const struct snap *s, const struct explain_question *q)
{
	struct buf	keys;

	buf_init(&keys, 4096);
	explain_unsaid(s, q, add_unsaid, &keys);
	if (is_bearer_open(s, q))
		add_unsaid(SPAN_LIT("roles"), &keys);
	printf("depends on %.*s, which %s not recorded; say it: mcpgwctl explain --agent", SPAN_FMT(buf_rest(&keys)),
	    buf_rest(&keys).n > 0 && memchr(buf_rest(&keys).p, ',', buf_rest(&keys).n) != NULL ? "are" : "is");
	explain_word(stdout, q->agent);
	printf(" --server");
	explain_word(stdout, q->server);
	printf(" --tool");
	explain_word(stdout, q->tool);
	printf(" ...\n");
	buf_fini(&keys);
}

/* Where the rule stands and which it beat are in the policy: in that of the record while it is in force, else that is
 * what would be decided now. */
static void
print_decisions(struct row *row, const struct explain_question *q, const struct snap *s)
{
	struct explain_question	then = *q;
	struct decision		d, hope, now, now_hope;
	const struct rec_rule	*rule;
	const bool		was = !span_is(member(row, "decision"), "deny");
	char			generation[24];
	bool			same, sure;

	explain_decide(s, q, &now);
	explain_hope(s, q, &now_hope);
	then.facts.wall_ms = recorded_ms(row);
	explain_decide(s, &then, &d);
	explain_hope(s, &then, &hope);
	/* What the record does not have made it end as it did. */
	sure = d.allow == hope.allow && !is_bearer_open(s, q);
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
		printf("Now (generation %s): that ", generation);
		print_depends(s, q);
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
	} else if (now.allow != now_hope.allow || is_bearer_open(s, q)) {
		print_rule(row);
		explain_beaten(stdout, s, q, &(struct decision){ .rule = 0 });
		printf("Now (generation %s): that ", generation);
		print_depends(s, q);
		return;
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
	know_caller(ctl, row, &q);
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

	if (strncmp(id, "r-", 2) != 0 || strlen(id) != ID_CHARS || strspn(id + 2, ID_ALPHABET) != ID_CHARS - 2)
		fatal(EX_USAGE, "\"%s\" is no request id, as errors and mcpgwctl audit tail have them: r- and 12 "
		    "digits and capital letters", id);
	query_add(&q, "--request", id);
	if ((r = query_start(ctl, CTLCMD_audit_list, &q, -1, &run)) != 0)
		return r;
	query_lines(&run, explain_line, &asked);
	/* Why was said, by us or by the query. */
	if (query_end(&run) != 0)
		return EX_DATAERR;
	if (asked.count == 0) {
		out_error("%s: no such request in the audit; the newest: mcpgwctl audit tail", id);
		return EX_DATAERR;
	}
	return out_end(asked.error);
}
