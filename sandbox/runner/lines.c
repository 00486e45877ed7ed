/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.c - lines out of a tool's stdout, bounded, proven, and told apart
 *
 * Process: mcpgw-runner.  Owns: the line being read.
 * Trusts:  no byte; a line counts as a message only when the scanner proved it.
 */
#include <stdlib.h>

#include "ipc/link.h"
#include "sandbox/runner/lines.h"

#define KEEP_ROOM	(64 * 1024)	/* memory kept from one line to the next */

int
lines_init(struct lines *l)
{
	*l = (struct lines){ .scan = NULL };
	return rpc_answer_new(&l->scan);
}

void
lines_fini(struct lines *l)
{
	rpc_scan_free(&l->scan);
	free(l->data);
	*l = (struct lines){ .scan = NULL };
}

static void
lines_reset(struct lines *l)
{
	rpc_scan_reset(l->scan);
	l->bad = l->told = false;
	l->used = l->bytes = 0;
	if (l->room > KEEP_ROOM) {
		free(l->data);
		l->data = NULL;
		l->room = 0;
	}
}

static int
lines_keep(struct lines *l, struct span part)
{
	size_t	 room = l->room == 0 ? 4096 : l->room;
	char	*data;

	if (part.n > LINK_LINE_MAX - l->used)
		return E_TOOBIG;
	while (room < l->used + part.n)
		room *= 2;
	if (room > LINK_LINE_MAX)
		room = LINK_LINE_MAX;
	if (room > l->room) {
		if ((data = realloc(l->data, room)) == NULL)
			return E_NOMEM;
		l->data = data;
		l->room = room;
	}
	if (part.n > 0)
		memcpy(l->data + l->used, part.p, part.n);
	l->used += part.n;
	return 0;
}

static enum line_kind
kind_of(struct rpc_scan *scan, struct span text, struct rpc_answer *msg)
{
	struct json_value	whole = { JSON_OBJECT, text };

	switch (rpc_answer_end(scan, text, msg)) {
	case 0:
		return msg->kind == RPC_RESPONSE ? LINE_ANSWER :
		    msg->kind == RPC_REQUEST ? LINE_REQUEST : LINE_NOTIFICATION;
	case E_RPC_INVALID:
		return msg->id.n > 0 && json_get(whole, "method").type == JSON_NONE ? LINE_BAD_ANSWER :
		    LINE_GARBAGE;
	default:
		return LINE_GARBAGE;
	}
}

int
lines_next(struct lines *l, struct span *chunk, struct line *out)
{
	const char	*end;
	struct span	 part, text;
	int		 r;

	if (l->told)
		lines_reset(l);
	if (chunk->n == 0)
		return 0;
	end = memchr(chunk->p, '\n', chunk->n);
	part = span_part(*chunk, 0, end == NULL ? chunk->n : (size_t)(end - chunk->p));
	*chunk = span_part(*chunk, part.n + (end != NULL), chunk->n);
	if (!l->bad && rpc_scan_feed(l->scan, part) != 0) {
		/* Nobody will read it; its length is all that counts. */
		l->bad = true;
		l->used = 0;
	}
	l->bytes += part.n;
	text = part;
	if (!l->bad && (end == NULL || l->used > 0)) {
		if ((r = lines_keep(l, part)) != 0)
			return r;
		text = span_make(l->data, l->used);
	}
	if (end == NULL)
		return 0;
	if (text.n > LINK_LINE_MAX)
		return E_TOOBIG;
	l->told = true;
	*out = (struct line){ .kind = LINE_GARBAGE, .bytes = l->bytes };
	if (l->bad)
		return 1;
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	out->kind = kind_of(l->scan, text, &out->msg);
	return 1;
}
