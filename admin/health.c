/* SPDX-License-Identifier: Apache-2.0
 *
 * health.c - /health and what is below it, as clients of seeds 001, 002 and 003 read them
 *
 * Process: mcpgw-admin.  Owns: nothing.
 * Trusts:  as serve.c: who calls from elsewhere, without a credential, learns whether the gateway is well, and no more.
 *
 * Each body has the members of all seeds.  Where one member has two words, as `status` of /health (002 "ok", 003
 * "healthy"), the parameter health_status says which.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "admin/admin.h"
#include "lib/buf.h"

#define BODY_MAX	1024
#define TIME_BYTES	32

static const char *
now_text(const struct admin *a, char to[TIME_BYTES])
{
	time_t		now = (time_t)(loop_wall_ms(a->loop) / 1000);
	struct tm	tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(to, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		to[0] = '\0';
	return to;
}

static void __attribute__((format(printf, 3, 4)))
reply_json(struct exchange *x, unsigned status, const char *fmt, ...)
{
	struct buf	body;
	va_list		ap;
	int		r;

	buf_init(&body, BODY_MAX);
	va_start(ap, fmt);
	r = buf_put_vfmt(&body, fmt, ap);
	va_end(ap);
	if (r != 0)
		exchange_refuse(x, r, NULL, 0);
	else
		serve_reply(x, status, "application/json", buf_rest(&body));
	buf_fini(&body);
}

/* Configured, and not known to be unable to take a call. */
static uint64_t
servers_well(const struct admin *a)
{
	const struct view	*v = &a->view;
	uint64_t		 all, ill;

	serve_count_servers(a, &all, &ill);
	ill += (uint64_t)v->servers[SERVER_STATE_BROKEN] + v->servers[SERVER_STATE_NO_JAIL];
	return all > ill ? all - ill : 0;
}

void
health_whole(struct admin *a, struct exchange *x)
{
	const char	*word = a->params.health_status == HEALTH_STATUS_HEALTHY ? "healthy" : "ok";
	bool		 ready = serve_is_ready(a);
	char		 when[TIME_BYTES];

	if (!ready)
		word = "unhealthy";
	if (serve_may_know(a, x))
		reply_json(x, ready ? 200 : 503, "{\"status\":\"%s\",\"app\":\"mcpgw\",\"service\":\"mcpgw\","
		    "\"version\":\"%s\",\"uptime_seconds\":%" PRIu64 ",\"timestamp\":\"%s\"}\n", word, MCPGW_VERSION,
		    a->view.up_ms / 1000, now_text(a, when));
	else
		reply_json(x, ready ? 200 : 503, "{\"status\":\"%s\",\"app\":\"mcpgw\",\"service\":\"mcpgw\","
		    "\"timestamp\":\"%s\"}\n", word, now_text(a, when));
}

void
health_ready(struct admin *a, struct exchange *x)
{
	bool		 ready = serve_is_ready(a);
	const char	*word = ready ? "ready" : "not_ready";
	char		 when[TIME_BYTES];

	if (serve_may_know(a, x))
		reply_json(x, ready ? 200 : 503, "{\"status\":\"%s\",\"healthy_services\":%" PRIu64
		    ",\"timestamp\":\"%s\"}\n", word, servers_well(a), now_text(a, when));
	else
		reply_json(x, ready ? 200 : 503, "{\"status\":\"%s\",\"timestamp\":\"%s\"}\n", word, now_text(a, when));
}

void
health_live(struct exchange *x)
{
	serve_reply(x, 200, "application/json", SPAN_LIT("{\"status\":\"alive\"}\n"));
}
