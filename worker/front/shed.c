/* SPDX-License-Identifier: Apache-2.0
 *
 * shed.c - requests that are refused unread
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing: what decides is where the connection comes from, and what this worker is at.
 */
#include <stdio.h>

#include "http/exchange.h"
#include "shm/limit.h"
#include "worker/front/shed.h"

#define KEY_BYTES	16

const struct rec_limit *
shed_limit(const struct snap *policy)
{
	const uint64_t		 count = snap_count(policy, SECTION_TENANT_LIMIT);
	const struct rec_limit	*last = count == 0 ? NULL : SNAP_AT(policy, TENANT_LIMIT, count - 1);

	return last != NULL && last->of == LIMIT_OF_ADDRESS ? last : NULL;
}

static void
refuse(struct exchange *x, int err, uint64_t retry_ns)
{
	char			seconds[24];
	struct exchange_field	retry = { SPAN_LIT("Retry-After"), SPAN_NONE };

	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(retry_ns / 1000000000 + 1));
	retry.value = span_of(seconds);
	exchange_rest(x);
	exchange_refuse(x, err, &retry, 1);
}

/* Of IPv6 a /64 is one customer's. */
static bool
is_over(struct worker *w, const struct exchange_peer *p, uint64_t *retry_ns)
{
	const struct rec_limit	*l = w->config->address;
	const size_t		 n = p->family == AF_INET ? 4 : 8;
	char			 key[KEY_BYTES] = "address";

	if (l == NULL || (p->family != AF_INET && p->family != AF_INET6))
		return false;
	memcpy(key + 8, p->address, n);
	return limit_take(&w->limits, limit_key(&w->limits, span_make(key, 8 + n)), l->interval_ns, l->burst,
	    loop_now_ns(w->loop), retry_ns) != LIMIT_OK;
}

bool
shed_refuses(struct worker *w, struct exchange *x, const struct exchange_peer *from)
{
	uint64_t	retry_ns = 0;

	if (is_over(w, from, &retry_ns)) {
		metric_add(&w->metrics, METRIC_requests_limited_total, 1);
		refuse(x, E_RATE, retry_ns);
		return true;
	}
	if (w->requests >= w->config->params.max_requests) {
		metric_add(&w->metrics, METRIC_requests_shed_total, 1);
		refuse(x, E_OVERLOAD, 0);
		return true;
	}
	return false;
}
