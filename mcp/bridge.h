/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.h - messages that pass through: from one hop's revision to the other's (mcp-wire 6, 14)
 *
 * Requests are built anew around the client's own bytes; answers become a list of pieces, most of
 * them parts of the upstream's text, so that a large result is never copied or written again.
 */
#ifndef MCP_BRIDGE_H
#define MCP_BRIDGE_H

#include "mcp/level.h"
#include "mcp/rpc.h"
#include "mcp/version.h"

/* --- client to upstream -------------------------------------------------------------------------- */

enum bridge_meta {
	BRIDGE_LEGACY,		/* no reserved _meta keys */
	BRIDGE_MODERN,		/* ours in them: version, clientInfo, clientCapabilities */
	BRIDGE_EITHER,		/* as MODERN, and *modern says what to cut for LEGACY (ipc/link.h) */
};

struct bridge_request {
	enum mcp_method			 method;
	struct span			 id;		/* raw token to write */
	struct span			 name;		/* params.name: the upstream's; or empty */
	struct span			 task;		/* params.task for a legacy server, raw; or empty */
	struct span			 task_id;	/* params.taskId: the upstream's, decoded; or empty */
	struct json_value		 arguments;	/* params.arguments, or JSON_NONE */
	/* params.ref of completion/complete, proven without doubles, to be written with ref_name for its
	 * name; JSON_NONE: it passes as the client wrote it, as does params.uri. */
	struct json_value		 ref;
	struct span			 ref_name;
	bool				 ref_is_uri;	/* and it is its uri instead */
	struct span			 uri;		/* params.uri: the upstream's; empty: the client's */
	/* The client's message, for the other members of its params and _meta; NULL: none (the arguments
	 * came from a meta-tool).  Its reserved keys and progressToken never pass. */
	const struct rpc_message	*from;
	bool				 untraced;	/* without _meta.traceparent, where it is one */
	struct span			 progress_token;	/* raw token of ours, or empty */
	/* A retry of what a modern upstream answered with input_required: its own state, a raw JSON string, or
	 * empty; the client's answers, a raw object, or empty. */
	struct span			 request_state, input_responses;
	struct span			 cursor;	/* params.cursor of a list, raw JSON string, or empty */
	uint64_t			 capabilities;	/* enum mcp_capability we declare for this call */
	enum mcp_level			 log_level;	/* what a modern server may log for it; NONE: nothing */
	enum bridge_meta		 meta;
};

struct bridge_mark {
	uint32_t	at, bytes;	/* in what was written */
};

/* Appends, as one JSON object, what of a client's params a server may work by, beside name and arguments: members that
 * are no hop's and no trace's, those of _meta among them.  0, E_TOOBIG or E_NOMEM. */
must_check int	bridge_put_passing(struct buf *to, const struct rpc_message *from);
/* Appends one JSON-RPC request without line feeds; *id and *modern (either may be NULL) are counted from
 * the place where the buffer's rest stood.  0, E_TOOBIG or E_NOMEM. */
must_check int	bridge_write_request(struct buf *to, const struct bridge_request *r, struct bridge_mark *id,
		    struct bridge_mark *modern);
/* Without a client: initialize, initialized, server/discover, ping and the like.  params: raw JSON object or empty;
 * _meta is added to it in the modern era, so it may hold none. */
must_check int	bridge_write_own(struct buf *to, enum mcp_method method, struct span id, struct span params,
		    enum bridge_meta meta);
/* params of initialize, for bridge_write_own(). */
must_check int	bridge_write_initialize_params(struct buf *to, enum mcp_version v, uint64_t capabilities);

/* --- upstream to client -------------------------------------------------------------------------- */

struct bridge_pieces {
	struct arena	*arena;
	struct span	*piece;
	size_t		 count, room;
	size_t		 bytes;		/* of all */
};

struct bridge_answer {
	struct span		 id;		/* the client's raw token */
	enum mcp_version	 client;
	bool			 upstream_modern;
	enum mcp_method		 method;	/* that was called */
	struct span		 request_id;	/* data.request_id of an error that we change, or empty */
	bool			 may_ask;	/* a modern upstream may want input first: bridge_may_open() */
	struct span		 server;	/* its name, for what a person is asked */
	bool			 task;		/* resultType "task" may be told to this client */
	bool			 of_task;	/* it is of a task that this client does not know of */
	const uint64_t		*ttl_ms;	/* of what was kept: what is left; NULL: as the upstream says */
};

/* The message for the client: pieces of `from`'s text, static text and the arena's; line feeds between
 * the upstream's tokens stay.  An error passes with its code, message and data but for codes that would
 * be read as ours, and for a missing resource, whose code depends on the era (mcp-wire 13.2).  An upstream
 * that knows no completion/complete has no values to offer (14.2).
 * 0, E_UPSTREAM (a resultType that cannot be bridged), E_TOOBIG, E_NOMEM. */
must_check int	bridge_answer(const struct rpc_answer *from, const struct bridge_answer *how, struct arena *a,
		    struct bridge_pieces *out);
/* The same message in parts, of an answer that is passed on while it comes.  Whether the value that is open
 * may pass as it is, in the first part and in each later one. */
bool		bridge_may_open(const struct rpc_part *p, const struct bridge_answer *how);
/* All before that value's first byte; it and what follows of it come behind these pieces.  first: no part was
 * written yet. */
must_check int	bridge_open(const struct rpc_part *p, const struct bridge_answer *how, bool first, struct arena *a,
		    struct bridge_pieces *out);
/* What rpc_answer_rest() found: the message's end.  E_UPSTREAM: it turned out to be none for this client. */
must_check int	bridge_close(const struct rpc_part *p, const struct bridge_answer *how, struct arena *a,
		    struct bridge_pieces *out);
/* One more, borrowed.  0, E_TOOBIG, E_NOMEM. */
must_check int	bridge_pieces_add(struct bridge_pieces *p, struct span s);
must_check int	bridge_pieces_write(struct buf *to, const struct bridge_pieces *p);

#endif
