/* SPDX-License-Identifier: Apache-2.0
 *
 * wlink.h - the runner's end of the stream to one worker (ipc/link.h)
 */
#ifndef SANDBOX_RUNNER_WLINK_H
#define SANDBOX_RUNNER_WLINK_H

#include "lib/buf.h"
#include "sandbox/runner/call.h"

#define WLINK_BUCKETS	64

struct wlink {
	uint32_t	 magic;
	struct wlink	*next;
	struct runner	*r;
	uint32_t	 slot, incarnation;
	int		 fd;			/* owned */
	bool		 dead;			/* freed at the end of the turn */
	bool		 starved;		/* answers or events wait for room in the queue */
	uint64_t	 told;			/* events up to this one (tidings.c) */
	struct loop_io	 io;
	char		*in;			/* room for one whole frame and more */
	size_t		 in_bytes;
	struct buf	 out;
	struct call	*calls[WLINK_BUCKETS];
	size_t		 call_count;
};

/* Takes *fd, also on error, and leaves -1.  E_NOMEM or E_SYS. */
must_check int	wlink_new(struct runner *r, uint32_t slot, uint32_t incarnation, int *fd);
void		wlink_add(struct wlink *l, struct call *c);
void		wlink_remove(struct wlink *l, struct call *c);
struct call	*wlink_find(const struct wlink *l, uint32_t number);

/* Queues one frame for the end of the turn.  When there is no room for it the link is dead. */
void		wlink_put(struct wlink *l, enum link_type type, unsigned flags, uint32_t call, uint32_t a,
		    uint64_t b, struct span payload);
/* Queues one message of a call, in as many frames as it takes (NOTE, ASK). */
void		wlink_put_message(struct wlink *l, enum link_type type, uint32_t call, struct span text);
/* May an answer's body or an event be queued now?  If not, call_pump() and tidings_tell() are called again
 * when it may. */
bool		wlink_has_room(struct wlink *l);
/* It ends with this turn; `why` is for people, NULL: it is clear. */
void		wlink_die(struct wlink *l, const char *why);
/* So much is queued that the worker is not read any more: it takes nothing. */
bool		wlink_is_stuck(const struct wlink *l);

/* End of the turn. */
void		wlinks_flush(struct runner *r);
void		wlinks_reap(struct runner *r);
void		wlinks_close(struct runner *r);

#endif
