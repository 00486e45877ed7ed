/* SPDX-License-Identifier: Apache-2.0
 *
 * children.h - the child table: birth, watchdog, death, back-off
 *
 * A child's place outlives its processes: slot and deaths stay, pid and incarnation change.
 */
#ifndef MASTER_CHILDREN_H
#define MASTER_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "ipc/chan.h"
#include "lib/loop.h"
#include "policy/snap.h"

struct master;
struct tenant;

enum child_state {
	CHILD_IDLE,		/* no process, none wanted */
	CHILD_WAITING,		/* no process until the back-off is over */
	CHILD_BOOTING,
	CHILD_READY,
	CHILD_DRAINING,		/* told to leave */
	CHILD_LEAVING,		/* channel closed or killed; not reaped yet */
	CHILD_STATE_LIMIT
};

struct child {
	uint32_t		 magic;
	struct master		*m;
	enum role		 role;
	uint32_t		 slot;
	struct tenant		*tenant;	/* spawner and runner */
	bool			 respawn;	/* its place is to be filled */
	bool			 asked;		/* we made it leave, and said so */
	bool			 retires;	/* draining, but in no hurry */
	bool			 reaped;	/* status is known, the channel not read to its end */
	int			 status;	/* of wait(2) */
	enum child_state	 state;
	pid_t			 pid;
	struct chan		 chan;
	uint32_t		 incarnation, deaths;
	unsigned		 fails;		/* early deaths in a row */
	uint64_t		 born_ms, ready_ms, heard_ms;
	uint64_t		 pinged_ms;	/* the oldest ping that nothing followed */
	uint64_t		 in_force[SNAP_KIND_LIMIT];	/* generations, as the child says */
	char *const		*more_args;	/* after the slot; NULL: none */
	struct loop_timer	 timer;		/* back-off, or the end of patience */
	LIST_ENTRY(child)	 live;		/* while there is a pid */
};

LIST_HEAD(child_list, child);

struct children {
	struct child_list	 live;
	struct loop_timer	 watch;
	uint64_t		 token;
	uint64_t		 deaths[ROLE_LIMIT];	/* that nobody asked for */
};

void		children_init(struct master *m);
/* After SIGCHLD: reaps whatever is there; a pid of no child goes to query_on_exit(). */
void		children_reap(struct master *m);
/* Kills and reaps all, without looking back.  For the last lines of main. */
void		children_kill_all(struct master *m);
/* Any process left of this set of roles? */
bool		children_alive(const struct master *m, unsigned roles);

void		child_init(struct child *c, struct master *m, enum role role, uint32_t slot,
		    struct tenant *t);
/* No process may be left. */
void		child_fini(struct child *c);
/* Forks, executes, sends what it gets before GO.  A failure counts as a death of the child and is
 * tried again when `respawn` is set. */
void		child_start(struct child *c);
/* Queued for the child.  When that fails the child is killed, so the answer matters only where the
 * caller waits for a reply.  E_CLOSED when it has no channel. */
int		child_send(struct child *c, uint16_t type, uint64_t ref, const void *msg, const int *fds,
		    unsigned fd_count);
static inline bool
child_has_channel(const struct child *c)
{
	return c->state == CHILD_BOOTING || c->state == CHILD_READY || c->state == CHILD_DRAINING;
}

/* Tells it to leave within this time, and makes sure; it is not replaced. */
void		child_drain(struct child *c, uint64_t within_ms);
/* Tells it to leave at once, waiting for nobody, and has this much patience. */
void		child_quit(struct child *c, uint64_t patience_ms);
/* The same of a worker or mcpgw-admin, but no client is cut off for it before that time is over. */
void		child_retire(struct child *c, uint64_t within_ms);
/* Kills it; it is replaced when `respawn` is set.  `why` is for the log. */
void		child_kill(struct child *c, const char *why);
/* Asks it for a sign of life, unless one is due already. */
void		child_ping(struct child *c);
/* Takes calls or does not, as the operator wants it (m->holds); a worker's, or mcpgw-admin's. */
void		hold_tell(struct child *c);
/* READY arrived. */
void		child_is_ready(struct child *c);

/* "worker 2" for the log; static storage, valid until the next call. */
const struct log_subject *child_subject(const struct child *c);

#endif
