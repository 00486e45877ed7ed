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

#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/buckets.h"
#include "lib/log.h"

struct show {
	struct ctl		*ctl;
	struct out_table	*table;
	size_t			 count;
};

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

	s->count++;
	if (s->ctl->json) {
		json(b);
		return;
	}
	out_cell(s->table, "%s", b->of);
	/* One of each that is about no server has no name but its place in the rules. */
	out_cell(s->table, "%s%s%s", b->name[0] == '\0' ? b->rule : b->name, b->tool[0] == '\0' ? "" : ".", b->tool);
	out_cell(s->table, "%s", b->tenant);
	out_cell(s->table, "%s", b->rate);
	if (b->kind == BUCKET_RATE)
		out_cell(s->table, "%" PRIu64, b->burst);
	else
		out_cell(s->table, "-");
	out_cell(s->table, "%s", b->has_left ? bucket_amount(b, b->left, left, sizeof(left)) : "-");
	out_cell(s->table, "%s", bucket_is_near_end(b) ? "near its end" : "-");
}

/* --- whose --------------------------------------------------------------------------------------- */

#define CHOICES_MAX	32

/* Takes --of and --tenant, and the name; exits when they are none. */
static struct bucket_whose
take_whose(int argc, char **argv, int min)
{
	static const char *const	kinds[] = { "agent", "server", "tool", "tenant", "gateway" };
	struct bucket_whose		w = { NULL, NULL, NULL };
	const struct opt		rows[] = { { "--of", &w.as, NULL }, { "--tenant", &w.tenant, NULL },
					    { NULL, NULL, NULL } };
	size_t				i = 0;

	if (opts_take(rows, argc, argv, min, 1) > 0)
		w.name = argv[0];
	if (w.as == NULL)
		return w;
	while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i], w.as) != 0)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		fatal(EX_USAGE, "--of %s: want agent, server, tool, tenant or gateway", w.as);
	if (w.name == NULL)
		fatal(EX_USAGE, "--of %s: of which name?", w.as);
	return w;
}

struct nearest {
	const char	*word;
	char		 near[KNOWN_HINT];
};

static void
see_name(const struct bucket *b, void *arg)
{
	struct nearest	*n = arg;
	char		 both[sizeof(b->name) + sizeof(b->tool)];

	known_near(n->word, b->name, n->near);
	known_near(n->word, b->tenant, n->near);
	snprintf(both, sizeof(both), "%s.%s", b->name, b->tool);
	if (b->tool[0] != '\0')
		known_near(n->word, both, n->near);
}

/* Of names that have limits: who is known and has none is not limited. */
static int
say_none(struct ctl *ctl, const struct bucket_whose *w)
{
	struct nearest	n = { .word = w->name };

	if (w->tenant != NULL && known_missing(ctl, KNOWN_TENANT, "", w->tenant))
		return EX_DATAERR;
	if (w->name == NULL) {
		out_error("tenant %s has no limit; see mcpgwctl limit show", w->tenant);
		return EX_DATAERR;
	}
	(void)buckets_each(ctl, NULL, false, see_name, &n);
	if (n.near[0] != '\0' && strcmp(n.near, w->name) != 0)
		out_error("no limit of \"%s\"; did you mean %s?", w->name, n.near);
	else
		out_error("no limit of \"%s\"%s%s%s%s; see mcpgwctl limit show", w->name, w->as == NULL ? "" : " as ",
		    w->as == NULL ? "" : w->as, w->tenant == NULL ? "" : " in tenant ",
		    w->tenant == NULL ? "" : w->tenant);
	return EX_DATAERR;
}

int
cmd_limit_show(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "OF", false, true }, { "NAME", false, false }, { "TENANT", false, true }, { "LIMIT", true, true },
		{ "BURST", true, true }, { "LEFT", true, true }, { "NOTE", false, true },
	};
	const struct bucket_whose	w = take_whose(argc, argv, 0);
	struct show			s = { .ctl = ctl };
	int				r;

	s.table = out_table_new(columns, 7);
	r = buckets_each(ctl, &w, true, show_one, &s);
	if (r == 0 && s.count == 0 && (w.name != NULL || w.tenant != NULL))
		r = say_none(ctl, &w);
	else if (r == 0 && s.count == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("nothing is limited; see mcpgw-rules(5), limits"));
	if (!ctl->json && s.count > 0)
		out_table_end(&s.table);
	else
		out_table_free(&s.table);
	return out_end(r);
}

/* --- limit reset --------------------------------------------------------------------------------- */

/* Of all that have this name, who it may be. */
struct choices {
	struct {
		char	as[16], tenant[64];
	}		 all[CHOICES_MAX];
	size_t		 count;
	const char	*only;			/* what they all are, when nothing of them is used up; or NULL */
	bool		 uses_up;
};

static void
choose(struct choices *c, struct span as, const char *tenant)
{
	for (size_t i = 0; i < c->count; i++)
		if (span_is(as, c->all[i].as) && strcmp(tenant, c->all[i].tenant) == 0)
			return;
	if (c->count == CHOICES_MAX)
		return;
	snprintf(c->all[c->count].as, sizeof(c->all[0].as), "%.*s", SPAN_FMT(as));
	snprintf(c->all[c->count++].tenant, sizeof(c->all[0].tenant), "%s", tenant);
}

/* Of "each" nobody knows whose there are; of a cap, what runs goes on. */
static bool
begins_anew(const struct bucket *b)
{
	return b->has_left && b->kind != BUCKET_CONCURRENT;
}

static void
take_choice(const struct bucket *b, void *arg)
{
	struct choices	*c = arg;
	struct span	 rest = span_of(b->as), one;

	while ((one = span_word(&rest)).n > 0)
		choose(c, one, b->tenant);
	c->uses_up |= begins_anew(b);
	c->only = b->kind == BUCKET_CONCURRENT ? "a cap of calls at once, of which nothing is used up" :
	    "a limit of each caller, which begins anew for nobody alone";
}

static void
say_choices(const struct bucket_whose *w, const struct choices *c)
{
	out_error("limits of several are called \"%s\"; say which:", w->name);
	for (size_t i = 0; i < c->count; i++)
		out_error("mcpgwctl limit reset %s --of %s%s%s", w->name, c->all[i].as,
		    strcmp(c->all[i].as, "gateway") == 0 ? "" : " --tenant ",
		    strcmp(c->all[i].as, "gateway") == 0 ? "" : c->all[i].tenant);
}

static void
say_reset(const struct bucket *b, void *arg)
{
	struct show	*s = arg;

	if (!begins_anew(b))
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
	struct bucket_whose	w = take_whose(argc, argv, 1);
	struct show		s = { .ctl = ctl };
	struct choices		c = { .count = 0 };
	int			r;

	if ((r = buckets_each(ctl, &w, true, take_choice, &c)) != 0)
		return out_end(r);
	if (c.count == 0)
		return out_end(say_none(ctl, &w));
	if (c.count > 1) {
		say_choices(&w, &c);
		return out_end(EX_DATAERR);
	}
	if (!c.uses_up) {
		out_error("%s: %s; there is nothing to reset: mcpgwctl limit show %s", w.name, c.only, w.name);
		return out_end(EX_DATAERR);
	}
	w.as = c.all[0].as;
	w.tenant = c.all[0].tenant;
	return out_end(buckets_reset(ctl, &w, say_reset, &s));
}
