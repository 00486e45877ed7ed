/* SPDX-License-Identifier: Apache-2.0
 *
 * learn.c - servers that are being learnt, for a time
 *
 * Process: master.
 * Owns:    their names; the timer to the next end.
 * Trusts:  the operator; whether there are such servers is the compiler's to know.
 *
 * It ends by itself, also when nothing else happens: the policy names the end, by which mcpgw-egress goes, and which it
 * is told too, because clocks are set and files may not compile; a reload without it then gives the tools back the
 * jails they had.  A restart ends it too.
 */
#include <string.h>

#include "lib/log.h"
#include "master/master.h"

static void
tell_over(struct learn *l, const struct learner *one)
{
	struct child		*egress = &l->m->egress;
	struct msg_EGRESS_LEARNT m = { .tenant = span_of(one->tenant), .server = span_of(one->server),
	    .until_ms = one->until_ms };

	/* Another one is told when it is ready. */
	if (egress->state == CHILD_READY)
		(void)child_send(egress, MSG_TYPE_EGRESS_LEARNT, 0, &m, NULL, 0);
}

static void
forget(struct learn *l, size_t i)
{
	struct learner	*over = &l->ended[l->ended_next++ % LEARN_MAX];

	*over = l->all[i];
	l->all[i] = l->all[--l->count];
	tell_over(l, over);
}

static void
arm(struct learn *l)
{
	uint64_t	now = loop_now_ms(l->m->loop), next = UINT64_MAX;

	loop_timer_disarm(&l->over);
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i].ends_ms < next)
			next = l->all[i].ends_ms;
	if (next != UINT64_MAX)
		loop_timer_arm(&l->over, next > now ? next - now : 0);
}

static void
on_over(struct loop_timer *t, void *arg)
{
	struct learn	*l = arg;
	uint64_t	 now = loop_now_ms(l->m->loop);
	bool		 ended = false;

	(void)t;
	for (size_t i = l->count; i > 0; i--) {
		if (l->all[i - 1].ends_ms > now)
			continue;
		log_notice(LOG_SUBJECT("server", l->all[i - 1].server),
		    "learning is over; the configuration is read again, for the jails its tools had");
		forget(l, i - 1);
		ended = true;
	}
	arm(l);
	/* After a rollback the files are for the operator to read again; mcpgw-egress knows that it is over. */
	if (ended && l->m->rollback.to == 0)
		reload_request(&l->m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_TIME, 0 }, NULL);
}

void
learn_init(struct learn *l, struct master *m)
{
	*l = (struct learn){ .m = m };
	loop_timer_init(m->loop, &l->over, on_over, l);
}

void
learn_fini(struct learn *l)
{
	loop_timer_disarm(&l->over);
}

static size_t
find(const struct learn *l, struct span tenant, struct span server)
{
	size_t	i = 0;

	while (i < l->count && !(span_is(tenant, l->all[i].tenant) && span_is(server, l->all[i].server)))
		i++;
	return i;
}

int
learn_begin(struct learn *l, struct span tenant, struct span server, uint64_t for_ms)
{
	struct learner	*one;
	size_t		 i;

	if (for_ms == 0 || for_ms > LEARN_FOR_MAX_MS)
		return E_RANGE;
	if (tenant.n == 0 || tenant.n >= sizeof(one->tenant) || server.n == 0 || server.n >= sizeof(one->server))
		return E_FORMAT;
	if ((i = find(l, tenant, server)) == LEARN_MAX)
		return E_FULL;
	one = &l->all[i];
	if (i == l->count) {
		l->count++;
		*one = (struct learner){ .until_ms = 0 };
		memcpy(one->tenant, tenant.p, tenant.n);
		memcpy(one->server, server.p, server.n);
	}
	one->until_ms = loop_wall_ms(l->m->loop) + for_ms;
	one->ends_ms = loop_now_ms(l->m->loop) + for_ms;
	log_notice(LOG_SUBJECT("server", one->server), "learning: public hosts pass for %llu s",
	    (unsigned long long)for_ms / 1000);
	arm(l);
	return 0;
}

bool
learn_end(struct learn *l, struct span tenant, struct span server)
{
	size_t	i = find(l, tenant, server);

	if (i == l->count)
		return false;
	forget(l, i);
	arm(l);
	return true;
}

void
learn_tell(struct learn *l, struct child *compiler)
{
	for (size_t i = 0; i < l->count; i++) {
		struct msg_COMPILE_LEARN m = { .tenant = span_of(l->all[i].tenant),
		    .server = span_of(l->all[i].server), .until_ms = l->all[i].until_ms };

		(void)child_send(compiler, MSG_TYPE_COMPILE_LEARN, 0, &m, NULL, 0);
	}
}

void
learn_tell_egress(struct learn *l)
{
	for (size_t i = 0; i < LEARN_MAX && i < l->ended_next; i++)
		tell_over(l, &l->ended[i]);
}
