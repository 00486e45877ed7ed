/* SPDX-License-Identifier: Apache-2.0
 *
 * heir.c - what a master leaves to the one that takes its place
 *
 * Process: master, both of them.
 * Owns:    of the new one: what came, until its part of the start takes it.
 * Trusts:  the other master, which started this one or was started by it.
 *
 * Both are of different releases: nothing here is believed to be complete, and a region, a ring or a snapshot counts
 * only if it has the form that this program knows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/sdnotify.h"
#include "master/status.h"

#define OUTLIVES_MS	2500	/* the workers of a master that died are gone by then */

_Static_assert(sizeof(((struct heir *)0)->incarnation) / sizeof(uint32_t) == MASTER_WORKERS_MAX + 1,
    "every writer of records has its place");

void
heir_init(struct heir *h)
{
	*h = (struct heir){ .keyring = -1, .tickets = -1, .pid_fd = -1, .marker_fd = -1, .ctl_fd = -1,
	    .standin_fd = -1 };
	for (int i = 0; i < REGION_LIMIT; i++)
		h->region[i] = -1;
	snapset_init(&h->snaps);
}

void
heir_fini(struct heir *h)
{
	int	*const all[] = { &h->keyring, &h->tickets, &h->pid_fd, &h->marker_fd, &h->ctl_fd, &h->standin_fd };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		fd_close(all[i]);
	for (int i = 0; i < REGION_LIMIT; i++)
		fd_close(&h->region[i]);
	listen_give_up(&h->listeners, &h->listeners);
	snapset_fini(&h->snaps);
	if (h->lives)
		chan_fini(&h->chan);
	h->lives = false;
}

/* --- the master before ------------------------------------------------------------------------ */

int
heir_say(struct chan *c, enum heir_fact fact, uint32_t number, uint64_t value, const char *name)
{
	struct msg_HEIR_FACT	msg = { .kind = fact, .number = number, .value = value, .name = span_of(name) };

	return chan_send(c, MSG_TYPE_HEIR_FACT, 0, &msg, NULL, 0);
}

int
heir_give(struct chan *c, enum heirloom kind, uint32_t number, uint64_t value, const char *name, int fd)
{
	struct msg_HEIRLOOM	msg = { .kind = kind, .number = number, .value = value, .name = span_of(name) };

	return fd == -1 ? 0 : chan_send(c, MSG_TYPE_HEIRLOOM, 0, &msg, &fd, 1);
}

int
heir_say_slots(struct master *m, struct chan *c)
{
	uint64_t	busy = 0;
	int		r = 0;

	for (uint32_t i = 0; r == 0 && i < MASTER_WORKERS_MAX; i++) {
		if (m->workers[i].state != CHILD_IDLE)
			busy |= UINT64_C(1) << i;
		if (m->workers[i].incarnation > 0)
			r = heir_say(c, HEIR_FACT_SLOT, i, m->workers[i].incarnation, "");
	}
	if (r == 0 && m->egress.incarnation > 0)
		r = heir_say(c, HEIR_FACT_SLOT, MASTER_WORKERS_MAX, m->egress.incarnation, "");
	return r != 0 ? r : heir_say(c, HEIR_FACT_BUSY, 0, busy, "");
}

static int
give_listeners(struct master *m, struct chan *c)
{
	char	name[2 * LISTEN_ADDRESS + 2];
	int	r = 0;

	for (size_t i = 0; r == 0 && i < m->listeners.count; i++) {
		const struct listener	*l = &m->listeners.items[i];

		snprintf(name, sizeof(name), "%s %s", l->asked, l->address);
		r = heir_give(c, HEIRLOOM_LISTENER, l->kind, 0, name, l->fd);
	}
	return r;
}

/* What a scout would have to find again. */
static int
give_snapshots(struct master *m, struct chan *c)
{
	static const enum snap_kind	kinds[] = { SNAP_CATALOGUE, SNAP_KEYSETS, SNAP_TOKENS };
	int				r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct snapitem	*item = snapset_find(&m->in_force, kinds[i], SPAN_NONE);

		if (item != NULL)
			r = heir_give(c, HEIRLOOM_SNAPSHOT, kinds[i], item->head.generation, "", item->fd);
	}
	return r;
}

int
heir_bequeath(struct master *m, struct chan *c)
{
	char	notify[sizeof(m->heir.notify)];
	int	r;

	if ((r = heir_say(c, HEIR_FACT_VERSION, (uint32_t)getpid(), 0, MCPGW_VERSION)) != 0 ||
	    (r = heir_say(c, HEIR_FACT_PROTOCOL, IPC_PROTOCOL, 0, "")) != 0 ||
	    (r = heir_say(c, HEIR_FACT_FORMAT, SNAP_FORMAT, 0, "")) != 0 ||
	    (r = heir_say(c, HEIR_FACT_BOOT, 0, m->boot, "")) != 0 ||
	    (r = heir_say(c, HEIR_FACT_GENERATION, 0, m->generation, "")) != 0 ||
	    (r = heir_say_slots(m, c)) != 0)
		return r;
	if (m->holds && (r = heir_say(c, HEIR_FACT_HOLDS, 0, 0, "")) != 0)
		return r;
	if ((r = approvals_bequeath(m, c)) != 0)
		return r;
	if (sdnotify_path(notify, sizeof(notify)) &&
	    (r = heir_say(c, HEIR_FACT_NOTIFY, 0, sdnotify_alive_ms(), notify)) != 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < REGION_LIMIT; i++)
		r = heir_give(c, HEIRLOOM_REGION, i, 0, "", m->regions.fd[i]);
	if (r != 0 || (r = give_listeners(m, c)) != 0 || (r = give_snapshots(m, c)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_KEYRING, 0, 0, "", m->keyring)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_TICKETS, 0, 0, "", m->ticket_keys.fd)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_PID, 0, 0, "", m->dirs.pid_fd)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_MARKER, 0, 0, "", m->dirs.marker_fd)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_CTL, 0, 0, "", m->ctl.fd)) != 0 ||
	    (r = heir_give(c, HEIRLOOM_STANDIN, 0, 0, "", m->upgrade.standin_fd)) != 0)
		return r;
	return heir_say(c, HEIR_FACT_END, 0, 0, "");
}

/* --- the heir --------------------------------------------------------------------------------- */

static void
take_fd(int *to, int *fd)
{
	fd_close(to);
	*to = *fd;
	*fd = -1;
}

static void
take_listener(struct listeners *all, const struct msg_HEIRLOOM *b, int *fd)
{
	const char	*blank = b->name.n == 0 ? NULL : memchr(b->name.p, ' ', b->name.n);
	struct listener	*l = &all->items[all->count];
	size_t		 asked = blank == NULL ? 0 : (size_t)(blank - b->name.p);

	if (blank == NULL || all->count == LISTENERS_MAX || b->number == 0 || b->number >= LISTEN_KIND_LIMIT ||
	    asked >= sizeof(l->asked) || b->name.n - asked - 1 >= sizeof(l->address))
		return;
	*l = (struct listener){ .kind = (enum listen_kind)b->number, .fd = *fd, .number = ++all->last_number };
	*fd = -1;
	memcpy(l->asked, b->name.p, asked);
	memcpy(l->address, blank + 1, b->name.n - asked - 1);
	all->count++;
}

static void
take_heirloom(struct heir *h, const struct msg_HEIRLOOM *b, int *fd)
{
	switch (b->kind) {
	case HEIRLOOM_LISTENER:
		take_listener(&h->listeners, b, fd);
		break;
	case HEIRLOOM_REGION:
		if (b->number < REGION_LIMIT)
			take_fd(&h->region[b->number], fd);
		break;
	case HEIRLOOM_KEYRING:
		take_fd(&h->keyring, fd);
		break;
	case HEIRLOOM_TICKETS:
		take_fd(&h->tickets, fd);
		break;
	case HEIRLOOM_PID:
		take_fd(&h->pid_fd, fd);
		break;
	case HEIRLOOM_MARKER:
		take_fd(&h->marker_fd, fd);
		break;
	case HEIRLOOM_CTL:
		take_fd(&h->ctl_fd, fd);
		break;
	case HEIRLOOM_SNAPSHOT:
		if ((b->number == SNAP_CATALOGUE || b->number == SNAP_KEYSETS || b->number == SNAP_TOKENS) &&
		    snapset_take(&h->snaps, fd, b->number, SPAN_NONE, b->value) != 0)
			log_info(NULL, "snapshot of kind %u of the master before is of no use here", b->number);
		break;
	case HEIRLOOM_STANDIN:
		take_fd(&h->standin_fd, fd);
		break;
	default:
		break;
	}
}

static void
text_take(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", SPAN_FMT(from));
}

static void
writer_is_over(struct master *m, uint32_t slot, uint32_t incarnation)
{
	struct msg_INCARNATION_OVER	over = { .slot = slot, .incarnation = incarnation };

	if (slot < MASTER_WORKERS_MAX)
		m->heir.busy &= ~(UINT64_C(1) << slot);
	(void)child_send(&m->auditor, MSG_TYPE_INCARNATION_OVER, 0, &over, NULL, 0);
	reload_look(&m->reload);
}

/* Ours count on from there. */
static void
take_slot(struct master *m, uint32_t slot, uint32_t incarnation)
{
	struct child	*c = slot < MASTER_WORKERS_MAX ? &m->workers[slot] : &m->egress;

	if (slot > MASTER_WORKERS_MAX)
		return;
	m->heir.incarnation[slot] = incarnation;
	if (slot == MASTER_WORKERS_MAX)
		incarnation++;		/* it may start once more there */
	if (c->incarnation < incarnation && c->pid == 0)
		c->incarnation = incarnation;
}

static void
take_fact(struct master *m, const struct msg_HEIR_FACT *b)
{
	struct heir	*h = &m->heir;

	switch (b->kind) {
	case HEIR_FACT_VERSION:
		text_take(h->version, sizeof(h->version), b->name);
		h->old_pid = (pid_t)b->number;
		break;
	case HEIR_FACT_BOOT:
		h->boot = b->value;
		break;
	case HEIR_FACT_GENERATION:
		h->generation = b->value;
		break;
	case HEIR_FACT_SLOT:
		take_slot(m, b->number, (uint32_t)b->value);
		break;
	case HEIR_FACT_BUSY:
		h->busy = b->value;
		break;
	case HEIR_FACT_NOTIFY:
		text_take(h->notify, sizeof(h->notify), b->name);
		h->alive_ms = b->value;
		break;
	case HEIR_FACT_PROTOCOL:
		h->protocol = b->number;
		break;
	case HEIR_FACT_FORMAT:
		h->format = b->number;
		break;
	case HEIR_FACT_IN_FORCE:
		h->has = b->value;
		reload_look(&m->reload);
		break;
	case HEIR_FACT_HOLDS:
		m->holds = true;
		break;
	case HEIR_FACT_DECIDED:
		approvals_note(&m->approvals, b->name);
		break;
	case HEIR_FACT_RECORD_YOURS:
		h->yours = true;
		break;
	case HEIR_FACT_TAKEN:
		h->taken = true;
		break;
	case HEIR_FACT_WRITER_OVER:
		writer_is_over(m, b->number, (uint32_t)b->value);
		break;
	default:
		break;
	}
}

static void
on_msg(struct chan *c, const struct chan_msg *msg, void *arg)
{
	struct master	*m = arg;

	(void)c;
	if (msg->type == MSG_TYPE_HEIR_FACT)
		take_fact(m, &msg->body->HEIR_FACT);
	/* Of its workers, whose store is ours. */
	else if (msg->type == MSG_TYPE_QUOTA_MARK)
		status_on_quota_mark(m, &msg->body->QUOTA_MARK);
}

/* Whatever it did not say of its workers, they are gone by now, with what they held of caps: that was its to clear. */
static void
on_late(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	(void)t;
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++) {
		if ((m->heir.busy & UINT64_C(1) << i) == 0)
			continue;
		regions_clear_worker(&m->regions, i);
		writer_is_over(m, i, m->heir.incarnation[i]);
	}
	if (!m->stopping)
		workers_fill(m);
}

static void
on_gone(struct chan *c, int why, void *arg)
{
	struct master	*m = arg;

	(void)why;
	chan_fini(c);
	m->heir.lives = false;
	if (!m->heir.taken)
		return;			/* whoever waits sees it */
	log_notice(NULL, "the master before, pid %ld, is gone", (long)m->heir.old_pid);
	loop_timer_init(m->loop, &m->heir.late, on_late, m);
	loop_timer_arm(&m->heir.late, m->heir.busy == 0 ? 0 : OUTLIVES_MS);
}

int
heir_receive(struct master *m)
{
	struct heir	*h = &m->heir;
	char		 room[FRAME_MAX];
	union msg_any	 body;
	struct frame	 f;
	bool		 end = false;
	int		 r = 0;

	while (!end && (r = chan_recv_wait(HEIR_FD, ROLE_MASTER, ROLE_MASTER, true, room, &f, &body)) == 0) {
		if (f.head.type == MSG_TYPE_HEIRLOOM)
			take_heirloom(h, &body.HEIRLOOM, &f.fds[0]);
		else if (f.head.type == MSG_TYPE_HEIR_FACT && body.HEIR_FACT.kind == HEIR_FACT_END)
			end = true;
		else if (f.head.type == MSG_TYPE_HEIR_FACT)
			take_fact(m, &body.HEIR_FACT);
		frame_close_fds(&f);
	}
	if (r != 0 || (r = chan_init(&h->chan, m->loop, HEIR_FD, ROLE_MASTER, ROLE_MASTER, on_msg, on_gone, m)) != 0)
		return r;
	h->chan.ready = true;		/* there is no boot on this channel */
	h->is = h->lives = true;
	m->boot = h->boot;
	r = heir_say(&h->chan, HEIR_FACT_VERSION, (uint32_t)getpid(), 0, MCPGW_VERSION);
	return r != 0 ? r : heir_say(&h->chan, HEIR_FACT_PROTOCOL, IPC_PROTOCOL, 0, "");
}

static int
ask_and_wait(struct master *m, enum heir_fact ask, const bool *answered)
{
	struct heir	*h = &m->heir;

	if (!h->lives || heir_say(&h->chan, ask, 0, 0, "") != 0)
		return E_CLOSED;
	while (h->lives && !*answered && !m->stopping)
		loop_turn(m->loop, true);
	return *answered ? 0 : E_CLOSED;
}

int
heir_want_record(struct master *m)
{
	return ask_and_wait(m, HEIR_FACT_WANT_RECORD, &m->heir.yours);
}

bool
heir_has_worker(const struct master *m, uint32_t slot, uint32_t incarnation)
{
	const struct heir	*h = &m->heir;

	/* What workers say to each other is of their release. */
	return h->lives && h->protocol == IPC_PROTOCOL && (h->busy & UINT64_C(1) << slot) != 0 &&
	    (incarnation == 0 || incarnation == h->incarnation[slot]);
}

bool
heir_peer(struct master *m, const struct child *ours, uint32_t slot, int fd)
{
	const uint64_t	value = (uint64_t)ours->slot << 32 | ours->incarnation;

	return heir_give(&m->heir.chan, HEIRLOOM_PEER, slot, value, "", fd) == 0;
}

int
heir_take(struct master *m)
{
	return ask_and_wait(m, HEIR_FACT_SERVES, &m->heir.taken);
}

void
heir_settled(struct master *m)
{
	if (m->heir.lives && heir_say(&m->heir.chan, HEIR_FACT_SETTLED, 0, 0, "") != 0)
		log_debug(NULL, "the master before is gone already");
}

void
heir_hurry(struct master *m)
{
	if (m->heir.lives && heir_say(&m->heir.chan, HEIR_FACT_HURRY, 0, 0, "") != 0)
		log_debug(NULL, "the master before is gone already");
}
