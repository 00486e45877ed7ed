/* SPDX-License-Identifier: Apache-2.0
 *
 * about.c - what a legacy tool said of itself, for workers that ask
 *
 * Process: mcpgw-runner.  Owns: the text of each instance's InitializeResult.
 * Trusts:  that the line was proven; nothing in it.
 *
 * Workers ask every server with server/discover, whatever its era: a modern tool answers itself, a
 * legacy one has answered long ago, when it was greeted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/runner/instance_priv.h"

#define ABOUT_MAX	(64 * 1024)

void
instance_keep_about(struct instance *i, struct json_value result)
{
	instance_drop_about(i);
	/* Without it the worker knows no better than to offer everything. */
	if (result.type != JSON_OBJECT || result.raw.n > ABOUT_MAX ||
	    (i->about = malloc(result.raw.n)) == NULL)
		return;
	memcpy(i->about, result.raw.p, result.raw.n);
	i->about_bytes = result.raw.n;
}

void
instance_drop_about(struct instance *i)
{
	free(i->about);
	i->about = NULL;
	i->about_bytes = 0;
}

void
instance_answer_about(struct instance *i, struct call *c)
{
	static const char	 head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
	struct line		 line = { .kind = LINE_ANSWER };
	struct buf		 text;
	int			 r;

	buf_init(&text, ABOUT_MAX + RUNNER_TEXT);
	if (i->about != NULL)
		r = buf_put_fmt(&text, "%s0,\"result\":%.*s}", head, (int)i->about_bytes, i->about);
	else
		r = buf_put_fmt(&text, "%s0,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}",
		    head);
	if (r != 0) {
		buf_fini(&text);
		call_end(c, LINK_END_BUSY, "out of memory");
		return;
	}
	line.bytes = buf_rest(&text).n;
	line.msg.text = buf_rest(&text);
	line.msg.id = span_part(line.msg.text, sizeof(head) - 1, 1);
	line.msg.is_error = i->about == NULL;
	/* It has been where any other call has been, but for the pipe. */
	call_written(c);
	call_answer(c, &line, false);
	buf_fini(&text);
}
