/* SPDX-License-Identifier: Apache-2.0
 *
 * test_chan.c - what a channel holds for a peer that does not read
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/chan.h"

static void
on_msg(struct chan *c, const struct chan_msg *msg, void *arg)
{
	(void)c;
	(void)msg;
	(void)arg;
}

static void
on_closed(struct chan *c, int why, void *arg)
{
	(void)c;
	(void)why;
	(void)arg;
}

/* Messages without a body cost memory too. */
Test(chan, holds_no_more_than_its_queue_for_who_does_not_read, .timeout = 60)
{
	const uint16_t	types[] = { MSG_TYPE_GO, MSG_TYPE_PING };
	struct loop	*l;

	cr_assert(eq(int, loop_new(&l), 0));
	for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
		union msg_any	nothing = { .PING = { .none_ = 0 } };
		struct chan	c;
		int		pair[2], r = 0;
		unsigned	n;

		cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
		cr_assert(eq(int, chan_init(&c, l, pair[0], ROLE_MASTER, ROLE_WORKER, on_msg, on_closed, NULL), 0));
		for (n = 0; r == 0 && n < 1000000; n++)
			r = chan_send(&c, types[k], n, &nothing, NULL, 0);
		cr_expect(eq(int, r, E_FULL));
		cr_expect(n < 30000, "%s: %u messages are held", msg_row(types[k])->name, n);
		chan_fini(&c);
		close(pair[1]);
	}
	loop_free(&l);
}
