/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlupgrade.c - mcpgwctl upgrade and drain
 *
 * Process: master.  Owns: nothing.  Trusts: ctlsock.c, which has checked who asks.
 */
#include "lib/log.h"
#include "master/ctlconn.h"
#include "master/master.h"

void
ctlupgrade_run(struct ctl_conn *c, const struct msg_CTL *b)
{
	if (b->n == UPGRADE_ASK_STATUS) {
		upgrade_report(c->s->m, c);
		ctl_done(c, 0);
		return;
	}
	log_notice(NULL, "mcpgwctl upgrade by uid %u", c->uid);
	upgrade_begin(c->s->m, c);
}

/* Whoever starts later is told at its READY. */
void
ctlupgrade_drain(struct ctl_conn *c, bool hold)
{
	struct master	*m = c->s->m;

	log_notice(NULL, "mcpgwctl drain%s by uid %u", hold ? "" : " --undo", c->uid);
	m->holds = hold;
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		hold_tell(&m->workers[i]);
	hold_tell(&m->admin);
	ctl_done(c, 0);
}
