/* SPDX-License-Identifier: Apache-2.0
 *
 * runner.h - what all files of the runner share: the one struct of the process, and its limits
 *
 * One tenant, one runner.  Objects and who owns them:
 *
 *   runner -> wlink -> call            a worker's stream and the calls it opened
 *          -> server -> instance       one profile, one isolation key: its queue and its tool
 *          -> tool                     one process, from SPAWN to SPAWN_EXITED
 *          -> native                   a call of a program, and its process (native.h)
 *
 * A call also stands in its instance's list; an instance points to its tool and the tool back, until
 * one of them ends.  Links and instances that ended are marked and freed at the end of the turn, so
 * that no handler finds its object gone; a tool is freed when the spawner says its jail is gone.
 */
#ifndef SANDBOX_RUNNER_RUNNER_H
#define SANDBOX_RUNNER_RUNNER_H

#include "ipc/chan.h"
#include "ipc/link.h"
#include "lib/loop.h"
#include "policy/snap.h"
#include "sandbox/runner/tidings.h"

#define RUNNER_MEMORY		(64u << 20)	/* where no profile says runner_memory */
#define RUNNER_BODIES		(64u << 20)	/* bodies of calls that were not written yet */
#define RUNNER_QUEUE		(32u << 20)	/* the same, of one instance */
#define RUNNER_REPLIES		(32u << 20)	/* clients' replies that tools did not take yet */
#define RUNNER_LINK_CALLS	4096		/* open calls of one worker */
#define RUNNER_QUEUE_WAIT_MS	5000		/* for a place among max_instances */
#define RUNNER_TEXT		512		/* bytes of a text for people, with its NUL */

struct native;
struct ring;
struct server;
struct tool;
struct wlink;

struct runner {
	struct loop	*loop;
	struct chan	 master, spawner;
	struct snap	*profile;
	char		 tenant[256];
	uint64_t	 next_ref;		/* of SPAWN */
	struct wlink	*links;
	struct server	*servers;
	struct ring	*rings;			/* what tools wrote, by their server's name */
	struct tool	*tools;
	struct tool	*dirty;			/* have lines to write this turn */
	struct native	*natives, **natives_last;	/* calls of programs, in order of arrival, and the programs */
	bool		 natives_first;		/* they were asked before instances for free places */
	size_t		 tool_count;		/* processes of both kinds */
	size_t		 call_count;
	size_t		 starved_count;		/* tools not read for want of memory */
	size_t		 natives_starved;	/* programs not read for that */
	struct tool	*favourite;		/* is read in spite of that, since favourite_ms */
	uint64_t	 favourite_ms;
	size_t		 held_bytes, body_bytes, reply_bytes;
	struct rpc_scan	*replies;		/* proves them */
	struct tidings	 tidings;		/* what tools say of no call */
	size_t		 sub_count;		/* subscriptions of all servers */
	bool		 subs_stale;		/* tools may have to be told of some */
	size_t		 memory_max;	/* runner_memory: where held_bytes should stay */
	bool		 kick;			/* waiting instances may have a chance now */
	bool		 flushing;		/* the turn's writes are being done or are done */
	bool		 draining, leaving;
	int		 exit_code;
	struct loop_timer again;		/* something was queued after this turn's flush */
	struct loop_timer patience;		/* looks after the favourite */
	struct loop_timer leave;		/* the end of a drain */
};

/* Says that something was queued for writing: when this turn has flushed already, another follows. */
void		runner_wrote(struct runner *r);
/* Take nothing new; the process ends when nothing runs, or after within_ms. */
void		runner_drain(struct runner *r, uint64_t within_ms, int exit_code);

#endif
