/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.c - how much a process may make us do with stderr and sockets that it is refused
 *
 * Process: mcpgw-runner.  Owns: nothing.  Trusts: nothing.
 *
 * Nothing of this is lost or refused: who writes more than anybody reads waits as for any slow reader, and does not
 * make the others of its tenant wait.
 */
#include "sandbox/runner/noise.h"

void
noise_init(struct noise *n, struct loop *loop, loop_timer_fn *fn, void *arg)
{
	n->loop = loop;
	loop_timer_init(loop, &n->timer, fn, arg);
}

void
noise_fini(struct noise *n)
{
	loop_timer_disarm(&n->timer);
}

bool
noise_waits(const struct noise *n)
{
	return n->timer.armed;
}

bool
noise_add(struct noise *n, size_t bytes, size_t asks)
{
	uint64_t	now = loop_now_ms(n->loop);

	if (now - n->since_ms >= NOISE_MS) {
		n->since_ms = now;
		n->bytes = n->asks = 0;
	}
	n->bytes += bytes;
	n->asks += asks;
	if (n->bytes < NOISE_BYTES && n->asks < NOISE_ASKS)
		return false;
	loop_timer_arm(&n->timer, n->since_ms + NOISE_MS - now);
	return true;
}
