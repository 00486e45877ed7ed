/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.h - addresses of names, by c-ares on our loop
 *
 * The machine's name servers are read once, before the process is confined; /etc/hosts is not used: what it says is
 * this machine's own business, or was looked at already.
 */
#ifndef LIB_RESOLVE_H
#define LIB_RESOLVE_H

#include "lib/addr.h"
#include "lib/loop.h"

#define RESOLVE_ADDRESSES_MAX	16	/* that are tried; all that were answered are looked at */

struct resolver;
struct lookup;

struct resolved {
	int		error;		/* 0, E_NET_NAME (none), E_TIMEOUT, E_FULL or E_NOMEM */
	bool		none;		/* E_NET_NAME: a name server said so; else none said anything of use */
	uint64_t	ttl_ms;		/* for how long it may be believed, at most; 0 when it came from the cache */
	const char	*special;	/* what the first address that is not public is, or NULL */
	struct addr	bad;		/* that one */
	struct addr	found[RESOLVE_ADDRESSES_MAX];
	unsigned	count;
};

/* What was found, IPv4 first: where there is no way for IPv6, it costs a connection's whole time to find out.  `to` has
 * room for RESOLVE_ADDRESSES_MAX; how many. */
size_t		resolved_in_order(const struct resolved *what, struct addr *to);

/* Once for each lookup that was not cancelled, maybe before resolver_find() comes back. */
typedef void resolved_fn(const struct resolved *, void *arg);

/* Before confinement.  search: names without a dot are tried below the machine's search domains.  0, E_NOMEM or
 * E_SYS. */
must_check int	resolver_new(struct loop *l, bool search, struct resolver **out);
/* No lookup calls back any more. */
void		resolver_free(struct resolver **r);
/* ADDRESS:PORT, separated by blanks; empty: the machine's own.  What is under way ends with E_NET_NAME when they
 * change.  0, or E_FORMAT, and then nothing changed. */
must_check int	resolver_set_servers(struct resolver *r, struct span servers);

/* *out is NULL when it called back already.  Nobody (`whom`, a tenant's) has more lookups under way than are left
 * for all others: E_FULL. */
void		resolver_find(struct resolver *r, const char *name, const void *whom, resolved_fn *fn, void *arg,
		    struct lookup **out);
/* Accepts NULL inside. */
void		lookup_cancel(struct lookup **k);

#endif
