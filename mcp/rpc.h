/* SPDX-License-Identifier: Apache-2.0
 *
 * rpc.h - one pass over a JSON-RPC message: what it is and where its parts stand (mcp-wire 1)
 *
 * Feed the bytes as they arrive, then end with the whole text (contiguous by then).  All spans and
 * values point into that text, or into the arena where something had to be decoded.
 *
 * Refused: malformed text, doubles in the envelope, params and _meta, unknown members of the
 * envelope, members of params and _meta that differ from a known name in case only (readers that
 * ignore case would see another message than we judged), ids that are no string or integer.
 */
#ifndef MCP_RPC_H
#define MCP_RPC_H

#include "lib/arena.h"
#include "lib/json.h"
#include "mcp/method.h"

#define MCP_META_VERSION	"io.modelcontextprotocol/protocolVersion"
#define MCP_META_CLIENT_INFO	"io.modelcontextprotocol/clientInfo"
#define MCP_META_CAPABILITIES	"io.modelcontextprotocol/clientCapabilities"
#define MCP_META_TIMEOUT	"mcpgw/timeout_ms"	/* ours: how long the client waits */
#define MCP_META_LOG_LEVEL	"io.modelcontextprotocol/logLevel"
#define MCP_META_SERVER_INFO	"io.modelcontextprotocol/serverInfo"
#define MCP_META_RESERVED	"io.modelcontextprotocol/"

#define RPC_ID_MAX		1024		/* bytes of a raw id */
#define RPC_METHOD_MAX		256

enum rpc_kind {
	RPC_INVALID = 0,
	RPC_REQUEST,
	RPC_NOTIFICATION,
	RPC_RESPONSE,
	RPC_ARRAY,
};

/* A message of a client.  Absent parts have type JSON_NONE, absent texts .p == NULL. */
struct rpc_message {
	enum rpc_kind		 kind;
	const char		*why;		/* of RPC_INVALID, for people; static */
	struct span		 text;
	struct span		 id;		/* raw token to echo; empty when there is none or it is not valid */
	enum mcp_method		 method;
	struct span		 method_text;	/* decoded */
	struct json_value	 params;
	/* members of params */
	struct json_value	 arguments, meta, cursor, capabilities, client_info, input_responses,
				 request_state, request_id, task;
	struct json_value	 name_value, uri_value, task_id_value, version_value;
	struct span		 name, uri, task_id;	/* decoded, when they are strings */
	struct span		 version;	/* params.protocolVersion, of initialize */
	/* members of params._meta */
	struct json_value	 progress_token, claim, claim_client_info, claim_capabilities, log_level, timeout_ms;
	struct span		 claim_text;	/* decoded io.modelcontextprotocol/protocolVersion */
	/* of a response */
	struct json_value	 result, error;
};

struct rpc_scan;

/* A scanner for what clients send; it serves any number of messages, one after the other.  0, E_NOMEM or
 * E_SYS. */
must_check int	rpc_scan_new(struct rpc_scan **out);
void		rpc_scan_free(struct rpc_scan **s);
void		rpc_scan_reset(struct rpc_scan *s);
/* 0 or what json_scan_feed() says; more may be fed after an error, it says the same again. */
must_check int	rpc_scan_feed(struct rpc_scan *s, struct span chunk);
/* `text` is all that was fed.  0, and out->kind is not RPC_INVALID; or E_JSON_*, E_TOOBIG, E_RPC_INVALID
 * or E_NOMEM, and out->why says what and out->id is set if it could be read.  The scanner is left
 * ready for the next message. */
must_check int	rpc_scan_end(struct rpc_scan *s, struct span text, struct arena *a, struct rpc_message *out);
/* Feed and end in one, for a text that is whole. */
must_check int	rpc_scan_whole(struct rpc_scan *s, struct span text, struct arena *a,
		    struct rpc_message *out);

/* What an upstream sent: an answer to us, or a request or notification of its own. */
struct rpc_answer {
	enum rpc_kind		 kind;		/* never RPC_ARRAY */
	const char		*why;
	struct span		 text;
	struct span		 id;		/* raw token; empty: none, or null on an error */
	bool			 is_error;	/* RPC_RESPONSE with `error` */
	enum mcp_method		 method;	/* of what the upstream sends by itself */
	struct json_value	 params, progress_token, request_id;
	struct json_value	 result, result_type, meta, tools, next_cursor, content, structured, is_error_value;
	struct json_value	 version, supported, capabilities, server_info;	/* of initialize, discover */
	struct json_value	 error, error_message, error_data;
	int64_t			 error_code;	/* 0 when it is no whole number */
};

/* A scanner for what upstreams send; reset, feed and free are the same, the end is not. */
must_check int	rpc_answer_new(struct rpc_scan **out);
/* As rpc_scan_end(), without an arena: nothing is decoded.  E_RPC_INVALID: JSON, but no message. */
must_check int	rpc_answer_end(struct rpc_scan *s, struct span text, struct rpc_answer *out);
must_check int	rpc_answer_whole(struct rpc_scan *s, struct span text, struct rpc_answer *out);

/* A response that is looked at while it comes, and whose text goes away as it is dealt with. */
struct rpc_part {
	struct span		want_id;	/* the raw id that it must have; empty: that was looked at */
	/* What is known so far.  Of a value that does not stand whole in the text at hand only the type. */
	struct rpc_answer	answer;
	struct span		members;	/* of the result, in the text at hand: those not dealt with yet */
	size_t			open;		/* rpc_answer_open(): where in the text that value begins */
	bool			open_structured; /* it is structuredContent */
	bool			has_version, has_id;
	bool			complete;	/* its resultType is that */
};

/* `text` is what was fed, from offset `base` on.  Whether the scanner stands within the result's content, behind the
 * first byte of an element, or within its structuredContent: then text may go away up to p->open, and what follows
 * as it comes, up to rpc_answer_open_end(). */
bool		rpc_answer_open(const struct rpc_scan *s, struct span text, uint64_t base, struct rpc_part *p);
/* The offset behind that value in all that was fed; UINT64_MAX while it has not ended. */
uint64_t	rpc_answer_open_end(const struct rpc_scan *s, const struct rpc_part *p);
/* All was fed.  0, and it is a response with a result and the id that was wanted; else as rpc_answer_end(). */
must_check int	rpc_answer_rest(struct rpc_scan *s, struct span text, uint64_t base, struct rpc_part *p);

#endif
