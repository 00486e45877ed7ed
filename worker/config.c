/* SPDX-License-Identifier: Apache-2.0
 *
 * config.c - one generation of the policy and its secrets, held by the requests that began with it
 *
 * Process: worker.  Owns: the configs; each holds its snapshot.
 * Trusts:  the compiler's snapshot, verified when it was mapped.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/front/shed.h"

_Static_assert(PROXIES_MAX == CONN_EXEMPT_MAX, "who is believed is whose connections are not counted");

/* The compiler has looked at them. */
static void
take_proxies(struct config *c)
{
	struct span	list = c->params.trusted_proxies, word;

	while ((word = span_word(&list)).n > 0 && c->proxy_count < CONN_EXEMPT_MAX)
		if (addr_net_parse(word, &c->proxies[c->proxy_count]) == 0)
			c->proxy_count++;
}

int
config_new(struct swap *snaps, uint64_t wall_ms, struct config **out)
{
	struct config	*c;
	int		 r;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	c->refs = 1;
	c->policy = swap_hold(snaps, SNAP_POLICY);
	c->secrets = swap_hold(snaps, SNAP_SECRETS);
	if (c->policy == NULL) {
		config_release(&c);
		return E_NOTFOUND;
	}
	if ((r = params_load(c->policy, &c->params)) != 0 || (r = issuers_new(c->policy, &c->issuers)) != 0) {
		config_release(&c);
		return r;
	}
	take_proxies(c);
	c->address = shed_limit(c->policy);
	c->generation = snap_head(c->policy)->generation;
	c->since_ms = wall_ms;
	*out = c;
	return 0;
}

struct config *
config_hold(struct config *c)
{
	c->refs++;
	return c;
}

void
config_release(struct config **cp)
{
	struct config	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	BUG_ON(c->refs == 0);
	if (--c->refs > 0)
		return;
	issuers_free(&c->issuers);
	snap_release(&c->policy);
	snap_release(&c->secrets);
	free(c);
}
