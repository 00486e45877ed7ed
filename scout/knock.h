/* SPDX-License-Identifier: Apache-2.0
 *
 * knock.h - is a server well?  One GET over a connection that is there, of which the status alone counts
 */
#ifndef SCOUT_KNOCK_H
#define SCOUT_KNOCK_H

#include "http/head.h"
#include "upstream/cable.h"

#define KNOCK_HEAD_MAX	4096

struct knock {
	struct http_queue	out;
	struct http_head	head;
	size_t			used;
	char			in[KNOCK_HEAD_MAX];
};

/* host: as of Host.  *out is the caller's.  E_NOMEM. */
must_check int	knock_new(struct block_pool *blocks, struct span host, struct span path, struct knock **out);
/* Whenever the connection is ready, and first once it is open.  0: it answered 2xx; E_AGAIN: when readable, or writable
 * if *writes; E_SERVER with *why (static). */
must_check int	knock_go(struct knock *k, struct cable *c, bool *writes, const char **why);
/* Accepts NULL inside. */
void		knock_free(struct knock **k);

#endif
