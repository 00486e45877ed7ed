/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_limit.c - limit show: the buckets, and what is left in them
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/buckets.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

struct show {
	struct ctl		*ctl;
	const char		*name;		/* NULL: all */
	struct out_table	*table;
	size_t			 count;
};

static bool
is_wanted(const char *name, const struct bucket *b)
{
	const size_t	n = strlen(b->name);

	if (name == NULL || strcmp(name, b->name) == 0 || strcmp(name, b->tenant) == 0)
		return true;
	/* "server.tool" */
	return b->tool[0] != '\0' && strncmp(name, b->name, n) == 0 && name[n] == '.' &&
	    strcmp(name + n + 1, b->tool) == 0;
}

static void
json(const struct bucket *b)
{
	out_json_begin();
	out_json_text("of", span_of(b->of));
	out_json_text("tenant", span_of(b->tenant));
	out_json_text("name", span_of(b->name));
	if (b->tool[0] != '\0')
		out_json_text("tool", span_of(b->tool));
	out_json_text("rate", span_of(b->rate));
	out_json_u64("interval_ns", b->interval_ns);
	out_json_u64("burst", b->burst);
	out_json_u64("left", b->left);
	out_json_bool("near_end", bucket_is_near_end(b));
	out_json_text("rule", span_of(b->rule));
	out_json_end();
}

static void
show_one(const struct bucket *b, void *arg)
{
	struct show	*s = arg;

	if (!is_wanted(s->name, b))
		return;
	s->count++;
	if (s->ctl->json) {
		json(b);
		return;
	}
	out_cell(s->table, "%s", b->of);
	out_cell(s->table, "%s%s%s", b->name, b->tool[0] == '\0' ? "" : ".", b->tool);
	out_cell(s->table, "%s", b->tenant);
	out_cell(s->table, "%s", b->rate);
	out_cell(s->table, "%" PRIu64, b->burst);
	out_cell(s->table, "%" PRIu64, b->left);
	out_cell(s->table, "%s", bucket_is_near_end(b) ? "near its end" : "-");
}

int
cmd_limit_show(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "OF", false, true }, { "NAME", false, false }, { "TENANT", false, true }, { "RATE", true, true },
		{ "BURST", true, true }, { "LEFT", true, true }, { "NOTE", false, true },
	};
	static const struct opt		none[] = { { NULL, NULL, NULL } };
	struct show			s = { .ctl = ctl };
	int				r;

	if (opts_take(none, argc, argv, 0, 1) > 0)
		s.name = argv[0];
	s.table = out_table_new(columns, 7);
	r = buckets_each(ctl, true, show_one, &s);
	if (r == 0 && s.count == 0) {
		out_note(LOG_LEVEL_NOTICE, span_of(s.name == NULL ? "nothing is limited; see mcpgw-rules(5), limits" :
		    "no limit of this name; see mcpgwctl limit show"));
		r = s.name == NULL ? 0 : EX_DATAERR;
	}
	if (!ctl->json && s.count > 0)
		out_table_end(&s.table);
	else
		out_table_free(&s.table);
	return out_end(r);
}
