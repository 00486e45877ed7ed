/* SPDX-License-Identifier: Apache-2.0
 *
 * serve.c - a request on admin_listen: where it goes, and who may know what
 *
 * Process: mcpgw-admin.  Owns: nothing beyond a request.
 * Trusts:  loopback, or a credential, for what says more than whether the gateway is well (architecture, section 8:
 *          /healthz and /readyz answer anybody, without a detail).  Host and Origin are looked at here as anywhere:
 *          a page whose name was bound to this machine reads nothing (threats T7).
 */
#include <unistd.h>

#include "admin/admin.h"
#include "admin/scrape.h"
#include "auth/front.h"
#include "policy/policy.h"
#include "shm/metric.h"

#define METRICS_MAX	(256 * 1024)

void
serve_reply(struct exchange *x, unsigned status, const char *type, struct span body)
{
	const struct exchange_field fields[] = {
		{ SPAN_LIT("Content-Type"), span_of(type) },
		{ SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
	};

	exchange_reply(x, status, fields, 2, body);
}

bool
serve_may_know(struct admin *a, struct exchange *x)
{
	struct auth_refusal	refusal;
	struct principal	who;
	struct auth_in		in = {
		.policy = swap_current(&a->snaps, SNAP_POLICY), .keys = swap_current(&a->snaps, SNAP_KEYS),
		.params = &a->params, .owner_uid = a->personal ? getuid() : 0, .wall_ms = loop_wall_ms(a->loop),
	};

	if (front_is_near(x))
		return true;
	front_credential(x, &in);
	/* Whom nobody knows is not known by being called something. */
	return auth_identify(&in, &x->arena, &who, &refusal) == 0 && who.how != HOW_ANONYMOUS;
}

bool
serve_is_ready(const struct admin *a)
{
	const struct view	*v = &a->view;

	return v->known && !a->draining && !a->retiring && !a->holds &&
	    v->serving > metric_sum(&a->metrics, METRIC_audit_blocked);
}

void
serve_count_servers(const struct admin *a, uint64_t *all, uint64_t *disabled)
{
	const struct snap	*policy = swap_current(&a->snaps, SNAP_POLICY);

	*all = snap_count(policy, SECTION_SERVER);
	*disabled = 0;
	for (uint64_t i = 0; i < *all; i++)
		*disabled += (policy_server_at(policy, i)->flags & SERVER_FLAG_DISABLED) != 0;
}

/* JSON is for those who want it and no text (seed-contracts C5). */
static bool
wants_json(const struct http_head *h)
{
	return http_head_lists(h, HTTP_ACCEPT, "application/json") && !http_head_lists(h, HTTP_ACCEPT, "text/plain");
}

static void
metrics(struct admin *a, struct exchange *x)
{
	struct scrape	s = { .metrics = &a->metrics, .view = &a->view, .ready = serve_is_ready(a) };
	bool		json = wants_json(&x->head);
	struct buf	text;
	int		r;

	serve_count_servers(a, &s.servers, &s.disabled);
	buf_init(&text, METRICS_MAX);
	if ((r = json ? scrape_json(&s, &text) : scrape_text(&s, &text)) != 0)
		exchange_refuse(x, r, NULL, 0);
	else
		serve_reply(x, 200, json ? "application/json" : "text/plain; version=0.0.4; charset=utf-8",
		    buf_rest(&text));
	buf_fini(&text);
}

static void
metrics_if_known(struct admin *a, struct exchange *x)
{
	static const struct exchange_field how = {
		SPAN_LIT("WWW-Authenticate"), SPAN_LIT("Bearer realm=\"mcpgw\"")
	};

	if (serve_may_know(a, x))
		ask_then(a, x, metrics);
	else
		exchange_refuse(x, E_HTTP_CREDENTIAL, &how, 1);
}

static void
readyz(struct admin *a, struct exchange *x)
{
	if (serve_is_ready(a))
		serve_reply(x, 200, "text/plain", SPAN_LIT("ready\n"));
	else
		serve_reply(x, 503, "text/plain", SPAN_LIT("not ready\n"));
}

void
serve_request(struct exchange *x, void *arg)
{
	static const struct {
		const char	*path;
		ask_fn		*fn;
	} asked[] = {
		{ "/readyz", readyz }, { "/ready", health_ready }, { "/health/ready", health_ready },
		{ "/health", health_whole },
	};
	struct admin	*a = arg;
	struct span	 path = http_head_path(&x->head);

	if (!front_hosts_ok(x, swap_current(&a->snaps, SNAP_POLICY))) {
		exchange_refuse(x, E_HTTP_ORIGIN, NULL, 0);
		return;
	}
	if (x->head.method != HTTP_GET && x->head.method != HTTP_HEAD) {
		exchange_refuse(x, E_HTTP_METHOD,
		    &(struct exchange_field){ SPAN_LIT("Allow"), SPAN_LIT("GET, HEAD") }, 1);
		return;
	}
	if (span_is(path, "/healthz")) {
		serve_reply(x, 200, "text/plain", SPAN_LIT("ok\n"));
		return;
	}
	if (span_is(path, "/health/live")) {
		health_live(x);
		return;
	}
	if (span_is(path, "/metrics")) {
		metrics_if_known(a, x);
		return;
	}
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (span_is(path, asked[i].path)) {
			ask_then(a, x, asked[i].fn);
			return;
		}
	exchange_refuse(x, E_HTTP_PATH, NULL, 0);
}
