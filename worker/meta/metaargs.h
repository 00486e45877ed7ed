/* SPDX-License-Identifier: Apache-2.0
 *
 * metaargs.h - the arguments of the gateway's own tools (seed-contracts 2.1)
 */
#ifndef WORKER_META_METAARGS_H
#define WORKER_META_METAARGS_H

#include "worker/front/request.h"

#define META_LIMIT		10	/* tools that a search returns, unless the client asks for */
#define META_LIMIT_MAX		50	/* another number, up to this */
#define META_QUERY_MAX		4096	/* bytes */
#define META_NAMES_MAX		16384	/* these two are looked through once for each tool of a server */
#define META_PATTERN_MAX	256

struct meta_args {
	struct span	agent;			/* whom to act as, if that may be said here */
	struct span	server, tool, names, pattern, query;
	bool		include_metadata, has_budget;	/* has_budget: max_schema_tokens is set */
	uint64_t	max_schema_tokens, timeout_ms, limit;	/* limit: 1 to META_LIMIT_MAX */
	struct json_value args;
};

/* From the request's message.  Absent and null are the same: empty texts, zero, JSON_NONE.  0, or
 * E_RPC_PARAMS with what is wrong, for people. */
must_check int	metaargs_read(struct request *rq, struct meta_args *out, struct span *wrong);

#endif
