/* SPDX-License-Identifier: Apache-2.0
 *
 * task.h - tasks of both eras: their ids as clients know them, and what is said of one (mcp-wire 10, 14.10)
 *
 * A client's task id is sealed: it names the server that has the task and the tool that made it, so that
 * any worker finds the one and asks policy about the other.  The server's own id never reaches a client.
 */
#ifndef MCP_TASK_H
#define MCP_TASK_H

#include "lib/buf.h"
#include "lib/keyring.h"
#include "mcp/bridge.h"

#define TASK_ID_MAX	1024			/* bytes of a server's own id, decoded */
#define TASK_TOKEN_MAX	4096			/* of a client's */
#define TASK_LIVES_S	(30 * 24 * 3600)	/* of an id, when its server names no time, or a longer one */
#define TASK_GRACE_S	3600			/* more than the server said: it may keep a task for longer */

struct task {
	uint64_t	principal, tenant;	/* hashes: it counts for its owner only */
	uint64_t	instance, capabilities;	/* with which the server was reached */
	uint32_t	issued_s, expires_s;	/* wall clock */
	bool		modern;			/* the era of server and client */
	struct span	server, tool;		/* names; the tool's is the server's own */
	struct span	id;			/* the server's, decoded */
};

/* Appends the token, which needs no escapes in JSON.  0, E_TOOBIG, E_NOMEM, E_SYS. */
must_check int	task_seal(const struct keyring *ring, struct span path, const struct task *t, struct buf *to);
/* 0, or E_DENIED without telling why: no seal of ours for this path, another principal, tenant or era than
 * `expect` has, or too old (expect->issued_s is now).  *out points into `text`. */
must_check int	task_open(const struct keyring *ring, struct span path, struct span token, const struct task *expect,
		    struct buf *text, struct task *out);

enum task_status { TASK_UNKNOWN, TASK_WORKING, TASK_INPUT, TASK_COMPLETED, TASK_FAILED, TASK_CANCELLED };

/* What a server says of a task; parts of its answer. */
struct task_said {
	struct json_value	id;		/* a string, neither empty nor over TASK_ID_MAX */
	enum task_status	status;
	struct json_value	message;	/* a string, or JSON_NONE */
	uint64_t		ttl_ms;		/* 0: it names no time */
	uint64_t		poll_ms;	/* 0: it does not say */
};

/* Of a task that was just made (the answer to tools/call), or of one asked about: 0, or E_UPSTREAM when it is
 * none. */
must_check int	task_read_made(const struct rpc_answer *from, bool modern, struct task_said *out);
must_check int	task_read(struct json_value object, bool modern, struct task_said *out);
/* When an id made now expires. */
uint32_t	task_expiry(uint32_t now_s, const struct task_said *said);

/* The answer's pieces for the client: every id of the task in it becomes `id`, a raw JSON string.  `method` is
 * what was asked.  0, E_TOOBIG, E_NOMEM. */
must_check int	task_rename(const struct rpc_answer *from, enum mcp_method method, struct span id,
		    struct bridge_pieces *pieces);
/* Is it an error that says that there is no such task?  The result of a task may be an error with the same code. */
bool		task_is_lost(const struct rpc_answer *from, enum mcp_method method, struct span id);
/* Does a legacy server's request say which task it belongs to? */
bool		task_is_related(struct json_value params);
/* Appends its params with `id`, a raw JSON string, for the server's own; with an empty one they say nothing of a
 * task.  0, E_TOOBIG, E_NOMEM. */
must_check int	task_put_related(struct buf *to, struct json_value params, struct span id);

#endif
