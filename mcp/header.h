/* SPDX-License-Identifier: Apache-2.0
 *
 * header.h - values of Mcp-Name and Mcp-Param-*: text, or =?base64?...?= (mcp-wire 5)
 */
#ifndef MCP_HEADER_H
#define MCP_HEADER_H

#include "lib/buf.h"
#include "lib/err.h"

/* Does a header's value stand for `want` (decoded text of the body)?  0 or E_MCP_HEADER: not equal, or
 * no canonical base64.  Blanks around the value are not part of it. */
must_check int	mcp_header_matches(struct span value, struct span want);
/* The text a value stands for: without the blanks around it, or decoded into `to`.  0, E_MCP_HEADER (no
 * canonical base64), E_TOOBIG. */
must_check int	mcp_header_decode(struct span value, char *to, size_t room, struct span *out);
/* Appends what to send for `text`: itself when a header can carry it, else its base64 form. */
must_check int	mcp_header_encode(struct buf *to, struct span text);

#endif
