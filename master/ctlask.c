/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlask.c - commands of mcpgwctl that the workers answer: what runs, what is limited, what passes
 *
 * Process: master.
 * Owns:    nothing beyond the connection's.
 * Trusts:  nothing in the answers: they are passed on unread.
 */
#include <string.h>
#include <sysexits.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "master/ctlconn.h"
#include "master/master.h"

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

_Static_assert(MASTER_WORKERS_MAX <= 64, "a bit for each slot");

void
ctlask_workers(struct ctl_conn *c, uint32_t what, struct span request, bool all)
{
	const struct msg_WORKER_ASK	ask = { .what = what, .request = request };
	struct master			*m = c->s->m;

	c->ref = status_new_ref(&m->status);
	c->workers = 0;
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX && (all || c->workers == 0); i++)
		if (m->workers[i].state == CHILD_READY &&
		    child_send(&m->workers[i], MSG_TYPE_WORKER_ASK, c->ref, &ask, NULL, 0) == 0)
			c->workers |= UINT64_C(1) << i;
	if (c->workers == 0)
		ctl_refuse(c, EX_TEMPFAIL, "no worker is there now; try again");
	else
		c->wait = CTL_WAIT_WORKERS;
}

void
ctlask_approval(struct ctl_conn *c, const struct msg_CTL *b)
{
	const bool	list = b->command == CTLCMD_approval_list;

	/* Every worker hears of it before the operator is answered. */
	if (!list) {
		log_notice(NULL, "approval a-%.*s %s by uid %u", SPAN_FMT(span_part(b->a, 0, APPROVAL_DIGITS)),
		    b->command == CTLCMD_approval_approve ? "given" : "refused", c->uid);
		approvals_note(&c->s->m->approvals, b->a);
	}
	ctlask_workers(c, list ? WORKER_ASK_APPROVALS : WORKER_ASK_DECIDE, list ? SPAN_NONE : b->a, true);
}

static void
answered(struct ctl_conn *c, uint32_t slot)
{
	c->workers &= ~(UINT64_C(1) << slot);
	if (c->workers == 0)
		ctl_done(c, 0);
}

void
ctlask_on_says(struct ctl_conn *c, uint32_t slot, int fd, uint64_t bytes)
{
	const struct msg_CTL_LINES	lines = { .bytes = bytes };

	if ((c->workers & UINT64_C(1) << slot) == 0)
		return;
	(void)ctl_send(c, MSG_TYPE_CTL_LINES, &lines, &fd, 1);
	answered(c, slot);
}

void
ctlask_on_worker_death(struct ctl_conn *c, uint32_t slot)
{
	if ((c->workers & UINT64_C(1) << slot) != 0)
		answered(c, slot);
}

void
ctlask_trace(struct ctl_conn *c, const struct chan_msg *msg)
{
	const struct span	 args = msg->body->CTL_FD.arguments;
	const char		*nul = args.n == 0 ? NULL : memchr(args.p, '\0', args.n);
	struct msg_TRACE	 trace;
	struct master		*m = c->s->m;
	uint32_t		 count = 0;

	if (nul == NULL || args.p[args.n - 1] != '\0' || nul == args.p + args.n - 1) {
		ctl_refuse(c, EX_PROTOCOL, "malformed arguments");
		return;
	}
	trace = (struct msg_TRACE){ .agent = span_part(args, 0, (size_t)(nul - args.p)),
	    .server = span_of(nul + 1) };
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		count += m->workers[i].state == CHILD_READY &&
		    child_send(&m->workers[i], MSG_TYPE_TRACE, 0, &trace, &msg->fds[0], 1) == 0;
	if (count == 0)
		ctl_refuse(c, EX_TEMPFAIL, "no worker is there now; try again");
	else
		ctl_done(c, 0);
}
