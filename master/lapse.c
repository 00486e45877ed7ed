/* SPDX-License-Identifier: Apache-2.0
 *
 * lapse.c - servers that are switched off for a time, and the end of it
 *
 * Process: master.
 * Owns:    the timer to the next end.
 * Trusts:  the policy in force, which says until when; the compiler decides what is over.
 *
 * The clock may be set, so it is looked at again now and then.  Files that do not compile at the end keep the server
 * off, and are tried again.
 */
#include "lib/log.h"
#include "master/master.h"
#include "policy/records.h"

#define LOOK_MS		(10 * 60 * 1000)

/* The first end in the policy, by the wall clock; 0: there is none. */
static uint64_t
first_end(const struct snap *policy)
{
	const struct rec_server	*s;
	uint64_t		 first = 0;

	for (uint64_t i = 0; policy != NULL && (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->disabled_until_ms != 0 && (first == 0 || s->disabled_until_ms < first))
			first = s->disabled_until_ms;
	return first;
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	struct lapse	*l = arg;
	const uint64_t	 end = first_end(l->m->policy);

	/* After a rollback the files are for the operator to read again. */
	if (end == 0 || l->m->rollback.to != 0)
		return;
	if (end > loop_wall_ms(l->m->loop)) {
		lapse_look(l);
		return;
	}
	loop_timer_arm(t, LOOK_MS);
	log_notice(NULL, "the time for which a server was switched off is over; the configuration is read again");
	reload_request(&l->m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_TIME, 0 }, NULL);
}

void
lapse_init(struct lapse *l, struct master *m)
{
	*l = (struct lapse){ .m = m };
	loop_timer_init(m->loop, &l->timer, on_timer, l);
}

void
lapse_fini(struct lapse *l)
{
	loop_timer_disarm(&l->timer);
}

void
lapse_look(struct lapse *l)
{
	const uint64_t	end = first_end(l->m->policy), now = loop_wall_ms(l->m->loop);

	loop_timer_disarm(&l->timer);
	if (end != 0)
		loop_timer_arm(&l->timer, end <= now ? 0 : end - now < LOOK_MS ? end - now : LOOK_MS);
}
