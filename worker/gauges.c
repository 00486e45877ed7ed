/* SPDX-License-Identifier: Apache-2.0
 *
 * gauges.c - what a worker publishes about itself at the end of each turn
 *
 * Process: worker.  Owns: its slab of the metrics region, and what it published last.
 * Trusts:  nothing read here is decided by.
 */
#include "worker/httpsse/httpsse.h"
#include "worker/limits/waitroom.h"
#include "worker/streams/replay.h"

/* Counters in shared memory outlive a worker, those of its parts do not: the difference is added. */
static void
add_since(struct worker *w, enum metric_id id, uint64_t *last, uint64_t now)
{
	if (now != *last)
		metric_add(&w->metrics, id, (int64_t)(now - *last));
	*last = now;
}

void
gauges_publish(struct worker *w)
{
	const struct conn_count		*conns = conn_set_count(w->conns);
	const struct spool_counts	 spool = spool_counts(w->spool);

	metric_set(&w->metrics, METRIC_connections, conns->open);
	metric_set(&w->metrics, METRIC_body_bytes_held, w->bodies.used);
	metric_set(&w->metrics, METRIC_stream_bytes_kept, replays_bytes(w->replays));
	metric_set(&w->metrics, METRIC_calls_in_flight, w->calls_running);
	metric_set(&w->metrics, METRIC_calls_waiting, waitroom_count(w->waitroom));
	metric_set(&w->metrics, METRIC_runner_links, w->links_up);
	metric_set(&w->metrics, METRIC_httpsse_streams, httpsse_count(w));
	metric_set(&w->metrics, METRIC_audit_blocked, !spool_may_call(w->spool));
	add_since(w, METRIC_connections_accepted_total, &w->published.accepted, conns->accepted);
	add_since(w, METRIC_connections_refused_total, &w->published.refused, conns->refused);
	add_since(w, METRIC_connections_shed_total, &w->published.shed, conns->shed);
	add_since(w, METRIC_connections_timed_out_total, &w->published.timeouts, conns->timeouts);
	add_since(w, METRIC_audit_records_total, &w->published.records, spool.records);
}
