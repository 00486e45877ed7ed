/* SPDX-License-Identifier: Apache-2.0
 *
 * pins.c - may what a server lists be shown and called?
 *
 * Process: worker.
 * Owns:    flights, from a list that was read to the store's answer.
 * Trusts:  the pins for what was decided.  No server: work is done in pieces, what is sent is bounded, and a server
 *          that lists new definitions all the time is not heard.
 *
 * What is not known for sure is not shown: no pins, no memory, no answer of the store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "mcp/pin.h"
#include "mcp/suspect.h"
#include "worker/lists/lists.h"
#include "worker/lists/pins.h"
#include "worker/streams/streams.h"
#include "worker/worker.h"

#define TURN_WORK	(64 * 1024)	/* bytes of definitions: about 0.5 ms */
#define ITEM_WORK	64
#define LOOK_COST	8		/* how much longer it takes to look for what is wrong */
#define OBJECTS_BYTES	(8 * 1024 * 1024)
#define REPORT_BYTES	(15 * 1024 * 1024)
#define AGAIN_MS	1000		/* the store did not answer: it is told again */
#define PATIENCE_MS	10000
#define REPORT_MS	6000		/* one server, one report, after the first ones */
#define REPORT_BURST	10
#define SERVERS		256		/* remembered for that; a power of two */

struct pins {
	uint64_t		 numbers;
	struct pins_flight	*waiting;
	struct { uint64_t profile, until_ms; } told[SERVERS];
};

int
pins_new(struct worker *w, struct pins **out)
{
	(void)w;
	return (*out = calloc(1, sizeof(**out))) == NULL ? E_NOMEM : 0;
}

bool
pins_matter(const struct config *config)
{
	return config->params.tool_approval != TOOL_APPROVAL_OFF;
}

/* --- standings -------------------------------------------------------------------------------- */

/* Where there was no memory for it, it is nobody's: two tools without one have not the same. */
static bool
is_made(const struct crypt_digest *pin)
{
	static const struct crypt_digest	none;

	return memcmp(pin, &none, sizeof(none)) != 0;
}

static enum catalogue_standing
standing_of(const struct snap *pins, const struct crypt_digest *pin)
{
	const struct rec_pin	*p = pins == NULL || !is_made(pin) ? NULL : policy_pin_find(pins, pin->bytes);

	if (p == NULL)
		return CATALOGUE_UNPINNED;
	return p->state == PIN_APPROVED ? CATALOGUE_STANDS : p->state == PIN_REJECTED ? CATALOGUE_REJECTED :
	    CATALOGUE_HELD;
}

void
pins_judge(const struct worker *w, struct catalogue *list)
{
	const struct snap	*pins = swap_current(&w->snaps, SNAP_PINS);
	bool			 matter = pins_matter(w->config);

	for (size_t i = 0; i < catalogue_count(list); i++) {
		struct catalogue_item	*t = catalogue_change(list, i);

		t->standing = matter ? (uint8_t)standing_of(pins, &t->pin) : CATALOGUE_STANDS;
	}
}

static void
tell_clients(struct worker *w, const struct snap *pins, const struct rec_pin *p)
{
	const struct rec_server	*s = policy_server_find(w->config->policy, snap_text(pins, p->tenant),
				    snap_text(pins, p->server));

	if (s != NULL)
		streams_tools_changed(w, s->profile);
}

/* Both are sorted by digest.  What is new was seen just now: its list is not out yet. */
void
pins_changed(struct worker *w, const struct snap *before)
{
	const struct snap	*now = swap_current(&w->snaps, SNAP_PINS);
	const struct rec_pin	*a, *b;
	uint64_t		 i = 0, k = 0;
	int			 r;

	lists_pins_changed(w->lists);
	while (before != NULL && (a = SNAP_AT(before, PIN, i)) != NULL) {
		b = SNAP_AT(now, PIN, k);
		r = b == NULL ? -1 : memcmp(a->digest, b->digest, sizeof(a->digest));
		if ((a->state == PIN_APPROVED && r < 0) ||
		    (r == 0 && (a->state == PIN_APPROVED) != (b->state == PIN_APPROVED)))
			tell_clients(w, before, a);
		i += r <= 0;
		k += r >= 0;
	}
}

/* --- a flight --------------------------------------------------------------------------------- */

static struct span
name_of(const struct pins_flight *f)
{
	return snap_text(f->config->policy, f->server->name);
}

static void
flight_over(struct pins_flight *f, int error, struct span why)
{
	struct pins_flight	**at;

	if (f->waits) {
		for (at = &f->w->pins->waiting; *at != f; at = &(*at)->next)
			;
		*at = f->next;
		f->waits = false;
	}
	loop_timer_disarm(&f->timer);
	buf_fini(&f->batch);
	suspect_names_free(&f->others);
	if (error != 0)
		log_warn_repeat(NULL, "server %.*s: tools whose definitions are new are not shown: %.*s",
		    SPAN_FMT(name_of(f)), SPAN_FMT(why.n > 0 ? why : span_of(err_text(error))));
	pins_judge(f->w, f->list);
	f->done(error, f->arg);
}

/* The other servers of this tenant, as far as their tools were ever seen. */
static int
read_others(struct pins_flight *f)
{
	const struct snap	*pins = swap_current(&f->w->snaps, SNAP_PINS);
	struct span		 tenant = policy_tenant_name(f->config->policy, f->server->tenant);
	const struct rec_pin	*p;
	struct span		 tool;
	int			 r;

	if ((r = suspect_names_new(&f->others)) != 0)
		return r;
	for (uint64_t i = 0; (p = SNAP_AT(pins, PIN, i)) != NULL; i++) {
		tool = snap_text(pins, p->tool);
		if (!suspect_is_distinct(tool) || !span_eq(snap_text(pins, p->tenant), tenant) ||
		    span_eq(snap_text(pins, p->server), name_of(f)) || catalogue_find(f->list, tool) != NULL)
			continue;
		if ((r = suspect_names_add(f->others, tool)) != 0)
			return r;
	}
	return 0;
}

static int
add_new(struct pins_flight *f, const struct catalogue_item *t)
{
	struct suspect	 s = { .what = NULL };
	struct span	 object = f->batch.used + t->definition.raw.n > OBJECTS_BYTES ? SPAN_NONE : t->definition.raw;
	char		 finding[256] = "";
	unsigned	 flags = 0;
	int		 r;

	if ((f->server->flags & SERVER_FLAG_NATIVE) != 0 || f->server->transport == TRANSPORT_JSONRPC) {
		flags = PIN_FLAG_OWN;
	} else {
		if (f->others == NULL && (r = read_others(f)) != 0)
			return r;
		suspect_value(t->definition, f->others, &s);
	}
	if (s.what != NULL) {
		flags |= PIN_FLAG_SUSPECT;
		snprintf(finding, sizeof(finding), "%s: %s", s.what, s.words);
	}
	return pin_put(&f->batch, &t->pin, flags, t->name, object, span_of(finding));
}

/* 0, or E_*: then this tool is not shown. */
static int
read_one(struct pins_flight *f, struct catalogue_item *t, size_t *cost)
{
	const struct snap		*policy = f->config->policy, *pins = swap_current(&f->w->snaps, SNAP_PINS);
	const struct catalogue_item	*was = f->before == NULL ? NULL : catalogue_find(f->before, t->name);
	const struct pin_owner		 owner = { policy_tenant_name(policy, f->server->tenant), name_of(f),
					    snap_text(policy, f->server->shown) };
	int				 r;

	*cost = ITEM_WORK;
	t->standing = CATALOGUE_UNPINNED;
	if (was != NULL && is_made(&was->pin) && span_eq(was->definition.raw, t->definition.raw)) {
		t->pin = was->pin;
	} else {
		*cost += t->definition.raw.n;
		if ((r = pin_digest(&owner, t->definition, &t->pin)) != 0)
			return r;
	}
	if (pins == NULL || policy_pin_find(pins, t->pin.bytes) != NULL)
		return 0;
	*cost += LOOK_COST * t->definition.raw.n;
	return add_new(f, t);
}

/* A server that changes what it lists all the time fills no store with it: what is new is just not shown. */
static bool
may_report(struct pins_flight *f)
{
	struct pins	*p = f->w->pins;
	uint64_t	 now = loop_now_ms(f->w->loop), profile = f->server->profile;
	size_t		 i = (size_t)(profile ^ profile >> 32) & (SERVERS - 1);

	if (p->told[i].profile != profile || p->told[i].until_ms < now) {
		p->told[i].profile = profile;
		p->told[i].until_ms = now;
	}
	if (p->told[i].until_ms + REPORT_MS > now + REPORT_BURST * REPORT_MS)
		return false;
	p->told[i].until_ms += REPORT_MS;
	return true;
}

static void
tell_store(struct pins_flight *f)
{
	struct msg_PIN_SEEN	 m = { .tenant = policy_tenant_name(f->config->policy, f->server->tenant),
	    .server = name_of(f), .identity = snap_text(f->config->policy, f->server->shown) };
	int			 fd = -1, r;

	if ((r = fd_memfd_sealed("pins", buf_rest(&f->batch), &fd)) == 0)
		r = chan_send(&f->w->master, MSG_TYPE_PIN_SEEN, f->number, &m, &fd, 1);
	fd_close(&fd);
	if (r != 0)
		log_warn_repeat(NULL, "server %.*s: its tools cannot be pinned now: %s", SPAN_FMT(name_of(f)),
		    err_text(r));
	loop_timer_arm(&f->timer, AGAIN_MS);
}

static void
report(struct pins_flight *f)
{
	struct pins	*p = f->w->pins;

	if (!may_report(f)) {
		flight_over(f, E_LIMITED, SPAN_LIT("it changes its tools too often"));
		return;
	}
	f->number = ++p->numbers;
	f->until_ms = loop_now_ms(f->w->loop) + PATIENCE_MS;
	f->waits = true;
	f->next = p->waiting;
	p->waiting = f;
	tell_store(f);
}

static void
read_some(struct pins_flight *f)
{
	size_t	work = TURN_WORK, cost;

	for (; work > 0 && f->at < catalogue_count(f->list); f->at++) {
		if (read_one(f, catalogue_change(f->list, f->at), &cost) != 0)
			log_warn_repeat(NULL, "server %.*s: a tool cannot be pinned: no memory", SPAN_FMT(name_of(f)));
		work -= cost < work ? cost : work;
	}
	if (f->at < catalogue_count(f->list))
		loop_timer_arm(&f->timer, 0);
	else if (f->batch.used > 0)
		report(f);
	else
		flight_over(f, swap_current(&f->w->snaps, SNAP_PINS) != NULL ? 0 : E_HELD,
		    SPAN_LIT("the store of approvals cannot be read"));
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct pins_flight	*f = arg;

	(void)t;
	if (!f->waits)
		read_some(f);
	else if (loop_now_ms(f->w->loop) >= f->until_ms)
		flight_over(f, E_TIMEOUT, SPAN_LIT("the store does not answer"));
	else
		tell_store(f);
}

void
pins_begin(struct pins_flight *f, struct worker *w, const struct config *config, const struct rec_server *server,
    struct catalogue *list, const struct catalogue *before, pins_done_fn *done, void *arg)
{
	*f = (struct pins_flight){ .w = w, .config = config, .server = server, .list = list, .before = before,
	    .done = done, .arg = arg };
	loop_timer_init(w->loop, &f->timer, on_timer, f);
	buf_init(&f->batch, REPORT_BYTES);
	if (pins_matter(config))
		read_some(f);
	else
		flight_over(f, 0, SPAN_NONE);
}

void
pins_kept(struct worker *w, uint64_t number, int error, struct span why)
{
	struct pins_flight	*f;

	for (f = w->pins->waiting; f != NULL && f->number != number; f = f->next)
		;
	/* E_AGAIN: the timer tells it again. */
	if (f != NULL && error != E_AGAIN)
		flight_over(f, error, why);
}
