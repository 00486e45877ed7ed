/* SPDX-License-Identifier: Apache-2.0
 *
 * proxied.c - whom a reverse proxy speaks for
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  trusted_proxies (http/forwarded.h), and nobody else.
 */
#include <string.h>

#include "http/forwarded.h"
#include "worker/front/proxied.h"

void
proxied_look(const struct config *config, struct exchange *x)
{
	const bool		rfc7239 = config->params.forwarded_header == FORWARDED_RFC7239;
	struct exchange_peer	*p = &x->peer;
	struct addr		was, now;

	conn_address(p->family, p->address, &was);
	now = was;
	forwarded_client(&x->head, rfc7239, config->proxies, config->proxy_count, &now);
	if (now.family == was.family && (was.family == 0 || addr_eq(&now, &was)))
		return;
	p->family = now.family;
	p->port = 0;
	memcpy(p->address, now.bytes, sizeof(p->address));
}
