/* SPDX-License-Identifier: Apache-2.0
 *
 * target.h - where an HTTP upstream is and what is sent with every request to it
 */
#ifndef UPSTREAM_TARGET_H
#define UPSTREAM_TARGET_H

#include "http/exchange.h"
#include "lib/arena.h"
#include "policy/policy.h"
#include "upstream/pool.h"

#define TARGET_HEADERS_MAX	32

struct upstream_target {
	uint64_t			 profile;	/* hash of all that identifies the place */
	uint64_t			 server;	/* and of the server, whichever of its endpoints this is */
	struct pool_target		 pool;
	struct span			 name;		/* the server's, for log lines */
	struct span			 host, path;	/* Host value, request target */
	enum server_era			 pin;
	/* SSE: HTTP+SSE of 2024-11-05 alone is spoken there; path is the stream's, or a session's endpoint. */
	enum server_transport		 transport;
	const struct exchange_field	*headers;	/* configured ones, secrets among them */
	size_t				 header_count;
	uint64_t			 token_key;	/* policy_token_key() of one with "auth"; 0: it has none */
};

/* From the snapshots; secrets may be NULL.  `at`: which of several endpoints; NULL: the server's one url.  Texts are
 * borrowed from them, the list of headers is the arena's.  0; E_SERVER: no address is known; *why says so (static).
 * E_TOOBIG: over TARGET_HEADERS_MAX headers.  E_NOMEM. */
must_check int	target_find(const struct snap *policy, const struct snap *secrets,
		    const struct rec_server *server, const struct rec_endpoint *at, struct arena *a,
		    struct upstream_target *out, const char **why);
/* Do both send the same headers? */
bool		target_same_headers(const struct upstream_target *a, const struct upstream_target *b);
/* A copy that lives as long as the arena.  E_NOMEM. */
must_check int	target_copy(struct arena *a, const struct upstream_target *from, struct upstream_target *to);

#endif
