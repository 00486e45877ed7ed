/* SPDX-License-Identifier: Apache-2.0
 *
 * notes.c - a server's notifications on their way to the client
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the route for which call they belong to; nothing in them.
 */
#include <stdlib.h>

#include "mcp/task.h"
#include "worker/call/notes.h"
#include "worker/streams/events.h"

#define NUMBER_CHARS	64
#define NOTE_ROOM	256	/* what is written around params */

void
notes_init(struct notes *n, const struct request *rq)
{
	*n = (struct notes){ .level = rq->log_level };
	if (rq->msg.progress_token.type == JSON_STRING || rq->msg.progress_token.type == JSON_NUMBER)
		n->token = rq->msg.progress_token.raw;
	/* A legacy client that set no level gets what the server chooses (mcp-wire 7.4). */
	if (!rq->modern && n->level == MCP_LEVEL_NONE)
		n->level = MCP_LEVEL_DEBUG;
}

/* It must increase with each notification (2025-11-25 basic/utilities/progress). */
static bool
grows(struct notes *n, struct json_value progress)
{
	char	text[NUMBER_CHARS];
	double	value;

	if (progress.type != JSON_NUMBER || progress.raw.n >= sizeof(text))
		return false;
	memcpy(text, progress.raw.p, progress.raw.n);
	text[progress.raw.n] = '\0';
	value = strtod(text, NULL);
	if (n->any && !(value > n->progress))
		return false;
	n->any = true;
	n->progress = value;
	return true;
}

/* The params again, with the client's token in the place of ours. */
static int
put_progress(struct buf *b, const struct notes *n, enum mcp_version version, struct json_value params)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*comma = "";
	int			r;

	if ((r = buf_put_str(b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{")) != 0)
		return r;
	json_iter_init(&it, params);
	while (json_iter_next(&it, &key, &value)) {
		struct json_value name = json_key(key);

		/* 2024-11-05 knows no message in it. */
		if (version == MCP_2024_11_05 && json_is(name, "message"))
			continue;
		if (json_is(name, "progressToken"))
			value.raw = n->token;
		if ((r = buf_put_fmt(b, "%s%.*s:", comma, SPAN_FMT(name.raw))) != 0 ||
		    (r = buf_put(b, value.raw)) != 0)
			return r;
		comma = ",";
	}
	return buf_put_str(b, "}}");
}

static void
relay_progress(struct notes *n, struct request *to, const struct rpc_answer *m)
{
	struct span	text;
	struct buf	b;

	if (n->token.n == 0 || !grows(n, json_get(m->params, "progress")))
		return;
	buf_init(&b, m->params.raw.n + n->token.n + NOTE_ROOM);
	if (put_progress(&b, n, to->version, m->params) == 0) {
		text = buf_rest(&b);
		(void)!events_give(to, &text, 1, true);
	}
	buf_fini(&b);
}

static void
relay_message(struct notes *n, struct request *to, const struct rpc_answer *m)
{
	enum mcp_level	level = mcp_level_of(json_get(m->params, "level"));

	if (n->level == MCP_LEVEL_NONE || level == MCP_LEVEL_NONE || level < n->level)
		return;
	(void)!events_give(to, &m->text, 1, true);
}

static void
relay(struct notes *n, struct request *to, const struct rpc_answer *m)
{
	switch (m->method) {
	case MCP_NOTE_PROGRESS:
		relay_progress(n, to, m);
		break;
	case MCP_NOTE_MESSAGE:
		relay_message(n, to, m);
		break;
	case MCP_NOTE_ELICITATION_COMPLETE:
		if (to->version == MCP_2025_11_25)
			(void)!events_give(to, &m->text, 1, true);
		break;
	default:
		break;
	}
}

/* One that belongs to a task: with the client's id of it, or none. */
static int
put_related(struct buf *b, const struct rpc_answer *m, struct span task_id, struct rpc_answer *out)
{
	size_t	from;
	int	r;

	*out = *m;
	if ((r = buf_put_fmt(b, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":",
	    mcp_method_row(m->method)->text)) != 0)
		return r;
	from = b->used;
	if ((r = task_put_related(b, m->params, task_id)) != 0 || (r = buf_put_str(b, "}")) != 0)
		return r;
	out->text = buf_rest(b);
	out->params.raw = span_part(out->text, from, out->text.n - from - 1);
	return 0;
}

void
notes_relay(struct notes *n, struct request *to, const struct rpc_answer *m, struct span task_id)
{
	struct rpc_answer	named;
	struct buf		b;

	if (m->params.type == JSON_OBJECT && task_is_related(m->params)) {
		buf_init(&b, m->text.n + task_id.n + NOTE_ROOM);
		if (put_related(&b, m, task_id, &named) == 0)
			relay(n, to, &named);
		buf_fini(&b);
	} else {
		relay(n, to, m);
	}
}
