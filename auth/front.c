/* SPDX-License-Identifier: Apache-2.0
 *
 * front.c - what a request says of where it is going and who sends it: Host, Origin, credential
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  the listener an exchange came over and the kernel for its peer; the policy for the lists.
 */
#include <string.h>
#include <sys/socket.h>

#include "auth/front.h"
#include "ipc/codec.h"
#include "policy/policy.h"

bool
front_host_ok(const struct exchange *x, const struct snap *policy)
{
	/* The unix socket has no name a browser could be led to. */
	return x->listener == LISTEN_LOCAL || policy_host_ok(policy, http_head_get(&x->head, HTTP_HOST), false);
}

bool
front_hosts_ok(const struct exchange *x, const struct snap *policy)
{
	const struct http_head	*h = &x->head;
	struct span		 origin = http_head_get(h, HTTP_ORIGIN);

	if (!front_host_ok(x, policy))
		return false;
	if (origin.p == NULL)
		return true;
	return http_head_count(h, HTTP_ORIGIN) == 1 && policy_host_ok(policy, origin, true);
}

bool
front_is_near(const struct exchange *x)
{
	static const uint8_t		 v6[16] = { [15] = 1 };
	const struct exchange_peer	*p = &x->peer;

	if (p->family == AF_INET)
		return p->address[0] == 127;
	return p->family == AF_UNIX || (p->family == AF_INET6 && memcmp(p->address, v6, 16) == 0);
}

/* A credential does not belong into a URL, where logs and proxies keep it (mcp-wire 15.2). */
static bool
key_in_query(struct span query)
{
	static const char *const names[] = { "access_token=", "api_key=", "token=", NULL };

	for (size_t i = 0; names[i] != NULL; i++)
		for (size_t at = 0; at + strlen(names[i]) <= query.n; at++)
			if ((at == 0 || query.p[at - 1] == '&') &&
			    span_starts(span_part(query, at, query.n), span_of(names[i])))
				return true;
	return false;
}

void
front_credential(const struct exchange *x, struct auth_in *in)
{
	const struct http_head	*h = &x->head;

	in->authorization = http_head_get(h, HTTP_AUTHORIZATION);
	in->authorization_twice = http_head_count(h, HTTP_AUTHORIZATION) > 1 || http_head_count(h, HTTP_MCPGW_AS) > 1;
	in->key_in_query = key_in_query(http_head_query(h));
	in->as_agent = http_head_get(h, HTTP_MCPGW_AS);
	in->peer = (struct auth_peer){ .local = false };
	if (x->peer.family == AF_UNIX)
		in->peer = (struct auth_peer){ .local = true, .uid = x->peer.uid,
		    .gids = x->peer.groups, .gid_count = x->peer.group_count };
}
