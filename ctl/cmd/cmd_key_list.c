/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_key_list.c - API keys: which there are, and all that is known of one
 *
 * Process: mcpgwctl.  Owns: nothing.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/show/keyrow.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/nameset.h"
#include "policy/tenants.h"

struct list {
	struct ctl		*ctl;
	const char		*name, *agent, *tenant;	/* NULL: any */
	struct out_table	*table;		/* of `list`, or NULL */
	unsigned		 count;
};

static bool
is_wanted(const struct list *l, const struct keyrow *k)
{
	return (l->name == NULL || span_is(k->name, l->name) || span_is(k->public_name, l->name)) &&
	    (l->agent == NULL || span_is(k->agent, l->agent)) && (l->tenant == NULL || span_is(k->tenant, l->tenant));
}

static void
json_names(const char *member, struct span set)
{
	struct buf	b;
	struct span	one;
	int		r = 0;

	if (set.n == 0)
		return;
	buf_init(&b, 64 * 1024);
	for (bool first = true; r == 0 && (one = nameset_take(&set)).n > 0; first = false)
		if ((r = buf_put_str(&b, first ? "[" : ",")) == 0)
			r = json_put_string(&b, one);
	if (r == 0 && (r = buf_put_str(&b, "]")) == 0)
		out_json_raw(member, buf_rest(&b));
	buf_fini(&b);
}

static void
print_json(const struct keyrow *k)
{
	char	when[OUT_TIME];

	out_json_begin();
	out_json_text("name", k->name);
	out_json_text("key", k->public_name);
	out_json_text("agent", k->agent);
	out_json_text("tenant", k->tenant);
	out_json_text("created", span_of(out_utc_ms(k->created_ms, when)));
	if (k->used_ms != 0)
		out_json_text("used", span_of(out_utc_ms(k->used_ms, when)));
	if (k->ends_ms != 0)
		out_json_text("ends", span_of(out_utc_ms(k->ends_ms, when)));
	json_names("scopes", k->scopes);
	json_names("roles", k->roles);
	json_names("groups", k->groups);
	if (k->workspace.n > 0)
		out_json_text("workspace", k->workspace);
	if (k->by != 0)
		out_json_u64("by", k->by - 1);
	out_json_end();
}

static void
list_row(const struct keyrow *k, void *arg)
{
	struct list	*l = arg;
	char		 when[OUT_TIME];

	if (!is_wanted(l, k))
		return;
	l->count++;
	if (l->table == NULL) {
		print_json(k);
		return;
	}
	out_cell_span(l->table, k->name);
	out_cell_span(l->table, k->public_name);
	out_cell_span(l->table, k->agent);
	out_cell_span(l->table, k->tenant);
	out_cell(l->table, "%s", keyrow_day(k->created_ms, when));
	out_cell(l->table, "%s", keyrow_ago(k->used_ms, when));
	out_cell(l->table, "%s", keyrow_ahead(k->ends_ms, when));
}

static void
say_none(struct ctl *ctl, const struct list *l)
{
	char	line[512];

	if ((l->tenant == NULL || !known_missing(ctl, KNOWN_TENANT, "", l->tenant)) && l->agent != NULL)
		(void)known_missing(ctl, KNOWN_AGENT, l->tenant == NULL ? TENANT_DEFAULT : l->tenant, l->agent);
	snprintf(line, sizeof(line), "there is no key%s%.200s%s%.200s; to make one: mcpgwctl key add --agent AGENT",
	    l->agent == NULL ? "" : " of agent ", l->agent == NULL ? "" : l->agent,
	    l->tenant == NULL ? "" : " of tenant ", l->tenant == NULL ? "" : l->tenant);
	out_note(LOG_LEVEL_NOTICE, span_of(line));
}

int
cmd_key_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "NAME", false, false }, { "KEY", false, true }, { "AGENT", false, false }, { "TENANT", false, false },
		{ "CREATED", false, true }, { "LAST USED", false, true }, { "ENDS", false, true },
	};
	struct list		l = { .ctl = ctl };
	const struct opt	rows[] = { { "--agent", &l.agent, NULL }, { "--tenant", &l.tenant, NULL },
	    { NULL, NULL, NULL } };
	int			r;

	(void)opts_take(rows, argc, argv, 0, 0);
	l.table = ctl->json ? NULL : out_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if ((r = keyrow_each(ctl, list_row, &l)) == 0 && l.table != NULL && l.count > 0)
		out_table_end(&l.table);
	out_table_free(&l.table);
	if (r == 0 && l.count == 0)
		say_none(ctl, &l);
	return out_end(r);
}

/* --- one of them --------------------------------------------------------------------------------- */

static void
show_line(const char *title, struct span text)
{
	char	clean[OUT_CELL];

	if (text.n > 0)
		printf("%-10s %s\n", title, out_clean(text, clean, sizeof(clean)));
}

static void
show_names(const char *title, struct span set)
{
	struct span	one;
	char		clean[OUT_CELL];

	if (set.n == 0)
		return;
	printf("%-10s", title);
	while ((one = nameset_take(&set)).n > 0)
		printf(" %s", out_clean(one, clean, sizeof(clean)));
	printf("\n");
}

static void
show_row(const struct keyrow *k, void *arg)
{
	struct list		*l = arg;
	const struct passwd	*who;
	char			 when[OUT_TIME], more[OUT_TIME];

	if (!is_wanted(l, k))
		return;
	if (l->ctl->json) {
		l->count++;
		print_json(k);
		return;
	}
	if (l->count++ > 0)
		printf("\n");
	show_line("name", k->name);
	show_line("key", k->public_name);
	show_line("agent", k->agent);
	show_line("tenant", k->tenant);
	printf("%-10s %s", "created", out_when_ms(k->created_ms, when));
	if (k->by != 0 && (who = getpwuid((uid_t)(k->by - 1))) != NULL)
		printf(" by %s", who->pw_name);
	else if (k->by != 0)
		printf(" by uid %llu", (unsigned long long)k->by - 1);
	printf("\n%-10s %s\n", "last used", keyrow_ago(k->used_ms, when));
	if (k->ends_ms == 0)
		printf("%-10s never\n", "ends");
	else
		printf("%-10s %s (%s)\n", "ends", keyrow_moment(k->ends_ms, when), keyrow_ahead(k->ends_ms, more));
	show_names("scopes", k->scopes);
	show_names("roles", k->roles);
	show_names("groups", k->groups);
	show_line("workspace", k->workspace);
}

int
cmd_key_show(struct ctl *ctl, int argc, char **argv)
{
	struct list		l = { .ctl = ctl };
	const struct opt	rows[] = { { "--tenant", &l.tenant, NULL }, { NULL, NULL, NULL } };
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	l.name = argv[0];
	if ((r = keyrow_each(ctl, show_row, &l)) == 0 && l.count == 0) {
		out_error("%s: no such key; see: mcpgwctl key list", argv[0]);
		return EX_DATAERR;
	}
	return out_end(r);
}
