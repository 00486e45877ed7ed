/* SPDX-License-Identifier: Apache-2.0
 *
 * elicit.h - who asks: the server's name before the message of an elicitation (mcp-wire 12)
 *
 * A client sees one gateway and not who stands behind it, so a person could be asked by one server in the
 * name of another.  Everything but the message stays as it is, byte for byte.
 */
#ifndef MCP_ELICIT_H
#define MCP_ELICIT_H

#include "lib/json.h"

/* Each takes proven JSON and writes it with `NAME: ` at the beginning of its messages.  0; E_JSON_DUPLICATE: a
 * member comes twice, so that the person could be shown another message than the one named; E_TOOBIG, E_NOMEM. */
/* The params of elicitation/create. */
must_check int	mcp_elicit_put(struct buf *to, struct json_value params, struct span name);
/* The inputRequests of a modern server: those of them that are elicitations. */
must_check int	mcp_elicit_put_requests(struct buf *to, struct json_value requests, struct span name);
/* The data of error -32042: each of its elicitations. */
must_check int	mcp_elicit_put_data(struct buf *to, struct json_value data, struct span name);
/* A message alone, which may be missing: a JSON string. */
must_check int	mcp_elicit_put_message(struct buf *to, struct json_value message, struct span name);

#endif
