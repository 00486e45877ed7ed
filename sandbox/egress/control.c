/* SPDX-License-Identifier: Apache-2.0
 *
 * control.c - the master's channel: birth, snapshots, links, the end
 *
 * Process: mcpgw-egress.  Owns: the channel; when and how the process ends.
 * Trusts:  the master; ipc/chan.c has checked that each message may come now.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/params.h"
#include "sandbox/confine.h"
#include "sandbox/egress/control.h"
#include "sandbox/egress/spawners.h"

#define BEFORE_MS	15000	/* as long as a jail can be on its way that was planned by the policy before */

/* --- the audit ------------------------------------------------------------------------------------ */

static void
on_want_segment(uint32_t number, void *arg)
{
	struct egress	*e = arg;

	if (chan_send(&e->master, MSG_TYPE_SEGMENT_WANTED, 0, &(struct msg_SEGMENT_WANTED){ number, 0 }, NULL, 0) != 0)
		spool_no_segment(e->spool, number);
}

/* Connections wait for their record's write, and are looked at after it: conns_dispatch(). */
static void
on_not_kept(uint64_t first_seq, void *arg)
{
	(void)first_seq;
	(void)arg;
	log_warn_repeat(NULL, "audit: writing a segment failed; tools' connections are refused until it works");
}

const struct spool_ops control_spool_ops = { on_want_segment, on_not_kept };

/* --- the policy ----------------------------------------------------------------------------------- */

static void
apply_params(struct egress *e, const struct params *p)
{
	e->connect_ms = p->connect_timeout;
	spool_set_continue(e->spool, p->audit_on_error == AUDIT_ON_ERROR_CONTINUE);
	log_set_level((enum log_level)(LOG_LEVEL_ERR + p->log_level));
	if (resolver_set_servers(e->resolver, p->egress_dns) != 0)
		log_err(NULL, "egress_dns = %.*s: want ADDRESS:PORT, separated by blanks; those before are asked",
		    SPAN_FMT(p->egress_dns));
}

static int
take_snapshot(struct egress *e, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct snap	*before = swap_hold(&e->snaps, SNAP_POLICY);
	struct params	 params;
	int		 r;

	r = m->kind != SNAP_POLICY ? E_FORMAT : swap_offer(&e->snaps, fd, m->kind, m->generation, m->length);
	if (r == 0 && (r = params_load(e->snaps.current[SNAP_POLICY], &params)) != 0)
		swap_restore(&e->snaps, SNAP_POLICY, &before);
	if (r != 0) {
		snap_release(&before);
		return r;
	}
	snap_release(&e->before);
	e->before = before;
	e->before_until_ms = loop_now_ms(e->loop) + BEFORE_MS;
	apply_params(e, &params);
	spawners_policy(e);
	return 0;
}

static void
on_snapshot(struct egress *e, const struct chan_msg *m)
{
	chan_answer_offer(&e->master, m, take_snapshot(e, &m->body->SNAPSHOT_OFFER, m->fds[0]));
}

void
control_tick(struct egress *e)
{
	if (loop_now_ms(e->loop) >= e->before_until_ms)
		snap_release(&e->before);
}

/* --- birth ---------------------------------------------------------------------------------------- */

static void
on_boot(struct egress *e, const struct msg_BOOT *m)
{
	requestid_init(&e->ids, m->slot, m->incarnation, loop_wall_ms(e->loop));
	birth_log_level(m->flags);
}

/* Whose connections wait already, since this is not the first of us, shall find a place for their records. */
static void
say_ready(struct egress *e)
{
	life_begin(&e->master, snap_head(e->snaps.current[SNAP_POLICY])->generation);
	e->ready = true;
}

static void
on_go(struct egress *e)
{
	int	r;

	if (e->snaps.current[SNAP_POLICY] == NULL)
		fatal(EX_SOFTWARE, "the master sent GO before a policy");
	if ((r = confine_process(CONFINE_EGRESS, NULL, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
	e->confined = true;
	if (e->asked)
		say_ready(e);
}

static void
on_segment_answer(struct egress *e)
{
	e->asked = true;
	if (e->confined && !e->ready)
		say_ready(e);
}

/* --- the end -------------------------------------------------------------------------------------- */

static void
on_leave(struct loop_timer *t, void *arg)
{
	struct egress	*e = arg;

	(void)t;
	loop_stop(e->loop);
}

static void
drain(struct egress *e, uint64_t within_ms)
{
	if (e->draining)
		return;
	e->draining = true;
	spawners_stop(e);
	loop_timer_arm(&e->leave, within_ms);
}

void
control_settle(struct egress *e)
{
	if (e->draining && e->conn_count == 0)
		loop_stop(e->loop);
}

/* The lifeline: nobody would close what tools have open, so it ends at once. */
static void
on_master_gone(struct chan *c, int why, void *arg)
{
	struct egress	*e = arg;

	(void)c;
	if (!e->ready)
		exit(EX_UNAVAILABLE);
	log_notice(NULL, "the master is gone (%s): leaving", err_text(why));
	loop_stop(e->loop);
}

/* --- all of it ------------------------------------------------------------------------------------ */

static void
on_link(struct egress *e, const struct chan_msg *m)
{
	int	r;

	if (e->draining)
		return;
	if ((r = spawner_attach(e, m->body->EGRESS_LINK.tenant, &m->fds[0])) != 0)
		log_warn(NULL, "the link to the spawner of \"%.*s\" is not made: %s",
		    SPAN_FMT(m->body->EGRESS_LINK.tenant), err_text(r));
}

static void
on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct egress	*e = arg;
	int		 fd;

	if (life_heard(c, m))
		return;
	switch (m->type) {
	case MSG_TYPE_BOOT:
		on_boot(e, &m->body->BOOT);
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		on_snapshot(e, m);
		break;
	case MSG_TYPE_GO:
		on_go(e);
		break;
	case MSG_TYPE_SEGMENT:
		fd = m->fds[0];
		m->fds[0] = -1;
		spool_add_segment(e->spool, fd, m->body->SEGMENT.number);
		on_segment_answer(e);
		break;
	case MSG_TYPE_SEGMENT_NONE:
		log_err(NULL, "audit: no segment: %.*s", SPAN_FMT(m->body->SEGMENT_NONE.why));
		spool_no_segment(e->spool, m->body->SEGMENT_NONE.number);
		on_segment_answer(e);
		break;
	case MSG_TYPE_EGRESS_LINK:
		on_link(e, m);
		break;
	case MSG_TYPE_EGRESS_LEARNT:
		spawners_learnt(e, &m->body->EGRESS_LEARNT);
		break;
	case MSG_TYPE_DRAIN:
		drain(e, m->body->DRAIN.within_ms);
		break;
	default:
		break;		/* the table allows it to children; it means nothing here */
	}
}

int
control_init(struct egress *e)
{
	loop_timer_init(e->loop, &e->leave, on_leave, e);
	return chan_init(&e->master, e->loop, HERITAGE_CONTROL, ROLE_EGRESS, ROLE_MASTER, on_master, on_master_gone, e);
}

void
control_fini(struct egress *e)
{
	loop_timer_disarm(&e->leave);
	life_end(&e->master, e->exit_code);
}
