/* SPDX-License-Identifier: Apache-2.0
 *
 * pins.c - definitions of tools between workers, store and operator
 *
 * Process: master.
 * Owns:    its timers, and pins for which there was no memory; those in force are among the snapshots.
 * Trusts:  the store for what was decided.  What a worker saw passes unread, in a memfd.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ipc/heritage.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"

#define EVERYWHERE_MS	10000
#define AGAIN_MS	1000
#define FOR_CTL		UINT32_MAX	/* in place of a worker's slot */

/* What becomes of a definition that is seen first. */
static uint32_t
mode_of(const struct master *m)
{
	return m->params.tool_approval == TOOL_APPROVAL_FIRST_SEEN ? PIN_MODE_FIRST_SEEN : PIN_MODE_MANUAL;
}

void
pins_on_seen(struct child *worker, const struct chan_msg *msg)
{
	struct master			*m = worker->m;
	const struct msg_PIN_SEEN	*b = &msg->body->PIN_SEEN;
	const struct msg_STORE_PIN_SEEN	 seen = { .slot = worker->slot, .incarnation = worker->incarnation,
	    .number = msg->ref, .mode = mode_of(m), .tenant = b->tenant, .server = b->server,
	    .identity = b->identity };
	const struct msg_PIN_KEPT	 later = { .error = E_AGAIN };

	if (m->store.state != CHILD_READY ||
	    child_send(&m->store, MSG_TYPE_STORE_PIN_SEEN, 0, &seen, &msg->fds[0], 1) != 0)
		(void)child_send(worker, MSG_TYPE_PIN_KEPT, msg->ref, &later, NULL, 0);
}

int
pins_approve(struct master *m, uint64_t ref, uint32_t uid, int fd, const struct msg_CTL_PIN_APPROVE *b)
{
	const struct msg_STORE_PIN_SEEN	seen = { .slot = FOR_CTL, .number = ref, .mode = PIN_MODE_APPROVE,
	    .by = uid + 1, .tenant = b->tenant, .server = b->server, .identity = b->identity };

	if (m->store.state != CHILD_READY)
		return E_AGAIN;
	return child_send(&m->store, MSG_TYPE_STORE_PIN_SEEN, 0, &seen, &fd, 1);
}

void
pins_on_kept(struct master *m, const struct msg_STORE_PIN_KEPT *b)
{
	const struct msg_PIN_KEPT	kept = { .error = b->error, .why = b->why };
	struct child			*worker;

	if (b->slot == FOR_CTL) {
		ctlsock_on_store_done(&m->ctl, b->number, b->error, b->why);
		return;
	}
	if (b->slot >= MASTER_WORKERS_MAX)
		return;
	worker = &m->workers[b->slot];
	if (worker->incarnation == b->incarnation && worker->state == CHILD_READY)
		(void)child_send(worker, MSG_TYPE_PIN_KEPT, b->number, &kept, NULL, 0);
}

/* m->pins.made, whose descriptor goes in any case. */
static int
take_made(struct master *m)
{
	struct pins_made	*p = &m->pins.made;
	struct snapset		 made;
	int			 r;

	snapset_init(&made);
	if ((r = snapset_take(&made, &p->fd, SNAP_PINS, SPAN_NONE, p->generation)) == 0)
		r = snapset_replace(&m->in_force, &made, 1u << SNAP_PINS);
	snapset_fini(&made);
	if (r != 0)
		return r;
	m->pins.held = p->held;
	memcpy(m->pins.first, p->first, sizeof(m->pins.first));
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].state == CHILD_READY || m->workers[i].state == CHILD_BOOTING)
			boot_offer(&m->workers[i], 1u << SNAP_PINS);
	return 0;
}

/* The store does not say it again, so without memory they are kept and taken later. */
static void
take_or_keep(struct master *m)
{
	int	copy = fcntl(m->pins.made.fd, F_DUPFD_CLOEXEC, HERITAGE_LIMIT), r = take_made(m);

	if (r == E_NOMEM && copy != -1) {
		m->pins.made.fd = copy;
		copy = -1;
		loop_timer_arm(&m->pins.again, AGAIN_MS);
	}
	fd_close(&copy);
	if (r != 0)
		log_err(LOG_SUBJECT("store", ""), "no pins of tools: %s; what is not in the last ones is refused",
		    err_text(r));
}

static void
on_again(struct loop_timer *t, void *arg)
{
	(void)t;
	take_or_keep(arg);
}

void
pins_on_pins(struct master *m, int *fd, const struct msg_STORE_PINS *b)
{
	struct pins_made	*p = &m->pins.made;

	m->pins.came = true;
	loop_timer_disarm(&m->pins.again);
	fd_close(&p->fd);
	if (b->error != 0) {
		log_err(LOG_SUBJECT("store", ""), "no pins of tools: %s; what is not in the last ones is refused",
		    err_text(b->error));
		return;
	}
	*p = (struct pins_made){ .fd = *fd, .generation = b->generation, .held = b->held };
	*fd = -1;
	snprintf(p->first, sizeof(p->first), "%.*s", SPAN_FMT(b->first));
	take_or_keep(m);
}

/* --- mcpgwctl waits --------------------------------------------------------------------------- */

uint64_t
pins_generation(const struct master *m)
{
	const struct snapitem	*item = snapset_find(&m->in_force, SNAP_PINS, SPAN_NONE);

	return item == NULL ? 0 : item->head.generation;
}

bool
pins_everywhere(const struct master *m, uint64_t generation)
{
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].state == CHILD_READY && m->workers[i].in_force[SNAP_PINS] < generation)
			return false;
	return true;
}

void
pins_look(struct master *m)
{
	ctlsock_on_pins(&m->ctl, false);
}

static void
on_limit(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	(void)t;
	ctlsock_on_pins(&m->ctl, true);
}

void
pins_init(struct master *m)
{
	m->pins.made.fd = -1;
	loop_timer_init(m->loop, &m->pins.limit, on_limit, m);
	loop_timer_init(m->loop, &m->pins.again, on_again, m);
}

void
pins_fini(struct master *m)
{
	loop_timer_disarm(&m->pins.limit);
	loop_timer_disarm(&m->pins.again);
	fd_close(&m->pins.made.fd);
}

void
pins_expect(struct master *m)
{
	loop_timer_arm(&m->pins.limit, EVERYWHERE_MS);
	pins_look(m);
}
