/* SPDX-License-Identifier: Apache-2.0
 *
 * inquiry_priv.h - lines of an operator's answer, for the files that write them
 */
#ifndef WORKER_OPERATOR_INQUIRY_PRIV_H
#define WORKER_OPERATOR_INQUIRY_PRIV_H

#include "worker/operator/inquiry.h"

/* inquiry.c: ,"name":"value"; nothing of an empty one. */
must_check int	inquiry_text(struct buf *b, const char *name, struct span value);
/* What stands before the next tab, which is taken. */
struct span	inquiry_part(struct span *rest);
/* A line is whole, or is not there: the answer is cut at what fits.  False: it is full. */
bool		inquiry_line(struct buf *all, struct buf *line, int r);

/* inquiry_breakers.c: `what` is of whom: tenant, server, endpoint's url and tool, with tabs between; empty: any.  With
 * `reset` each that is named is closed, and its line says what it was before. */
void		inquiry_breakers(struct worker *w, struct span what, bool reset, struct buf *all, struct buf *line);

/* limitlines.c: a line for each limit in force, and for each quota.  `what` is whose, with tabs between: a name of an
 * agent, a server, a tool ("server.tool") or a tenant, which of these it is, and of which tenant; empty: any.  Lines
 * say "as" which of them the name was found.  With `reset` they begin anew: their buckets are full, and nothing of
 * their quotas is used. */
void		inquiry_limits(struct worker *w, struct span what, bool reset, struct buf *all, struct buf *line);

#endif
