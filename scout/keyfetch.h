/* SPDX-License-Identifier: Apache-2.0
 *
 * keyfetch.h - an issuer's key set, fetched once: by its url, or by what the issuer's metadata names
 */
#ifndef SCOUT_KEYFETCH_H
#define SCOUT_KEYFETCH_H

#include "auth/keyset.h"
#include "upstream/errand.h"

struct keyfetch;

struct keyfetch_ask {			/* borrowed until the end; policy is held */
	struct span		 issuer;	/* its name: what tokens say in iss, and metadata in "issuer" */
	struct span		 url;
	bool			 discovery;	/* url is the issuer's; RFC 8414, OpenID Connect Discovery 1.0 */
	struct span		 known_url, etag;	/* the set of before: said so when it is the same still */
	uint32_t		 algs;
	bool			 algs_given;
	const struct addr	*addresses;
	size_t			 address_count;
	struct snap		*policy;
	uint32_t		 anchor_first, anchor_count;
};

struct keyfetch_found {			/* borrowed for the call */
	const char		*why;		/* there is no set, or none of use, for people; NULL: there is */
	bool			 same;		/* as before: no keys here */
	struct span		 url, etag;	/* of the set */
	bool			 has_max_age;
	uint64_t		 max_age_s;
	const struct keyset_key	*keys;		/* one at least, unless it is the same */
	size_t			 count, passed_over;
};

/* Once, never before keyfetch_start() is back; the fetch is gone then, and *out NULL. */
typedef void keyfetch_fn(const struct keyfetch_found *, void *arg);

/* 0; E_FULL, E_NOMEM; E_DENIED or E_TOOBIG with *why (static). */
must_check int	keyfetch_start(struct errands *e, const struct keyfetch_ask *ask, keyfetch_fn *fn, void *arg,
		    struct keyfetch **out, const char **why);
/* Accepts NULL inside. */
void		keyfetch_cancel(struct keyfetch **k);

/* Where the metadata of this issuer may be: try 0, 1, ...; written to `to`, with a NUL.  False: there are no more. */
#define KEYFETCH_URL_MAX	2048
bool		keyfetch_metadata_url(struct span issuer, unsigned attempt, char to[KEYFETCH_URL_MAX + 1]);

#endif
