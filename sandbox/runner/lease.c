/* SPDX-License-Identifier: Apache-2.0
 *
 * lease.c - which calls a tool works on, and whose message it is that names none (mcp-wire 14.8)
 *
 * Process: mcpgw-runner.  Owns: the counts of an instance, who holds its lease, what is learnt.
 * Trusts:  nothing; a tool may go on with a call that was given up, so that call counts for a while.
 *
 * What waits is put at the end of the turn, never from within the leaving of another call: that may
 * happen in the middle of a walk over the instance's calls.
 */
#include "lib/bug.h"
#include "mcp/capability.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/instance_priv.h"
#include "mcp/learn.h"
#include "sandbox/runner/lease.h"

/* Only a legacy tool asks by itself, and only clients that can be asked. */
static bool
leased(const struct instance *i)
{
	return !i->modern && (i->capabilities & MCP_CAN_BE_ASKED) != 0;
}

void
lease_kick(struct instance *i)
{
	if (i->lease.waiting == 0 && i->lease.lent == 0)
		return;
	i->lease.kick = true;
	i->server->r->kick = true;
	runner_wrote(i->server->r);
}

static void
lease_on_linger(struct loop_timer *t, void *arg)
{
	(void)t;
	lease_kick(arg);
}

/* The holder's client is being asked, and takes its time. */
static void
lease_on_lend(struct loop_timer *t, void *arg)
{
	struct instance	*i = arg;
	struct lease	*l = &i->lease;

	(void)t;
	if (l->holder == NULL || l->holder->ask_count == 0)
		return;
	l->holder->lent = true;
	l->holder = NULL;
	l->lent++;
	lease_kick(i);
	instance_kick_others(i);
}

void
lease_init(struct instance *i)
{
	loop_timer_init(i->server->r->loop, &i->lease.lend, lease_on_lend, i);
	loop_timer_init(i->server->r->loop, &i->lease.linger, lease_on_linger, i);
}

void
lease_fini(struct instance *i)
{
	loop_timer_disarm(&i->lease.linger);
	loop_timer_disarm(&i->lease.lend);
}

/* --- going --------------------------------------------------------------------------------------- */

static bool
is_quiet(const struct instance *i, struct call *c)
{
	if (c->name_hash == 0)
		c->name_hash = learn_hash(span_make(c->body + c->method_span.at, c->method_span.bytes),
		    span_make(c->body + c->name_span.at, c->name_span.bytes));
	return learn_find(i->server->learnt, c->name_hash) == LEARNT_QUIET;
}

static bool
may_go(const struct instance *i, struct call *c)
{
	const struct lease	*l = &i->lease;

	if (instance_others_work(i))
		return false;
	if (!leased(i))
		return true;
	return is_quiet(i, c) ? l->holder == NULL : l->out == l->lent && !l->linger.armed;
}

static void
go(struct instance *i, struct call *c)
{
	if (leased(i) && !is_quiet(i, c))
		i->lease.holder = c;
	c->out = true;
	i->lease.out++;
}

bool
lease_take(struct instance *i, struct call *c)
{
	if (c->list)
		return true;
	if (i->lease.waiting > 0 || !may_go(i, c)) {
		c->waits = true;
		i->lease.waiting++;
		return false;
	}
	go(i, c);
	return true;
}

void
lease_pump(struct instance *i)
{
	struct call	*c, *next;

	if (!i->lease.kick || i->dead || i->state != INSTANCE_UP)
		return;
	i->lease.kick = false;
	/* Who lent it comes first, in order of arrival. */
	for (c = i->calls; c != NULL && i->lease.out == i->lease.lent && i->lease.lent > 0 &&
	    !instance_others_work(i); c = next) {
		next = c->next;
		if (c->lent && ask_has_held(i, c)) {
			c->lent = false;
			i->lease.lent--;
			i->lease.holder = c;
			ask_give_held(i, c);
		}
	}
	for (c = i->calls; c != NULL && i->lease.waiting > 0; c = next) {
		next = c->next;
		if (!c->waits)
			continue;
		if (!may_go(i, c))
			return;
		c->waits = false;
		i->lease.waiting--;
		go(i, c);
		instance_put(i, c);
	}
}

void
lease_sent(struct instance *i, struct call *c)
{
	if (!c->out)
		return;
	i->lease.sent++;
	i->lease.all_ask = false;
}

/* --- coming back --------------------------------------------------------------------------------- */

void
lease_answered(struct instance *i, struct call *c, const struct line *answer)
{
	/* One that failed might have asked if it had come further. */
	if (c->out && leased(i) && !c->asked && !answer->msg.is_error &&
	    answer->msg.is_error_value.type != JSON_TRUE)
		learn_note(&i->server->learnt, c->name_hash, LEARNT_QUIET);
}

void
lease_leave(struct instance *i, struct call *c)
{
	struct lease	*l = &i->lease;

	if (c->waits) {
		c->waits = false;
		l->waiting--;
		lease_kick(i);
	}
	if (!c->out)
		return;
	c->out = false;
	BUG_ON(l->out == 0 || (c->state == CALL_SENT && l->sent == 0));
	l->out--;
	l->sent -= c->state == CALL_SENT;
	l->lent -= c->lent;
	c->lent = false;
	if (l->holder == c)
		l->holder = NULL;
	lease_kick(i);
	instance_kick_others(i);
}

void
lease_given_up(struct instance *i, struct call *c)
{
	if (!c->out)
		return;
	i->lease.given_up = c->id;
	loop_timer_arm(&i->lease.linger, LEASE_LINGER_MS);
}

void
lease_late_answer(struct instance *i, uint64_t id)
{
	if (id != i->lease.given_up)
		return;
	loop_timer_disarm(&i->lease.linger);
	lease_kick(i);
}

/* --- whose --------------------------------------------------------------------------------------- */

struct call *
lease_owner(const struct instance *i)
{
	const struct lease	*l = &i->lease;
	struct call		*c;

	if (l->holder != NULL)
		return l->holder->state == CALL_SENT ? l->holder : NULL;
	/* One that lent it is at work too, if nobody took it. */
	if (l->linger.armed || (l->sent - l->lent != 1 && l->sent != 1))
		return NULL;
	for (c = i->calls; c != NULL; c = c->next)
		if (c->out && c->state == CALL_SENT && (!c->lent || l->sent == 1))
			break;
	return c;
}

void
lease_asks(struct instance *i, struct call *c)
{
	c->asked = true;
	learn_note(&i->server->learnt, c->name_hash, LEARNT_ASKS);
	if (i->lease.out - i->lease.lent == 1)
		i->lease.holder = c;
	if (i->lease.holder == c)
		loop_timer_arm(&i->lease.lend, LEASE_LEND_MS);
}

void
lease_reply_came(struct instance *i)
{
	lease_kick(i);
}

void
lease_unclear(struct instance *i)
{
	if (i->lease.all_ask || i->lease.sent == 0)
		return;
	for (struct call *c = i->calls; c != NULL; c = c->next) {
		if (!c->out || c->state != CALL_SENT || c->lent)
			continue;
		c->asked = true;
		learn_note(&i->server->learnt, c->name_hash, LEARNT_ASKS);
	}
	i->lease.all_ask = true;
}
