/* SPDX-License-Identifier: Apache-2.0
 *
 * relay.h - the whole of mcpgw-stdio: one client on stdin and stdout, one gateway behind a socket
 */
#ifndef STDIO_RELAY_H
#define STDIO_RELAY_H

#include <sysexits.h>

#include "stdio/lines.h"
#include "stdio/message.h"
#include "stdio/out.h"
#include "stdio/wire.h"

struct trip;

enum session_state {
	SESSION_NONE,
	SESSION_OPENING,	/* the client's initialize is on its way */
	SESSION_LIVE,
	SESSION_REOPENING,	/* our own is: the gateway has forgotten the one before */
	SESSION_LOST,		/* and that failed; the next message tries again */
};

/* Of a legacy client (mcp-wire 3.3): there is at most one. */
struct session {
	enum session_state	state;
	unsigned		epoch;		/* counts the sessions of this one client */
	struct buf		id;		/* Mcp-Session-Id, or empty */
	struct buf		version;	/* as negotiated */
	struct buf		initialize;	/* the client's own message, and its raw id */
	struct buf		initialize_id;
	bool			ready;		/* notifications/initialized was accepted */
	struct trip		*stream;	/* the GET, or NULL */
};

enum relay_phase {
	RELAY_RUNS,
	RELAY_DRAINS,		/* stdin has ended: running requests may finish */
	RELAY_ENDS,		/* the session is being ended */
	RELAY_FLUSHES,		/* what waits for stdout */
	RELAY_DONE,
};

struct relay {
	const char		*target;	/* "/mcp" */
	const char		*start_with;	/* the command that starts the gateway */
	int			 in_fd;
	struct lines		 in;
	struct out		 out;
	struct wires		 wires;
	struct rpc_scan		*from_client, *from_gateway;
	struct arena		 arena;		/* of the message being read */
	struct session		 session;
	struct trip		*first, *last;	/* in order of arrival */
	size_t			 trip_count;
	struct buf		 modern_version;	/* the last that the client claimed */
	uint64_t		 now_ms;
	enum relay_phase	 phase;
	uint64_t		 phase_ends_ms;
	bool			 seen;		/* the gateway was there once */
	bool			 away;		/* and is not, which has been said */
	bool			 client_gone;	/* nobody reads stdout */
	int			 exit_code;
};

/* The texts stay the caller's.  0, E_NOMEM or E_SYS. */
must_check int	relay_init(struct relay *r, int in_fd, int out_fd, const char *socket_path,
		    const char *target, const char *start_with);
void		relay_fini(struct relay *r);
/* Serves until the client is gone, or one of these signals is read from signal_fd (-1: none); answers the
 * exit code. */
int		relay_run(struct relay *r, int signal_fd);

/* --- for the parts --------------------------------------------------------------------------------- */

/* One message to the client; when there is no memory for it the program ends. */
void		relay_tell(struct relay *r, struct span json);
/* An error of our own to the client; an empty id is left out. */
void		relay_tell_error(struct relay *r, struct span id, int err, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
/* A line for people on stderr; left out when nobody takes it. */
void		relay_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One line of the client, in `out`'s terms: who it is for is looked up and it goes its way. */
void		relay_take(struct relay *r, struct span line);
/* Why no connection can be had, for the client and for people, in a static buffer. */
const char	*relay_why_away(const struct relay *r, int err);

#endif
