/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.c - the subscriptions/listen of a modern tool's instance
 *
 * Process: mcpgw-runner.  Owns: the two ids of an instance's listens.
 * Trusts:  nothing.  What the tool sends on a listen is not asked whether it was asked for: the worst it
 *          can do is to have a list fetched that did not change.
 *
 * A modern tool says nothing by itself without a listen.  A new one is acknowledged before the old one
 * ends, so no change falls between them; what both say is told once (tidings.c).  While one is not
 * acknowledged there is no third; a tool that never does has that one all the same.
 */
#include "lib/num.h"
#include "mcp/bridge.h"
#include "mcp/news.h"
#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/listen.h"
#include "sandbox/runner/subscribe.h"
#include "sandbox/runner/tool.h"

#define ACK_MS		10000	/* a tool that is silent for so long will not acknowledge */
#define LINE_MAX_BYTES	(2 * LINK_URIS_BYTES + 4 * LINK_URIS_MAX + 4096)

static int
put_request(const struct instance *i, uint64_t id, struct buf *to)
{
	struct buf	uris, params;
	char		digits[24];
	int		r;

	buf_init(&uris, LINE_MAX_BYTES);
	buf_init(&params, LINE_MAX_BYTES);
	if ((r = subs_put(i->server, i->key, &uris)) == 0 &&
	    (r = mcp_write_listen_params(&params, buf_rest(&uris))) == 0 &&
	    (r = bridge_write_own(to, MCP_SUBSCRIPTIONS_LISTEN, span_make(digits, num_decimal(id, digits)),
	    buf_rest(&params), BRIDGE_MODERN)) == 0)
		r = buf_put_str(to, "\n");
	buf_fini(&uris);
	buf_fini(&params);
	return r;
}

static void
ask(struct instance *i)
{
	struct buf	text;

	buf_init(&text, LINE_MAX_BYTES);
	if (put_request(i, i->next_id, &text) == 0) {
		i->listen.next = i->next_id++;
		i->listen.next_ms = loop_now_ms(i->server->r->loop);
		i->listen.again = false;
		tool_say(i->tool, &text);
	}
	buf_fini(&text);
}

static void
end(struct instance *i, uint64_t id)
{
	if (id == 0)
		return;
	instance_say_cancelled(i, id);
	/* The answer to it may still come. */
	i->given_up++;
}

void
listen_open(struct instance *i)
{
	/* Who is asked once has nobody who would hear. */
	if (!i->server->per_call)
		ask(i);
}

void
listen_renew(struct instance *i)
{
	struct listen	*l = &i->listen;

	if (l->refused || i->server->per_call)
		return;
	if (l->next != 0 && loop_now_ms(i->server->r->loop) - l->next_ms < ACK_MS) {
		l->again = true;
		return;
	}
	if (l->next != 0) {
		/* It may well be in force. */
		end(i, l->id);
		l->id = l->next;
	}
	ask(i);
}

void
listen_acknowledged(struct instance *i, const struct line *line)
{
	struct listen		*l = &i->listen;
	struct json_value	 meta = json_get(line->msg.params, "_meta");
	uint64_t		 id;

	if (l->next == 0 || num_u64(json_get(meta, MCP_META_SUBSCRIPTION).raw, &id) != 0 || id != l->next)
		return;
	end(i, l->id);
	l->id = l->next;
	l->next = 0;
	if (l->again)
		ask(i);
}

/* False: it is none of ours. */
static bool
over(struct instance *i, struct span raw, bool refused)
{
	struct listen	*l = &i->listen;
	uint64_t	 id;

	if (num_u64(raw, &id) != 0 || id == 0 || (id != l->id && id != l->next))
		return false;
	l->refused |= refused;
	if (id == l->id) {
		l->id = 0;
	} else {
		l->next = 0;
		if (l->again && !l->refused)
			ask(i);
	}
	return true;
}

bool
listen_answered(struct instance *i, const struct line *line)
{
	return over(i, line->msg.id, line->kind != LINE_ANSWER || line->msg.is_error);
}

void
listen_withdrawn(struct instance *i, struct span id)
{
	if (over(i, id, false))
		i->given_up++;
}
