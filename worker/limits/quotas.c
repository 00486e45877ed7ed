/* SPDX-License-Identifier: Apache-2.0
 *
 * quotas.c - what the store is told of quotas: that a mark has to be moved, or one be begun anew
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing; the store looks at the slot itself.
 */
#include "worker/limits/limits.h"

#define TELL_AGAIN_MS	20		/* the store writes to a disk; who waits looks at the slot */

void
limits_tell_store(struct worker *w, const struct quota_use *u, bool reset)
{
	const size_t		 at = u->key % WORKER_QUOTAS_TOLD;
	const uint64_t		 now = loop_now_ms(w->loop);
	struct msg_QUOTA_MARK	 msg = { .of = u->content, .hard = u->rec.hard, .ahead = u->ahead, .warn = u->rec.warn,
				    .ends_ms = u->ends_ms, .reset = reset };

	if (!reset && w->told[at].key == u->key && now - w->told[at].ms < TELL_AGAIN_MS)
		return;
	w->told[at].key = u->key;
	w->told[at].ms = now;
	chan_tell(&w->master, MSG_TYPE_QUOTA_MARK, 0, &msg);
}
