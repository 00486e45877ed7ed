/* SPDX-License-Identifier: Apache-2.0
 *
 * ask.c - what a tool asks: answered here, or sent to the client that caused it (mcp-wire 14.8)
 *
 * Process: mcpgw-runner.  Owns: the requests of an instance that wait for a client.
 * Trusts:  nothing.  A request reaches one client or none: the one whose call the tool works on, if that
 *          is clear, and if the tool was told that it can be asked this.  A reply reaches the tool when its
 *          id is that of a request which went to this very call.  Every request is answered.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mcp/capability.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/lease.h"
#include "sandbox/runner/tool.h"
#include "sandbox/runner/wlink.h"

struct refusal {
	int		 code;
	const char	*text;
};

static const struct refusal	unknown = { -32601, "Method not found" };
static const struct refusal	undeclared = { -32602, "The client did not declare that it can do this" };
static const struct refusal	no_request = { -32603, "There is no client request to ask for" };
static const struct refusal	too_much = { -32603, "Too much is asked" };
static const struct refusal	no_room = { -32603, "There is no room for the answer" };
static const struct refusal	gone = { -32603, "The client is gone" };

static void
ask_say(struct tool *t, struct span id, const char *member, const char *value)
{
	struct buf	text;

	buf_init(&text, RPC_ID_MAX + RUNNER_TEXT);
	if (buf_put_fmt(&text, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"%s\":%s}\n", SPAN_FMT(id), member,
	    value) == 0)
		tool_say(t, &text);
	buf_fini(&text);
}

static void
ask_refuse(struct tool *t, struct span id, const struct refusal *why)
{
	char	error[160];

	snprintf(error, sizeof(error), "{\"code\":%d,\"message\":\"%s\"}", why->code, why->text);
	ask_say(t, id, "error", error);
}

/* --- the way to the client ----------------------------------------------------------------------- */

/* May clients who can do this be asked that?  NULL: yes. */
static const struct refusal *
judge(uint32_t can, const struct line *line)
{
	struct json_value	params = line->msg.params, mode;

	switch (line->msg.method) {
	case MCP_SAMPLING_CREATE:
		if ((can & MCP_CAN_SAMPLING) == 0)
			return &unknown;
		if ((can & MCP_CAN_SAMPLING_TOOLS) == 0 && (json_get(params, "tools").type != JSON_NONE ||
		    json_get(params, "toolChoice").type != JSON_NONE))
			return &undeclared;
		return NULL;
	case MCP_ROOTS_LIST:
		return (can & MCP_CAN_ROOTS) == 0 ? &unknown : NULL;
	case MCP_ELICITATION_CREATE:
		if ((can & (MCP_CAN_ELICIT_FORM | MCP_CAN_ELICIT_URL)) == 0)
			return &unknown;
		mode = json_get(params, "mode");
		if (mode.type == JSON_NONE || json_is(mode, "form"))
			return (can & MCP_CAN_ELICIT_FORM) == 0 ? &undeclared : NULL;
		return (can & MCP_CAN_ELICIT_URL) == 0 || !json_is(mode, "url") ? &undeclared : NULL;
	default:
		return &unknown;
	}
}

/* What it would have needed, for the worker to tell its client (mcp-wire 14.11). */
static unsigned
lacks(uint32_t can, const struct line *line)
{
	switch (line->msg.method) {
	case MCP_SAMPLING_CREATE:
		return (can & MCP_CAN_SAMPLING) == 0 ? LINK_FLAG_LACKS_SAMPLING : LINK_FLAG_LACKS_SAMPLING_TOOLS;
	case MCP_ROOTS_LIST:
		return LINK_FLAG_LACKS_ROOTS;
	case MCP_ELICITATION_CREATE:
		return json_is(json_get(line->msg.params, "mode"), "url") ? LINK_FLAG_LACKS_URL : LINK_FLAG_LACKS_FORM;
	default:
		return 0;
	}
}

static struct ask **
ask_find(struct instance *i, struct span id)
{
	struct ask	**at;

	for (at = &i->asks; *at != NULL; at = &(*at)->next)
		if (span_eq(span_make((*at)->id, (*at)->id_bytes), id))
			break;
	return at;
}

static void
ask_remove(struct ask **at)
{
	struct ask	*a = *at;

	*at = a->next;
	a->call->ask_count--;
	a->call->r->reply_bytes -= a->held_bytes;
	free(a->held);
	free(a);
}

static int
ask_new(struct instance *i, struct call *c, const struct line *line)
{
	struct span	 id = line->msg.id;
	struct ask	*a;

	if ((a = malloc(sizeof(*a) + id.n)) == NULL)
		return E_NOMEM;
	*a = (struct ask){ .next = i->asks, .call = c, .method = line->msg.method,
	    .id_bytes = (uint32_t)id.n };
	memcpy(a->id, id.p, id.n);
	i->asks = a;
	c->ask_count++;
	return 0;
}

/* To the client; NULL, or why not. */
static const struct refusal *
ask_forward(struct instance *i, const struct line *line)
{
	const struct refusal	*why;
	struct call		*c;

	if (i->modern)
		return &unknown;
	if ((why = judge(i->capabilities, line)) != NULL) {
		if ((c = lease_owner(i)) != NULL)
			c->lacks |= lacks(i->capabilities, line);
		return why;
	}
	/* One id, one answer: it will be that to the first. */
	if (*ask_find(i, line->msg.id) != NULL)
		return NULL;
	if ((c = lease_owner(i)) == NULL) {
		lease_unclear(i);
		return &no_request;
	}
	lease_asks(i, c);
	if (line->msg.text.n > LINK_ASK_MAX || c->ask_count >= LINK_ASKS_MAX || wlink_is_stuck(c->link) ||
	    ask_new(i, c, line) != 0)
		return &too_much;
	wlink_put_message(c->link, LINK_ASK, c->number, line->msg.text);
	call_pause(c);
	return NULL;
}

void
ask_take(struct instance *i, const struct line *line)
{
	const struct refusal	*why;

	if (line->msg.method == MCP_PING)
		ask_say(i->tool, line->msg.id, "result", "{}");
	else if ((why = ask_forward(i, line)) != NULL)
		ask_refuse(i->tool, line->msg.id, why);
	tool_unasked(i->tool, line->bytes);
}

struct call *
ask_withdraw(struct instance *i, struct span id)
{
	struct ask	**at = ask_find(i, id);
	struct call	 *c;

	if (*at == NULL)
		return NULL;
	c = (*at)->call;
	ask_remove(at);
	if (c->ask_count == 0)
		call_resume(c);
	return c;
}

/* --- the way back -------------------------------------------------------------------------------- */

static int
ask_hold(struct ask *a, struct span reply)
{
	if ((a->held = malloc(reply.n)) == NULL)
		return E_NOMEM;
	memcpy(a->held, reply.p, reply.n);
	a->held_bytes = reply.n;
	a->call->r->reply_bytes += reply.n;
	return 0;
}

static void
ask_deliver(struct instance *i, struct ask **at, struct buf *text)
{
	struct call	*c = (*at)->call;

	if (text->used > 0 && (buf_put_str(text, "\n") != 0 || tool_reply(i->tool, text) != 0))
		ask_refuse(i->tool, span_make((*at)->id, (*at)->id_bytes), &no_room);
	ask_remove(at);
	if (c->ask_count == 0)
		call_resume(c);
}

/* The reply is whole and proven.  Nobody waits for it any more when its request was withdrawn, or went
 * to another call. */
static void
ask_answer(struct call *c, struct span id)
{
	struct instance	 *i = c->instance;
	struct ask	**at;

	if (i == NULL || i->tool == NULL || *(at = ask_find(i, id)) == NULL || (*at)->call != c)
		return;
	if (c->lent && (*at)->held == NULL && ask_hold(*at, buf_rest(&c->reply.text)) == 0) {
		lease_reply_came(i);
		return;
	}
	ask_deliver(i, at, &c->reply.text);
}

bool
ask_has_held(const struct instance *i, const struct call *c)
{
	for (const struct ask *a = i->asks; a != NULL; a = a->next)
		if (a->call == c && a->held != NULL)
			return true;
	return false;
}

void
ask_give_held(struct instance *i, struct call *c)
{
	struct ask	**at = &i->asks;
	struct buf	 text;

	while (*at != NULL) {
		if ((*at)->call != c || (*at)->held == NULL) {
			at = &(*at)->next;
			continue;
		}
		buf_init(&text, LINK_ASK_MAX + 1);
		if (buf_put(&text, span_make((*at)->held, (*at)->held_bytes)) != 0)
			ask_refuse(i->tool, span_make((*at)->id, (*at)->id_bytes), &no_room);
		ask_deliver(i, at, &text);
		buf_fini(&text);
	}
}

int
ask_reply(struct call *c, struct span part, bool more)
{
	struct runner	*r = c->r;
	struct span	 id;
	int		 res;

	if (c->ask_count > 0 && r->reply_bytes + part.n > RUNNER_REPLIES) {
		call_end(c, LINK_END_BUSY, "too many answers of clients wait for this tenant's tools");
		return 0;
	}
	r->reply_bytes -= c->reply.text.used;
	res = reply_take(&c->reply, part, more, c->ask_count > 0);
	if (res == 1 && (res = reply_prove(&r->replies, buf_rest(&c->reply.text), &id)) == 0)
		ask_answer(c, id);
	if (!more)
		reply_fini(&c->reply);
	r->reply_bytes += c->reply.text.used;
	if (res == E_NOMEM) {
		call_end(c, LINK_END_BUSY, "out of memory");
		return 0;
	}
	return res;
}

/* --- the end of the call ------------------------------------------------------------------------- */

static void
ask_leave(struct instance *i, struct call *c, struct tool *tell)
{
	struct ask	**at = &i->asks;

	while (c->ask_count > 0) {
		struct ask	*a = *at;
		struct span	 id = span_make(a->id, a->id_bytes);

		if (a->call != c) {
			at = &a->next;
			continue;
		}
		if (tell != NULL && a->method == MCP_ELICITATION_CREATE)
			ask_say(tell, id, "result", "{\"action\":\"cancel\"}");
		else if (tell != NULL)
			ask_refuse(tell, id, &gone);
		ask_remove(at);
	}
}

void
ask_forget(struct instance *i, struct call *c)
{
	ask_leave(i, c, NULL);
}

void
ask_abandon(struct instance *i, struct call *c)
{
	ask_leave(i, c, i->tool);
}
