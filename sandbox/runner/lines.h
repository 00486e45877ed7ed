/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.h - lines out of a tool's stdout, bounded, proven, and told apart
 *
 * The scanner is fed as the bytes come, so a line of many megabytes costs no long turn at its end,
 * and what is not JSON is known, and no longer kept, from its first wrong byte on.
 */
#ifndef SANDBOX_RUNNER_LINES_H
#define SANDBOX_RUNNER_LINES_H

#include <stdbool.h>

#include "mcp/rpc.h"

enum line_kind {
	LINE_GARBAGE,		/* not JSON, or no JSON-RPC message */
	LINE_ANSWER,
	LINE_BAD_ANSWER,	/* has an id and no method, and yet is no answer */
	LINE_REQUEST,
	LINE_NOTIFICATION,
};

struct line {
	enum line_kind		kind;
	size_t			bytes;		/* the length it had, without line feed */
	struct rpc_answer	msg;		/* its parts; only .id counts when kind is LINE_BAD_ANSWER,
						 * nothing when it is LINE_GARBAGE */
};

struct lines {
	struct rpc_scan		*scan;
	char			*data;		/* of the line being read, or the one last told */
	size_t			 used, room;
	size_t			 bytes;		/* of the line being read; `used` is less when it is bad */
	bool			 bad;		/* not JSON so far */
	bool			 told;
};

must_check int	lines_init(struct lines *l);
void		lines_fini(struct lines *l);
/* Takes bytes off the front of chunk, up to and with one line feed.  1: *out is a line, valid until
 * the next call; 0: the chunk is used up; E_TOOBIG: a line over LINK_LINE_MAX; E_NOMEM. */
must_check int	lines_next(struct lines *l, struct span *chunk, struct line *out);

#endif
