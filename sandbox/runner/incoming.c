/* SPDX-License-Identifier: Apache-2.0
 *
 * incoming.c - what a tool's lines mean, and whose answer one is
 *
 * Process: mcpgw-runner.  Owns: the ids of an instance.
 * Trusts:  nothing.  An answer counts when its id is one we gave to a call of this very instance whose
 *          line is wholly in the pipe, and counts once.
 */
#include "lib/num.h"
#include "sandbox/runner/ask.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/lease.h"
#include "sandbox/runner/note.h"
#include "sandbox/runner/tool.h"

void
instance_id_add(struct instance *i, struct call *c)
{
	struct call	**bucket;

	c->id = i->next_id++;
	bucket = &i->ids[c->id % INSTANCE_BUCKETS];
	c->id_next = *bucket;
	*bucket = c;
}

void
instance_answered(struct instance *i, struct call *c)
{
	struct call	**at = &i->ids[c->id % INSTANCE_BUCKETS];

	lease_leave(i, c);
	if (c->id == 0)
		return;
	while (*at != c)
		at = &(*at)->id_next;
	*at = c->id_next;
	c->id = 0;
}

void
instance_say_cancelled(struct instance *i, uint64_t id)
{
	struct buf	text;

	buf_init(&text, RUNNER_TEXT);
	if (buf_put_fmt(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":%llu}}\n", (unsigned long long)id) == 0)
		tool_say(i->tool, &text);
	buf_fini(&text);
}

struct call *
instance_call_by_id(struct instance *i, struct span raw)
{
	struct call	*c;
	uint64_t	 id;

	if (num_u64(raw, &id) != 0 || id == 0)
		return NULL;
	for (c = i->ids[id % INSTANCE_BUCKETS]; c != NULL; c = c->id_next)
		if (c->id == id)
			break;
	return c;
}

static void
on_answer(struct instance *i, const struct line *line)
{
	struct call	*c;
	uint64_t	 id;

	if (i->state != INSTANCE_UP) {
		if (i->hello_id != 0 && num_u64(line->msg.id, &id) == 0 && id == i->hello_id) {
			i->hello_id = 0;
			instance_hello(i, line);
			return;
		}
	} else if ((c = instance_call_by_id(i, line->msg.id)) != NULL && c->state == CALL_SENT) {
		if (line->kind == LINE_ANSWER)
			call_answer(c, line, i->modern);
		else
			call_end(c, LINK_END_BABBLE, "its answer is not a JSON-RPC response");
		return;
	} else if (listen_answered(i, line)) {
		return;
	}
	i->ignored++;
	/* It was asked for what it answers too late: clients that go away must not end a tool. */
	if (i->given_up > 0 && num_u64(line->msg.id, &id) == 0 && id > 0 && id < i->next_id) {
		i->given_up--;
		lease_late_answer(i, id);
	} else {
		tool_unasked(i->tool, line->bytes);
	}
}

void
instance_tool_line(struct instance *i, const struct line *line)
{
	switch (line->kind) {
	case LINE_GARBAGE:
		return;
	case LINE_ANSWER:
	case LINE_BAD_ANSWER:
		on_answer(i, line);
		return;
	case LINE_REQUEST:
		ask_take(i, line);
		return;
	case LINE_NOTIFICATION:
		note_take(i, line);
		return;
	}
}
