/* SPDX-License-Identifier: Apache-2.0
 *
 * reload.c - compile, verify, put in force, wait until every worker has it
 *
 * Process: master.
 * Owns:    the one run there is, and the list of those who wait for it.
 * Trusts:  compile.c's verification; a worker's "in force" only for what it tells the operator.
 *
 * Any failure before reload_put_in_force() leaves everything as it was.
 */
#include <stdio.h>
#include <sysexits.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"

#define OFFER_MS	10000		/* until all workers are expected to have it */
#define KEYS_FIRST_MS	1000		/* and twice as long each time, */
#define KEYS_MOST_MS	60000		/* until the keys are as the store has them */

static void reload_begin(struct reload *r);

static void
on_keys_again(struct loop_timer *t, void *arg)
{
	struct reload	*r = arg;

	(void)t;
	reload_request(r, COMPILE_KEYS, (struct reload_by){ GENERATION_BY_TIME, 0 }, NULL);
}

void
reload_init(struct reload *r, struct master *m)
{
	*r = (struct reload){ .m = m, .dump = -1 };
	loop_timer_init(m->loop, &r->keys_again, on_keys_again, r);
}

void
reload_fini(struct reload *r)
{
	loop_timer_disarm(&r->limit);
	loop_timer_disarm(&r->keys_again);
	fd_close(&r->dump);
}

static void
reload_note(struct reload *r, unsigned level, struct span line)
{
	struct reload_waiter	*w, *next;

	if (level <= LOG_LEVEL_ERR && r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%.*s", SPAN_FMT(line));
	log_write(level <= LOG_LEVEL_ERR ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING, NULL, "%.*s",
	    SPAN_FMT(line));
	for (w = r->now; w != NULL; w = next) {
		next = w->next;
		w->on_note(w, level, line);
	}
}

static void __attribute__((format(printf, 3, 4)))
reload_say(struct reload *r, unsigned level, const char *fmt, ...)
{
	char	line[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	reload_note(r, level, span_of(line));
}

static uint32_t
workers_with(const struct reload *r)
{
	const struct master	*m = r->m;
	uint32_t		 n = 0;

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++) {
		const struct child	*c = &m->workers[i];
		bool			 has = c->state == CHILD_READY;

		for (unsigned kind = 1; kind < SNAP_KIND_LIMIT; kind++)
			if ((r->kinds & 1u << kind) != 0 && c->in_force[kind] < r->generation)
				has = false;
		n += has;
	}
	return n;
}

/* For those who ask a worker how the configuration does. */
static void
tell_refused(struct reload *r)
{
	struct master			*m = r->m;
	struct msg_RELOAD_REFUSED	 msg = { .wall_ms = loop_wall_ms(m->loop), .why = span_of(r->why) };

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].state == CHILD_READY)
			(void)child_send(&m->workers[i], MSG_TYPE_RELOAD_REFUSED, 0, &msg, NULL, 0);
}

/* A key that was revoked must not work on because a compiler died: whoever revoked it was told, and may have gone. */
static void
keys_look(struct reload *r)
{
	if ((r->what & COMPILE_KEYS) == 0)
		return;
	loop_timer_disarm(&r->keys_again);
	if (r->state == RELOAD_OFFERED) {
		r->keys_wait_ms = 0;
		return;
	}
	r->keys_wait_ms = r->keys_wait_ms == 0 ? KEYS_FIRST_MS : r->keys_wait_ms * 2;
	if (r->keys_wait_ms > KEYS_MOST_MS)
		r->keys_wait_ms = KEYS_MOST_MS;
	loop_timer_arm(&r->keys_again, r->keys_wait_ms);
}

static void
reload_end(struct reload *r, int exit_code)
{
	struct reload_result	 result = {
		.exit_code = exit_code, .workers = exit_code == 0 ? workers_with(r) : 0,
		.generation = exit_code == RELOAD_EXIT_REFUSED ? r->m->policy_generation : r->generation,
	};
	struct reload_waiter	*w, *next, *list = r->now;
	const bool		 rolls = r->rolls_to != 0;

	loop_clock_update(r->m->loop);
	result.ms = loop_now_ms(r->m->loop) - r->began_ms;
	loop_timer_disarm(&r->limit);
	fd_close(&r->dump);
	keys_look(r);
	r->state = RELOAD_IDLE;
	r->now = NULL;
	r->rolls_from = r->rolls_to = 0;
	if (exit_code == RELOAD_EXIT_REFUSED)
		tell_refused(r);
	if (exit_code == RELOAD_EXIT_REFUSED && (r->what & COMPILE_POLICY) != 0)
		adminlog_add_policy(&r->m->adminlog, r->by, rolls, 0, true);
	if (exit_code == RELOAD_EXIT_REFUSED)
		log_err(NULL, "reload refused; generation %llu stays in force",
		    (unsigned long long)result.generation);
	else if ((r->what & COMPILE_POLICY) != 0)
		log_notice(NULL, "generation %llu in force in %u workers, ms=%llu",
		    (unsigned long long)result.generation, result.workers,
		    (unsigned long long)result.ms);
	for (w = list; w != NULL; w = next) {
		next = w->next;
		w->on_done(w, &result);
	}
	if (r->next_what != 0 && r->state == RELOAD_IDLE)
		reload_begin(r);
}

/* Those that a reload alone does not change. */
static void
warn_of_restart(struct reload *r, const struct snap *before, const struct snap *now)
{
	for (unsigned id = 0; id < PARAM_ID_LIMIT; id++) {
		const struct param_row	*row = param_row(id);
		const struct rec_param	*old = SNAP_AT(before, PARAM, id), *new = SNAP_AT(now, PARAM, id);

		if ((row->effect == PARAM_EFFECT_RESTART || row->effect == PARAM_EFFECT_UPGRADE) && old != NULL &&
		    new != NULL && !span_eq(snap_text(before, old->text), snap_text(now, new->text)))
			reload_say(r, LOG_LEVEL_WARNING, "%s: changed; takes effect with mcpgwctl %s", row->name,
			    row->effect == PARAM_EFFECT_UPGRADE ? "upgrade" : "restart");
	}
}

int
master_load_params(struct master *m, const struct snapset *from)
{
	const struct snapitem	*item = snapset_find(from, SNAP_POLICY, SPAN_NONE);
	struct snap		*policy = NULL;
	struct params		 params;
	int			 r;

	if (item == NULL)
		return E_NOTFOUND;
	if ((r = snap_map(item->fd, &policy)) != 0)
		return r;
	if ((r = params_load(policy, &params)) == 0) {
		snap_release(&m->policy);
		m->policy = policy;
		m->params = params;
		policy = NULL;
	}
	snap_release(&policy);
	return r;
}

int
reload_put_in_force(struct master *m, struct snapset *made, unsigned what, struct reload_by by)
{
	struct snapset	was;
	unsigned	kinds = 0;
	bool		other = false;
	int		r;

	/* Before parameters change, which nothing takes back. */
	if ((r = snapset_reserve(&m->in_force, made->count)) != 0)
		return r;
	snapset_init(&was);
	if ((what & COMPILE_POLICY) != 0) {
		other = rollback_save(m, made, &was);
		r = master_load_params(m, made);
		kinds |= 1u << SNAP_POLICY | 1u << SNAP_PROFILE | 1u << SNAP_SECRETS;
	}
	if ((what & COMPILE_KEYS) != 0)
		kinds |= 1u << SNAP_KEYS;
	if (r != 0 || (r = snapset_replace(&m->in_force, made, kinds)) != 0) {
		snapset_fini(&was);
		return r;
	}
	if ((what & COMPILE_POLICY) != 0) {
		m->policy_generation = snap_head(m->policy)->generation;
		m->rollback.from = m->rollback.to = 0;
		m->policy_since_ms = loop_wall_ms(m->loop);
		m->policy_by = by;
	}
	if ((what & COMPILE_POLICY) != 0)
		lapse_look(&m->lapse);
	if (other)
		rollback_kept(m, &was);
	snapset_fini(&was);
	return 0;
}

static void
save_last_good(struct master *m)
{
	const struct snapitem		*policy = snapset_find(&m->in_force, SNAP_POLICY, SPAN_NONE);
	struct msg_STORE_POLICY_SAVE	 save = { .generation = m->policy_generation };

	if (policy != NULL && m->store.state == CHILD_READY)
		(void)child_send(&m->store, MSG_TYPE_STORE_POLICY_SAVE, 0, &save, &policy->fd, 1);
}

static void
reload_offer(struct reload *r)
{
	struct child	*c;

	LIST_FOREACH(c, &r->m->children.live, live)
		if (child_has_channel(c) && c->role != ROLE_COMPILE)
			boot_offer(c, r->kinds);
	heir_offer(r->m, r->kinds, r->generation);
}

static void
on_offer_limit(struct loop_timer *t, void *arg)
{
	struct reload	*r = arg;

	(void)t;
	reload_say(r, LOG_LEVEL_ERR, "generation %llu: only %u of %u workers have it yet%s",
	    (unsigned long long)r->generation, workers_with(r), r->m->workers_wanted,
	    heir_has(r->m, r->generation) ? "" : ", and those of the master before still finish without it");
	reload_end(r, EX_TEMPFAIL);
}

static void
on_compile_note(unsigned level, struct span line, void *arg)
{
	reload_note(arg, level, line);
}

/* What was made takes the place of what is in force, and whom it concerns is told. */
static void
reload_take(struct reload *r, struct snapset *made)
{
	struct params	 before = r->m->params;
	struct snap	*old = NULL;
	struct refit	 refit;
	char		 why[512];
	int		 result;

	/* Before anything is in force, so that what cannot be had changes nothing. */
	if ((result = refit_prepare(r->m, made, &refit, why, sizeof(why))) != 0) {
		reload_say(r, LOG_LEVEL_ERR, "%s", why[0] == '\0' ? err_text(result) : why);
		reload_end(r, RELOAD_EXIT_REFUSED);
		return;
	}

	/* The texts of `before` live in the old snapshot. */
	old = snap_hold(r->m->policy);
	if ((result = reload_put_in_force(r->m, made, r->what, r->by)) != 0) {
		reload_say(r, LOG_LEVEL_ERR, "snapshot refused: %s", err_text(result));
		snap_release(&old);
		refit_drop(r->m, &refit);
		reload_end(r, RELOAD_EXIT_REFUSED);
		return;
	}
	if ((r->what & COMPILE_POLICY) != 0) {
		r->m->last_good = false;
		if (r->rolls_to != 0) {
			r->m->rollback.from = r->rolls_from;
			r->m->rollback.to = r->rolls_to;
			rollback_fini(&r->m->rollback);		/* there is no way further back */
		}
		log_set_level((enum log_level)(LOG_LEVEL_ERR + r->m->params.log_level));
		warn_of_restart(r, old, r->m->policy);
		if (r->m->params.tls_ticket_time != before.tls_ticket_time)
			ticket_keys_changed(&r->m->ticket_keys);
		scout_look(r->m);
		runners_look(r->m);
		save_last_good(r->m);
		watch_files(&r->m->watch);
	}
	snap_release(&old);
	if ((r->what & COMPILE_POLICY) != 0)
		adminlog_add_policy(&r->m->adminlog, r->by, r->rolls_to != 0, r->m->policy_generation, false);
	r->kinds = 0;
	if ((r->what & COMPILE_POLICY) != 0)
		r->kinds |= 1u << SNAP_POLICY | 1u << SNAP_PROFILE | 1u << SNAP_SECRETS;
	if ((r->what & COMPILE_KEYS) != 0)
		r->kinds |= 1u << SNAP_KEYS;
	reload_offer(r);
	refit_take(r->m, &refit);
	/* Only what every worker gets is waited for. */
	r->kinds &= 1u << SNAP_POLICY | 1u << SNAP_KEYS;
	r->state = RELOAD_OFFERED;
	r->refused = false;
	loop_timer_init(r->m->loop, &r->limit, on_offer_limit, r);
	loop_timer_arm(&r->limit, OFFER_MS);
	reload_look(r);
}

static void
on_compile_done(int result, void *arg)
{
	struct reload	*r = arg;

	if (result == 0) {
		reload_take(r, &r->m->compile.made);
		return;
	}
	if (result != E_FORMAT && result != E_DENIED)
		reload_say(r, LOG_LEVEL_ERR, "mcpgw-compile: %s", compile_why(&r->m->compile, result));
	reload_end(r, RELOAD_EXIT_REFUSED);
}

static void
reload_compile(struct reload *r)
{
	r->state = RELOAD_COMPILING;
	r->generation = ++r->m->generation;
	compile_start(&r->m->compile, r->what, r->generation, r->dump, on_compile_note,
	    on_compile_done, r);
}

static void
reload_begin(struct reload *r)
{
	struct msg_STORE_DUMP	ask = { 0 };

	BUG_ON(r->state != RELOAD_IDLE);
	r->why[0] = '\0';
	r->what = r->next_what;
	r->now = r->next;
	r->by = r->next_by;
	r->next_what = 0;
	r->next = NULL;
	loop_clock_update(r->m->loop);
	r->began_ms = loop_now_ms(r->m->loop);
	if ((r->what & COMPILE_KEYS) == 0) {
		reload_compile(r);
		return;
	}
	r->state = RELOAD_DUMPING;
	r->ref = status_new_ref(&r->m->status);
	if (r->m->store.state != CHILD_READY ||
	    child_send(&r->m->store, MSG_TYPE_STORE_DUMP, r->ref, &ask, NULL, 0) != 0)
		reload_on_store_death(r);
}

void
reload_request(struct reload *r, unsigned what, struct reload_by by, struct reload_waiter *waiter)
{
	static const struct reload_result	later = { .exit_code = EX_TEMPFAIL };

	if (upgrade_defers_reload(r->m, what)) {
		if (waiter != NULL) {
			waiter->on_note(waiter, LOG_LEVEL_ERR, SPAN_LIT("an upgrade is under way, which puts it in "
			    "force; see: mcpgwctl status"));
			waiter->on_done(waiter, &later);
		}
		return;
	}
	r->next_by = by;
	r->next_what |= what;
	if (waiter != NULL) {
		waiter->next = r->next;
		r->next = waiter;
	}
	if (r->state == RELOAD_IDLE && !r->m->stopping)
		reload_begin(r);
}

int
reload_rollback(struct reload *r, struct reload_by by, struct reload_waiter *waiter)
{
	struct master	*m = r->m;
	struct snapset	 before;
	uint64_t	 from = m->policy_generation, to = 0;
	int		 e;

	if (r->state != RELOAD_IDLE || m->stopping)
		return E_UNTIMELY;
	if ((e = rollback_take(m, m->generation + 1, &before)) != 0)
		return e;
	to = snapset_find(&m->rollback.before, SNAP_POLICY, SPAN_NONE)->head.generation;
	r->what = COMPILE_POLICY;
	r->by = by;
	r->now = waiter;
	waiter->next = NULL;
	r->generation = ++m->generation;
	loop_clock_update(m->loop);
	r->began_ms = loop_now_ms(m->loop);
	r->rolls_from = from;
	r->rolls_to = to;
	reload_take(r, &before);
	snapset_fini(&before);
	return 0;
}

void
reload_forget(struct reload *r, struct reload_waiter *waiter)
{
	struct reload_waiter	**lists[] = { &r->now, &r->next };

	for (size_t i = 0; i < 2; i++)
		for (struct reload_waiter **at = lists[i]; *at != NULL; at = &(*at)->next)
			if (*at == waiter) {
				*at = waiter->next;
				return;
			}
}

void
reload_on_dump(struct reload *r, uint64_t ref, int *fd)
{
	if (r->state != RELOAD_DUMPING || ref != r->ref)
		return;
	fd_close(&r->dump);
	r->dump = *fd;
	*fd = -1;
	reload_compile(r);
}

void
reload_on_no_dump(struct reload *r, uint64_t ref, struct span why)
{
	if (r->state != RELOAD_DUMPING || ref != r->ref)
		return;
	reload_say(r, LOG_LEVEL_ERR, "mcpgw-store: %.*s", SPAN_FMT(why));
	reload_end(r, RELOAD_EXIT_REFUSED);
}

void
reload_on_store_death(struct reload *r)
{
	if (r->state != RELOAD_DUMPING)
		return;
	reload_say(r, LOG_LEVEL_ERR, "mcpgw-store: not there now; try again");
	reload_end(r, EX_TEMPFAIL);
}

void
reload_on_refused(struct reload *r, const char *who, uint32_t kind, uint64_t generation)
{
	if (r->state != RELOAD_OFFERED || generation != r->generation)
		return;
	reload_say(r, LOG_LEVEL_ERR, "%s: refused snapshot of kind %u", who, kind);
	r->refused = true;
	reload_look(r);
}

void
reload_look(struct reload *r)
{
	struct master	*m = r->m;
	uint32_t	 open = 0;

	if (r->state != RELOAD_OFFERED)
		return;
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		open += m->workers[i].state == CHILD_READY || m->workers[i].state == CHILD_BOOTING;
	if (r->refused)
		reload_end(r, EX_SOFTWARE);
	else if (workers_with(r) == open && heir_has(m, r->generation))
		reload_end(r, 0);
}
