/* SPDX-License-Identifier: Apache-2.0
 *
 * splice.h - small changes within a text that passes in pieces
 *
 * Each names its place by a pointer into the upstream's text; what of that text is not in the pieces any
 * more is not changed either.
 */
#ifndef MCP_SPLICE_H
#define MCP_SPLICE_H

#include "mcp/bridge.h"

struct splice {
	struct span	cut;		/* of the text; may be empty, then its pointer is the place */
	struct span	put;		/* instead of it; borrowed as the pieces are */
};

struct splices {
	struct arena	*arena;
	struct splice	*at;		/* in the order of the text */
	size_t		 count, room;
};

void		splices_init(struct splices *s, struct arena *a);
/* With this room, and no more. */
void		splices_init_in(struct splices *s, struct splice *at, size_t room);
/* Behind all that were added before.  0, E_TOOBIG (too many), E_NOMEM, or E_UNTIMELY when it is not. */
must_check int	splices_add(struct splices *s, struct span cut, struct span put);
/* A string value becomes another one, or gets a beginning; raw JSON text without quotes.  Others stay. */
must_check int	splices_add_prefix(struct splices *s, struct json_value string, struct span prefix);

/* 0, E_TOOBIG, E_NOMEM. */
must_check int	splice_pieces(struct bridge_pieces *p, const struct splices *s);
/* The same of a text that is written to a buffer, of which `whole` is a part. */
must_check int	splice_text(struct buf *to, struct span whole, const struct splices *s);

#endif
