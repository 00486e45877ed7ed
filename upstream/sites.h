/* SPDX-License-Identifier: Apache-2.0
 *
 * sites.h - what it takes to open a connection to a server, beyond where it is: whom to trust there
 *
 * Found when a connection is opened, and not before: requests over one that is open ask nothing here.
 */
#ifndef UPSTREAM_SITES_H
#define UPSTREAM_SITES_H

#include "http/tls.h"
#include "policy/policy.h"

struct site;			/* an https server; connections hold it */
struct sites;

/* E_NOMEM. */
must_check int	sites_new(struct sites **out);
/* No site may be held. */
void		sites_free(struct sites **s);
/* The policy in force, which is held; servers that it does not have any more are known until the next one. */
void		sites_set_policy(struct sites *s, struct snap *policy);

/* TLS over a connected socket to the server with this profile.  0 with *site held; E_SERVER, with *why (static);
 * E_NOMEM. */
must_check int	sites_open(struct sites *s, uint64_t profile, int fd, struct site **site, struct tls **out,
		    const char **why);
/* After its connection was freed; accepts NULL inside. */
void		site_unref(struct site **s);

#endif
