/* SPDX-License-Identifier: Apache-2.0
 *
 * metaargs.h - the arguments of the gateway's own tools (seed-contracts 2.1)
 */
#ifndef WORKER_METAARGS_H
#define WORKER_METAARGS_H

#include "worker/request.h"

struct meta_args {
	struct span	agent;			/* whom to act as, if that may be said here */
	struct span	server, tool, names, pattern;
	bool		include_metadata, has_budget;	/* has_budget: max_schema_tokens is set */
	uint64_t	max_schema_tokens, timeout_ms;
	struct json_value args;
};

/* From the request's message.  Absent and null are the same: empty texts, zero, JSON_NONE.  0, or
 * E_RPC_PARAMS with what is wrong, for people. */
must_check int	metaargs_read(struct request *rq, struct meta_args *out, struct span *wrong);

#endif
