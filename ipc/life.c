/* SPDX-License-Identifier: Apache-2.0
 *
 * life.c - from READY to EXITING
 *
 * Process: each child of the master that has a loop.  Owns: nothing beyond a call.
 * Trusts:  the master.
 */
#include <sysexits.h>

#include "ipc/life.h"
#include "lib/log.h"

void
life_begin(struct chan *master, uint64_t generation)
{
	struct msg_READY	ready = { .generation = generation };
	int			r;

	if ((r = chan_send(master, MSG_TYPE_READY, 0, &ready, NULL, 0)) != 0)
		fatal(EX_UNAVAILABLE, "master: %s", err_text(r));
	master->ready = true;
}

bool
life_heard(struct chan *master, const struct chan_msg *m)
{
	if (m->type == MSG_TYPE_PING)
		chan_tell(master, MSG_TYPE_PING, m->ref, &m->body->PING);
	else if (m->type == MSG_TYPE_LOG_FD)
		log_take_fd(&m->fds[0]);
	else
		return false;
	return true;
}

void
life_end(struct chan *master, int exit_code)
{
	struct msg_EXITING	m = { .reason = (uint32_t)exit_code };

	if (!master->dead)
		chan_tell(master, MSG_TYPE_EXITING, 0, &m);
	chan_fini(master);
}
