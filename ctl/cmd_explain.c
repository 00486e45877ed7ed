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
#include "ctl/explain.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "lib/log.h"
#include "policy/policy.h"

static void
print_json(const struct explain_question *q, const struct decision *d, const struct snap *s)
{
	out_json_begin();
	out_json_bool("allowed", d->allow);
	out_json_text("agent", q->agent);
	out_json_text("tenant", q->tenant);
	out_json_text("server", q->server);
	out_json_text("tool", q->tool);
	out_json_text("rule", d->path);
	out_json_text("class", span_of(d->class_text));
	if (d->rule != 0) {
		out_json_text("file", d->file);
		out_json_u64("line", d->line);
	}
	out_json_u64("generation", snap_head(s)->generation);
	out_json_end();
}

void
explain_decide(const struct snap *s, const struct explain_question *q, struct decision *out)
{
	const struct principal	who = { .tenant = q->tenant, .agent = q->agent, .how = HOW_KEY };
	const struct object	what = { OBJECT_TOOL, q->server, q->tool };

	decide(s, &who, &what, out);
}

void
explain_rule(FILE *f, const struct snap *s, const struct decision *d)
{
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);
	struct span		 pattern = rule == NULL ? SPAN_NONE : snap_text(s, rule->pattern);

	if (rule != NULL)
		fprintf(f, "%.*s:%u  %.*s \"%.*s\"  ", SPAN_FMT(d->file), d->line, SPAN_FMT(d->path),
		    SPAN_FMT(pattern));
	fprintf(f, "%s", d->class_text);
}

void
explain_print(FILE *f, const struct snap *s, const struct decision *d)
{
	fprintf(f, "%s  ", d->allow ? "allowed" : "DENIED");
	explain_rule(f, s, d);
}

bool
explain_rule_speaks(const struct snap *s, const struct rec_rule *rule, uint32_t agent,
    const struct explain_question *q)
{
	const struct span	server = snap_text(s, rule->server);

	if (rule->agent != agent || rule->about == RULE_ABOUT_LIST ||
	    (!span_eq(server, q->server) && !span_is(server, "*")))
		return false;
	return rule->about == RULE_ABOUT_SERVER || glob_match(snap_text(s, rule->pattern), q->tool);
}

void
explain_beaten(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d)
{
	static const char *const	kinds[] = { [RULE_EXPLICIT_DENY] = "explicit deny",
		[RULE_EXPLICIT_ALLOW] = "explicit allow", [RULE_WILDCARD_DENY] = "wildcard deny",
		[RULE_WILDCARD_ALLOW] = "wildcard allow" };
	const struct rec_agent		*agent = policy_agent_find(s, q->tenant, q->agent);
	const struct rec_rule		*rule;

	if (agent == NULL)
		return;
	for (unsigned kind = RULE_EXPLICIT_DENY; kind <= RULE_WILDCARD_ALLOW; kind++)
		for (uint64_t i = 0; (rule = SNAP_AT(s, RULE, i)) != NULL; i++)
			if (rule->rule_class == kind && i + 1 != d->rule &&
			    explain_rule_speaks(s, rule, (uint32_t)(agent - SNAP_AT(s, AGENT, 0)), q))
				fprintf(f, "  beaten   %.*s:%u  %.*s \"%.*s\"  %s\n",
				    SPAN_FMT(snap_text(s, rule->file)), rule->line, SPAN_FMT(snap_text(s, rule->path)),
				    SPAN_FMT(snap_text(s, rule->pattern)), kinds[kind]);
}

int
cmd_explain(struct ctl *ctl, int argc, char **argv)
{
	const char		*agent = NULL, *server = NULL, *tool = NULL, *tenant = "default";
	const struct opt	 rows[] = { { "--agent", &agent, NULL }, { "--server", &server, NULL },
	    { "--tool", &tool, NULL }, { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	struct explain_question	 q;
	struct decision		 d;
	struct snap		*s = NULL;
	int			 r;

	argc = opts_take(rows, argc, argv, 0, 1);
	if (argc == 1 && agent == NULL && server == NULL && tool == NULL)
		return explain_request(ctl, argv[0]);
	if (argc == 1 || agent == NULL || server == NULL || tool == NULL)
		fatal(EX_USAGE, "explain needs a request's id, or --agent, --server and --tool");
	r = ask_simple(ctl, CTLCMD_explain, NULL, ask_take_snapshot, &s, NULL);
	if (r != 0 || s == NULL)
		return r == 0 ? EX_PROTOCOL : r;
	q = (struct explain_question){ span_of(tenant), span_of(agent), span_of(server), span_of(tool) };
	explain_decide(s, &q, &d);
	if (ctl->json) {
		print_json(&q, &d, s);
	} else {
		explain_print(stdout, s, &d);
		printf("\n");
		explain_beaten(stdout, s, &q, &d);
		explain_remedy(stdout, s, &q, &d);
		if (policy_agent_find(s, q.tenant, q.agent) == NULL)
			out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no such agent in the rules"));
		else if (policy_server_find(s, q.tenant, q.server) == NULL)
			out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no such server is configured"));
	}
	snap_release(&s);
	return out_end(0);
}
