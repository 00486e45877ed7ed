/* SPDX-License-Identifier: Apache-2.0
 *
 * errand.h - a fetch of the gateway's own: one document by its url, or one form posted
 *
 * Over the pool and its TLS (pool.h, sites.h), but to no server of the policy: each errand has a connection of its own.
 * Where it may lead policy/guard.h says, for the url, each address and each redirect; the address that was looked at
 * is the one that is connected to.  https:// always, but for an operator's http:// to this machine itself.
 */
#ifndef UPSTREAM_ERRAND_H
#define UPSTREAM_ERRAND_H

#include "http/exchange.h"
#include "lib/resolve.h"
#include "policy/snap.h"

#define ERRANDS_RUNNING_MAX	8	/* the others wait for a place, within their own time */
#define ERRANDS_MAX		64
#define ERRAND_BYTES		(256 * 1024)
#define ERRAND_FIELDS_MAX	8
#define ERRAND_ADDRESSES_MAX	8

struct errands;
struct errand;

/* All of it is copied, policy is held. */
struct errand_request {
	struct span			 url;
	bool				 learnt;	/* from the wire; else an operator wrote it */
	bool				 post;		/* else GET; a POST follows no redirect */
	struct span			 accept;	/* a media type, or empty */
	struct span			 content_type, body;	/* of a POST */
	struct span			 authorization;	/* empty: none.  It goes to no other origin than url's */
	struct span			 etag;		/* of a GET: 304 when it is still this; or empty */
	const struct exchange_field	*fields;	/* more; they go wherever a redirect leads */
	size_t				 field_count;	/* ERRAND_FIELDS_MAX at most */
	uint32_t			 deadline_ms;	/* for all of it, from errand_start() on */
	size_t				 max_bytes;	/* of the body; 0: ERRAND_BYTES */
	const struct addr		*addresses;	/* of url's host, where the compiler found them */
	size_t				 address_count;	/* 0: it is looked up */
	struct snap			*policy;	/* has ANCHOR records: whom to trust; NULL: nobody */
	uint32_t			 anchor_first, anchor_count;
};

struct errand_answer {			/* borrowed for the call */
	int		 error;		/* 0: the answer is whole, whatever its status */
	const char	*why;		/* of an error, for people */
	unsigned	 status;
	struct span	 url;		/* where it came from in the end */
	struct span	 content_type, etag, body;	/* empty: none */
	struct span	 challenge;	/* WWW-Authenticate */
	bool		 has_max_age;	/* Cache-Control said how long it may be believed: */
	uint64_t	 max_age_s;	/* 0 with no-store and no-cache */
};

/* Once for each errand that was not cancelled, never before errand_start() is back.  The errand is gone then.
 * error: E_DENIED (it may not go there), E_NET_NAME, E_TIMEOUT, E_SERVER (not reached), E_UPSTREAM (no proper answer),
 * E_TOOBIG, E_NOMEM. */
typedef void errand_fn(const struct errand_answer *, void *arg);

/* One for a process.  The resolver is borrowed, and outlives it.  E_NOMEM. */
must_check int	errands_new(struct loop *l, struct resolver *r, struct errands **out);
/* Cancels those under way. */
void		errands_free(struct errands **e);
void		errands_set_connect_ms(struct errands *e, uint64_t ms);	/* connect_timeout */

/* 0; E_FULL: too many are under way; E_TOOBIG, E_NOMEM; E_DENIED with *why (static): the url will not do.  Only with 0
 * fn is called.  *out is set to NULL before that. */
must_check int	errand_start(struct errands *e, const struct errand_request *q, errand_fn *fn, void *arg,
		    struct errand **out, const char **why);
/* Accepts NULL inside. */
void		errand_cancel(struct errand **e);

#endif
