/* SPDX-License-Identifier: Apache-2.0
 *
 * note.c - what a tool tells by itself: to whom it goes, and how much it logs (mcp-wire 9.5, 14.5, 14.9)
 *
 * Process: mcpgw-runner.  Owns: nothing.
 * Trusts:  nothing.  A note goes to one call of this very instance or to nobody; the worker judges
 *          again what its client may see.  Notes are dropped when the worker does not keep up: the call
 *          does not depend on them, and a tool can write them faster than anybody reads.
 */
#include "mcp/level.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/tidings.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/lease.h"
#include "sandbox/runner/note.h"
#include "sandbox/runner/tool.h"
#include "sandbox/runner/wlink.h"

static void
note_forward(struct call *c, const struct line *line)
{
	if (c != NULL && line->msg.text.n <= LINK_NOTE_MAX && wlink_has_room(c->link))
		wlink_put_message(c->link, LINK_NOTE, c->number, line->msg.text);
}

static void
note_progress(struct instance *i, const struct line *line)
{
	struct call	*c = instance_call_by_id(i, line->msg.progress_token.raw);

	if (c == NULL || c->state != CALL_SENT)
		return;
	call_progress(c);
	note_forward(c, line);
}

/* Of these there are no more than there were requests, so none is dropped. */
static void
note_withdrawn(struct instance *i, const struct line *line)
{
	struct call	*c = ask_withdraw(i, line->msg.request_id.raw);

	if (c != NULL && line->msg.text.n <= LINK_NOTE_MAX)
		wlink_put_message(c->link, LINK_NOTE, c->number, line->msg.text);
	else if (c == NULL && i->state == INSTANCE_UP)
		listen_withdrawn(i, line->msg.request_id.raw);
}

/* Lists that changed, resources that were updated: of the instance, not of a call. */
static void
note_of_no_call(struct instance *i, const struct line *line)
{
	if (i->state != INSTANCE_UP)
		return;
	if (line->msg.method == MCP_NOTE_SUBSCRIPTIONS_ACK)
		listen_acknowledged(i, line);
	else
		tiding_take(i, line);
}

void
note_take(struct instance *i, const struct line *line)
{
	switch (line->msg.method) {
	case MCP_NOTE_PROGRESS:
		note_progress(i, line);
		break;
	case MCP_NOTE_CANCELLED:
		note_withdrawn(i, line);
		break;
	case MCP_NOTE_MESSAGE:
	case MCP_NOTE_ELICITATION_COMPLETE:
		note_forward(lease_owner(i), line);
		break;
	default:
		note_of_no_call(i, line);
		break;
	}
	tool_unasked(i->tool, line->bytes);
}

void
note_level(struct instance *i, const struct call *c)
{
	struct buf	text;

	/* Never less again: others may want it, and workers drop what their client does not. */
	if (i->modern || !i->logs || c->log_level == MCP_LEVEL_NONE ||
	    (i->level_told != MCP_LEVEL_NONE && c->log_level >= i->level_told))
		return;
	buf_init(&text, RUNNER_TEXT);
	if (buf_put_fmt(&text, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"logging/setLevel\","
	    "\"params\":{\"level\":\"%s\"}}\n", (unsigned long long)i->next_id,
	    mcp_level_name(c->log_level)) == 0) {
		i->level_told = c->log_level;
		/* Its answer is that to a call nobody waits for. */
		i->next_id++;
		i->given_up++;
		tool_say(i->tool, &text);
	}
	buf_fini(&text);
}
