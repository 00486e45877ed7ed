/* SPDX-License-Identifier: Apache-2.0
 *
 * patience.c - how long an answer may take
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no client to give more time than the operator does: what it says only shortens that.
 */
#include "lib/num.h"
#include "worker/call/patience.h"
#include "worker/front/reply.h"

static bool
take(struct request *rq, struct span text)
{
	uint64_t	ms;

	if (num_u64(text, &ms) != 0 || ms < 1 || ms > PATIENCE_MAX_MS)
		return false;
	if (rq->timeout_ms == 0 || ms < rq->timeout_ms)
		rq->timeout_ms = (uint32_t)ms;
	return true;
}

bool
patience_take(struct request *rq)
{
	const struct http_head	*head = &rq->x->head;
	const struct json_value	 meta = rq->msg.timeout_ms;
	bool			 ok = true;

	if (meta.type != JSON_NONE)
		ok = meta.type == JSON_NUMBER && take(rq, meta.raw);
	if (ok && http_head_count(head, HTTP_MCPGW_TIMEOUT_MS) > 0)
		ok = http_head_count(head, HTTP_MCPGW_TIMEOUT_MS) == 1 &&
		    take(rq, http_head_get(head, HTTP_MCPGW_TIMEOUT_MS));
	if (!ok)
		reply_error(rq, E_RPC_PARAMS, SPAN_LIT("mcpgw-timeout-ms, and " MCP_META_TIMEOUT " of _meta: want a "
		    "whole number of milliseconds, from 1 to 3600000"), SPAN_NONE, 0);
	return ok;
}

uint32_t
patience_of(const struct request *rq, const struct call_ask *ask)
{
	uint64_t	ms = ask->server->timeout_ms != 0 ? ask->server->timeout_ms :
	    rq->config->params.call_timeout;

	if (ask->timeout_ms != 0 && ask->timeout_ms < ms)
		ms = ask->timeout_ms;
	if (rq->timeout_ms != 0 && rq->timeout_ms < ms)
		ms = rq->timeout_ms;
	return (uint32_t)ms;
}

uint64_t
patience_ends(const struct request *rq)
{
	return rq->timeout_ms == 0 ? UINT64_MAX : rq->x->begun_ns / 1000000 + rq->timeout_ms;
}
