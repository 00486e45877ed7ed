/* SPDX-License-Identifier: Apache-2.0
 *
 * reply.c - a client's answer to a tool's request, put together from a worker's frames and proven
 *
 * Process: mcpgw-runner.  Owns: the bytes of the message under way.
 * Trusts:  nothing.  What a tool gets from us is one message on one line, or a worker could answer for
 *          calls that are not its own.
 */
#include "ipc/link.h"
#include "sandbox/runner/reply.h"

#define ROOM	(LINK_ASK_MAX + 1)	/* and the line feed that its writer adds */

void
reply_fini(struct reply *r)
{
	buf_fini(&r->text);
	*r = (struct reply){ .going = false };
}

int
reply_take(struct reply *r, struct span part, bool more, bool wanted)
{
	int	res = 0;

	if (part.n == 0)
		return E_FORMAT;
	if (!r->going) {
		buf_fini(&r->text);
		buf_init(&r->text, ROOM);
		r->skips = !wanted;
	}
	r->going = more;
	if (r->skips)
		return 0;
	if (part.n > LINK_ASK_MAX - r->text.used)
		return E_FORMAT;
	if ((res = buf_put(&r->text, part)) != 0)
		return E_NOMEM;
	return !more;
}

int
reply_prove(struct rpc_scan **scan, struct span text, struct span *id)
{
	struct rpc_answer	 msg;
	int			 r;

	if (memchr(text.p, '\n', text.n) != NULL)
		return E_FORMAT;
	if (*scan == NULL && (r = rpc_answer_new(scan)) != 0)
		return r == E_NOMEM ? E_NOMEM : E_FORMAT;
	if ((r = rpc_answer_whole(*scan, text, &msg)) != 0)
		return r == E_NOMEM ? E_NOMEM : E_FORMAT;
	if (msg.kind != RPC_RESPONSE || msg.id.n == 0)
		return E_FORMAT;
	*id = msg.id;
	return 0;
}
