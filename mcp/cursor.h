/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.h - where a page of a list ended: sealed, so that any worker can go on (mcp-wire 14.4)
 */
#ifndef MCP_CURSOR_H
#define MCP_CURSOR_H

#include "mcp/catalogue.h"
#include "mcp/sealed.h"

struct cursor {
	enum catalogue_kind kind;
	uint32_t	 server, item;	/* of the last item given: their numbers in their orders */
	uint64_t	 server_sum, item_sum;	/* sum64 of their names, by which they are found again */
	uint64_t	 generation;	/* of the policy */
	uint64_t	 principal;	/* its hash: a cursor counts for its owner only */
};

/* Appends the token for this path.  0, E_NOMEM, E_TOOBIG, E_SYS. */
must_check int	cursor_seal(const struct keyring *ring, struct span path, const struct cursor *c,
		    struct buf *to);
/* 0; E_DENIED when it was not given out for this path, kind and principal (out says those two); E_NOMEM. */
must_check int	cursor_open(const struct keyring *ring, struct span path, struct span token,
		    struct cursor *out);

#endif
