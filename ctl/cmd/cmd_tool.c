/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_tool.c - every server's tools as the operator sees them: list, show, diff
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  no text of a tool: ctl/out.c and ctl/show/pindiff.c print it.
 */
#include <pwd.h>
#include <stdio.h>
#include <sysexits.h>

#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/pindiff.h"
#include "ctl/show/pinread.h"
#include "lib/log.h"
#include "policy/tenants.h"

static const char *const state_words[] = { "", "approved", "held", "rejected" };	/* enum pin_state */

/* What was said of it last: a held definition waits, whatever was decided before. */
static const struct rec_pin *
state_pin(const struct pintool *t)
{
	const struct rec_pin	*yes = t->approved_count > 0 ? t->approved[0] : NULL;
	const struct rec_pin	*no = t->rejected_count > 0 ? t->rejected[0] : NULL;

	if (t->held_count > 0)
		return t->held[0];
	return no == NULL || (yes != NULL && yes->decided_ms >= no->decided_ms) ? yes : no;
}

static uint64_t
state_ms(const struct rec_pin *p)
{
	return p->state == PIN_HELD ? p->seen_ms : p->decided_ms;
}

/* Who decided. */
static const char *
by_word(const struct rec_pin *p, char to[64])
{
	const struct passwd	*pw;

	if (p->decided_ms == 0)
		return "";
	if (p->by == 0)
		return "first seen";
	if ((pw = getpwuid(p->by - 1)) != NULL)
		snprintf(to, 64, "%s", pw->pw_name);
	else
		snprintf(to, 64, "uid %u", p->by - 1);
	return to;
}

/* What is different, or why it waits though nothing was approved before. */
static const char *
what_words(const struct pinread *p, const struct pintool *t, char words[PINDIFF_WORDS])
{
	const struct rec_pin	*wait = t->held_count > 0 ? t->held[0] : NULL;
	const struct rec_pin	*old = t->approved_count > 0 ? t->approved[0] : NULL;
	struct json_value	 from = pinread_object(p, old), to = pinread_object(p, wait);

	words[0] = '\0';
	if (wait == NULL)
		return words;
	if (old == NULL) {
		snprintf(words, PINDIFF_WORDS, "%s%s", "new", wait->finding.bytes > 0 ? ", suspicious" : "");
		return words;
	}
	if (from.type == JSON_NONE || to.type == JSON_NONE) {
		snprintf(words, PINDIFF_WORDS, "definition changed");
		return words;
	}
	if (!span_eq(snap_text(p->snap, wait->identity), snap_text(p->snap, old->identity))) {
		snprintf(words, PINDIFF_WORDS, "another server");
		return words;
	}
	return pindiff_words(from, to, words);
}

/* --- list -------------------------------------------------------------------------------------- */

static void
list_json(const struct pinread *p, const struct pintool *t)
{
	const struct rec_pin	*pin = state_pin(t);
	char			 when[OUT_TIME], hash[PINREAD_HASH], words[PINDIFF_WORDS], by[64];

	out_json_begin();
	out_json_text("server", t->server);
	out_json_text("tool", t->name);
	out_json_text("tenant", t->tenant);
	out_json_text("state", span_of(state_words[state_pin(t)->state]));
	out_json_text("since", span_of(out_utc_ms(state_ms(pin), when)));
	out_json_text("hash", span_of(pinread_hash(pin, hash)));
	out_json_u64("approved", t->approved_count);
	out_json_u64("held", t->held_count);
	out_json_u64("rejected", t->rejected_count);
	if (pin->state != PIN_HELD)
		out_json_text("by", span_of(by_word(pin, by)));
	else
		out_json_text("what", span_of(what_words(p, t, words)));
	if (pin->finding.bytes > 0)
		out_json_text("finding", snap_text(p->snap, pin->finding));
	out_json_end();
}

/* "held since 09:12" while it is the same day. */
static const char *
since(uint64_t ms, char to[OUT_TIME])
{
	const char	*text = out_when_ms(ms, to);

	return strncmp(text, "today ", 6) == 0 ? text + 6 : text;
}

static void
list_changed(const struct pinread *p, const struct pintool *t)
{
	char	when[OUT_TIME], words[PINDIFF_WORDS], server[OUT_CELL], tool[OUT_CELL];

	printf("%s.%s   held since %s   %s\n", out_clean(t->server, server, sizeof(server)),
	    out_clean(t->name, tool, sizeof(tool)), since(t->held[0]->seen_ms, when), what_words(p, t, words));
}

static void
list_row(struct out_table *table, const struct pinread *p, const struct pintool *t)
{
	const struct rec_pin	*pin = state_pin(t);
	char			 when[OUT_TIME], words[PINDIFF_WORDS], by[64], name[OUT_CELL];

	snprintf(name, sizeof(name), "%.*s.%.*s", SPAN_FMT(t->server), SPAN_FMT(t->name));
	out_cell_span(table, span_of(name));
	out_cell(table, "%s", state_words[state_pin(t)->state]);
	out_cell(table, "%s", out_when_ms(state_ms(pin), when));
	out_cell(table, "%s", pin->state == PIN_HELD ? what_words(p, t, words) : by_word(pin, by));
}

int
cmd_tool_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = {
		{ "TOOL", false, true }, { "STATE", false, true }, { "SINCE", false, true }, { "BY", false, false },
	};
	const char		*tenant = "";
	bool			 changed = false;
	const struct opt	 rows[] = { { "--changed", NULL, &changed }, { "--tenant", &tenant, NULL },
	    { NULL, NULL, NULL } };
	struct out_table	*table = NULL;
	struct pinread		 p;
	int			 r;

	argc = opts_take(rows, argc, argv, 0, 1);
	if ((r = pinread_open(ctl, CTLCMD_tool_list, tenant, argc == 1 ? argv[0] : "", &p)) != 0)
		return r;
	if (!ctl->json && !changed)
		table = out_table_new(columns, 4);
	for (size_t i = 0; i < p.count; i++) {
		if (changed && p.tools[i].held_count == 0)
			continue;
		if (ctl->json)
			list_json(&p, &p.tools[i]);
		else if (changed)
			list_changed(&p, &p.tools[i]);
		else
			list_row(table, &p, &p.tools[i]);
	}
	if (table != NULL && p.count > 0)
		out_table_end(&table);
	out_table_free(&table);
	if (p.count == 0 && ((tenant[0] != '\0' && known_missing(ctl, KNOWN_TENANT, "", tenant)) ||
	    (argc == 1 && known_missing(ctl, KNOWN_SERVER, tenant[0] == '\0' ? TENANT_DEFAULT : tenant, argv[0]))))
		r = EX_DATAERR;
	else if (p.count == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no tool was seen yet: servers are asked when a client is, "
		    "or: mcpgwctl list"));
	pinread_close(&p);
	return out_end(r);
}

/* --- show, diff -------------------------------------------------------------------------------- */

/* The tool of the one word there is; 0, or the exit code. */
static int
open_one(struct ctl *ctl, uint32_t command, int argc, char **argv, struct pinread *p, const struct pintool **t)
{
	const char		*tenant = "default";
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((r = pinread_open(ctl, command, tenant, "", p)) != 0)
		return r;
	if ((*t = pinread_find(p, argv[0])) != NULL)
		return 0;
	pinread_say_none(p, argv[0], "tool");
	pinread_close(p);
	return EX_DATAERR;
}

static void
show_json(const struct pinread *p, const struct pintool *t, const struct rec_pin *pin)
{
	struct json_value	object = pinread_object(p, pin);
	char			when[OUT_TIME], hash[PINREAD_HASH], by[64];

	out_json_begin();
	out_json_text("server", t->server);
	out_json_text("tool", t->name);
	out_json_text("tenant", t->tenant);
	out_json_text("state", span_of(state_words[pin->state]));
	out_json_text("hash", span_of(pinread_hash(pin, hash)));
	out_json_text("seen", span_of(out_utc_ms(pin->seen_ms, when)));
	if (pin->decided_ms != 0) {
		out_json_text("decided", span_of(out_utc_ms(pin->decided_ms, when)));
		out_json_text("by", span_of(by_word(pin, by)));
	}
	out_json_text("identity", snap_text(p->snap, pin->identity));
	if (pin->finding.bytes > 0)
		out_json_text("finding", snap_text(p->snap, pin->finding));
	if (object.type != JSON_NONE)
		out_json_raw("definition", object.raw);
	out_json_end();
}

static void
show_text(const struct pinread *p, const struct rec_pin *pin)
{
	struct json_value	object = pinread_object(p, pin);
	char			when[OUT_TIME], hash[PINREAD_HASH], by[64];

	printf("%s since %s", state_words[pin->state], since(state_ms(pin), when));
	if (pin->decided_ms != 0)
		printf(" by %s", by_word(pin, by));
	printf("   hash %s   server ", pinread_hash(pin, hash));
	pindiff_print_text(stdout, snap_text(p->snap, pin->identity));
	printf("\n");
	if (pin->finding.bytes > 0) {
		printf("! suspicious: it ");
		pindiff_print_text(stdout, snap_text(p->snap, pin->finding));
		printf("\n");
	}
	if (object.type == JSON_NONE)
		printf("(its definition was too long to be kept)\n");
	else
		pindiff_print_whole(stdout, object);
}

int
cmd_tool_show(struct ctl *ctl, int argc, char **argv)
{
	const struct pintool	*t;
	struct pinread		 p;
	size_t			 n;
	int			 r;

	if ((r = open_one(ctl, CTLCMD_tool_show, argc, argv, &p, &t)) != 0)
		return r;
	n = t->approved_count + t->held_count + t->rejected_count;
	for (size_t i = 0; i < n; i++) {
		if (ctl->json)
			show_json(&p, t, t->approved[i]);
		else
			show_text(&p, t->approved[i]);
		if (!ctl->json && i + 1 < n)
			printf("\n");
	}
	pinread_close(&p);
	return out_end(0);
}

static void
diff_json(const struct pinread *p, const struct rec_pin *old, const struct rec_pin *pin)
{
	struct json_value	from = pinread_object(p, old), to = pinread_object(p, pin);
	char			hash[PINREAD_HASH], words[PINDIFF_WORDS];

	out_json_begin();
	out_json_text("state", span_of(state_words[pin->state]));
	out_json_text("hash", span_of(pinread_hash(pin, hash)));
	out_json_text("what", span_of(pindiff_words(from, to, words)));
	if (pin->finding.bytes > 0)
		out_json_text("finding", snap_text(p->snap, pin->finding));
	if (from.type != JSON_NONE)
		out_json_raw("from", from.raw);
	if (to.type != JSON_NONE)
		out_json_raw("to", to.raw);
	out_json_end();
}

static void
diff_text(const struct pinread *p, const struct rec_pin *old, const struct rec_pin *pin)
{
	struct json_value	from = pinread_object(p, old), to = pinread_object(p, pin);
	struct span		was = old == NULL ? SPAN_NONE : snap_text(p->snap, old->identity);
	struct span		is = snap_text(p->snap, pin->identity);
	char			line[512];

	if (old != NULL && !span_eq(was, is)) {
		printf("- server: ");
		pindiff_print_text(stdout, was);
		printf("\n+ server: ");
		pindiff_print_text(stdout, is);
		printf("\n");
	}
	if (to.type == JSON_NONE)
		printf("(the new definition was too long to be kept)\n");
	else
		(void)pindiff_print(stdout, from, to);
	fflush(stdout);
	if (pin->finding.bytes > 0) {
		snprintf(line, sizeof(line), "suspicious: it %.*s", SPAN_FMT(snap_text(p->snap, pin->finding)));
		out_note(LOG_LEVEL_WARNING, span_of(line));
	}
}

int
cmd_tool_diff(struct ctl *ctl, int argc, char **argv)
{
	const struct pintool	*t;
	const struct rec_pin	*old;
	struct pinread		 p;
	char			 hash[PINREAD_HASH];
	size_t			 n;
	int			 r;

	if ((r = open_one(ctl, CTLCMD_tool_diff, argc, argv, &p, &t)) != 0)
		return r;
	old = t->approved_count > 0 ? t->approved[0] : NULL;
	n = t->held_count > 0 ? t->held_count : t->rejected_count > 0 ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		const struct rec_pin	*pin = t->held_count > 0 ? t->held[i] : t->rejected[0];

		if (ctl->json) {
			diff_json(&p, old, pin);
			continue;
		}
		if (n > 1)
			printf("%sdefinition %s\n", i > 0 ? "\n" : "", pinread_hash(pin, hash));
		diff_text(&p, old, pin);
	}
	if (n == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("nothing waits: its definition is the approved one"));
	pinread_close(&p);
	return out_end(0);
}
