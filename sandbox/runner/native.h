/* SPDX-License-Identifier: Apache-2.0
 *
 * native.h - calls of programs that speak no MCP: one call, one jail
 *
 *   COLLECTING -> WAITING -> SPAWNING -> RUNNING -> (answered) -> KILLED or left -> freed
 *
 * For a server with SERVER_FLAG_NATIVE the runner is the server: it answers server/discover and tools/list from
 * the profile, and a tools/call with what a program wrote.  There is no instance; a call that waits for a place
 * stands in the runner's list, in order of arrival.  A program outlives its call until its jail is gone.
 */
#ifndef SANDBOX_RUNNER_NATIVE_H
#define SANDBOX_RUNNER_NATIVE_H

#include "sandbox/runner/call.h"

struct server;

/* A CALL frame for such a server came: the call is its from here on.  E_NOMEM. */
must_check int	native_open(struct server *s, struct call *c);
/* Its body is whole: answered at once, or it waits for a place, or begins. */
void		native_whole(struct call *c);
/* Takes the call out, and ends its program.  True: that had begun. */
bool		native_leave(struct call *c);
/* Its deadline is over.  Ends the call. */
void		native_late(struct call *c);

/* From the spawner.  False: the ref or pid is none of these. */
bool		native_spawned(struct runner *r, uint64_t ref, uint32_t pid, int *fds);
bool		native_watch(struct runner *r, uint32_t pid, int *fds);
bool		native_spawn_failed(struct runner *r, uint64_t ref, enum link_end why, int32_t error,
		    struct span text);
bool		native_exited(struct runner *r, uint32_t pid, int status);
/* The spawner is gone: what it had not begun will not come. */
void		natives_spawner_gone(struct runner *r);

/* Those that wait try again. */
void		natives_kick(struct runner *r);
/* This server is of no configuration any more: what waits is told so. */
void		natives_retire(struct server *s);
/* Does a program run, or is it about to, that writes to a folder of this server's? */
bool		natives_write_with(const struct server *s);
/* Each turn: memory may be there again for those whose output was not read. */
void		natives_feed(struct runner *r);
void		natives_free(struct runner *r);

#endif
