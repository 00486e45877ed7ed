/* SPDX-License-Identifier: Apache-2.0
 *
 * refit.c - what a policy changes of the processes themselves: listeners, and how many workers there are
 *
 * Process: master.
 * Owns:    the sockets of a change until it is taken or dropped.
 * Trusts:  the compiler's snapshot, which was verified.
 */
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"

int
refit_prepare(struct master *m, const struct snapset *made, struct refit *r, char *why, size_t why_bytes)
{
	const struct snapitem	*item = snapset_find(made, SNAP_POLICY, SPAN_NONE);
	struct snap		*policy = NULL;
	struct params		 params;
	int			 e;

	*r = (struct refit){ .due = false };
	why[0] = '\0';
	if (item == NULL)
		return 0;
	if ((e = snap_map(item->fd, &policy)) != 0)
		return e;
	if ((e = params_load(policy, &params)) == 0 &&
	    (e = workers_parse(params.workers, &r->workers, why, why_bytes)) == 0)
		e = listen_open(&r->listeners, &m->listeners, &params, !m->personal, why, why_bytes);
	r->due = e == 0;
	snap_release(&policy);
	return e;
}

void
refit_drop(struct master *m, struct refit *r)
{
	if (r->due)
		listen_give_up(&r->listeners, &m->listeners);
	r->due = false;
}

/* To everyone who serves one; mcpgw-admin has those of its own kind alone. */
static void
tell_over(struct master *m, const struct listener *l)
{
	const struct msg_LISTEN_OVER	 over = { .number = l->number };
	const enum role			 role = l->kind == LISTEN_ADMIN ? ROLE_ADMIN : ROLE_WORKER;
	struct child			*c, *next;

	for (c = LIST_FIRST(&m->children.live); c != NULL; c = next) {
		next = LIST_NEXT(c, live);
		if (c->role == role && child_has_channel(c))
			(void)child_send(c, MSG_TYPE_LISTEN_OVER, 0, &over, NULL, 0);
	}
}

static void
tell_new(struct master *m, const struct listener *l)
{
	const enum role	 role = l->kind == LISTEN_ADMIN ? ROLE_ADMIN : ROLE_WORKER;
	struct child	*c, *next;

	for (c = LIST_FIRST(&m->children.live); c != NULL; c = next) {
		next = LIST_NEXT(c, live);
		/* One that retires, or is a tool's, takes none. */
		if (c->role == role && c->respawn && child_has_channel(c))
			boot_listen(c, l);
	}
}

static void
admin_follow(struct master *m)
{
	if (!admin_is_wanted(m)) {
		child_retire(&m->admin, m->params.drain_timeout);
	} else if (!m->admin.respawn && m->admin.state == CHILD_IDLE) {
		m->admin.respawn = true;
		child_start(&m->admin);
	}
}

void
refit_take(struct master *m, struct refit *r)
{
	struct listeners	before = m->listeners;
	bool			changed = before.count != r->listeners.count;

	if (!r->due)
		return;
	r->due = false;
	m->listeners = r->listeners;
	for (size_t i = 0; i < before.count; i++)
		if (!listen_has(&m->listeners, before.items[i].number)) {
			log_notice(LOG_SUBJECT("listener", before.items[i].address), "closed");
			tell_over(m, &before.items[i]);
			changed = true;
		}
	for (size_t i = 0; i < m->listeners.count; i++)
		if (!listen_has(&before, m->listeners.items[i].number)) {
			log_notice(LOG_SUBJECT("listener", m->listeners.items[i].address), "opened");
			tell_new(m, &m->listeners.items[i]);
			changed = true;
		}
	/* Our copies; a socket stays as long as a worker has one. */
	listen_give_up(&before, &m->listeners);
	if (changed && m->ready) {
		admin_follow(m);
		if (listen_write_ready(&m->listeners, m->dirs.run_fd) != 0)
			log_warn(LOG_SUBJECT(m->dirs.run_dir, "ready"), "%s", strerror(errno));
	}
	if (r->workers != m->workers_wanted) {
		log_notice(NULL, "workers: %u, then %u", m->workers_wanted, r->workers);
		m->workers_wanted = r->workers;
		workers_fill(m);
	}
}
