/* SPDX-License-Identifier: Apache-2.0
 *
 * keyuse.c - which API keys were used here, told to the store some seconds later
 *
 * Process: worker.
 * Owns:    the times, by a key's place in the `keys` snapshot in force.
 * Trusts:  that snapshot.
 */
#include <stdlib.h>

#include "lib/log.h"
#include "worker/front/keyuse.h"

#define USE_BYTES	40		/* SHA-256 and u64 ms, as KEYS_USED has them */
#define USES_A_MESSAGE	256

/* Those that were used since it was told last; without memory for a message they are told the next time. */
static void
tell(struct worker *w, const struct snap *keys)
{
	struct auth_uses	*u = &w->keyuse.uses;
	struct msg_KEYS_USED	 msg;
	const struct rec_key	*k;
	char			 batch[USES_A_MESSAGE * USE_BYTES];
	size_t			 bytes = 0;

	loop_timer_disarm(&w->keyuse.tell);
	if (!u->any || keys == NULL)
		return;
	u->any = false;
	for (uint64_t i = 0; i < u->count; i++) {
		const uint64_t	ms = (uint64_t)u->at_s[i] * 1000;

		if (ms != 0 && (k = SNAP_AT(keys, KEY, i)) != NULL) {
			memcpy(batch + bytes, k->digest, sizeof(k->digest));
			memcpy(batch + bytes + sizeof(k->digest), &ms, sizeof(ms));
			bytes += USE_BYTES;
			u->at_s[i] = 0;
		}
		if (bytes < sizeof(batch) && (i + 1 < u->count || bytes == 0))
			continue;
		msg = (struct msg_KEYS_USED){ .uses = span_make(batch, bytes) };
		chan_tell(&w->master, MSG_TYPE_KEYS_USED, 0, &msg);
		bytes = 0;
	}
}

static void
on_tell(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;

	(void)t;
	tell(w, swap_current(&w->snaps, SNAP_KEYS));
}

void
keyuse_init(struct worker *w)
{
	w->keyuse.uses = (struct auth_uses){ 0 };
	loop_timer_init(w->loop, &w->keyuse.tell, on_tell, w);
}

void
keyuse_fini(struct worker *w)
{
	tell(w, swap_current(&w->snaps, SNAP_KEYS));
	free(w->keyuse.uses.at_s);
	w->keyuse.uses = (struct auth_uses){ 0 };
}

void
keyuse_keys_changed(struct worker *w, const struct snap *before)
{
	const struct snap	*now = swap_current(&w->snaps, SNAP_KEYS);
	const uint64_t		 count = snap_count(now, SECTION_KEY);

	tell(w, before);
	free(w->keyuse.uses.at_s);
	w->keyuse.uses = (struct auth_uses){ .at_s = calloc(count + 1, sizeof(uint32_t)) };
	/* Without memory nobody knows when they were used; they are good all the same. */
	if (w->keyuse.uses.at_s != NULL)
		w->keyuse.uses.count = count;
	else
		log_warn(NULL, "no memory for when keys are used");
}
