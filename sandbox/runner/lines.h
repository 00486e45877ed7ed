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

#include "lib/err.h"
#include "lib/json.h"
#include "lib/span.h"

enum line_kind {
	LINE_GARBAGE,		/* not JSON, or no JSON-RPC message */
	LINE_ANSWER,
	LINE_BAD_ANSWER,	/* has an id, and neither or both of `result` and `error` */
	LINE_REQUEST,
	LINE_NOTIFICATION,
};

/* Spans point into the text; they are raw values, empty where absent. */
struct line {
	enum line_kind	kind;
	struct span	text;		/* without line feed; of garbage only the beginning */
	size_t		bytes;		/* the length it had */
	struct span	id, method, result, error;
	struct span	progress;	/* params.progressToken */
};

struct lines {
	struct json_scan	*scan;
	char			*data;		/* of the line being read, or the one last told */
	size_t			 used, room;
	size_t			 bytes;		/* of the line being read; more than `used` when bad */
	bool			 bad;		/* not JSON so far */
	bool			 told;
};

must_check int	lines_init(struct lines *l);
void		lines_fini(struct lines *l);
/* Takes bytes off the front of chunk, up to and with one line feed.  1: *out is a line, valid until
 * the next call; 0: the chunk is used up; E_TOOBIG: a line over LINK_LINE_MAX; E_NOMEM. */
must_check int	lines_next(struct lines *l, struct span *chunk, struct line *out);

#endif
