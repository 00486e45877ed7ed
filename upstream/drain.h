/* SPDX-License-Identifier: Apache-2.0
 *
 * drain.h - the end of an answer that nobody waits for, so that its connection can be used again
 *
 * An event stream's last event is the answer; its end comes a moment later.
 */
#ifndef UPSTREAM_DRAIN_H
#define UPSTREAM_DRAIN_H

#include "http/body.h"
#include "upstream/pool.h"

/* Takes over *conn: reads what is left of this body, a little and not for long, then releases or
 * drops it. */
void	drain_start(struct pool *p, struct pool_conn **conn, const struct http_body *body, uint64_t keep_ms);

#endif
