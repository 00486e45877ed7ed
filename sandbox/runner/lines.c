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
#define GARBAGE_SHOWN	200

enum { WANT_JSONRPC, WANT_ID, WANT_METHOD, WANT_RESULT, WANT_ERROR, WANT_PARAMS, WANT_PROGRESS };
static const struct json_want wants[] = {
	[WANT_JSONRPC] = { JSON_ROOT, 0, "jsonrpc" },
	[WANT_ID] = { JSON_ROOT, 0, "id" },
	[WANT_METHOD] = { JSON_ROOT, 0, "method" },
	[WANT_RESULT] = { JSON_ROOT, 0, "result" },
	[WANT_ERROR] = { JSON_ROOT, 0, "error" },
	[WANT_PARAMS] = { JSON_ROOT, 0, "params" },
	[WANT_PROGRESS] = { WANT_PARAMS, 0, "progressToken" },
};

int
lines_init(struct lines *l)
{
	*l = (struct lines){ .scan = NULL };
	return json_scan_new(wants, sizeof(wants) / sizeof(wants[0]), JSON_WANT_UNIQUE_MEMBERS, &l->scan);
}

void
lines_fini(struct lines *l)
{
	json_scan_free(&l->scan);
	free(l->data);
	*l = (struct lines){ .scan = NULL };
}

static void
lines_reset(struct lines *l)
{
	json_scan_reset(l->scan);
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

	if (l->bad) {
		if (l->used >= GARBAGE_SHOWN)
			l->used = GARBAGE_SHOWN;
		part = span_part(part, 0, GARBAGE_SHOWN - l->used);
	} else if (part.n > LINK_LINE_MAX - l->used) {
		return E_TOOBIG;
	}
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

static void
line_tell(const struct lines *l, struct span text, struct line *out)
{
	const struct json_slot	*slot = json_scan_slots(l->scan);
	bool			 ok;

#define VALUE(want) span_part(text, slot[want].at, slot[want].seen ? slot[want].bytes : 0)
	out->kind = LINE_GARBAGE;
	out->text = text;
	if (json_scan_top(l->scan) != JSON_OBJECT || !span_is(VALUE(WANT_JSONRPC), "\"2.0\""))
		return;
	out->method = VALUE(WANT_METHOD);
	out->result = VALUE(WANT_RESULT);
	out->error = VALUE(WANT_ERROR);
	out->progress = VALUE(WANT_PROGRESS);
	if (slot[WANT_ID].type == JSON_NUMBER || slot[WANT_ID].type == JSON_STRING)
		out->id = VALUE(WANT_ID);
#undef VALUE
	if (slot[WANT_METHOD].seen) {
		if (slot[WANT_METHOD].type != JSON_STRING || (slot[WANT_ID].seen && out->id.n == 0))
			return;
		out->kind = slot[WANT_ID].seen ? LINE_REQUEST : LINE_NOTIFICATION;
		return;
	}
	ok = slot[WANT_RESULT].seen ? !slot[WANT_ERROR].seen && slot[WANT_RESULT].type == JSON_OBJECT :
	    slot[WANT_ERROR].type == JSON_OBJECT;
	/* An error whose request could not be read has no id: an answer, to nobody. */
	if (out->id.n > 0 || ok)
		out->kind = ok ? LINE_ANSWER : LINE_BAD_ANSWER;
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
	if (!l->bad && json_scan_feed(l->scan, part) != 0)
		l->bad = true;
	l->bytes += part.n;
	if (end == NULL || l->used > 0) {
		if ((r = lines_keep(l, part)) != 0)
			return r;
		text = span_make(l->data, l->used);
	} else if (part.n > LINK_LINE_MAX) {
		return E_TOOBIG;
	} else {
		text = part;
	}
	if (end == NULL)
		return 0;
	l->told = true;
	*out = (struct line){ .kind = LINE_GARBAGE, .bytes = l->bytes };
	if (l->bad || json_scan_end(l->scan) != 0) {
		out->text = span_part(text, 0, GARBAGE_SHOWN);
		return 1;
	}
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	line_tell(l, text, out);
	return 1;
}
