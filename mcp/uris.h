/* SPDX-License-Identifier: Apache-2.0
 *
 * uris.h - resource URIs of a server whose URIs are rewritten (mcp-wire 14.2)
 *
 * In merged views each begins with "mcpgw-PREFIX:", so that two servers may have the same ones.  What clients
 * fetch by themselves (https, http, data) stays as it is.
 */
#ifndef MCP_URIS_H
#define MCP_URIS_H

#include "mcp/catalogue.h"
#include "mcp/splice.h"

#define URIS_SCHEME	"mcpgw-"

/* Is it never rewritten? */
bool		uris_stays(struct span uri);
/* The prefix of a rewritten URI, and the server's own one behind the colon; false: it is none. */
bool		uris_split(struct span uri, struct span *prefix, struct span *own);

/* Every place of a URI in a list's item or in an answer gets `begin`, which is "mcpgw-PREFIX:".  `method` is what
 * was asked.  0, E_TOOBIG, E_NOMEM. */
must_check int	uris_of_item(enum catalogue_kind kind, struct json_value item, struct span begin, struct splices *s);
must_check int	uris_of_answer(const struct rpc_answer *from, enum mcp_method method, struct span begin,
		    struct splices *s);

#endif
