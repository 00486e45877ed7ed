/* SPDX-License-Identifier: Apache-2.0
 *
 * pinread.c - the pins of tools, from the gateway or, where none runs, from the store itself
 *
 * Process: mcpgwctl.
 * Owns:    a mapped dump, for a command.
 * Trusts:  the dump's frame, which is checked as every snapshot is; no text in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/out.h"
#include "ctl/show/pinread.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"

static int
read_alone(struct ctl *ctl, const char *tenant, const char *server, struct snap **out)
{
	const char *const	args[] = { tenant, server, "", NULL };
	int			fd, r;

	if (fd_memfd("pins", &fd) != 0)
		return EX_OSERR;
	if ((r = alone_store(ctl, "pin-dump", args, -1, fd)) == 0 && (fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1))
		r = EX_OSERR;
	/* Nothing was written: there is no store yet. */
	if (r == 0 && lseek(fd, 0, SEEK_END) > 0 && snap_map(fd, out) != 0) {
		out_error("mcpgw-store: what it printed is no dump");
		r = EX_DATAERR;
	}
	fd_close(&fd);
	return r;
}

static int
read_running(struct ask *a, uint32_t command, const char *tenant, const char *server, struct snap **out)
{
	const struct msg_CTL	msg = { .command = command, .a = span_of(server), .c = span_of(tenant) };
	int			r;

	ask_send(a, MSG_TYPE_CTL, &msg, NULL, 0);
	if ((r = ask_wait(a, ask_take_snapshot, out)) == 0 && *out == NULL)
		r = EX_PROTOCOL;
	return r;
}

static const struct snap	*sorted;	/* qsort() passes nothing on */

static uint64_t
time_of(const struct rec_pin *p)
{
	return p->state == PIN_HELD ? p->seen_ms : p->decided_ms;
}

static int
row_cmp(const void *x, const void *y)
{
	const struct rec_pin	*a = *(const struct rec_pin *const *)x, *b = *(const struct rec_pin *const *)y;
	int			 r;

	if ((r = span_cmp(snap_text(sorted, a->tenant), snap_text(sorted, b->tenant))) != 0 ||
	    (r = span_cmp(snap_text(sorted, a->server), snap_text(sorted, b->server))) != 0 ||
	    (r = span_cmp(snap_text(sorted, a->tool), snap_text(sorted, b->tool))) != 0)
		return r;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	if (time_of(a) != time_of(b))
		return time_of(a) > time_of(b) ? -1 : 1;
	return memcmp(a->digest, b->digest, sizeof(a->digest));
}

static bool
same_tool(const struct snap *s, const struct rec_pin *a, const struct rec_pin *b)
{
	return span_eq(snap_text(s, a->tool), snap_text(s, b->tool)) &&
	    span_eq(snap_text(s, a->server), snap_text(s, b->server)) &&
	    span_eq(snap_text(s, a->tenant), snap_text(s, b->tenant));
}

/* Rows of one tool: approved, held, rejected (enum pin_state). */
static void
tool_take(struct pintool *t, const struct snap *s, const struct rec_pin **rows, size_t count)
{
	*t = (struct pintool){ snap_text(s, rows[0]->tenant), snap_text(s, rows[0]->server),
	    snap_text(s, rows[0]->tool), rows, rows, rows, 0, 0, 0 };
	for (size_t i = 0; i < count; i++) {
		t->approved_count += rows[i]->state == PIN_APPROVED;
		t->held_count += rows[i]->state == PIN_HELD;
		t->rejected_count += rows[i]->state == PIN_REJECTED;
	}
	t->held = rows + t->approved_count;
	t->rejected = t->held + t->held_count;
}

static void
sort(struct pinread *p)
{
	size_t	n = (size_t)snap_count(p->snap, SECTION_PIN), end;

	if ((p->rows = calloc(n + 1, sizeof(*p->rows))) == NULL ||
	    (p->tools = calloc(n + 1, sizeof(*p->tools))) == NULL)
		fatal(EX_OSERR, "out of memory");
	for (size_t i = 0; i < n; i++)
		p->rows[i] = SNAP_AT(p->snap, PIN, i);
	sorted = p->snap;
	if (n > 1)
		qsort(p->rows, n, sizeof(*p->rows), row_cmp);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && same_tool(p->snap, p->rows[i], p->rows[end]); end++)
			;
		tool_take(&p->tools[p->count++], p->snap, &p->rows[i], end - i);
	}
}

int
pinread_open(struct ctl *ctl, uint32_t command, const char *tenant, const char *server, struct pinread *out)
{
	struct ask	a;
	int		r;

	*out = (struct pinread){ .snap = NULL };
	if ((r = ask_open(ctl, &a, false)) == 0) {
		r = read_running(&a, command, tenant, server, &out->snap);
		ask_close(&a);
	} else if (r == EX_UNAVAILABLE) {
		r = read_alone(ctl, tenant, server, &out->snap);
	} else {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	}
	if (r == 0 && out->snap != NULL)
		sort(out);
	return r;
}

void
pinread_close(struct pinread *p)
{
	free(p->tools);
	free(p->rows);
	snap_release(&p->snap);
}

const struct pintool *
pinread_find(const struct pinread *p, const char *typed)
{
	const struct span	want = span_of(typed);

	for (size_t i = 0; i < p->count; i++) {
		const struct pintool	*t = &p->tools[i];

		if (want.n == t->server.n + 1 + t->name.n && span_starts(want, t->server) &&
		    typed[t->server.n] == '.' && span_eq(span_part(want, t->server.n + 1, want.n), t->name))
			return t;
	}
	return NULL;
}

void
pinread_say_none(const struct pinread *p, const char *typed, const char *what)
{
	char	near[KNOWN_HINT] = "", name[OUT_CELL], clean[OUT_CELL];

	for (size_t i = 0; i < p->count; i++) {
		const struct pintool	*t = &p->tools[i];

		snprintf(name, sizeof(name), "%.*s.%.*s", SPAN_FMT(t->server), SPAN_FMT(t->name));
		known_near(typed, out_clean(span_of(name), clean, sizeof(clean)), near);
	}
	if (near[0] != '\0')
		out_error("%s: no such %s was seen; did you mean %s?", typed, what, near);
	else
		out_error("%s: no such %s was seen; see: mcpgwctl tool list", typed, what);
}

struct json_value
pinread_object(const struct pinread *p, const struct rec_pin *pin)
{
	struct json_value	v = { JSON_NONE, SPAN_NONE };

	if (pin == NULL || pin->object.bytes == 0 ||
	    json_parse(snap_text(p->snap, pin->object), false, &v, NULL) != 0 || v.type != JSON_OBJECT)
		return (struct json_value){ JSON_NONE, SPAN_NONE };
	return v;
}

const char *
pinread_hash(const struct rec_pin *pin, char to[PINREAD_HASH])
{
	num_hex(pin->digest, (PINREAD_HASH - 1) / 2, to);
	to[PINREAD_HASH - 1] = '\0';
	return to;
}

const struct rec_pin *
pinread_waiting(const struct pintool *t)
{
	return t->held_count > 0 ? t->held[0] : t->rejected_count > 0 ? t->rejected[0] : NULL;
}
