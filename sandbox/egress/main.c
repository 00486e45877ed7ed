/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-egress: the only way out for tools with a list of hosts
 *
 * Process: mcpgw-egress, an own uid; opens no file, takes connections of jails and makes those that their servers'
 *          lists allow.
 * Owns:    the loop and the order of its turn.
 * Trusts:  the master.  Spawners, tools, hosts and name servers are strangers.
 */
#include <sys/resource.h>
#include <sysexits.h>

#include "ipc/birth.h"
#include "lib/crypt.h"
#include "lib/log.h"
#include "sandbox/egress/conn.h"
#include "sandbox/egress/control.h"
#include "sandbox/egress/spawners.h"

#define CONNECT_MS	3000	/* until a policy says connect_timeout */

/* After the audit was written: what it holds may happen now. */
static void
turn_flush(void *arg)
{
	conns_dispatch(arg);
}

static void
turn_settle(void *arg)
{
	struct egress	*e = arg;

	conns_reap(e);
	spawners_reap(e);
	control_settle(e);
}

static void
on_tick(struct loop_timer *t, void *arg)
{
	struct egress	*e = arg;

	spawners_tick(e);
	control_tick(e);
	loop_timer_arm(t, EGRESS_TICK_MS);
}

/* A message that comes when there are none left loses its descriptors, and ends its link or all of us: what tools and
 * spawners can make us hold stays below.  A connection takes two. */
static void
share_descriptors(struct egress *e)
{
	struct rlimit	l = { 0, 0 };
	rlim_t		half;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) == -1)
			(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	half = l.rlim_cur > 2 * EGRESS_FDS_KEPT ? (l.rlim_cur - EGRESS_FDS_KEPT) / 2 : EGRESS_FDS_KEPT / 2;
	e->socks_max = half < EGRESS_SOCKS_MAX ? (size_t)half : EGRESS_SOCKS_MAX;
	e->conns_max = half / 2 < EGRESS_CONNS_MAX ? (size_t)half / 2 : EGRESS_CONNS_MAX;
	if (e->conns_max < EGRESS_CONNS_MAX)
		log_notice(NULL, "%llu open files are allowed: all tools together have at most %zu connections; "
		    "LimitNOFILE allows more", (unsigned long long)l.rlim_cur, e->conns_max);
}

static int
init(struct egress *e)
{
	int	r;

	e->connect_ms = CONNECT_MS;
	e->begun_last = &e->begun;
	swap_init(&e->snaps);
	if ((r = crypt_random(&e->key, sizeof(e->key))) != 0 || (r = loop_new(&e->loop)) != 0 ||
	    (r = spool_new(e->loop, &control_spool_ops, e, NULL, &e->spool)) != 0 ||
	    (r = resolver_new(e->loop, false, &e->resolver)) != 0)
		return r;
	loop_at_turn_end(e->loop, LOOP_RANK_FLUSH, turn_flush, e);
	loop_at_turn_end(e->loop, LOOP_RANK_AFTER, turn_settle, e);
	loop_timer_init(e->loop, &e->tick, on_tick, e);
	loop_timer_arm(&e->tick, EGRESS_TICK_MS);
	return control_init(e);
}

int
main(void)
{
	static struct egress	e;
	int			r;

	birth_begin("mcpgw-egress");
	share_descriptors(&e);
	if ((r = init(&e)) != 0)
		fatal(EX_OSERR, "start: %s", err_text(r));
	loop_run(e.loop);

	spawners_free(&e);
	conns_reap(&e);
	spool_free(&e.spool);
	control_fini(&e);
	resolver_free(&e.resolver);
	swap_fini(&e.snaps);
	snap_release(&e.before);
	loop_timer_disarm(&e.tick);
	loop_free(&e.loop);
	return e.exit_code;
}
