/* SPDX-License-Identifier: Apache-2.0
 *
 * server.h - one profile of the tenant: its facts, its verdict, its failures
 *
 * Keyed by the profile's hash: a changed profile is another server, and the old one is retired.
 */
#ifndef SANDBOX_RUNNER_SERVER_H
#define SANDBOX_RUNNER_SERVER_H

#include "lib/log.h"
#include "sandbox/runner/handshake.h"
#include "mcp/learn.h"
#include "sandbox/runner/refusals.h"
#include "sandbox/runner/ring.h"
#include "sandbox/runner/runner.h"

struct call;
struct instance;

struct server {
	struct server	*next;
	struct runner	*r;
	uint64_t	 hash;
	char		 name[256];
	uint32_t	 start_timeout_ms, idle_ms, stop_ms, max_instances;
	bool		 native;	/* its tools are programs (native.h) */
	struct snap	*profile;	/* then: held, where they stand */
	size_t		 native_count;	/* their calls, and what runs of these */
	bool		 per_call;	/* each call has an instance of its own */
	bool		 listener;	/* its jails come with a seccomp listener */
	char		**writable;	/* host paths it may write to, its state folder excepted */
	size_t		 writable_count;
	bool		 retired;	/* not in the profile any more: runs out */

	struct instance	*instances;
	size_t		 tool_count;	/* processes, also those on their way out */

	enum era	 era;
	bool		 era_pinned;
	bool		 era_weak;	/* from silence or an exit, not from an answer */
	struct instance	*probing;
	struct subs	*subs;		/* what workers subscribed to, by isolation key */
	struct learn	*learnt;	/* of its calls; NULL: nothing */

	unsigned	 failures;	/* in a row, without 30 s up between them */
	bool		 broken;	/* nothing came up since the last one */
	uint64_t	 next_try_ms;	/* monotonic; 0 when none failed */
	uint64_t	 failed_ms;	/* the same of the last one */
	bool		 no_jail;
	char		 why[RUNNER_TEXT];	/* the last failure */
	struct refusals	 refusals;	/* socket() calls the jail refused */
	uint64_t	 network_refused, network_told;	/* of IPv4 and IPv6; as status has it */
	struct ring	*ring;		/* of its name (ring_of) */
	char		 jail[64];	/* "jail runtime, net 1 host", for its log */
	uint64_t	 starts;
	bool		 exiting;	/* the line of its tool's end is still to be written */

	bool		 touched;	/* tell the master at the end of the turn */
	struct msg_SERVER_STATE told;	/* what it knows; error is kept in told_error */
	char		 told_error[RUNNER_TEXT];
};

#define SERVER_SUBJECT(s) LOG_SUBJECT("server", (s)->name)

/* The server of this hash and name (SPAN_NONE: whatever its name), made from the profile when it is new;
 * borrowed.  E_NOTFOUND (not in the profile, or retired), E_NOMEM. */
must_check int	server_get(struct runner *r, uint64_t hash, struct span name, struct server **out);
/* A new profile is in force: what is not in it is retired, idle instances of that stop at once. */
void		servers_refresh(struct runner *r);
/* Tells the master what changed, before the end of the turn. */
void		servers_tell(struct runner *r);
/* End of the turn: frees retired servers without processes, tells the master what changed. */
void		servers_settle(struct runner *r);
void		servers_free(struct runner *r);

/* A tool failed after it was up for up_ms (0: it never was).  `why` is for people. */
void		server_failed(struct server *s, uint64_t up_ms, const char *why);
/* Lines of its log: a tool of it started, for this unusual reason or ""; a tool ended like this, which `failed`. */
void		server_log_start(struct server *s, uint32_t pid, const char *why);
void		server_log_exit(struct server *s, uint32_t pid, const char *how, bool failed);
/* An instance came up. */
void		server_came_up(struct server *s);
/* An instance that was up for up_ms ended as it should. */
void		server_ended_well(struct server *s, uint64_t up_ms);
/* 0, or E_AGAIN with the reason in text: waits after failures. */
must_check int	server_may_start(const struct server *s, char *text, size_t text_bytes);
/* An operator mended it: every server of this name is tried anew, with new instances (instances_yield). */
void		servers_restart(struct runner *r, struct span name, uint32_t *stopped, uint32_t *finishing);
/* The seccomp listener of one of its jails is readable: takes a socket that was refused.  i: whose jail it is, or NULL;
 * c: the one call it works on, or NULL.  0; E_AGAIN: nothing was there; else it has ended. */
must_check int	server_on_notify(struct server *s, int listener, const struct instance *i, const struct call *c);
/* For an operator: what the server of this name was refused (refusals.h).  E_NOMEM or E_TOOBIG. */
must_check int	servers_refusals(const struct runner *r, struct span name, struct buf *to);

#endif
