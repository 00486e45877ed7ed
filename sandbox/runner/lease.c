/* SPDX-License-Identifier: Apache-2.0
 *
 * lease.c - which calls a tool works on, and whose message it is that names none (mcp-wire 14.8)
 *
 * Process: mcpgw-runner.  Owns: the counts of an instance.
 * Trusts:  nothing; a tool may go on with a call that was given up, so that call counts for a while.
 */
#include "lib/bug.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/lease.h"

static bool
lingers(const struct instance *i)
{
	return i->lease.given_up != 0 && loop_now_ms(i->server->r->loop) < i->lease.linger_ms;
}

void
lease_go(struct instance *i, struct call *c)
{
	if (c->list)
		return;
	c->out = true;
	i->lease.out++;
}

void
lease_sent(struct instance *i, struct call *c)
{
	if (c->out)
		i->lease.sent++;
}

void
lease_leave(struct instance *i, struct call *c)
{
	struct lease	*l = &i->lease;

	if (!c->out)
		return;
	c->out = false;
	BUG_ON(l->out == 0 || (c->state == CALL_SENT && l->sent == 0));
	l->out--;
	l->sent -= c->state == CALL_SENT;
}

void
lease_given_up(struct instance *i, struct call *c)
{
	if (!c->out)
		return;
	i->lease.given_up = c->id;
	i->lease.linger_ms = loop_now_ms(i->server->r->loop) + LEASE_LINGER_MS;
}

void
lease_late_answer(struct instance *i, uint64_t id)
{
	if (id == i->lease.given_up)
		i->lease.given_up = 0;
}

struct call *
lease_owner(const struct instance *i)
{
	struct call	*c;

	if (i->lease.sent != 1 || lingers(i))
		return NULL;
	for (c = i->calls; c != NULL; c = c->next)
		if (c->out && c->state == CALL_SENT)
			break;
	return c;
}
