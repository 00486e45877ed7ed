/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_replay.c - replay: the audit's calls, decided by files that are not in force
 *
 * Process: mcpgwctl.
 * Owns:    the groups whose decision changes, until they are printed.
 * Trusts:  no text of a record: clients and tools chose some of them.
 *
 * The query process counts records that a decision cannot tell apart; each such group is decided once.  A record has
 * names, who it was, from where and when: not the arguments, nor what a token said beside its subject.  Where a
 * condition of a rule asks for those, whatever would have been decided is not known, and that is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/compare/replay.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/query.h"
#include "lib/log.h"

#define CHANGES		1
#define SHOWN_MAX	256

/* ---- what is said ------------------------------------------------------------------------------ */

static const char *
verdict(const struct replay_group *g)
{
	return g->becomes == REPLAY_UNKNOWN ? "unknown" : g->becomes == REPLAY_ALLOW ? "allow" : "deny";
}

static void
json_group(const struct replay_group *g)
{
	char	t[OUT_TIME];

	out_json_begin();
	out_json_text("change", span_of(g->becomes == REPLAY_UNKNOWN ? "unknown" : "decision"));
	out_json_text("tenant", span_of(g->tenant));
	out_json_text("agent", span_of(g->agent));
	out_json_text("principal", span_of(g->principal));
	out_json_text("server", span_of(g->server));
	out_json_text("kind", span_of(g->kind));
	out_json_text("object", span_of(g->object));
	out_json_text("before", span_of(g->allowed ? "allow" : "deny"));
	out_json_text("after", span_of(verdict(g)));
	out_json_u64("calls", g->count);
	out_json_text("first", span_of(out_utc_ms(g->first_ms, t)));
	out_json_text("last", span_of(out_utc_ms(g->last_ms, t)));
	out_json_text("rule", span_of(g->rule));
	out_json_text("class", span_of(g->why));
	if (g->line != 0) {
		out_json_text("file", span_of(g->file));
		out_json_u64("line", g->line);
	}
	out_json_end();
}

static void
print_group(const struct replay_group *g)
{
	char	principal[SHOWN_MAX], object[2 * SHOWN_MAX], first[OUT_TIME], last[OUT_TIME];

	snprintf(object, sizeof(object), "%s%s%s", g->server, g->object[0] == '\0' ? "" : ".", g->object);
	snprintf(principal, sizeof(principal), "%s", g->principal);
	printf("agent %s (%s)   %s   %s\n", g->agent, principal, object, g->becomes == REPLAY_UNKNOWN ?
	    g->allowed ? "allow -> unknown" : "deny -> unknown" : g->becomes == REPLAY_ALLOW ? "deny -> ALLOW" :
	    "allow -> DENY");
	printf("    %" PRIu64 " call%s, %s", g->count, g->count == 1 ? "" : "s", out_when_ms(g->first_ms, first));
	if (g->count > 1)
		printf(" to %s", out_when_ms(g->last_ms, last));
	if (g->line != 0)
		printf("   %s:%u  %s", g->file, g->line, g->rule);
	else
		printf("   %s", g->why);
	printf("\n");
}

static void
print_sum(const struct ctl *ctl, const struct replay *r)
{
	if (ctl->json) {
		out_json_begin();
		out_json_text("change", SPAN_LIT("sum"));
		out_json_u64("calls", r->calls);
		out_json_u64("changing", r->changing);
		out_json_u64("unknown", r->unknown);
		out_json_u64("other", r->other);
		out_json_u64("groups", r->group_count);
		out_json_end();
		return;
	}
	printf("%" PRIu64 " of %" PRIu64 " calls would be decided otherwise", r->changing, r->calls);
	if (r->unknown > 0)
		printf("; of %" PRIu64 " more it is not known", r->unknown);
	printf(".\n");
	if (r->unknown > 0)
		printf("Conditions ask for what is not recorded (arguments, each call's time, what a token says):\n"
		    "whether they hold is unknown here; mcpgwctl explain --args answers for one call.\n");
	if (r->other > 0)
		printf("%" PRIu64 " records are not of calls that rules decide, or came to no decision.\n", r->other);
}

/* ---- the command ------------------------------------------------------------------------------- */

static void
take_line(struct span line, void *arg)
{
	replay_take(arg, line);
}

static int
run(struct ctl *ctl, const struct query *q, struct replay *r)
{
	struct query_run	run;
	int			code;

	if ((code = query_start(ctl, CTLCMD_audit_list, q, -1, &run)) != 0)
		return code;
	query_lines(&run, take_line, r);
	return query_end(&run);
}

static int
show(struct ctl *ctl, struct replay *r)
{
	replay_sort(r);
	for (size_t i = 0; i < r->group_count; i++)
		if (ctl->json)
			json_group(&r->groups[i]);
		else
			print_group(&r->groups[i]);
	print_sum(ctl, r);
	return out_end(r->changing > 0 ? CHANGES : 0);
}

int
cmd_replay(struct ctl *ctl, int argc, char **argv)
{
	const char		*since = NULL, *until = NULL, *tenant = NULL, *agent = NULL;
	const struct opt	 options[] = { { "--since", &since, NULL }, { "--until", &until, NULL },
		{ "--tenant", &tenant, NULL }, { "--agent", &agent, NULL }, { NULL, NULL, NULL } };
	struct compiled_plan	 plan = { .what = COMPILE_POLICY, .errors = true };
	struct query		 q = { .count = 0 };
	struct replay		 r;
	struct snap		*files = NULL;
	char			 folder[PATH_MAX];
	int			 code;

	(void)opts_take(options, argc, argv, 1, 1);
	if (realpath(argv[0], folder) == NULL)
		fatal(EX_NOINPUT, "%s: %s", argv[0], strerror(errno));
	plan.config_dir = folder;
	if (!compiled_read(ctl, &plan, &files)) {
		out_error("the files in %s do not compile: mcpgwctl -c %s check", folder, folder);
		return EX_CONFIG;
	}
	query_add(&q, "--group", "");
	query_add(&q, "--since", since);
	query_add(&q, "--until", until);
	query_add(&q, "--tenant", tenant);
	query_add(&q, "--agent", agent);
	replay_init(&r, files);
	if ((code = run(ctl, &q, &r)) == 0 && r.broken) {
		out_error("a line of the audit is not understood");
		code = EX_DATAERR;
	}
	if (code == 0)
		code = show(ctl, &r);
	replay_fini(&r);
	snap_release(&files);
	return code;
}
