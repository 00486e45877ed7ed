/* SPDX-License-Identifier: Apache-2.0
 *
 * pins.c - what workers saw of tools, and what the operator decides about them
 *
 * Process: mcpgw-store.
 * Owns:    answers that wait for the pins they speak of.
 * Trusts:  the master for who asks; a worker for no length and no text.
 *
 * What comes in one turn of the loop makes one set of pins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "store/pindb.h"
#include "store/pinsnap.h"
#include "store/store.h"

#define AGAIN_MS	1000

/* LMDB is content with a row that is none of ours. */
static const char *
pins_why(struct store *s, int r)
{
	return r == E_FORMAT ? "a definition in it is damaged" : store_why(s, r);
}

static void
answer(struct store *s, const struct store_waiting *w)
{
	if (w->type == MSG_TYPE_STORE_DONE)
		store_tell(s, MSG_TYPE_STORE_DONE, w->number,
		    &(struct msg_STORE_DONE){ w->error, span_of(w->line), 0 }, NULL);
	else
		store_tell(s, MSG_TYPE_STORE_PIN_KEPT, 0, &(struct msg_STORE_PIN_KEPT){ .slot = w->slot,
		    .incarnation = w->incarnation, .number = w->number, .error = w->error,
		    .why = span_of(w->line) }, NULL);
}

/* The pins, or that they cannot be read: then no worker has any to go by.  What may pass is tried again; nobody else
 * would ask for them before something changes. */
void
store_pins_tell(struct store *s)
{
	struct pinsnap		p;
	struct msg_STORE_PINS	m = { 0 };
	int			none = -1, r;

	if ((r = pinsnap_make(s->db, &p)) == 0) {
		m.generation = p.generation;
		m.held = p.held;
		m.first = span_of(p.first);
		if ((r = chan_send(&s->master, MSG_TYPE_STORE_PINS, 0, &m, &p.fd, 1)) != 0)
			log_warn(NULL, "master: the tools' pins are not sent: %s", err_text(r));
	} else {
		log_err(NULL, "the tools' pins cannot be read, so tools are refused: %s; restore the folder store in "
		    "state_dir, or: mcpgwctl conf -e tool_approval=off", pins_why(s, r));
		m.error = r;
		/* Each of these messages has a descriptor. */
		if (fd_memfd("pins", &none) == 0)
			store_tell(s, MSG_TYPE_STORE_PINS, 0, &m, &none);
		fd_close(&none);
	}
	fd_close(&p.fd);
	if (r == 0 || r == E_FORMAT || r == E_CLOSED)
		return;
	s->pins_changed = true;
	loop_timer_arm(&s->tell_pins, AGAIN_MS);
}

static void
flush(struct store *s)
{
	const bool	changed = s->pins_changed;

	s->pins_changed = false;
	if (changed)
		store_pins_tell(s);
	for (size_t i = 0; i < s->waiting_count; i++)
		answer(s, &s->waiting[i]);
	s->waiting_count = 0;
}

static void
on_tell(struct loop_timer *t, void *arg)
{
	(void)t;
	flush(arg);
}

void
store_pins_init(struct store *s)
{
	loop_timer_init(s->loop, &s->tell_pins, on_tell, s);
}

static void __attribute__((format(printf, 3, 4)))
wait_for_pins(struct store *s, struct store_waiting w, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(w.line, sizeof(w.line), fmt, ap);
	va_end(ap);
	s->waiting[s->waiting_count++] = w;
	if (s->waiting_count == STORE_WAITING_MAX)
		flush(s);
	else
		loop_timer_arm(&s->tell_pins, 0);
}

/* Sealed and bounded, or a map of it could be pulled away from under us. */
static int
batch_map(int fd, struct span *out)
{
	struct stat	st;
	void		*map;

	*out = SPAN_NONE;
	if (!fd_is_sealed(fd))
		return E_DENIED;
	if (fstat(fd, &st) == -1)
		return E_SYS;
	if (st.st_size > PINDB_BATCH_MAX)
		return E_TOOBIG;
	if (st.st_size == 0)
		return 0;
	if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		return E_SYS;
	*out = span_make(map, (size_t)st.st_size);
	return 0;
}

void
store_pins_seen(struct store *s, int fd, const struct msg_STORE_PIN_SEEN *m)
{
	struct pindb_seen	what = { .tenant = m->tenant, .server = m->server, .identity = m->identity,
	    .mode = m->mode <= PIN_MODE_APPROVE ? (enum pin_mode)m->mode : PIN_MODE_MANUAL,
	    .now_ms = loop_wall_ms(s->loop), .by = m->by };
	struct store_waiting	w = { .type = MSG_TYPE_STORE_PIN_KEPT, .slot = m->slot,
	    .incarnation = m->incarnation, .number = m->number };
	uint32_t		changed = 0;
	const char		*why = "";

	if ((w.error = batch_map(fd, &what.batch)) == 0) {
		w.error = pindb_seen(s->db, &what, &changed);
		why = pins_why(s, w.error);
	} else {
		why = err_text(w.error);
	}
	if (what.batch.n > 0)
		munmap((void *)(uintptr_t)what.batch.p, what.batch.n);
	s->pins_changed |= changed > 0;
	if (w.error == E_FULL)
		why = "more definitions than are kept; forget those that are gone: mcpgwctl tool reject --forget";
	if (w.error != 0)
		log_err(NULL, "server %.*s: its tools cannot be pinned: %s", SPAN_FMT(m->server), why);
	else if (changed > 0)
		log_notice(NULL, "server %.*s: %u definitions of tools are new", SPAN_FMT(m->server), changed);
	wait_for_pins(s, w, "%s", w.error == 0 ? "" : why);
}

static const char *
verb(uint32_t what)
{
	return what == PIN_APPROVE ? "approved" : what == PIN_REJECT ? "rejected" : "forgotten";
}

void
store_pins_decide(struct store *s, uint64_t ref, const struct msg_STORE_PIN_DECIDE *m)
{
	struct pindb_decision	what = { .tenant = m->tenant, .server = m->server, .tool = m->tool,
	    .hash = m->hash, .what = m->what <= PIN_FORGET ? (enum pin_decision)m->what : PIN_REJECT,
	    .all = m->all != 0, .now_ms = loop_wall_ms(s->loop), .by = m->by };
	struct store_waiting	w = { .type = MSG_TYPE_STORE_DONE, .number = ref };
	const char		*dot = m->tool.n > 0 ? "." : "";
	uint32_t		count;

	w.error = pindb_decide(s->db, &what, &count);
	switch (w.error) {
	case 0:
		s->pins_changed = true;
		log_notice(NULL, "tools: %.*s%s%.*s %s, definitions=%u by=%u", SPAN_FMT(m->server), dot,
		    SPAN_FMT(m->tool), verb(m->what), count, m->by == 0 ? 0 : m->by - 1);
		wait_for_pins(s, w, "%.*s%s%.*s: %u %s %s", SPAN_FMT(m->server), dot, SPAN_FMT(m->tool), count,
		    count == 1 ? "definition" : "definitions", verb(m->what));
		break;
	case E_NOTFOUND:
		wait_for_pins(s, w, "%.*s%s%.*s: no definition waits to be %s; see: mcpgwctl tool list %.*s",
		    SPAN_FMT(m->server), dot, SPAN_FMT(m->tool), verb(m->what), SPAN_FMT(m->server));
		break;
	case E_RANGE:
		wait_for_pins(s, w, "%.*s%s%.*s: several definitions of one tool wait; name one with --hash, or --all",
		    SPAN_FMT(m->server), dot, SPAN_FMT(m->tool));
		break;
	default:
		log_err(NULL, "tools cannot be decided about: %s", pins_why(s, w.error));
		wait_for_pins(s, w, "the decision cannot be stored: %s", pins_why(s, w.error));
		break;
	}
}

void
store_pins_dump(struct store *s, uint64_t ref, const struct msg_STORE_PIN_DUMP *m)
{
	struct msg_STORE_DUMPED	dumped = { 0 };
	struct store_waiting	w = { .type = MSG_TYPE_STORE_DONE, .number = ref };
	int			fd;

	if ((w.error = pinsnap_dump(s->db, m->tenant, m->server, m->tool, &fd)) == 0)
		store_tell(s, MSG_TYPE_STORE_DUMPED, ref, &dumped, &fd);
	else
		wait_for_pins(s, w, "the tools' pins cannot be read: %s", pins_why(s, w.error));
	fd_close(&fd);
}
