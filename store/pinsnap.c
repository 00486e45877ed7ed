/* SPDX-License-Identifier: Apache-2.0
 *
 * pinsnap.c - the store's pins as snapshots
 *
 * Process: mcpgw-store; without a master, the same program run by mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the store for lengths; definitions are copied, never looked into.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/build.h"
#include "store/pinsnap.h"

#define OBJECTS_MAX	(256u << 20)	/* of one dump; what is more is left out */

/* --- for workers ------------------------------------------------------------------------------ */

struct making {
	struct build	*b;
	struct rec_pin	*rows;
	size_t		 count, room;
	struct pinsnap	*out;
	uint64_t	 newest_ms;
	struct stext	 server, tool;	/* the last tool that waits */
	bool		 any;
};

static int
names_put(struct build *b, const struct pindb_pin *pin, struct rec_pin *rec)
{
	int	r;

	*rec = (struct rec_pin){ .state = (uint32_t)pin->state };
	memcpy(rec->digest, pin->digest.p, sizeof(rec->digest));
	if ((r = build_text(b, pin->tenant, &rec->tenant)) != 0 || (r = build_text(b, pin->server, &rec->server)) != 0)
		return r;
	return build_text(b, pin->tool, &rec->tool);
}

/* Definitions of a tool come one after the other. */
static void
note_held(struct making *m, const struct pindb_pin *pin, const struct rec_pin *rec)
{
	if (pin->state != PIN_HELD)
		return;
	if (!m->any || memcmp(&m->server, &rec->server, sizeof(m->server)) != 0 ||
	    memcmp(&m->tool, &rec->tool, sizeof(m->tool)) != 0)
		m->out->held++;
	m->any = true;
	m->server = rec->server;
	m->tool = rec->tool;
	if (pin->seen_ms < m->newest_ms)
		return;
	m->newest_ms = pin->seen_ms;
	snprintf(m->out->first, sizeof(m->out->first), "%.*s.%.*s", SPAN_FMT(pin->server), SPAN_FMT(pin->tool));
}

static int
make_one(const struct pindb_pin *pin, void *arg)
{
	struct making	*m = arg;
	struct rec_pin	*more;
	int		 r;

	if (m->count == m->room) {
		if ((more = realloc(m->rows, (2 * m->room + 64) * sizeof(*more))) == NULL)
			return E_NOMEM;
		m->rows = more;
		m->room = 2 * m->room + 64;
	}
	if ((r = names_put(m->b, pin, &m->rows[m->count])) != 0)
		return r;
	note_held(m, pin, &m->rows[m->count++]);
	return 0;
}

static int
digest_cmp(const void *a, const void *b)
{
	return memcmp(((const struct rec_pin *)a)->digest, ((const struct rec_pin *)b)->digest,
	    sizeof(((const struct rec_pin *)a)->digest));
}

int
pinsnap_make(struct keydb *db, struct pinsnap *out)
{
	struct making	m = { .out = out };
	uint64_t	length;
	int		r;

	*out = (struct pinsnap){ .fd = -1 };
	/* Read first: what comes between is in the pins, and told once more. */
	if ((r = pindb_generation(db, &out->generation)) != 0 || (r = build_new(SNAP_PINS, "", &m.b)) != 0 ||
	    (r = pindb_each(db, make_one, &m)) != 0)
		goto out;
	if (m.count > 1)
		qsort(m.rows, m.count, sizeof(*m.rows), digest_cmp);
	for (size_t i = 0; i < m.count; i++)
		if ((r = build_add(m.b, SECTION_PIN, &m.rows[i], NULL)) != 0)
			goto out;
	r = build_seal(m.b, out->generation, &out->fd, &length);
 out:
	free(m.rows);
	build_free(&m.b);
	return r;
}

/* --- for mcpgwctl ----------------------------------------------------------------------------- */

struct dumping {
	struct build	*b;
	struct span	 tenant, server, tool;
	uint64_t	 bytes;
};

static bool
is_wanted(const struct dumping *d, const struct pindb_pin *pin)
{
	return (d->tenant.n == 0 || span_eq(pin->tenant, d->tenant)) &&
	    (d->server.n == 0 || span_eq(pin->server, d->server)) && (d->tool.n == 0 || span_eq(pin->tool, d->tool));
}

static int
dump_one(const struct pindb_pin *pin, void *arg)
{
	struct dumping	*d = arg;
	struct rec_pin	 rec;
	int		 r;

	if (!is_wanted(d, pin))
		return 0;
	if ((r = names_put(d->b, pin, &rec)) != 0 || (r = build_text(d->b, pin->identity, &rec.identity)) != 0 ||
	    (r = build_text(d->b, pin->finding, &rec.finding)) != 0)
		return r;
	if ((d->bytes += pin->object.n) <= OBJECTS_MAX && (r = build_text(d->b, pin->object, &rec.object)) != 0)
		return r;
	rec.seen_ms = pin->seen_ms;
	rec.decided_ms = pin->decided_ms;
	rec.by = (uint32_t)pin->by;
	return build_add(d->b, SECTION_PIN, &rec, NULL);
}

int
pinsnap_dump(struct keydb *db, struct span tenant, struct span server, struct span tool, int *fd)
{
	struct dumping	d = { .tenant = tenant, .server = server, .tool = tool };
	uint64_t	length;
	int		r;

	*fd = -1;
	if ((r = build_new(SNAP_DUMP, "", &d.b)) == 0 && (r = pindb_each(db, dump_one, &d)) == 0)
		r = build_seal(d.b, 0, fd, &length);
	build_free(&d.b);
	return r;
}
