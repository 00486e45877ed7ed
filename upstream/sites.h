/* SPDX-License-Identifier: Apache-2.0
 *
 * sites.h - what it takes to open a connection to a server: its addresses, whom to trust there
 *
 * Found when a connection is opened, and not before: requests over one that is open ask nothing here.
 */
#ifndef UPSTREAM_SITES_H
#define UPSTREAM_SITES_H

#include "http/tls.h"
#include "lib/addr.h"
#include "policy/policy.h"

struct site;			/* an https server; connections hold it */
struct sites;

/* E_NOMEM. */
must_check int	sites_new(struct sites **out);
/* No site may be held. */
void		sites_free(struct sites **s);
/* The policy in force, which is held; servers that it does not have any more are known until the next one. */
void		sites_set_policy(struct sites *s, struct snap *policy);

/* What the scout found last, which is held. */
void		sites_set_names(struct sites *s, struct snap *catalogue);
/* Addresses of a host, in the order in which they are to be tried, `room` at most.  0; E_AGAIN: it was not looked up
 * yet; E_SERVER: it has none, and *why (static). */
must_check int	sites_find(const struct sites *s, struct span host, struct addr *to, size_t room, size_t *count,
		    const char **why);

/* TLS over a connected socket to the server with this profile.  0 with *site held; E_SERVER, with *why (static);
 * E_NOMEM. */
must_check int	sites_open(struct sites *s, uint64_t profile, int fd, struct site **site, struct tls **out,
		    const char **why);
/* After its connection was freed; accepts NULL inside. */
void		site_unref(struct site **s);

/* A site that is no server's, under a number that no other has: connections for it are opened as for a profile.  host:
 * as of tls_site_init().  The lender's until it takes it back, when none of its connections is open.  0; E_SERVER: no
 * name that TLS can ask for; E_NOMEM. */
must_check int	sites_lend(struct sites *s, uint64_t number, struct span host, tls_anchor_fn *anchor, void *arg,
		    struct site **out);
void		sites_take_back(struct site **s);

#endif
