/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-worker: serves clients
 *
 * Process: worker.  Reads the bytes of clients, of HTTP servers, and of runners.
 * Owns:    its connections; maps snapshots, shared regions and audit segments that were handed over.
 * Trusts:  the master.  After READY it cannot open files, start programs or resolve names.
 */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "http/tls.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/confine.h"
#include "upstream/balance.h"
#include "upstream/call.h"
#include "worker/cache/cached.h"
#include "worker/call/call.h"
#include "worker/call/users.h"
#include "worker/forward.h"
#include "worker/front/early.h"
#include "worker/front/keyuse.h"
#include "worker/front/proxied.h"
#include "worker/front/refusals.h"
#include "worker/front/request.h"
#include "worker/front/secure.h"
#include "worker/front/shed.h"
#include "worker/httpsse/httpsse.h"
#include "worker/limits/waitroom.h"
#include "worker/lists/lists.h"
#include "worker/lists/pins.h"
#include "worker/operator/trace.h"
#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"
#include "worker/streams/replay.h"
#include "worker/streams/streams.h"
#include "worker/worker.h"

#define LISTENERS_MAX	8
#define HEAP_KEEP	(8 * 1024 * 1024)
#define HEAP_STEP	(256 * 1024)

static struct {
	int		fd;
	uint32_t	kind, number;
} listeners[LISTENERS_MAX];
static size_t listener_count;
static bool audit_known, serving;

/* Kept until worker_serve(): nobody is served before everything is there. */
int
worker_add_listener(struct worker *w, int fd, const struct msg_LISTEN *m)
{
	if (serving)
		return accept_add(w->accept, fd, m->kind, m->number);
	if (listener_count == LISTENERS_MAX) {
		fd_close(&fd);
		return E_FULL;
	}
	listeners[listener_count].fd = fd;
	listeners[listener_count].kind = m->kind;
	listeners[listener_count++].number = m->number;
	return 0;
}

void
worker_serve(struct worker *w)
{
	int	r;

	audit_known = true;
	if (!w->ready || serving || w->draining)
		return;
	serving = true;
	for (size_t i = 0; i < listener_count; i++)
		if ((r = accept_add(w->accept, listeners[i].fd, listeners[i].kind, listeners[i].number)) != 0)
			fatal(EX_OSERR, "listener: %s", err_text(r));
}

static void
need(bool there, const char *what)
{
	if (!there)
		fatal(EX_SOFTWARE, "the master sent GO before %s", what);
}

static struct upstream_params
upstream_params_of(const struct params *p)
{
	return (struct upstream_params){ .connect_timeout_ms = p->connect_timeout,
	    .idle_ms = p->upstream_idle, .start_timeout_ms = p->start_timeout,
	    .answer_memory = p->body_memory };
}

void
worker_set_upstreams(struct worker *w)
{
	struct upstream_params	params;

	if (w->upstreams == NULL)
		return;			/* until GO, which comes here */
	params = upstream_params_of(&w->config->params);
	upstream_set_params(w->upstreams, &params);
	upstream_set_policy(w->upstreams, w->config->policy);
	if (w->snaps.current[SNAP_CATALOGUE] != NULL)
		upstream_set_names(w->upstreams, w->snaps.current[SNAP_CATALOGUE]);
	upstream_set_tokens(w->upstreams, w->snaps.current[SNAP_TOKENS]);
	balance_sweep(w->balance, w->config->policy);
}

void
worker_go(struct worker *w)
{
	struct upstream_params	params;
	int			r;

	need(w->config != NULL, "a policy");
	need(w->has_ring, "a key ring");
	need(w->limits.region.slots != NULL && w->sessions.slots != NULL &&
	    w->breakers.slots != NULL && w->metrics.region.slots != NULL &&
	    w->shares.region.slots != NULL && w->quotas.slots != NULL, "the shared regions");
	params = upstream_params_of(&w->config->params);
	if ((r = upstream_new(w->loop, conn_set_pool(w->conns), &w->upsessions, &params,
	    &w->upstreams)) != 0 || (r = balance_new(&w->breakers, &w->upsessions, &w->balance)) != 0)
		fatal(EX_OSERR, "upstreams: %s", err_text(r));
	worker_set_upstreams(w);
	tls_client_prepare();
	if ((r = crypt_prepare()) != 0)
		fatal(EX_OSERR, "libcrypto: %s", err_text(r));
	listens_init(w);
	if ((r = confine_process(CONFINE_WORKER, NULL, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
	w->ready = true;
	if (audit_known)
		worker_serve(w);
	life_begin(&w->master, w->config->generation);
}

static void
on_want_segment(uint32_t number, void *arg)
{
	struct worker	*w = arg;
	int		 r;

	r = chan_send(&w->master, MSG_TYPE_SEGMENT_WANTED, 0,
	    &(struct msg_SEGMENT_WANTED){ number, 0 }, NULL, 0);
	if (r != 0) {
		log_warn(NULL, "master: %s", err_text(r));
		spool_no_segment(w->spool, number);
	}
}

static void
on_not_kept(uint64_t first_seq, void *arg)
{
	struct worker	*w = arg;

	/* Calls are dispatched after this write, and only when their `begin` was kept: call.c. */
	(void)first_seq;
	metric_add(&w->metrics, METRIC_audit_write_errors_total, 1);
	log_warn_repeat(NULL, "audit: writing a segment failed; calls are refused until it works");
}

static const struct spool_ops spool_ops = { on_want_segment, on_not_kept };

static void
on_links_flush(void *arg)
{
	struct worker	*w = arg;

	link_turn_end_all(&w->links_due);
}

static void
on_turn_end(void *arg)
{
	struct worker	*w = arg;

	if (!w->ready)
		return;
	gauges_publish(w);
	worker_drain_check(w);
}

static void
on_request(struct exchange *x, void *arg)
{
	struct worker			*w = arg;
	const struct exchange_peer	 seen = x->peer;

	/* Once: what comes of another worker, or within a batch, has been looked at.  Whom a proxy cannot name counts
	 * as the proxy, so that nobody is uncounted for what they wrote there. */
	if (w->config->proxy_count > 0)
		proxied_look(w->config, x);
	if (!shed_refuses(w, x, x->peer.family != 0 ? &x->peer : &seen))
		request_begin(w, x);
}

/* The order of registration is the order within a rank: the audit is written, then calls whose
 * `begin` was kept are dispatched, then connections are flushed, and then peers and links: what a client
 * took is credit for a runner. */
static int
worker_init(struct worker *w)
{
	static const struct conn_params until_policy = {
		.head_timeout_ms = 10000, .body_timeout_ms = 10000, .idle_timeout_ms = 10000,
		.write_timeout_ms = 10000, .max_connections = 1024,
	};
	int	r;

	if ((r = loop_new(&w->loop)) != 0)
		return r;
	swap_init(&w->snaps);
	w->dispatch_last = &w->dispatch;
	w->running_last = &w->running;
	worker_drain_init(w);
	loop_at_turn_end(w->loop, LOOP_RANK_FLUSH, call_dispatch_turn, w);
	loop_at_turn_end(w->loop, LOOP_RANK_AFTER, on_turn_end, w);
	if ((r = spool_new(w->loop, &spool_ops, w, NULL, &w->spool)) != 0 ||
	    (r = conn_set_new(w->loop, &until_policy, on_request, w, &w->conns)) != 0 ||
	    (r = secure_new(w)) != 0 || (r = accept_new(w->loop, w->conns, &w->accept)) != 0 ||
	    (r = lists_new(w, &w->lists)) != 0 || (r = pins_new(w, &w->pins)) != 0 ||
	    (r = cached_new(w)) != 0 || (r = fanin_new(w, &w->fanin)) != 0 ||
	    (r = streams_new(w, &w->streams)) != 0 || (r = replays_new(w, &w->replays)) != 0 ||
	    (r = httpsse_set_new(w, &w->httpsse)) != 0 || (r = tokens_new(&w->tokens)) != 0 ||
	    (r = users_new(&w->users)) != 0 ||
	    (r = refusals_new(w, &w->refusals)) != 0 || (r = waitroom_new(w, &w->waitroom)) != 0 ||
	    (r = rpc_scan_new(&w->scan)) != 0 || (r = rpc_answer_new(&w->answer_scan)) != 0 ||
	    (r = peers_new(w->loop, worker_want_peer, w, &w->peers)) != 0)
		return r;
	forward_init(w);
	early_init(w);
	keyuse_init(w);
	loop_at_turn_end(w->loop, LOOP_RANK_FLUSH, on_links_flush, w);
	return chan_init(&w->master, w->loop, HERITAGE_CONTROL, ROLE_WORKER, ROLE_MASTER,
	    worker_on_master, worker_on_master_gone, w);
}

int
main(void)
{
	static struct worker	w;
	int			r;

	log_init_child("mcpgw-worker", HERITAGE_LOG);
	/* Blocks come and go with every request: giving the top of the heap back and fetching it again
	 * took a tenth of a call's time. */
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	mallopt(M_TOP_PAD, HEAP_STEP);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	if ((r = worker_init(&w)) != 0)
		fatal(EX_OSERR, "start: %s", err_text(r));
	loop_run(w.loop);
	keyuse_fini(&w);
	peers_free(&w.peers);
	cached_free(&w);
	spool_free(&w.spool);
	traces_free(&w);
	return EX_OK;
}
