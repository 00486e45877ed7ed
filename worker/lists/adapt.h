/* SPDX-License-Identifier: Apache-2.0
 *
 * adapt.h - view = auto: what is listed depends on how much there is
 *
 * What may be called does not: the discovery tools and every tool by its name, whatever was listed.  A
 * client goes on with what it has seen when the lists grow or shrink.
 */
#ifndef WORKER_LISTS_ADAPT_H
#define WORKER_LISTS_ADAPT_H

#include "worker/front/request.h"

/* Does what is listed depend on the servers' lists, so that they must be waited for? */
bool		adapt_needs_lists(const struct request *rq);
/* Which parts of its view this request is shown now, as enum view_bits; the lists were waited for, and a
 * server that does not answer counts for nothing, because it is not listed either. */
unsigned	adapt_listed(const struct request *rq);

#endif
