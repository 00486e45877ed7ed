/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_endpoint.h - one place that connections of the pool go to
 */
#ifndef UPSTREAM_POOL_ENDPOINT_H
#define UPSTREAM_POOL_ENDPOINT_H

#include "upstream/pool.h"
#include "upstream/sites.h"

#define ENDPOINT_BUCKETS	64

struct endpoint {
	struct endpoint		*next;
	struct pool_target	 target;
	struct pool_conn	*idle;		/* the last used first */
	size_t			 conns;		/* those that are open, or will be */
	size_t			 dead;		/* closed, and freed at the turn's end */
	size_t			 good;		/* the address that worked last */
	unsigned		 version;	/* of the addresses */
	char			 host[TLS_HOST_MAX + 1];	/* the target's */
};

struct endpoints {
	struct endpoint	*buckets[ENDPOINT_BUCKETS];
};

/* Made when it is not there; NULL without memory. */
struct endpoint	*endpoint_find(struct endpoints *all, uint64_t key);
/* Frees it, unless it has connections. */
void		 endpoint_unused(struct endpoints *all, struct endpoint *e);
/* Before a connection is opened: where it is now.  target may be the endpoint's own.  0; E_AGAIN: not known yet;
 * E_SERVER, with *why (static) or NULL: it has no address. */
must_check int	 endpoint_locate(const struct sites *sites, struct endpoint *e, const struct pool_target *target,
		    const char **why);

#endif
