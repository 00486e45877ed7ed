/* SPDX-License-Identifier: Apache-2.0
 *
 * inquiry_priv.h - lines of an operator's answer, for the files that write them
 */
#ifndef WORKER_INQUIRY_PRIV_H
#define WORKER_INQUIRY_PRIV_H

#include "worker/inquiry.h"

/* inquiry.c: a member behind others; nothing when it is empty. */
must_check int	line_text(struct buf *b, const char *name, struct span value);
/* Ends the line that r says is whole, and adds it to all; false: there is no room for another one. */
bool		line_end(struct buf *all, struct buf *line, int r);

/* inquiry_breakers.c: `what` is of whom: tenant, server, endpoint's url and tool, with tabs between; empty: any.  With
 * `reset` each that is named is closed, and its line says what it was before. */
void		inquiry_breakers(struct worker *w, struct span what, bool reset, struct buf *all, struct buf *line);

#endif
