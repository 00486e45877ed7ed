/* SPDX-License-Identifier: Apache-2.0
 *
 * roots.c - a client's roots on their way to a server: those that its jail shows
 *
 * Process: worker.  Owns: nothing beyond a request.
 * Trusts:  the policy for what a jail shows; no client.
 */
#include "mcp/roots.h"
#include "worker/call/call_priv.h"
#include "worker/talk/roots.h"

static bool
is_seen(struct span path, void *arg)
{
	const struct call	*c = arg;

	return policy_server_sees(c->rq->config->policy, c->ask.server, path);
}

int
roots_put(struct buf *to, const struct call *c, struct json_value result)
{
	if (c->ask.server->kind != SERVER_STDIO)
		return buf_put(to, result.raw);
	return mcp_roots_put(to, result, is_seen, (void *)(uintptr_t)c);
}

int
roots_put_responses(struct buf *to, const struct call *c, struct span responses)
{
	if (c->ask.server->kind != SERVER_STDIO)
		return buf_put(to, responses);
	return mcp_roots_put_responses(to, (struct json_value){ JSON_OBJECT, responses }, is_seen,
	    (void *)(uintptr_t)c);
}
