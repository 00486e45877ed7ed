/* SPDX-License-Identifier: Apache-2.0
 *
 * metalist.h - tools with their schemas, as results of the gateway's own tools: within a budget
 *
 * A list stops before the first tool that is over the client's max_schema_tokens, as seed 001's does, or
 * over the gateway's max_listing; that is said in its `error`.
 */
#ifndef WORKER_META_METALIST_H
#define WORKER_META_METALIST_H

#include "mcp/catalogue.h"
#include "worker/meta/metaargs.h"

struct metalist {
	const struct request	*rq;
	const struct meta_args	*args;
	struct buf		*to;
	size_t			 bytes_max;
	uint64_t		 tokens, returned;
	bool			 full, cut;	/* cut: by max_listing */
};

/* Room for a whole result of this request. */
void		metalist_buf_init(struct buf *b, const struct request *rq);
/* {"tools":[ */
must_check int	metalist_begin(struct metalist *l, const struct request *rq, const struct meta_args *args,
		    struct buf *to);
/* May this tool still be put, of which `more` bytes are not its definition's?  It is counted then. */
bool		metalist_takes(struct metalist *l, const struct catalogue_item *t, size_t more);
/* "description":...,"inputSchema":... of a tool that was taken. */
must_check int	metalist_put_definition(struct metalist *l, const struct catalogue_item *t);
/* "returned":...,"tokens_used":...,"error":...}; `narrower` says how to ask for less. */
must_check int	metalist_end(struct metalist *l, const char *narrower);

#endif
