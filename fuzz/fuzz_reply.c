/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_reply.c - what a worker may send as a client's answer to a tool
 *
 * The first byte is the size of the frames it arrives in.  Whatever the frames, the message is the same
 * and so is the verdict; what is taken for a reply is one response on one line, with an id within it.
 */
#include <stdint.h>
#include <string.h>

#include "ipc/link.h"
#include "lib/bug.h"
#include "sandbox/runner/reply.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct rpc_scan	*scan;

/* A message that nobody waits for, cut like the other, goes before it and leaves nothing behind. */
static int
run(struct span input, size_t piece)
{
	struct reply	r = { .going = false };
	struct span	id, text, rest = input, part;
	int		res = 0;

	for (int wanted = 0; wanted <= 1; wanted++) {
		for (rest = input, res = 0; rest.n > 0 && res == 0;) {
			part = span_part(rest, 0, piece);
			rest = span_part(rest, part.n, rest.n - part.n);
			/* Only the first frame says whether it is wanted. */
			res = reply_take(&r, part, rest.n > 0, rest.n + part.n == input.n ? wanted : !wanted);
		}
		BUG_ON(!wanted && (res != 0 || r.text.used != 0 || r.going));
	}
	BUG_ON(res != 1 && res != E_NOMEM);
	if (res == 1) {
		text = buf_rest(&r.text);
		BUG_ON(!span_eq(text, input));
		if ((res = reply_prove(&scan, text, &id)) == 0) {
			BUG_ON(memchr(text.p, '\n', text.n) != NULL);
			BUG_ON(id.n == 0 || id.n > RPC_ID_MAX || id.p < text.p || id.p + id.n > text.p + text.n);
		}
	}
	reply_fini(&r);
	return res;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	BUG_ON(run(span_make(data + 1, n - 1), (size_t)data[0] + 1) != run(span_make(data + 1, n - 1), n));
	return 0;
}
