/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_limit.c - limit show: the limits, and what is left of them; limit reset: they begin anew
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
	static const char *const kinds[] = { [BUCKET_RATE] = "rate", [BUCKET_CONCURRENT] = "concurrent",
		[BUCKET_QUOTA] = "quota" };

	out_json_begin();
	out_json_text("of", span_of(b->of));
	out_json_text("tenant", span_of(b->tenant));
	out_json_text("name", span_of(b->name));
	if (b->tool[0] != '\0')
		out_json_text("tool", span_of(b->tool));
	if (b->kind == BUCKET_RATE) {
		out_json_text("rate", span_of(b->rate));
		out_json_u64("interval_ns", b->interval_ns);
		out_json_u64("burst", b->burst);
	} else {
		out_json_u64("most", b->most);
	}
	if (b->kind == BUCKET_QUOTA) {
		out_json_text("what", span_of(b->what));
		out_json_text("period", span_of(b->period));
		out_json_u64("used", b->most - b->left);
		out_json_u64("ends_ms", b->ends_ms);
	}
	if (b->has_left)
		out_json_u64("left", b->left);
	out_json_bool("near_end", bucket_is_near_end(b));
	out_json_text("rule", span_of(b->rule));
	out_json_text("kind", span_of(kinds[b->kind]));
	out_json_end();
}

static void
show_one(const struct bucket *b, void *arg)
{
	struct show	*s = arg;
	char		 left[24];

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
	if (b->kind == BUCKET_RATE)
		out_cell(s->table, "%" PRIu64, b->burst);
	else
		out_cell(s->table, "-");
	out_cell(s->table, "%s", b->has_left ? bucket_amount(b, b->left, left, sizeof(left)) : "-");
	out_cell(s->table, "%s", bucket_is_near_end(b) ? "near its end" : "-");
}

int
cmd_limit_show(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "OF", false, true }, { "NAME", false, false }, { "TENANT", false, true }, { "LIMIT", true, true },
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

static void
say_reset(const struct bucket *b, void *arg)
{
	struct show	*s = arg;

	/* Of "each" nobody knows whose there are; what runs goes on. */
	if (!b->has_left || b->kind == BUCKET_CONCURRENT)
		return;
	s->count++;
	if (s->ctl->json)
		json(b);
	else
		printf("%s %s%s%s: %s begins anew\n", b->of, b->name, b->tool[0] == '\0' ? "" : ".", b->tool, b->rate);
}

int
cmd_limit_reset(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	struct show		s = { .ctl = ctl };
	int			r;

	(void)opts_take(none, argc, argv, 1, 1);
	if ((r = buckets_reset(ctl, argv[0], say_reset, &s)) == 0 && s.count == 0) {
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no bucket and no quota of this name; see mcpgwctl limit show"));
		r = EX_DATAERR;
	}
	return out_end(r);
}
