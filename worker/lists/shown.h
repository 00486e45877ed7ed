/* SPDX-License-Identifier: Apache-2.0
 *
 * shown.h - the names tools have in a merged view, without those that two share (mcp-wire 14.2)
 */
#ifndef WORKER_LISTS_SHOWN_H
#define WORKER_LISTS_SHOWN_H

#include "worker/front/request.h"
#include "worker/lists/lists.h"

struct shown {
	const struct request	*rq;
	const struct rec_server	*bare;		/* the one server without a prefix, if this agent sees it */
	const struct catalogue	*bare_tools;	/* NULL: it did not answer */
};

/* Of this request's view, with the lists that are known now; good until the end of the turn. */
void		shown_begin(struct shown *x, const struct request *rq);
/* The tool's name there, borrowed from it; empty when it has none, which is logged.  The tool is one
 * that this agent may call. */
struct span	shown_name(const struct shown *x, const struct rec_server *server,
		    const struct catalogue_item *tool);

#endif
