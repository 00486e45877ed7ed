/* SPDX-License-Identifier: Apache-2.0
 *
 * native_priv.h - what native.c, native_jail.c, native_args.c and native_answer.c share
 */
#ifndef SANDBOX_RUNNER_NATIVE_PRIV_H
#define SANDBOX_RUNNER_NATIVE_PRIV_H

#include "policy/words.h"
#include "sandbox/runner/feed.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/noise.h"
#include "sandbox/runner/server.h"

#define NATIVE_MAGIC	0x4a711e01u
#define NATIVE_ERRORS	2048		/* of stderr, kept for the answer */
#define NATIVE_READ	(64 * 1024)
#define NATIVE_LOST_MS	5000		/* from its end to the spawner's word of how, while the spawner lives */

enum native_state {
	NATIVE_COLLECTING,	/* its body is arriving */
	NATIVE_WAITING,		/* for a place */
	NATIVE_SPAWNING,
	NATIVE_RUNNING,
	NATIVE_KILLED,		/* the lifeline is closed */
};

struct native {
	uint32_t		 magic;
	struct native		*next, **prev;	/* in the runner, in order of arrival */
	struct runner		*r;
	struct server		*server;
	struct call		*call;		/* NULL: answered, or its client is gone */
	enum native_state	 state;
	uint32_t		 index;		/* among the profile's tools */
	const struct rec_tool	*tool;		/* in the server's snapshot */
	struct buf		 wire, input;	/* slot values for the spawner; what stdin gets */
	bool			 waits;		/* its time to wait for a place runs */
	bool			 wants_place;	/* for one among max_instances */

	uint64_t		 ref;
	uint32_t		 pid;
	uint64_t		 started_ms;
	int			 out, err, life, pidfd, listener;
	struct loop_io		 out_io, err_io, pidfd_io, listener_io;
	struct loop_timer	 timer;		/* of the state */
	struct feed		 feed;
	struct buf		 output;
	size_t			 counted;	/* of it, in runner.held_bytes */
	char			 errors[NATIVE_ERRORS];
	size_t			 error_bytes;
	struct ring_tail	 tail;		/* of stderr, on its way to the server's log */
	bool			 left;		/* its pidfd says it is dead */
	bool			 starved;	/* its output is not read for want of memory */
	struct noise		 noise;		/* of stderr and refused sockets */
	bool			 err_ended, listener_ended;
};

/* native_args.c: the values of a tools/call's arguments, in order of their slots, borrowed from the text or in the
 * arena.  0; E_RANGE with why for the client; E_NOMEM. */
must_check int	native_args_read(const struct snap *s, const struct rec_tool *t, struct json_value arguments,
		    struct arena *a, struct slot_values *out, char *why, size_t why_bytes);

/* native_jail.c: asks the spawner; from here on the program is alive until native_gone().  E_CLOSED, E_FULL,
 * E_NOMEM. */
must_check int	native_start(struct native *n);
/* native_jail.c: before anything is read of it. */
void		native_noise_init(struct native *n);
/* native_jail.c: the jail ends now; the native is freed when it has. */
void		native_kill(struct native *n);

/* native.c: its jail is gone, or never was: freed. */
void		native_free(struct native *n);

/* native_answer.c.  All take the call from its native (n->call is NULL afterwards) and end it. */
void		native_answer_about(struct native *n);
void		native_answer_tools(struct native *n);
/* An error of JSON-RPC. */
void		native_answer_error(struct native *n, int error, const char *text);
/* A result that is an error, for the model to read. */
void		native_answer_failure(struct native *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the program wrote, with its wait(2) status; what it left in its pipes was read. */
void		native_answer_output(struct native *n, int status);
/* The same when nobody knows its status. */
void		native_answer_lost(struct native *n);

#endif
