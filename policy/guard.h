/* SPDX-License-Identifier: Apache-2.0
 *
 * guard.h - where the gateway's own fetches may go (SSRF)
 *
 * A url that an operator wrote may lead anywhere, private networks among it.  One that was learnt from the wire
 * (metadata, a document, a redirect) leads over https to public hosts that are not this machine, or nowhere.  Whoever
 * fetches asks three times: for the url, for each address before it is connected to, and for each redirect.
 */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include "lib/url.h"
#include "policy/reach.h"

#define GUARD_URL_MAX		2048
#define GUARD_REDIRECTS_MAX	3

struct guard {			/* of one fetch */
	bool			learnt;
	bool			secrets;	/* credentials may go along: it is still where it began */
	unsigned		redirects;
	struct url		url;		/* points into text */
	struct reach_host	host;		/* in the one form of all its spellings */
	char			text[GUARD_URL_MAX + 1];
};

/* learnt: from the wire.  0; E_DENIED, with *why for people (static). */
must_check int	guard_begin(struct guard *g, struct span url, bool learnt, const char **why);
/* A Location: a url, or a path of the same origin.  What leaves the origin is learnt, and no credential goes along,
 * also when it comes back.  0; E_DENIED with *why, and then the fetch is over. */
must_check int	guard_redirect(struct guard *g, struct span location, const char **why);
/* Why the url's host must not be connected to at this address, which is the host's own or the answer to its name
 * (static); NULL: it may be. */
const char	*guard_address(const struct guard *g, const struct addr *a);

#endif
