/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_breaker.c - server breakers, server breaker reset
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/breakers.h"
#include "ctl/show/pinread.h"
#include "policy/tenants.h"

struct show {
	struct ctl		*ctl;
	struct out_table	*table;		/* NULL: what was reset */
	const char		*server, *tool;	/* asked for; NULL: any, none */
	struct pinread		 tools;		/* what servers were seen to list, where there is a tool */
	size_t			 count;
};

/* --- tools that are asked for -------------------------------------------------------------------- */

enum listed { LISTED_UNKNOWN, LISTED_NOT, LISTED_YES };

/* Was this server seen to list the tool?  near: the one of its tools that looks most like it. */
static enum listed
lists_tool(const struct show *s, const char *tenant, const char *server, char near[KNOWN_HINT])
{
	enum listed	listed = LISTED_UNKNOWN;
	char		name[KNOWN_HINT];

	near[0] = '\0';
	for (size_t i = 0; i < s->tools.count && listed != LISTED_YES; i++) {
		const struct pintool	*t = &s->tools.tools[i];

		if (!span_is(t->tenant, tenant) || !span_is(t->server, server))
			continue;
		listed = span_is(t->name, s->tool) ? LISTED_YES : LISTED_NOT;
		known_near(s->tool, out_clean(t->name, name, sizeof(name)), near);
	}
	return listed;
}

static bool
is_quiet(const struct breaker_row *row)
{
	return row->calls == 0 && row->failures == 0 && strcmp(row->state, "closed") == 0;
}

/* A breaker of a tool that its server does not list is nobody's; of all servers those are shown that have it, or had
 * calls of it. */
static bool
is_shown(const struct show *s, const struct breaker_row *row)
{
	char		near[KNOWN_HINT];
	enum listed	listed;

	if (s->tool == NULL || !is_quiet(row))
		return true;
	listed = lists_tool(s, row->tenant, row->server, near);
	return listed == LISTED_YES || (listed == LISTED_UNKNOWN && s->server != NULL);
}

static int
say_not_listed(const struct show *s, const char *near)
{
	const bool	any = s->server == NULL;
	char		hint[KNOWN_HINT + 32] = "";

	if (near[0] != '\0')
		snprintf(hint, sizeof(hint), "; did you mean %.*s?", KNOWN_HINT, near);
	out_error("%s%s lists %s tool \"%s\"%s; see mcpgwctl tool list%s%s", any ? "no server" : "server ",
	    any ? "" : s->server, any ? "a" : "no", s->tool, hint, any ? "" : " ", any ? "" : s->server);
	return EX_DATAERR;
}

/* --- rows ---------------------------------------------------------------------------------------- */

static void
put_row(struct show *s, const struct breaker_row *row)
{
	char	line[256];

	out_cell(s->table, "%s", row->server);
	out_cell(s->table, "%s", row->tenant);
	out_cell(s->table, "%s", row->tool[0] != '\0' ? row->tool : row->endpoint[0] != '\0' ? row->endpoint : "-");
	out_cell(s->table, "%s%s", breakers_state(row, line, sizeof(line)), row->sick ? ", visits fail" : "");
	out_cell(s->table, "%" PRIu64, row->failures);
	if (row->calls > 0)
		out_cell(s->table, "%" PRIu64 " of %" PRIu64, row->bad, row->calls);
	else
		out_cell(s->table, "-");
}

static void
show_one(const struct breaker_row *row, void *arg)
{
	struct show	*s = arg;
	char		 line[256];

	if (!is_shown(s, row))
		return;
	s->count++;
	if (s->ctl->json)
		breakers_json(row);
	else if (s->table != NULL)
		put_row(s, row);
	else
		printf("%s%s%s%s%s: closed; it was %s\n", row->server, row->endpoint[0] != '\0' ? " at " : "",
		    row->endpoint, row->tool[0] != '\0' ? " tool " : "", row->tool,
		    breakers_line(row, line, sizeof(line)));
}

static int
end(struct show *s, int r, const char *tenant)
{
	const char	*of = tenant == NULL ? TENANT_DEFAULT : tenant;
	char		 near[KNOWN_HINT] = "";

	if (r == 0 && s->count == 0) {
		r = EX_DATAERR;
		if (!known_missing(s->ctl, KNOWN_TENANT, "", of) &&
		    (s->server == NULL || !known_missing(s->ctl, KNOWN_SERVER, of, s->server))) {
			if (s->tool != NULL && (s->server == NULL || lists_tool(s, of, s->server, near) == LISTED_NOT))
				(void)say_not_listed(s, near);
			else
				out_error("no such breaker%s%s; see mcpgwctl server breakers",
				    s->server == NULL ? "" : " of server ", s->server == NULL ? "" : s->server);
		}
	}
	pinread_close(&s->tools);
	return out_end(r);
}

int
cmd_server_breakers(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "SERVER", false, false }, { "TENANT", false, true }, { "AT", false, false },
		{ "BREAKER", false, true }, { "FAILED", true, true }, { "BAD", true, true },
	};
	const char			*tenant = NULL, *tool = NULL;
	const struct opt		 rows[] = { { "--tenant", &tenant, NULL }, { "--tool", &tool, NULL },
		{ NULL, NULL, NULL } };
	struct show			 s = { .ctl = ctl };
	int				 r = 0;

	s.server = opts_take(rows, argc, argv, 0, 1) > 0 ? argv[0] : NULL;
	s.tool = tool;
	if (tool != NULL && (r = pinread_open(ctl, CTLCMD_tool_list, tenant == NULL ? "" : tenant,
	    s.server == NULL ? "" : s.server, &s.tools)) != 0)
		return out_end(r);
	s.table = out_table_new(columns, 6);
	r = breakers_each(ctl, false, tenant, s.server, NULL, tool, true, show_one, &s);
	if (!ctl->json && s.count > 0)
		out_table_end(&s.table);
	else
		out_table_free(&s.table);
	return end(&s, r, tenant);
}

int
cmd_server_breaker_reset(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = TENANT_DEFAULT, *tool = NULL, *endpoint = NULL;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--tool", &tool, NULL },
		{ "--endpoint", &endpoint, NULL }, { NULL, NULL, NULL } };
	struct show		 s = { .ctl = ctl };
	char			 near[KNOWN_HINT];
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	s.server = argv[0];
	s.tool = tool;
	if (tool != NULL) {
		if ((r = pinread_open(ctl, CTLCMD_tool_list, tenant, s.server, &s.tools)) != 0)
			return out_end(r);
		if (lists_tool(&s, tenant, s.server, near) == LISTED_NOT) {
			r = say_not_listed(&s, near);
			pinread_close(&s.tools);
			return out_end(r);
		}
	}
	r = breakers_each(ctl, true, tenant, s.server, endpoint, tool, true, show_one, &s);
	return end(&s, r, tenant);
}
