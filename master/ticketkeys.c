/* SPDX-License-Identifier: Apache-2.0
 *
 * ticketkeys.c - the keys by which workers make tickets of TLS sessions, and take each other's
 *
 * Process: master.  Owns: the ring, in memory alone; its timer.
 * Trusts:  nothing is read here.
 */
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"

static void
wait_on(struct ticket_keys *t)
{
	loop_timer_arm(&t->timer, t->m->params.tls_ticket_time);
}

/* New keys are known to all workers at about the same time; a ticket that comes to one too early is one it does not
 * know, and its handshake a whole one. */
static void
on_time(struct loop_timer *timer, void *arg)
{
	struct ticket_keys	*t = arg;
	int		 fd = -1, r;

	(void)timer;
	if ((r = keyring_rotate(&t->ring)) != 0 || (r = keyring_memfd(&t->ring, &fd)) != 0) {
		log_warn(NULL, "TLS tickets: no new key: %s", err_text(r));
	} else {
		fd_close(&t->fd);
		t->fd = fd;
		for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
			if (t->m->workers[i].state == CHILD_READY || t->m->workers[i].state == CHILD_BOOTING)
				ticket_keys_send(t, &t->m->workers[i]);
	}
	wait_on(t);
}

int
ticket_keys_init(struct ticket_keys *t, struct master *m)
{
	int	r;

	*t = (struct ticket_keys){ .m = m, .fd = -1 };
	/* Tickets of the master before are good for as long as its keys are. */
	if (m->heir.is && m->heir.tickets != -1 && keyring_read(m->heir.tickets, &t->ring) == 0)
		r = 0;
	else
		r = keyring_make(&t->ring);
	if (r != 0 || (r = keyring_memfd(&t->ring, &t->fd)) != 0)
		return r;
	loop_timer_init(m->loop, &t->timer, on_time, t);
	wait_on(t);
	return 0;
}

void
ticket_keys_fini(struct ticket_keys *t)
{
	if (t->m == NULL)
		return;
	loop_timer_disarm(&t->timer);
	fd_close(&t->fd);
	explicit_bzero(&t->ring, sizeof(t->ring));
}

void
ticket_keys_changed(struct ticket_keys *t)
{
	loop_timer_disarm(&t->timer);
	wait_on(t);
}

void
ticket_keys_send(struct ticket_keys *t, struct child *c)
{
	struct msg_TICKET_KEYS	msg = { 0 };

	(void)child_send(c, MSG_TYPE_TICKET_KEYS, 0, &msg, &t->fd, 1);
}
