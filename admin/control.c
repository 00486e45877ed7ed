/* SPDX-License-Identifier: Apache-2.0
 *
 * control.c - the master's channel: birth, snapshots, the end
 *
 * Process: mcpgw-admin.  Owns: the channel; when and how the process ends.
 * Trusts:  the master; ipc/chan.c has checked that each message may come now.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "admin/admin.h"
#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/confine.h"

#define ORPHAN_MS	1500	/* the master died: two seconds in all */

/* --- snapshots ------------------------------------------------------------------------------------ */

static void
apply_params(struct admin *a)
{
	const struct params	*p = &a->params;

	conn_set_params(a->conns, &(struct conn_params){ .head_timeout_ms = p->head_timeout,
	    .body_timeout_ms = p->body_timeout, .idle_timeout_ms = p->idle_timeout,
	    .write_timeout_ms = p->write_timeout, .max_connections = p->max_connections,
	    .max_address = p->max_connections_address, .memory = p->connection_memory,
	    .write_least = p->write_rate * p->write_timeout / 1000 });
	log_set_level((enum log_level)(LOG_LEVEL_ERR + p->log_level));
}

static int
take_snapshot(struct admin *a, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct snap	*before = swap_hold(&a->snaps, (enum snap_kind)m->kind);
	struct params	 params;
	int		 r;

	if (m->kind != SNAP_POLICY && m->kind != SNAP_KEYS)
		r = E_FORMAT;
	else
		r = swap_offer(&a->snaps, fd, m->kind, m->generation, m->length);
	if (r == 0 && m->kind == SNAP_POLICY) {
		if ((r = params_load(a->snaps.current[SNAP_POLICY], &params)) == 0) {
			a->params = params;
			apply_params(a);
		} else {
			swap_restore(&a->snaps, SNAP_POLICY, &before);
		}
	}
	snap_release(&before);
	return r;
}

static void
on_snapshot(struct admin *a, const struct chan_msg *m)
{
	chan_answer_offer(&a->master, m, take_snapshot(a, &m->body->SNAPSHOT_OFFER, m->fds[0]));
}

/* --- birth ---------------------------------------------------------------------------------------- */

static void
on_region(struct admin *a, const struct chan_msg *m)
{
	int	r;

	if (m->body->REGION.kind != REGION_METRICS)
		return;
	if ((r = region_map_read(m->fds[0], REGION_METRICS, &a->metrics)) != 0)
		fatal(EX_SOFTWARE, "shared memory %s: %s", region_name(REGION_METRICS), err_text(r));
}

static void
on_listen(struct admin *a, const struct chan_msg *m)
{
	int	fd = m->fds[0], r;

	m->fds[0] = -1;
	if (a->ready) {
		if ((r = accept_add(a->accept, fd, LISTEN_ADMIN, m->body->LISTEN.number)) != 0)
			log_warn(NULL, "listener: %s", err_text(r));
		return;
	}
	fd_close(&a->listen_fd);
	a->listen_fd = fd;
	a->listen_number = m->body->LISTEN.number;
}

static void
on_go(struct admin *a)
{
	int	r;

	if (a->snaps.current[SNAP_POLICY] == NULL || a->metrics.slots == NULL || a->listen_fd == -1)
		fatal(EX_SOFTWARE, "the master sent GO before a policy, the metrics and a listener");
	if ((r = crypt_prepare()) != 0)
		fatal(EX_OSERR, "libcrypto: %s", err_text(r));
	if ((r = confine_process(CONFINE_ADMIN, NULL, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
	if ((r = accept_add(a->accept, a->listen_fd, LISTEN_ADMIN, a->listen_number)) != 0)
		fatal(EX_OSERR, "listener: %s", err_text(r));
	a->listen_fd = -1;
	life_begin(&a->master, snap_head(a->snaps.current[SNAP_POLICY])->generation);
	a->ready = true;
}

/* --- the end -------------------------------------------------------------------------------------- */

static void
on_leave(struct loop_timer *t, void *arg)
{
	struct admin	*a = arg;

	(void)t;
	loop_stop(a->loop);
}

static void
drain(struct admin *a, uint64_t within_ms)
{
	if (a->draining)
		return;
	a->draining = true;
	accept_stop(a->accept);
	conn_set_drain(a->conns);
	loop_timer_arm(&a->leave, within_ms);
}

/* No connections any more; each that there is may have one more answer. */
static void
retire(struct admin *a, uint64_t within_ms)
{
	if (a->draining || a->retiring)
		return;
	a->retiring = true;
	accept_stop(a->accept);
	conn_set_retire(a->conns);
	loop_timer_arm(&a->leave, within_ms);
}

void
control_settle(struct admin *a)
{
	if ((a->draining || a->retiring) && conn_set_count(a->conns)->open == 0)
		loop_stop(a->loop);
}

static void
on_master_gone(struct chan *c, int why, void *arg)
{
	struct admin	*a = arg;

	(void)c;
	if (!a->ready)
		exit(EX_UNAVAILABLE);
	log_notice(NULL, "the master is gone (%s): leaving", err_text(why));
	drain(a, ORPHAN_MS);
	ask_stop(a);
}

/* --- all of it ------------------------------------------------------------------------------------ */

static void
on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct admin	*a = arg;

	if (life_heard(c, m))
		return;
	switch (m->type) {
	case MSG_TYPE_BOOT:
		a->personal = (m->body->BOOT.flags & BOOT_FLAG_PERSONAL) != 0;
		birth_log_level(m->body->BOOT.flags);
		break;
	case MSG_TYPE_REGION:
		on_region(a, m);
		break;
	case MSG_TYPE_LISTEN:
		on_listen(a, m);
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		on_snapshot(a, m);
		break;
	case MSG_TYPE_GO:
		on_go(a);
		break;
	case MSG_TYPE_ADMIN_ROLE:
	case MSG_TYPE_ADMIN_SERVERS:
	case MSG_TYPE_ADMIN_BREAKERS:
	case MSG_TYPE_ADMIN_STATE:
		ask_heard(a, m);
		break;
	case MSG_TYPE_LISTEN_OVER:
		accept_drop(a->accept, m->body->LISTEN_OVER.number);
		break;
	case MSG_TYPE_RETIRE:
		if (m->body->RETIRE.what == RETIRE_LEAVE)
			retire(a, m->body->RETIRE.within_ms);
		else
			a->holds = m->body->RETIRE.what == RETIRE_HOLD;
		break;
	case MSG_TYPE_DRAIN:
		drain(a, m->body->DRAIN.within_ms);
		break;
	default:
		break;		/* the table allows it to children; it means nothing here */
	}
}

int
control_init(struct admin *a)
{
	loop_timer_init(a->loop, &a->leave, on_leave, a);
	return chan_init(&a->master, a->loop, HERITAGE_CONTROL, ROLE_ADMIN, ROLE_MASTER, on_master, on_master_gone, a);
}

void
control_fini(struct admin *a)
{
	loop_timer_disarm(&a->leave);
	life_end(&a->master, a->exit_code);
}
