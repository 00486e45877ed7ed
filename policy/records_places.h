/* SPDX-License-Identifier: Apache-2.0
 *
 * records_places.h - the records of servers that are at several places, for records.h
 */
#ifndef POLICY_RECORDS_PLACES_H
#define POLICY_RECORDS_PLACES_H

#include "policy/snap.h"

/* One of several places where an HTTP server is: connections, sessions and its breaker are its own. */
struct rec_endpoint {
	uint64_t	profile;	/* of all that identifies it, and of no other one */
	struct stext	url;		/* as written */
	struct stext	url_host, url_path, host;	/* as in rec_server */
	uint32_t	server, weight;	/* index into SERVER */
	uint32_t	port, https;
	uint32_t	address_first, address_count, anchor_first, anchor_count;
};

enum balance_strategy {
	BALANCE_ROUND_ROBIN, BALANCE_LEAST, BALANCE_WEIGHTED, BALANCE_HASH, BALANCE_RANDOM,
};
enum balance_hash_by { HASH_BY_PRINCIPAL, HASH_BY_SESSION };
enum balance_flags {
	BALANCE_FLAG_TOOLS = 1,		/* each tool has a breaker of its own */
};
/* How a server's calls are spread, when it is left alone, and when they are sent again.  Numbers of 0: as the
 * parameters of mcpgw.conf say. */
struct rec_balance {
	struct stext	health_path;	/* asked by GET; empty: connecting is enough */
	uint32_t	strategy, hash_by;	/* enum balance_strategy, enum balance_hash_by */
	uint32_t	eject_percent, slow_start_ms;	/* of its endpoints, at one time; of one that came back */
	uint32_t	health_ms, health_timeout_ms;
	uint32_t	healthy, unhealthy;	/* visits in a row that change its state */
	uint32_t	attempts, retry_percent;	/* of one call, at most; of all calls */
	uint32_t	failures, open_ms, error_percent, min_calls, window_ms, slow_ms, probes;
	uint32_t	flags;		/* enum balance_flags */
};

/* An endpoint that mcpgw-scout cannot reach. */
struct rec_sick {
	uint64_t	profile;
};

#endif
