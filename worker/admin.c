/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.c - health and metrics on admin_listen, until mcpgw-admin takes them over
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  loopback for /metrics; /healthz and /readyz answer anybody, without a detail
 *          (architecture section 8: the named exception).  Host and Origin are looked at here as anywhere:
 *          a page whose name was bound to this machine reads nothing (threats T7).
 */
#include "worker/request.h"
#include "worker/worker.h"

#define METRICS_MAX (256 * 1024)

static bool
is_loopback(const struct exchange_peer *p)
{
	static const uint8_t	v6[16] = { [15] = 1 };

	if (p->family == AF_INET)
		return p->address[0] == 127;
	return p->family == AF_UNIX || (p->family == AF_INET6 && memcmp(p->address, v6, 16) == 0);
}

static void
reply_text(struct exchange *x, unsigned status, const char *type, struct span body)
{
	const struct exchange_field fields[] = {
		{ SPAN_LIT("Content-Type"), span_of(type) },
		{ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
	};

	exchange_reply(x, status, fields, 2, body);
}

static void
metrics(struct worker *w, struct exchange *x)
{
	struct buf	text;

	if (!is_loopback(&x->peer)) {
		exchange_refuse(x, E_HTTP_CREDENTIAL, NULL, 0);
		return;
	}
	buf_init(&text, METRICS_MAX);
	if (metric_write_text(&w->metrics.region, &text) != 0)
		exchange_refuse(x, E_INTERNAL, NULL, 0);
	else
		reply_text(x, 200, "text/plain; version=0.0.4", buf_rest(&text));
	buf_fini(&text);
}

void
admin_request(struct worker *w, struct exchange *x)
{
	struct span	path = http_head_path(&x->head);

	if (!request_hosts_ok(x, w->config)) {
		exchange_refuse(x, E_HTTP_ORIGIN, NULL, 0);
	} else if (x->head.method != HTTP_GET && x->head.method != HTTP_HEAD) {
		exchange_refuse(x, E_HTTP_METHOD,
		    &(struct exchange_field){ SPAN_LIT("Allow"), SPAN_LIT("GET, HEAD") }, 1);
	} else if (span_is(path, "/healthz")) {
		reply_text(x, 200, "text/plain", SPAN_LIT("ok\n"));
	} else if (span_is(path, "/readyz")) {
		if (w->draining || !spool_may_call(w->spool))
			reply_text(x, 503, "text/plain", SPAN_LIT("not ready\n"));
		else
			reply_text(x, 200, "text/plain", SPAN_LIT("ready\n"));
	} else if (span_is(path, "/metrics")) {
		metrics(w, x);
	} else {
		exchange_refuse(x, E_HTTP_PATH, NULL, 0);
	}
}
