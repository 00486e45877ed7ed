/* SPDX-License-Identifier: Apache-2.0
 *
 * upcall.h - the request we send to a server, made from the request a client sent to us
 *
 * Two hops, two owners (mcp-wire 14.1): ids, names, progress tokens and reserved `_meta` keys are
 * ours towards the server; every other member of the client's params is copied byte for byte.
 */
#ifndef MCP_UPCALL_H
#define MCP_UPCALL_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"

struct upcall {
	struct span		 method;
	struct span		 name;		/* the server's own name, plain text; .p == NULL: none */
	struct json_value	 arguments;	/* JSON_NONE: none.  Used when params is JSON_NONE */
	struct json_value	 params;	/* the client's; its name, _meta, cursor are replaced */
	struct span		 cursor;	/* raw JSON text of a cursor for this server, or none */
};

struct upcall_span {
	uint32_t	at, bytes;
};

/* Appends one JSON-RPC request without line feed.  *id is where the id's text stands (a 0, to be
 * replaced); *modern_meta what a server of a legacy revision must not see: dropping those bytes
 * leaves valid JSON.  0, E_RPC_PARAMS (an escaped member name), E_TOOBIG, E_NOMEM. */
must_check int	upcall_write(const struct upcall *u, struct buf *to, struct upcall_span *id,
		    struct upcall_span *modern_meta);

#endif
