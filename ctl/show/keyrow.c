/* SPDX-License-Identifier: Apache-2.0
 *
 * keyrow.c - API keys as the store tells of them, from a gateway that runs or without one
 *
 * Process: mcpgwctl.  Owns: nothing beyond the call.
 * Trusts:  the dump, and the lines of the store's program, for nothing but what they show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/show/keyrow.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/nameset.h"
#include "policy/records.h"

#define LIST_MAX	(64u * 1024 * 1024)
#define MINUTE_MS	UINT64_C(60000)
#define HOUR_MS		(60 * MINUTE_MS)
#define DAY_MS		(24 * HOUR_MS)

struct rows {
	struct keyrow	*all;
	size_t		 count, room;
	struct arena	 texts;		/* of those that are not in the dump, as far as not in: */
	char		*lines;
};

static void
add(struct rows *rows, const struct keyrow *row)
{
	struct keyrow	*more;

	if (rows->count == rows->room) {
		rows->room = rows->room * 2 + 64;
		if ((more = realloc(rows->all, rows->room * sizeof(*more))) == NULL)
			fatal(EX_OSERR, "keys: out of memory");
		rows->all = more;
	}
	rows->all[rows->count++] = *row;
}

static void
take_dump(const struct snap *s, struct rows *rows)
{
	const struct rec_key	*k;

	for (uint64_t i = 0; (k = SNAP_AT(s, KEY, i)) != NULL; i++)
		add(rows, &(struct keyrow){ .name = snap_text(s, k->name), .public_name = snap_text(s, k->public_name),
		    .agent = snap_text(s, k->agent), .tenant = snap_text(s, k->tenant),
		    .workspace = snap_text(s, k->workspace), .scopes = snap_text(s, k->scopes),
		    .roles = snap_text(s, k->roles), .groups = snap_text(s, k->groups), .created_ms = k->created_ms,
		    .ends_ms = k->ends_ms, .used_ms = k->used_ms, .by = k->by });
}

static struct span
member(struct json_value line, const char *name, struct arena *a)
{
	struct span	s;

	return json_string(json_get(line, name), a, &s) == 0 ? s : SPAN_NONE;
}

static struct span
members(struct json_value line, const char *name, struct arena *a)
{
	struct span		names[NAMESET_MAX], set, key;
	struct json_iter	it;
	struct json_value	v;
	size_t			n = 0;

	for (json_iter_init(&it, json_get(line, name)); n < NAMESET_MAX && json_iter_next(&it, &key, &v);)
		if (json_string(v, a, &names[n]) == 0)
			n++;
	return nameset_make(names, n, a, &set) == 0 ? set : SPAN_NONE;
}

static void
take_line(struct span line, struct rows *rows)
{
	struct arena		*a = &rows->texts;
	struct json_value	 v;
	uint64_t		 by;

	if (json_parse(line, false, &v, NULL) != 0)
		return;
	add(rows, &(struct keyrow){ .name = member(v, "name", a), .public_name = member(v, "key", a),
	    .agent = member(v, "agent", a), .tenant = member(v, "tenant", a), .workspace = member(v, "workspace", a),
	    .scopes = members(v, "scopes", a), .roles = members(v, "roles", a), .groups = members(v, "groups", a),
	    .created_ms = out_parse_utc(member(v, "created", a)), .ends_ms = out_parse_utc(member(v, "ends", a)),
	    .used_ms = out_parse_utc(member(v, "used", a)),
	    .by = json_u64(json_get(v, "by"), &by) == 0 ? by + 1 : 0 });
}

static int
take_alone(struct ctl *ctl, struct rows *rows)
{
	const char *const	 none[] = { NULL };
	struct span		 rest, line;
	size_t			 bytes;
	int			 fd, r;

	if ((r = fd_memfd("keys", &fd)) != 0)
		return EX_OSERR;
	if ((r = alone_store(ctl, "key-list", none, -1, fd)) != 0 || lseek(fd, 0, SEEK_SET) == -1 ||
	    fd_read_all(fd, LIST_MAX, &rows->lines, &bytes) != 0) {
		fd_close(&fd);
		return r == 0 ? EX_IOERR : r;
	}
	for (rest = span_make(rows->lines, bytes); rest.n > 0;)
		if ((line = span_take_line(&rest)).n > 0)
			take_line(line, rows);
	fd_close(&fd);
	return 0;
}

static int
in_order(const void *a, const void *b)
{
	const struct keyrow	*k = a, *l = b;
	int			 r;

	if ((r = span_cmp(k->tenant, l->tenant)) != 0 || (r = span_cmp(k->name, l->name)) != 0)
		return r;
	if (k->created_ms != l->created_ms)
		return k->created_ms < l->created_ms ? -1 : 1;
	return span_cmp(k->public_name, l->public_name);
}

int
keyrow_each(struct ctl *ctl, keyrow_fn *fn, void *arg)
{
	struct rows	 rows = { 0 };
	struct snap	*dump = NULL;
	struct ask	 a;
	int		 r;

	arena_init(&rows.texts, NULL, 0, LIST_MAX);
	if ((r = ask_open(ctl, &a, false)) == 0) {
		ask_command(&a, CTLCMD_key_list, NULL);
		r = ask_wait(&a, ask_take_snapshot, &dump);
		if (r == 0 && dump != NULL)
			take_dump(dump, &rows);
		else if (r == 0)
			r = EX_PROTOCOL;
		ask_close(&a);
	} else if (r == EX_UNAVAILABLE) {
		r = take_alone(ctl, &rows);
	} else {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	}
	if (rows.count > 1)
		qsort(rows.all, rows.count, sizeof(*rows.all), in_order);
	for (size_t i = 0; r == 0 && i < rows.count; i++)
		fn(&rows.all[i], arg);
	free(rows.all);
	free(rows.lines);
	arena_fini(&rows.texts);
	snap_release(&dump);
	return r;
}

/* --- words for times ---------------------------------------------------------------------------- */

/* To the nearest: "24h" is also some seconds less. */
static const char *
about(uint64_t ms, char to[OUT_TIME])
{
	if (ms < 2 * MINUTE_MS)
		snprintf(to, OUT_TIME, "%llu s", (unsigned long long)(ms + 500) / 1000);
	else if (ms < 2 * HOUR_MS)
		snprintf(to, OUT_TIME, "%llu min", (unsigned long long)((ms + MINUTE_MS / 2) / MINUTE_MS));
	else if (ms < 3 * DAY_MS)
		snprintf(to, OUT_TIME, "%lluh", (unsigned long long)((ms + HOUR_MS / 2) / HOUR_MS));
	else
		snprintf(to, OUT_TIME, "%llud", (unsigned long long)((ms + DAY_MS / 2) / DAY_MS));
	return to;
}

const char *
keyrow_ago(uint64_t wall_ms, char to[OUT_TIME])
{
	const uint64_t	now = out_now_ms();
	char		span[OUT_TIME];

	if (wall_ms == 0)
		return "never";
	snprintf(to, OUT_TIME, "%.20s ago", about(now > wall_ms ? now - wall_ms : 0, span));
	return to;
}

const char *
keyrow_ahead(uint64_t wall_ms, char to[OUT_TIME])
{
	const uint64_t	now = out_now_ms();
	char		span[OUT_TIME];

	if (wall_ms == 0)
		return "-";
	if (wall_ms <= now)
		return "ended";
	snprintf(to, OUT_TIME, "in %.20s", about(wall_ms - now, span));
	return to;
}

const char *
keyrow_day(uint64_t wall_ms, char to[OUT_TIME])
{
	(void)out_when_ms(wall_ms, to);
	return strncmp(to, "today", 5) == 0 ? "today" : to;
}

const char *
keyrow_moment(uint64_t wall_ms, char to[OUT_TIME])
{
	char	day[OUT_TIME], before[OUT_TIME], clock[OUT_TIME];

	(void)out_when_ms(wall_ms, day);
	if (strncmp(day, "today", 5) == 0)
		return strcpy(to, day);
	/* A day earlier it is today: so it is tomorrow, on all but the days on which clocks change. */
	(void)out_when_ms(wall_ms - DAY_MS, before);
	snprintf(to, OUT_TIME, "%.10s %.8s", strncmp(before, "today", 5) == 0 ? "tomorrow" : day,
	    out_clock_ms(wall_ms, clock));
	return to;
}
