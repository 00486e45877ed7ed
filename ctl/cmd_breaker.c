/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_breaker.c - server breakers, server breaker reset
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/breakers.h"
#include "ctl/opts.h"
#include "ctl/out.h"

struct show {
	struct ctl		*ctl;
	struct out_table	*table;		/* NULL: what was reset */
	size_t			 count;
};

static void
show_one(const struct breaker_row *row, void *arg)
{
	struct show	*s = arg;
	char		 line[256];

	s->count++;
	if (s->ctl->json) {
		breakers_json(row);
	} else if (s->table == NULL) {
		printf("%s%s%s%s%s: closed; it was %s\n", row->server, row->endpoint[0] != '\0' ? " at " : "",
		    row->endpoint, row->tool[0] != '\0' ? " tool " : "", row->tool,
		    breakers_line(row, line, sizeof(line)));
	} else {
		out_cell(s->table, "%s", row->server);
		out_cell(s->table, "%s", row->tenant);
		out_cell(s->table, "%s", row->tool[0] != '\0' ? row->tool :
		    row->endpoint[0] != '\0' ? row->endpoint : "-");
		out_cell(s->table, "%s", breakers_line(row, line, sizeof(line)));
	}
}

static int
end(struct show *s, int r, const char *server)
{
	if (r == 0 && s->count == 0) {
		out_error("no such breaker%s%s; see mcpgwctl server breakers", server == NULL ? "" : " of server ",
		    server == NULL ? "" : server);
		r = EX_DATAERR;
	}
	return out_end(r);
}

int
cmd_server_breakers(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "SERVER", false, false }, { "TENANT", false, true }, { "AT", false, false },
		{ "BREAKER", false, false },
	};
	const char			*tenant = NULL, *tool = NULL;
	const struct opt		 rows[] = { { "--tenant", &tenant, NULL }, { "--tool", &tool, NULL },
		{ NULL, NULL, NULL } };
	struct show			 s = { .ctl = ctl };
	const char			*server = opts_take(rows, argc, argv, 0, 1) > 0 ? argv[0] : NULL;
	int				 r;

	s.table = out_table_new(columns, 4);
	r = breakers_each(ctl, false, tenant, server, NULL, tool, true, show_one, &s);
	if (!ctl->json && s.count > 0)
		out_table_end(&s.table);
	else
		out_table_free(&s.table);
	return end(&s, r, server);
}

int
cmd_server_breaker_reset(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = "default", *tool = NULL, *endpoint = NULL;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--tool", &tool, NULL },
		{ "--endpoint", &endpoint, NULL }, { NULL, NULL, NULL } };
	struct show		 s = { .ctl = ctl };

	(void)opts_take(rows, argc, argv, 1, 1);
	return end(&s, breakers_each(ctl, true, tenant, argv[0], endpoint, tool, true, show_one, &s), argv[0]);
}
