/* SPDX-License-Identifier: Apache-2.0
 *
 * control.c - what the master says to a worker
 *
 * Process: worker.  Owns: descriptors from messages, until their part takes them.
 * Trusts:  the master; ipc/chan.c has checked that each message may come now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "ipc/life.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "worker/cache/cached.h"
#include "worker/call/tokenwait.h"
#include "worker/front/endings.h"
#include "worker/front/keyuse.h"
#include "worker/front/keywait.h"
#include "worker/front/secure.h"
#include "worker/httpsse/httpsse.h"
#include "worker/limits/waitroom.h"
#include "worker/lists/lists.h"
#include "worker/lists/pins.h"
#include "worker/login/loginpage.h"
#include "worker/login/tokenend.h"
#include "worker/operator/inquiry.h"
#include "worker/operator/trace.h"
#include "worker/streams/fanin.h"
#include "worker/streams/streams.h"
#include "worker/talk/park.h"
#include "worker/worker.h"

#define ORPHAN_MS 1500		/* the master died: P2 gives two seconds in all */
#define LAST_MS	  1000		/* of a worker that retires: for what has not ended by itself */

static int
take_fd(const struct chan_msg *m)
{
	int	fd = m->fds[0];

	m->fds[0] = -1;
	return fd;
}

/* --- birth ------------------------------------------------------------------------------------ */

static void
on_region(struct worker *w, const struct chan_msg *m)
{
	enum region_kind kind = (enum region_kind)m->body->REGION.kind;
	struct region	 r = { 0 };
	int		 e;

	if ((e = region_map(m->fds[0], kind, &r)) != 0)
		fatal(EX_SOFTWARE, "shared memory %s: %s", region_name(kind), err_text(e));
	switch (kind) {
	case REGION_LIMITS:
		e = limits_init(&w->limits, &r, w->slot);
		break;
	case REGION_BREAKERS:
		w->breakers = r;
		break;
	case REGION_SESSIONS:
		w->sessions = r;
		break;
	case REGION_UPSTREAM_SESSIONS:
		w->upsessions = r;
		break;
	case REGION_INFLIGHT:
		e = inflight_init(&w->inflight, &r, w->slot);
		break;
	case REGION_METRICS:
		e = metrics_init(&w->metrics, &r, w->slot);
		break;
	case REGION_GATE:
		w->gate = r;
		break;
	case REGION_SHARES:
		e = shares_init(&w->shares, &r, w->slot);
		break;
	case REGION_QUOTAS:
		w->quotas = r;
		break;
	case REGION_LIMIT:
	default:
		e = E_FORMAT;
		break;
	}
	if (e != 0)
		fatal(EX_SOFTWARE, "shared memory %s: %s", region_name(kind), err_text(e));
}

static void
on_boot(struct worker *w, const struct msg_BOOT *m)
{
	w->slot = m->slot;
	w->incarnation = m->incarnation;
	w->boot = m->boot;
	w->workers = m->workers;
	w->flags = m->flags;
	peers_set_self(w->peers, w->slot, w->incarnation, w->workers);
	requestid_init(&w->ids, w->slot, w->incarnation, loop_wall_ms(w->loop));
}

/* --- snapshots -------------------------------------------------------------------------------- */

static void
apply_params(struct worker *w, const struct params *p)
{
	struct conn_params	conns = {
		.head_timeout_ms = p->head_timeout, .body_timeout_ms = p->body_timeout,
		.idle_timeout_ms = p->idle_timeout, .write_timeout_ms = p->write_timeout,
		.shake_timeout_ms = p->tls_handshake_timeout,
		.max_connections = p->max_connections, .max_address = p->max_connections_address,
		.write_least = p->write_rate * p->write_timeout / 1000, .memory = p->connection_memory,
		.exempt_count = w->config->proxy_count,
	};

	memcpy(conns.exempt, w->config->proxies, sizeof(conns.exempt));
	conn_set_params(w->conns, &conns);
	w->bodies.limit = p->body_memory;
	w->answers.limit = p->body_memory;
	cached_set_params(w, p);
	spool_set_continue(w->spool, p->audit_on_error == AUDIT_ON_ERROR_CONTINUE);
	log_set_level((enum log_level)(LOG_LEVEL_ERR + p->log_level));
}

/* What tokens were proven by before serves on, when these cannot be had. */
static int
take_keysets(struct worker *w, struct snap **before)
{
	struct keysets	*new;
	int		 r;

	if ((r = keysets_new(w->snaps.current[SNAP_KEYSETS], &new)) != 0) {
		swap_restore(&w->snaps, SNAP_KEYSETS, before);
		return r;
	}
	keysets_free(&w->keysets);
	w->keysets = new;
	keywait_look(w);
	return 0;
}

/* Maps and swaps; the requests that run keep what they have. */
static int
take_snapshot(struct worker *w, int fd, const struct msg_SNAPSHOT_OFFER *m)
{
	struct snap	*pins = m->kind == SNAP_PINS ? swap_hold(&w->snaps, SNAP_PINS) : NULL;
	struct snap	*sets = m->kind == SNAP_KEYSETS ? swap_hold(&w->snaps, SNAP_KEYSETS) : NULL;
	struct snap	*keys = m->kind == SNAP_KEYS ? swap_hold(&w->snaps, SNAP_KEYS) : NULL;
	struct config	*config = NULL;
	int		 r;

	if ((r = swap_offer(&w->snaps, fd, m->kind, m->generation, m->length)) == 0 && m->kind == SNAP_PINS &&
	    w->config != NULL) {
		pins_changed(w, pins);
		cached_clear(w);
	}
	if (r == 0 && m->kind == SNAP_KEYS)
		keyuse_keys_changed(w, keys);
	snap_release(&pins);
	if (r == 0 && m->kind == SNAP_KEYSETS)
		r = take_keysets(w, &sets);
	snap_release(&sets);
	snap_release(&keys);
	if (r != 0)
		return r;
	/* A revoked key must not hear on.  Secrets count with their policy, which comes behind them: a server's are for
	 * the place that this policy says. */
	if (m->kind == SNAP_KEYS && w->config != NULL)
		endings_look(w);
	if (m->kind == SNAP_CATALOGUE)
		worker_set_upstreams(w);
	if (m->kind == SNAP_TOKENS)
		tokenwaits_on_tokens(w);
	if (m->kind != SNAP_POLICY)
		return 0;
	if ((r = config_new(&w->snaps, loop_wall_ms(w->loop), &config)) != 0)
		return r;
	config_release(&w->config);
	w->config = config;
	w->reloads++;
	w->refused.why[0] = '\0';
	apply_params(w, &config->params);
	cached_clear(w);
	secure_policy_changed(w);
	lists_policy_changed(w->lists);
	lists_pins_changed(w->lists);
	fanin_policy_changed(w);
	streams_policy_changed(w);
	httpsse_policy_changed(w);
	endings_look(w);
	worker_set_upstreams(w);
	metric_add(&w->metrics, METRIC_snapshots_swapped_total, 1);
	return 0;
}

static void
on_snapshot(struct worker *w, const struct chan_msg *m)
{
	chan_answer_offer(&w->master, m, take_snapshot(w, m->fds[0], &m->body->SNAPSHOT_OFFER));
}

/* --- runners ---------------------------------------------------------------------------------- */

static void
on_link_wanted(struct span tenant, void *arg)
{
	struct worker	*w = arg;
	int		 r;

	r = chan_send(&w->master, MSG_TYPE_RUNNER_WANTED, 0,
	    &(struct msg_RUNNER_WANTED){ tenant, 0 }, NULL, 0);
	if (r != 0)
		log_warn(NULL, "master: %s", err_text(r));
}

static void
on_link_moved(struct link *l, void *arg)
{
	struct worker	*w = arg;

	w->links_up = 0;
	for (size_t i = 0; i < w->link_count; i++)
		w->links_up += link_is_up(w->links[i]);
	fanin_on_link_moved(l, arg);
}

static const struct link_ops link_ops = { on_link_wanted, fanin_on_link_event, on_link_moved };

/* Where this tenant's is, or would be. */
static size_t
link_place(const struct worker *w, struct span tenant)
{
	size_t	low = 0, high = w->link_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_cmp(tenant, link_tenant(w->links[mid])) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct link *
worker_link(struct worker *w, struct span tenant)
{
	const size_t	  at = link_place(w, tenant);
	struct link	 *l, **more;
	size_t		  room = w->link_room == 0 ? 8 : w->link_room * 2;

	if (at < w->link_count && span_eq(link_tenant(w->links[at]), tenant))
		return w->links[at];
	if (w->link_count == WORKER_LINKS_MAX)
		return NULL;
	if (w->link_count == w->link_room) {
		if ((more = realloc(w->links, room * sizeof(*more))) == NULL)
			return NULL;
		w->links = more;
		w->link_room = room;
	}
	if (link_new(w->loop, tenant, &link_ops, w, &l) != 0)
		return NULL;
	link_set_turn(l, &w->links_due);
	memmove(&w->links[at + 1], &w->links[at], (w->link_count - at) * sizeof(struct link *));
	w->links[at] = l;
	w->link_count++;
	return l;
}

static void
on_runner_link(struct worker *w, const struct chan_msg *m)
{
	struct link	*l = worker_link(w, m->body->RUNNER_LINK.tenant);

	if (l != NULL && fd_set_nonblock(m->fds[0]) == 0)
		link_attach(l, take_fd(m));
}

/* --- other workers ---------------------------------------------------------------------------- */

int
worker_want_peer(uint32_t slot, uint32_t incarnation, uint64_t after, void *arg)
{
	struct worker	*w = arg;

	return chan_send(&w->master, MSG_TYPE_WORKER_PEER_WANTED, 0,
	    &(struct msg_WORKER_PEER_WANTED){ slot, incarnation, after, 0 }, NULL, 0);
}

static void
on_worker_peer(struct worker *w, const struct chan_msg *m)
{
	const struct msg_WORKER_PEER	*b = &m->body->WORKER_PEER;

	peers_attach(w->peers, b->slot, b->incarnation, b->pair, take_fd(m));
}

/* --- status ----------------------------------------------------------------------------------- */

void
worker_report_server(struct worker *w, struct span tenant, struct span server,
    enum server_state state, uint32_t tools, uint64_t next_try_ms, struct span error)
{
	struct msg_SERVER_STATE	m = { .tenant = tenant, .server = server, .state = state,
	    .tools = tools, .next_try_ms = next_try_ms, .error = span_part(error, 0, 400) };

	/* Gossip: when the master is slow it goes without. */
	if (chan_send(&w->master, MSG_TYPE_SERVER_STATE, 0, &m, NULL, 0) != 0)
		log_debug(NULL, "server state not reported");
}

/* --- the end ---------------------------------------------------------------------------------- */

static void drain(struct worker *w, uint64_t within_ms);

static void
on_drain_over(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;

	(void)t;
	if (w->draining)
		loop_stop(w->loop);
	else
		drain(w, LAST_MS);
}

static void
drain(struct worker *w, uint64_t within_ms)
{
	w->draining = true;
	accept_stop(w->accept);
	streams_drain(w);
	httpsse_drain(w);
	conn_set_drain(w->conns);
	loop_timer_arm(&w->drain_timer, within_ms);
}

/* Whoever has a connection here asks once more on it and is told that it ends, or ends it; streams that only listen end
 * now, and are opened anew at another worker. */
static void
retire(struct worker *w, uint64_t within_ms)
{
	if (w->retiring || w->draining)
		return;
	w->retiring = true;
	accept_stop(w->accept);
	conn_set_retire(w->conns);
	streams_drain(w);
	httpsse_drain(w);
	loop_timer_arm(&w->drain_timer, within_ms);
}

static void
on_retire(struct worker *w, const struct msg_RETIRE *m)
{
	if (m->what == RETIRE_LEAVE)
		retire(w, m->within_ms);
	else
		w->holds = m->what == RETIRE_HOLD;
}

void
worker_drain_check(struct worker *w)
{
	if ((!w->draining && !w->retiring) || conn_set_count(w->conns)->open > 0)
		return;
	/* Whoever is asked something comes back with the answer, to another worker, which hands it on. */
	if (!w->draining && w->park_count > 0)
		return;
	park_drain(w);
	if (w->calls_running == 0 && waitroom_count(w->waitroom) == 0 && peers_queued(w->peers) == 0)
		loop_stop(w->loop);
}

void
worker_drain_init(struct worker *w)
{
	loop_timer_init(w->loop, &w->drain_timer, on_drain_over, w);
}

void
worker_on_master_gone(struct chan *c, int why, void *arg)
{
	struct worker	*w = arg;

	(void)c;
	if (!w->ready)
		exit(EX_UNAVAILABLE);
	log_notice(NULL, "the master is gone (%s): leaving", err_text(why));
	peers_master_gone(w->peers);
	drain(w, ORPHAN_MS);
}

/* What it is born with; some comes later once more.  *r: how that went.  False: it is none of these. */
static bool
take_birth(struct worker *w, const struct chan_msg *m, int *r)
{
	switch ((enum msg_type)m->type) {
	case MSG_TYPE_BOOT:
		on_boot(w, &m->body->BOOT);
		break;
	case MSG_TYPE_REGION:
		on_region(w, m);
		break;
	case MSG_TYPE_LISTEN:
		*r = worker_add_listener(w, take_fd(m), &m->body->LISTEN);
		break;
	case MSG_TYPE_KEYRING:
		if ((*r = keyring_read(m->fds[0], &w->ring)) == 0)
			w->has_ring = true;
		break;
	case MSG_TYPE_TICKET_KEYS:
		*r = secure_take_tickets(w, m->fds[0]);
		break;
	case MSG_TYPE_GO:
		worker_go(w);
		break;
	default:
		return false;
	}
	return true;
}

/* Of runners and other workers.  False: it is none of these. */
static bool
take_mate(struct worker *w, const struct chan_msg *m)
{
	struct link	*l;

	switch ((enum msg_type)m->type) {
	case MSG_TYPE_RUNNER_LINK:
		on_runner_link(w, m);
		break;
	case MSG_TYPE_RUNNER_NONE:
		if ((l = worker_link(w, m->body->RUNNER_NONE.tenant)) != NULL)
			link_refuse(l, m->body->RUNNER_NONE.why);
		break;
	case MSG_TYPE_WORKER_PEER:
		on_worker_peer(w, m);
		break;
	case MSG_TYPE_WORKER_PEER_NONE:
		peers_none(w->peers, m->body->WORKER_PEER_NONE.slot, m->body->WORKER_PEER_NONE.incarnation,
		    m->body->WORKER_PEER_NONE.living);
		break;
	default:
		return false;
	}
	return true;
}

/* What may come at any time, and is neither. */
static void
take_other(struct worker *w, const struct chan_msg *m)
{
	switch ((enum msg_type)m->type) {
	case MSG_TYPE_SNAPSHOT_OFFER:
		on_snapshot(w, m);
		break;
	case MSG_TYPE_SEGMENT:
		spool_add_segment(w->spool, take_fd(m), m->body->SEGMENT.number);
		worker_serve(w);
		break;
	case MSG_TYPE_SEGMENT_NONE:
		log_err(NULL, "audit: no segment: %.*s", SPAN_FMT(m->body->SEGMENT_NONE.why));
		spool_no_segment(w->spool, m->body->SEGMENT_NONE.number);
		worker_serve(w);
		break;
	case MSG_TYPE_JAIL_MODE:
		w->flags = (w->flags & ~(uint32_t)BOOT_FLAG_REDUCED) |
		    (m->body->JAIL_MODE.reduced != 0 ? BOOT_FLAG_REDUCED : 0);
		break;
	case MSG_TYPE_WORKER_ASK:
		inquiry_answer(w, m->ref, &m->body->WORKER_ASK);
		break;
	case MSG_TYPE_TRACE:
		trace_add(w, take_fd(m), m->body->TRACE.agent, m->body->TRACE.server);
		break;
	case MSG_TYPE_USER_LOGIN_IS:
		loginpage_on_answer(w, m->ref, &m->body->USER_LOGIN_IS);
		break;
	case MSG_TYPE_RELOAD_REFUSED:
		w->refused.count++;
		w->refused.wall_ms = m->body->RELOAD_REFUSED.wall_ms;
		snprintf(w->refused.why, sizeof(w->refused.why), "%.*s", SPAN_FMT(m->body->RELOAD_REFUSED.why));
		break;
	case MSG_TYPE_PIN_KEPT:
		pins_kept(w, m->ref, m->body->PIN_KEPT.error, m->body->PIN_KEPT.why);
		break;
	case MSG_TYPE_SESSION_IS:
		tokenend_on_made(w, m->ref, &m->body->SESSION_IS);
		break;
	case MSG_TYPE_RETIRE:
		on_retire(w, &m->body->RETIRE);
		break;
	case MSG_TYPE_WORKER_SLOTS:
		w->slots = m->body->WORKER_SLOTS.slots;
		w->leaving = m->body->WORKER_SLOTS.leaving;
		break;
	case MSG_TYPE_LISTEN_OVER:
		accept_drop(w->accept, m->body->LISTEN_OVER.number);
		break;
	case MSG_TYPE_DRAIN:
		drain(w, m->body->DRAIN.within_ms);
		break;
	default:
		/* The table allows it to some role, but it means nothing to a worker. */
		break;
	}
}

void
worker_on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct worker	*w = arg;
	int		 r = 0;

	if (!life_heard(c, m) && !take_birth(w, m, &r) && !take_mate(w, m))
		take_other(w, m);
	if (r != 0 && !w->ready)
		fatal(EX_OSERR, "message %u of the master: %s", m->type, err_text(r));
	if (r != 0)
		log_warn(NULL, "message %u of the master: %s", m->type, err_text(r));
}
