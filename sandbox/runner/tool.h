/* SPDX-License-Identifier: Apache-2.0
 *
 * tool.h - one process: from SPAWN to SPAWN_EXITED, its pipes and its end
 *
 * It serves one instance, or none any more: then what it still writes is thrown away.
 */
#ifndef SANDBOX_RUNNER_TOOL_H
#define SANDBOX_RUNNER_TOOL_H

#include "sandbox/runner/feed.h"
#include "sandbox/runner/instance.h"
#include "sandbox/runner/noise.h"

#define TOOL_READ		(64 * 1024)	/* from one pipe at a time */
#define TOOL_OWN_MAX		(256u * 1024)	/* of our replies not taken: then we read no more */
#define TOOL_REPLIES_MAX	(16u << 20)	/* of clients' replies not taken: then they are refused */
#define TOOL_GARBAGE_LINES	100		/* in a row */
#define TOOL_GARBAGE_BYTES	(1u << 20)	/* in a row */
#define TOOL_WINDOW_MS		10000		/* messages nobody asked for, in this time: */
#define TOOL_WINDOW_LINES	20000
#define TOOL_WINDOW_BYTES	(64u << 20)

enum tool_state {
	TOOL_SPAWNING,
	TOOL_RUNNING,
	TOOL_CLOSING,		/* stdin is closed, it has some time to leave */
	TOOL_KILLED,		/* the lifeline is closed: the kernel takes the whole jail */
};

struct tool {
	uint32_t		 magic;
	struct tool		*next;
	struct tool		*dirty_next;
	struct runner		*r;
	struct server		*server;
	struct instance		*instance;
	uint64_t		 key;
	uint64_t		 ref;		/* of its SPAWN */
	uint32_t		 pid;		/* 0 until SPAWNED */
	enum tool_state		 state;
	uint64_t		 started_ms;

	int			 out, err, life, pidfd, listener;
	struct loop_io		 out_io, err_io, pidfd_io, listener_io;
	struct loop_timer	 timer;
	struct feed		 feed;
	size_t			 replies_counted;	/* of the feed, in runner.reply_bytes */
	bool			 dirty;
	bool			 out_ended;
	bool			 left;		/* its pidfd says it is dead */
	bool			 starved;	/* not read for want of memory */

	struct lines		 lines;
	size_t			 lines_counted;	/* of the line being read, in runner.held_bytes */
	unsigned		 garbage_row;	/* lines since the last message */
	size_t			 garbage_bytes;	/* the same in bytes */
	size_t			 garbage_seen;	/* of the unfinished line, counted already */
	uint64_t		 garbage_total;
	uint64_t		 window_ms;	/* lines nobody asked for, counted from here */
	size_t			 window_lines, window_bytes;
	struct noise		 noise;		/* of stderr and refused sockets */
	bool			 err_ended, listener_ended;
	struct ring_tail	 tail;
};

/* Asks the spawner for one; it is the instance's until it ends.  E_NOMEM, E_CLOSED, E_FULL. */
must_check int	tool_start(struct server *s, struct instance *i, uint64_t key);
/* Queues a line (feed_take); tag is the call's. */
must_check int	tool_put(struct tool *t, char **line, size_t bytes, void *tag);
/* The same for a line of our own that stands in `text`; what does not fit in memory is left out. */
void		tool_say(struct tool *t, struct buf *text);
/* Queues a client's reply, which stands in `text` with its line feed, and takes the memory.  It does not
 * stop the reading, as lines of our own do: the tool may be writing.  E_FULL (`text` stays), E_CLOSED,
 * E_NOMEM. */
must_check int	tool_reply(struct tool *t, struct buf *text);
/* From here on it serves nobody: closes stdin, and after grace_ms the lifeline.  E.g. 0: at once. */
void		tool_stop(struct tool *t, uint64_t grace_ms);
/* It misbehaved: its instance ends with this reason and text, and so does it. */
void		tool_fail(struct tool *t, enum link_end why, const char *text);
/* A message that answers no call of ours: too many of them are babble. */
void		tool_unasked(struct tool *t, size_t bytes);
/* Bytes it makes us hold: the line being read and answers not taken. */
size_t		tool_held(const struct tool *t);
void		tool_starve(struct tool *t, bool starve);

/* From the spawner.  Unknown refs and pids are ignored. */
void		tool_spawned(struct runner *r, uint64_t ref, uint32_t pid, int *fds);
void		tool_watch(struct runner *r, uint32_t pid, int *fds);
void		tool_spawn_failed(struct runner *r, uint64_t ref, enum link_end why, struct span text);
/* `why`: what the spawner knows of its end, or empty. */
void		tool_exited(struct runner *r, uint32_t pid, int status, struct span why);
/* The spawner is gone: what is known of the jails is their pidfds. */
void		tools_spawner_gone(struct runner *r);

/* End of the turn. */
void		tools_flush(struct runner *r);
void		tools_stop_all(struct runner *r, uint64_t grace_ms_max);
/* Is any on its way out? */
bool		tools_any_leaving(const struct runner *r);
void		tools_free(struct runner *r);

#endif
