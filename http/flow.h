/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.h - one direction of bytes from a source to a sink: give, credit, end, and nothing else
 *
 * The source gives, and stops when its credit is used up; the sink grants credit as it gets rid of
 * bytes.  Either side ends the flow, once, with a reason; the other side is told, also once, and
 * afterwards neither is called again.  A filter is the sink of one flow and the source of the next.
 */
#ifndef HTTP_FLOW_H
#define HTTP_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum flow_end {
	FLOW_OPEN,
	FLOW_DONE,		/* by the source: everything was given */
	FLOW_GONE,		/* the peer at the far end went away */
	FLOW_CANCELLED,		/* one of our own lost interest */
	FLOW_DEADLINE,
	FLOW_BROKEN,		/* the source failed midway: the sink must not make it look whole */
	FLOW_END_LIMIT
};

/* What a flow calls.  Bytes are borrowed for the call.  A NULL function is skipped. */
struct flow_sink {
	void	(*give)(void *arg, struct span bytes);
	void	(*end)(void *arg, enum flow_end why);
};

struct flow_source {
	void	(*credit)(void *arg, size_t bytes);	/* this many more may be given */
	void	(*end)(void *arg, enum flow_end why);	/* the sink wants nothing more */
};

struct flow {
	const struct flow_sink	 *sink;
	void			 *sink_arg;
	const struct flow_source *source;
	void			 *source_arg;
	uint64_t		  credit;	/* bytes the source may still give */
	uint64_t		  given;
	enum flow_end		  ended;	/* FLOW_OPEN until one side ended it */
};

/* The source's calls.  After the end they do nothing. */
void	flow_give(struct flow *f, struct span bytes);
void	flow_end(struct flow *f, enum flow_end why);

/* The sink's calls.  After the end they do nothing. */
void	flow_credit(struct flow *f, size_t bytes);
void	flow_stop(struct flow *f, enum flow_end why);

#endif
