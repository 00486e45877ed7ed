/* SPDX-License-Identifier: Apache-2.0
 *
 * ask_head.c - the header fields of a request to an upstream, by era and transport (mcp-wire 5, 14.15)
 *
 * Process: worker.  Owns: nothing; fields are the ask's.
 * Trusts:  nobody's names: what could break a field is encoded.
 */
#include "lib/bug.h"
#include "mcp/header.h"
#include "upstream/ask_head.h"

static void
add(struct ask *a, const char *name, struct span value)
{
	BUG_ON(a->field_count == ASK_FIELDS_MAX);
	a->fields[a->field_count++] = (struct exchange_field){ span_of(name), value };
}

/* As it is now: what goes on for long, and what is done again, has what was renewed meanwhile. */
static int
add_token(struct ask *a, uint64_t key)
{
	const struct rec_token	*t;

	snap_release(&a->tokens);
	if (a->shared->tokens == NULL || (t = policy_token_find(a->shared->tokens, key)) == NULL ||
	    t->state != TOKEN_READY)
		return E_SERVER;
	a->tokens = snap_hold(a->shared->tokens);
	a->token_serial = t->serial;
	add(a, "Authorization", snap_text(a->tokens, t->value));
	return 0;
}

int
ask_head(struct ask *a, bool get)
{
	const struct ask_request	*q = &a->request;
	const struct upstream_target	*t = q->target;
	bool				 modern = mcp_version_is_modern(q->version);
	bool				 sse = t->transport == TRANSPORT_SSE;
	int				 r;

	a->field_count = 0;
	if (t->header_count > TARGET_HEADERS_MAX || q->param_count > ASK_PARAMS_MAX)
		return E_TOOBIG;
	for (size_t i = 0; i < t->header_count; i++)
		a->fields[a->field_count++] = t->headers[i];
	if (t->token_key != 0 && (r = add_token(a, t->token_key)) != 0)
		return r;
	/* As what its client said to us: another gateway reads it. */
	if (q->deadline_ms != 0)
		add(a, "Mcpgw-Timeout-Ms", span_make(a->deadline, num_decimal(q->deadline_ms, a->deadline)));
	if (t->transport == TRANSPORT_JSONRPC) {
		add(a, "Accept", SPAN_LIT("application/json"));
		add(a, "Content-Type", SPAN_LIT("application/json"));
		for (size_t i = 0; i < q->param_count; i++)
			a->fields[a->field_count++] = q->params[i];
		return 0;
	}
	add(a, "Accept", span_of(get ? "text/event-stream" : "application/json, text/event-stream"));
	if (get && a->last_event[0] != '\0')
		add(a, "Last-Event-ID", span_of(a->last_event));
	if (q->body_count > 0 && !get)
		add(a, "Content-Type", SPAN_LIT("application/json"));
	/* Over HTTP+SSE the path is the session. */
	if (q->version != MCP_VERSION_NONE && !sse)
		add(a, "MCP-Protocol-Version", span_of(mcp_version_name(q->version)));
	if (q->session.n > 0 && !sse)
		add(a, "Mcp-Session-Id", q->session);
	if (!modern)
		return 0;
	add(a, "Mcp-Method", span_of(mcp_method_row(q->method)->text));
	if (q->name.n > 0 && mcp_method_row(q->method)->header != MCP_HEADER_NONE) {
		buf_clear(&a->name);
		if ((r = mcp_header_encode(&a->name, q->name)) != 0)
			return r;
		add(a, "Mcp-Name", buf_rest(&a->name));
	}
	for (size_t i = 0; i < q->param_count; i++)
		a->fields[a->field_count++] = q->params[i];
	return 0;
}
