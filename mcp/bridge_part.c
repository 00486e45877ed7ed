/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge_part.c - an answer bridged in parts while it comes: what is large in it passes, the rest is written as ever
 *
 * Process: worker.
 * Owns:    nothing; pieces borrow from the text at hand, static text and the caller's arena.
 * Trusts:  that what has come was read by the scanner; what has not come yet may still make it no answer.
 */
#include "mcp/bridge_priv.h"

bool
bridge_may_open(const struct rpc_part *p, const struct bridge_answer *how)
{
	const struct rpc_answer	*from = &p->answer;
	const struct bridge_plan	 plan = bridge_make_plan(from, how);

	if (how->method != MCP_TOOLS_CALL || how->client <= MCP_2025_03_26 ||
	    (p->open_structured && plan.no_structured))
		return false;
	/* A resultType that comes behind what is large is looked at there; but what asks is not passed on. */
	return !how->upstream_modern || p->complete ||
	    (from->result_type.type == JSON_NONE && !how->may_ask);
}

/* The members that stand in the text at hand; *key is that of the open value, if one is. */
static int
put_members(struct bridge_object *o, const struct rpc_part *p, const struct bridge_answer *how, struct span *key)
{
	struct bridge_plan		plan = bridge_make_plan(&p->answer, how);
	struct json_iter	it;
	struct json_value	value;
	int			r;

	plan.as_text = false;		/* there is something else: what was large */
	json_iter_members(&it, p->members);
	json_iter_know(&it, &p->answer.content, 1);
	while (json_iter_next(&it, key, &value))
		if ((r = bridge_put_member(o, *key, value, &p->answer, how, &plan)) != 0)
			return r;
	return 0;
}

int
bridge_open(const struct rpc_part *p, const struct bridge_answer *how, bool first, struct arena *a,
    struct bridge_pieces *out)
{
	struct bridge_object	o = { .to = out, .comma = !first };
	struct span	key;
	int		r;

	*out = (struct bridge_pieces){ .arena = a };
	if (first && ((r = bridge_pieces_str(out, "{\"jsonrpc\":\"2.0\",\"id\":")) != 0 ||
	    (r = bridge_pieces_add(out, how->id)) != 0 || (r = bridge_pieces_str(out, ",\"result\":{")) != 0))
		return r;
	if (first && mcp_version_is_modern(how->client) &&
	    (r = bridge_object_put(&o, "\"resultType\":\"complete\"")) != 0)
		return r;
	if ((r = put_members(&o, p, how, &key)) != 0)
		return r;
	return bridge_object_keep(&o, key, (struct json_value){ JSON_NONE, span_part(p->answer.text, p->open, 0) });
}

int
bridge_close(const struct rpc_part *p, const struct bridge_answer *how, struct arena *a, struct bridge_pieces *out)
{
	struct bridge_object	o = { .to = out, .comma = true };
	struct span	key;
	int		r;

	*out = (struct bridge_pieces){ .arena = a };
	if (how->upstream_modern && p->answer.result_type.type != JSON_NONE && !p->complete)
		return E_UPSTREAM;
	if ((r = put_members(&o, p, how, &key)) != 0)
		return r;
	if (mcp_version_is_modern(how->client) && p->answer.meta.type == JSON_NONE &&
	    (r = bridge_object_put(&o, "\"_meta\":{" BRIDGE_OUR_INFO "}")) != 0)
		return r;
	return bridge_pieces_str(out, "}}");
}
