/* SPDX-License-Identifier: Apache-2.0
 *
 * instance.h - one (server, isolation key, capabilities): its calls, and the tool that serves them
 *
 *   WAITING -> PROBING -> WAITING -> STARTING -> GREETING -> UP        legacy, or not known yet
 *   WAITING -> STARTING -> UP                                          known to be modern
 *
 * An instance never comes back from UP: when its tool goes, the instance ends, and the next call makes
 * a new one.  Its ids are its own, so an answer can only meet a call of the same instance.
 */
#ifndef SANDBOX_RUNNER_INSTANCE_H
#define SANDBOX_RUNNER_INSTANCE_H

#include "sandbox/runner/lease.h"
#include "sandbox/runner/listen.h"
#include "sandbox/runner/server.h"

#define INSTANCE_BUCKETS	64

enum instance_state {
	INSTANCE_WAITING,	/* no process yet: for a place, a folder, or another one's probe */
	INSTANCE_PROBING,	/* a sibling process is asked server/discover, then ended */
	INSTANCE_STARTING,	/* SPAWN is under way */
	INSTANCE_GREETING,	/* initialize is under way */
	INSTANCE_UP,
};

struct instance {
	struct instance		*next;		/* in the server */
	struct server		*server;
	uint64_t		 key;		/* link_call.instance */
	uint32_t		 capabilities;	/* what a legacy tool is initialized with */
	enum instance_state	 state;
	bool			 dead;		/* freed at the end of the turn */
	bool			 wants_place;	/* waits for one among max_instances */
	bool			 yields;	/* another of its key waits: takes no new calls */
	bool			 twin;		/* another of its key was made */
	struct tool		*tool;
	bool			 modern;
	bool			 logs;		/* its InitializeResult offers `logging` */
	enum mcp_level		 level_told;	/* the most verbose of logging/setLevel */
	char			*about;		/* a legacy tool's InitializeResult, raw; NULL: none kept */
	size_t			 about_bytes;
	uint64_t		 next_id, hello_id;
	uint64_t		 up_since_ms, last_use_ms;
	struct loop_timer	 timer;		/* what it means depends on the state */

	struct call		*calls, **last;
	size_t			 call_count;
	struct lease		 lease;
	struct listen		 listen;	/* a modern tool's */
	struct ask		*asks;		/* what the tool asked and clients did not answer */
	struct call		*ids[INSTANCE_BUCKETS];
	size_t			 queued_bytes;	/* bodies and lines not yet in the pipe */
	size_t			 held_bytes;	/* answers not yet taken by workers */
	uint64_t		 ignored;	/* answers nobody waits for */
	uint64_t		 given_up;	/* calls sent and not awaited any more, whose answers may come */
};

/* The live instance for a call with this key and its client's capabilities, made when there is none
 * (share.c).  `list`: background work, which any instance of the key may do.  E_NOMEM. */
must_check int	instance_get(struct server *s, uint64_t key, uint32_t capabilities, bool list,
		    struct instance **out);

/* A call belongs to the instance from here on; it may be ended at once (BUSY, UNAVAILABLE). */
void		instance_join(struct instance *i, struct call *c);
/* Its body is whole. */
void		instance_call_whole(struct instance *i, struct call *c);
/* It goes into the feed of the tool, which is up; when it cannot, it ends. */
void		instance_put(struct instance *i, struct call *c);
/* Its line is in the pipe; the tool has it. */
void		instance_unqueue(struct instance *i, struct call *c);
/* Its id is answered and means nobody any more. */
void		instance_answered(struct instance *i, struct call *c);
/* n bytes of an answer wait here for credit. */
void		instance_hold(struct instance *i, size_t n);
/* Its deadline is over. */
void		instance_call_late(struct instance *i, struct call *c, const char *text);
/* Takes the call out, tells the tool when `cancel`.  True: the tool had seen some of it. */
bool		instance_leave(struct instance *i, struct call *c, bool cancel);
/* Why a call still waits, for people. */
void		instance_describe_wait(const struct instance *i, const struct call *c, char *text,
		    size_t text_bytes);

/* From the tool (tool.c): its process runs; it wrote a line; it is gone, or is being ended by us. */
void		instance_tool_up(struct instance *i);
void		instance_tool_line(struct instance *i, const struct line *line);
void		instance_tool_gone(struct instance *i, enum link_end why, const char *text, bool clean);

/* Ends it and its calls; the tool, when there is one, is stopped with that grace.  `failed`: counts
 * against the server. */
void		instance_fail(struct instance *i, enum link_end why, const char *text, bool failed,
		    uint64_t grace_ms);
/* Ends an instance without calls, in order. */
void		instance_stop(struct instance *i);
/* Starts what it waits for, if that can be now. */
void		instance_try(struct instance *i);

size_t		instances_up(const struct server *s);
void		instances_retire(struct server *s);
/* They take no new calls: those without any stop at once, the others when theirs are done. */
void		instances_yield(struct server *s, uint32_t *stopped, uint32_t *finishing);
void		instances_kick(struct runner *r);	/* those that wait try again */
void		instances_reap(struct runner *r);
void		instances_free(struct runner *r);	/* when neither links nor tools are left */
/* The one that was not used for longest, up and without calls; NULL when there is none. */
struct instance	*instances_idlest(const struct runner *r);

#endif
