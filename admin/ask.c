/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.c - the master is asked how the gateway is, when somebody wants to know
 *
 * Process: mcpgw-admin.
 * Owns:    a reference on the exchange of each request that waits.
 * Trusts:  the master.
 *
 * There is one question at a time, whatever comes in, so clients cost the master next to nothing.
 */
#include "admin/admin.h"
#include "lib/log.h"

#define PATIENCE_MS	1000

struct waiting {		/* in the exchange's arena */
	struct exchange	*x;
	ask_fn		*fn;
	struct waiting	*next;
};

static void
ask_over(struct admin *a, bool known)
{
	struct waiting	*w = a->waiting, *next;

	a->asking = false;
	a->waiting = NULL;
	a->view.known = known;
	loop_timer_disarm(&a->patience);
	for (; w != NULL; w = next) {
		struct exchange	*x = w->x;

		next = w->next;
		if (!exchange_is_gone(x))
			w->fn(a, x);
		exchange_unref(&x);
	}
}

static void
on_patience_over(struct loop_timer *t, void *arg)
{
	(void)t;
	log_warn_repeat(NULL, "the master does not say how the gateway is");
	ask_over(arg, false);
}

void
ask_init(struct admin *a)
{
	loop_timer_init(a->loop, &a->patience, on_patience_over, a);
}

void
ask_then(struct admin *a, struct exchange *x, ask_fn *fn)
{
	struct waiting		*w = arena_calloc(&x->arena, sizeof(*w));
	struct msg_ADMIN_ASK	 ask = { 0 };

	if (w == NULL) {
		exchange_refuse(x, E_NOMEM, NULL, 0);
		return;
	}
	*w = (struct waiting){ x, fn, a->waiting };
	a->waiting = w;
	exchange_ref(x);
	if (a->asking)
		return;
	a->asking = true;
	a->hearing = (struct view){ .known = true };
	loop_timer_arm(&a->patience, PATIENCE_MS);
	if (chan_send(&a->master, MSG_TYPE_ADMIN_ASK, 0, &ask, NULL, 0) != 0)
		ask_over(a, false);
}

void
ask_heard(struct admin *a, const struct chan_msg *m)
{
	const union msg_any	*b = m->body;
	struct view		*v = &a->hearing;

	if (m->type == MSG_TYPE_ADMIN_ROLE && b->ADMIN_ROLE.role < ROLE_LIMIT) {
		v->processes[b->ADMIN_ROLE.role] = b->ADMIN_ROLE.processes;
		v->deaths[b->ADMIN_ROLE.role] = b->ADMIN_ROLE.deaths;
	} else if (m->type == MSG_TYPE_ADMIN_SERVERS && b->ADMIN_SERVERS.state < SERVER_STATE_LIMIT) {
		v->servers[b->ADMIN_SERVERS.state] = b->ADMIN_SERVERS.servers;
	} else if (m->type == MSG_TYPE_ADMIN_BREAKERS) {
		v->breakers_open = b->ADMIN_BREAKERS.open;
	} else if (m->type == MSG_TYPE_ADMIN_STATE) {
		v->start_ms = b->ADMIN_STATE.start_ms;
		v->up_ms = b->ADMIN_STATE.up_ms;
		v->generation = b->ADMIN_STATE.generation;
		v->workers = b->ADMIN_STATE.workers;
		v->serving = b->ADMIN_STATE.serving;
		v->audit_behind = b->ADMIN_STATE.audit_behind;
		a->view = *v;
		/* One that comes after its patience is over is news all the same. */
		if (a->asking)
			ask_over(a, true);
	}
}

void
ask_stop(struct admin *a)
{
	ask_over(a, false);
}
