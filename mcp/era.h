/* SPDX-License-Identifier: Apache-2.0
 *
 * era.h - the ladder: which era a request is of, and whether it is well made (mcp-wire 4.1-4.3, 3.3)
 *
 * One table, walked top down by a pure function; the first row that holds decides.  Host, Origin and
 * the credential come before it; policy, Mcp-Param-* and the parameters of a method after it.
 */
#ifndef MCP_ERA_H
#define MCP_ERA_H

#include "lib/buf.h"
#include "mcp/batch.h"
#include "mcp/version.h"

enum era_http { ERA_HTTP_POST, ERA_HTTP_GET, ERA_HTTP_DELETE, ERA_HTTP_OTHER };
enum era_session {
	ERA_SESSION_NONE,	/* no Mcp-Session-Id */
	ERA_SESSION_LIVE,	/* this caller's, on this endpoint, alive */
	ERA_SESSION_DEAD,	/* anything else */
};

struct era_header {
	struct span	value;		/* the first, when it came more than once */
	unsigned	count;
};

struct era_input {
	enum era_http			 http;
	bool				 is_json;	/* Content-Type is application/json */
	struct era_header		 version;	/* MCP-Protocol-Version */
	struct era_header		 method;	/* Mcp-Method */
	struct era_header		 name;		/* Mcp-Name */
	enum era_session		 session;
	enum mcp_version		 session_version;	/* of a live one */
	uint32_t			 offers;	/* enum mcp_offer bits we advertise here */
	uint64_t			 needs;		/* enum mcp_capability bits a call needs; 0 = none known */
	int				 body_error;	/* what rpc_scan_end() said */
	const struct rpc_message	*message;	/* of a POST; NULL otherwise */
	const struct batch		*batch;		/* of an array; NULL: none may come here */
};

enum era_act {
	ERA_REFUSE,
	ERA_INITIALIZE,		/* legacy handshake: mcp_version_negotiate(message->version) */
	ERA_REQUEST,		/* message->method is one that we know in this era */
	ERA_NOTE,		/* a notification: 202, then act on it or not */
	ERA_RESPONSE,		/* legacy answer to a request of ours: 202 */
	ERA_BATCH,		/* in->batch: each of its messages is judged by itself */
	ERA_END_SESSION,	/* DELETE of a live session */
	ERA_STREAM,		/* GET of a live session: what is of no request */
};

enum era_data {
	ERA_DATA_NONE,
	ERA_DATA_VERSIONS,	/* {supported, requested} */
	ERA_DATA_CAPABILITIES,	/* {requiredCapabilities} */
};

struct era_verdict {
	enum era_act		 act;
	bool			 modern;
	enum mcp_version	 version;	/* that governs; NONE when refused before it was known */
	/* of ERA_REFUSE */
	int			 error;		/* E_*: its row has code and symbol */
	int			 http;		/* status, which may differ from the row's */
	const char		*text;		/* error.message: names the key or header; static */
	enum era_data		 data;
	uint64_t		 missing;	/* ERA_DATA_CAPABILITIES: enum mcp_capability bits */
	const char		*allow;		/* Allow header of a 405, or NULL */
	const char		*row;		/* of the table, "4.3/7": for logs and tests; static */
};

void		era_judge(const struct era_input *in, struct era_verdict *out);
/* Members for error.data as the verdict wants them ("" or text without braces), for mcp_error.extra. */
must_check int	era_write_data(struct buf *to, const struct era_input *in, const struct era_verdict *v);

#endif
