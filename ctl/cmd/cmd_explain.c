/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_explain.c - which rule decides, and where it stands
 *
 * Process: mcpgwctl.  Owns: a mapped copy of the policy in force.
 * Trusts:  the snapshot, and decides with the same function the workers use.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/explain/explain.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "policy/policy.h"

#define SAID_BYTES	(64 * 1024 * 1024)

struct keys {
	struct buf	text;
	unsigned	count;
	bool		json;
	struct span	last;
};

static void
add_key(struct span key, void *arg)
{
	struct keys	*k = arg;
	int		 r;

	if (span_eq(key, k->last))
		return;
	k->last = key;
	r = k->count++ == 0 ? 0 : buf_put_str(&k->text, k->json ? "," : ", ");
	if (r == 0)
		r = k->json ? json_put_string(&k->text, key) : buf_put(&k->text, key);
	if (r != 0)
		k->count--;		/* so many are named by nobody's rules */
}

static void
print_json(const struct explain_question *q, const struct decision *d, const struct decision *hope,
    const struct snap *s)
{
	struct keys	k = { .json = true };

	out_json_begin();
	out_json_bool("allowed", d->allow);
	if (d->shadow)
		out_json_bool("shadow", true);
	if (d->approval)
		out_json_bool("approval_required", true);
	if (d->allow != hope->allow) {
		buf_init(&k.text, 64 * 1024);
		if (buf_put_str(&k.text, "[") == 0)
			explain_unsaid(s, q, add_key, &k);
		out_json_bool("possible", hope->allow);
		if (buf_put_str(&k.text, "]") == 0)
			out_json_raw("depends_on", buf_rest(&k.text));
		buf_fini(&k.text);
	}
	out_json_text("agent", q->agent);
	out_json_text("tenant", q->tenant);
	out_json_text("server", q->server);
	out_json_text("tool", q->tool);
	out_json_text("rule", d->path);
	out_json_text("class", span_of(d->class_text));
	if (d->file.n > 0) {
		out_json_text("file", d->file);
		out_json_u64("line", d->line);
	}
	out_json_u64("generation", snap_head(s)->generation);
	out_json_end();
}

struct explain_question
explain_asked(struct span tenant, struct span agent, struct span server, struct span tool)
{
	return (struct explain_question){ tenant, agent, server, tool, .how = HOW_KEY,
	    .facts = { .known = FACT_NAME | FACT_TIME, .wall_ms = out_now_ms() } };
}

static void
decide_as(const struct snap *s, const struct explain_question *q, enum object_kind kind, bool hopeful,
    struct decision *out)
{
	const struct principal	who = { .tenant = q->tenant, .agent = q->agent, .how = q->how, .subject = q->subject,
				    .traits = q->traits };
	struct facts		facts = q->facts;
	const struct object	what = { kind, q->server, kind == OBJECT_SERVER ? SPAN_NONE : q->tool, &facts };

	facts.hopeful = facts.settled = hopeful;
	if (kind == OBJECT_SERVER)
		facts.known &= ~(unsigned)FACT_NAME;
	decide(s, &who, &what, out);
}

void
explain_decide(const struct snap *s, const struct explain_question *q, struct decision *out)
{
	decide_as(s, q, OBJECT_TOOL, false, out);
}

void
explain_hope(const struct snap *s, const struct explain_question *q, struct decision *out)
{
	decide_as(s, q, OBJECT_TOOL, true, out);
}

void
explain_server(const struct snap *s, const struct explain_question *q, struct decision *out)
{
	decide_as(s, q, OBJECT_SERVER, false, out);
}

/* Not all that rules ask for was said: both ways it may end. */
static void
print_open(const struct snap *s, const struct explain_question *q, const struct decision *d,
    const struct decision *hope)
{
	struct keys	k = { .json = false };

	buf_init(&k.text, 64 * 1024);
	explain_unsaid(s, q, add_key, &k);
	printf("depends on %.*s\n  at best  ", SPAN_FMT(buf_rest(&k.text)));
	explain_print(stdout, s, hope);
	printf("\n  at worst ");
	explain_print(stdout, s, d);
	printf("\n");
	buf_fini(&k.text);
}

static void
print_words(const struct snap *s, const struct explain_question *q, const struct decision *d,
    const struct decision *hope)
{
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);

	if (d->allow != hope->allow) {
		print_open(s, q, d, hope);
		explain_beaten(stdout, s, q, &(struct decision){ .rule = 0 });
		return;
	}
	explain_print(stdout, s, d);
	printf("\n");
	if (rule != NULL)
		explain_when(stdout, s, q, rule);
	explain_beaten(stdout, s, q, d);
	explain_remedy(stdout, s, q, d);
}

/* To stderr, as the decision stands all the same. */
static void
note_unknown(const struct snap *s, const char *tenant, enum known_kind kind, const char *what, const char *word)
{
	char	hint[KNOWN_HINT], line[512];

	if (known_is(s, kind, span_of(tenant), word))
		return;
	snprintf(line, sizeof(line), "no %s \"%.200s\" in force%s", what, word,
	    known_hint(s, kind, span_of(tenant), word, "", hint));
	out_note(LOG_LEVEL_NOTICE, span_of(line));
}

int
cmd_explain(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = NULL, *server = NULL, *tool = NULL, *tenant = "default";
	struct explain_said	 said = { NULL };
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--server", &server, NULL },
	    { "--tool", &tool, NULL }, { "--tenant", &tenant, NULL }, { "--args", &said.args, NULL },
	    { "--annotations", &said.annotations, NULL }, { "--user", &said.user, NULL },
	    { "--role", &said.roles, NULL }, { "--group", &said.groups, NULL }, { "--scope", &said.scopes, NULL },
	    { "--workspace", &said.workspace, NULL }, { "--issuer", &said.issuer, NULL },
	    { "--credential", &said.credential, NULL }, { "--principal", &said.principal, NULL },
	    { "--address", &said.address, NULL }, { "--time", &said.time, NULL }, { NULL, NULL, NULL } };
	struct explain_question	 q;
	struct decision		 d, hope;
	struct arena		 arena;
	struct snap		*s = NULL;
	int			 r;

	argc = opts_take(rows, argc, argv, 0, 1);
	if (argc == 1 && agent == NULL && server == NULL && tool == NULL)
		return explain_request(ctl, argv[0]);
	if (argc == 1 || agent == NULL || server == NULL || tool == NULL)
		fatal(EX_USAGE, "explain needs a request's id, or --agent, --server and --tool");
	arena_init(&arena, NULL, 0, SAID_BYTES);
	q = explain_asked(span_of(tenant), span_of(agent), span_of(server), span_of(tool));
	explain_say(&said, &arena, &q);
	r = ask_simple(ctl, CTLCMD_explain, NULL, ask_take_snapshot, &s, NULL);
	if (r != 0 || s == NULL) {
		arena_fini(&arena);
		return r == 0 ? EX_PROTOCOL : r;
	}
	explain_decide(s, &q, &d);
	explain_hope(s, &q, &hope);
	if (ctl->json) {
		print_json(&q, &d, &hope, s);
	} else {
		print_words(s, &q, &d, &hope);
		note_unknown(s, tenant, KNOWN_TENANT, "tenant", tenant);
		note_unknown(s, tenant, KNOWN_AGENT, "agent", agent);
		note_unknown(s, tenant, KNOWN_SERVER, "server", server);
	}
	snap_release(&s);
	arena_fini(&arena);
	return out_end(0);
}
