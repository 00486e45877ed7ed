/* SPDX-License-Identifier: Apache-2.0
 *
 * state.h - requestState: what a modern client gives back with its answers (mcp-wire 8 MRTR, 14.10)
 *
 * Sealed, so that a client can neither read nor change it, and bound to who asked, what was asked and
 * where: a state that comes with anything else is none.
 */
#ifndef MCP_STATE_H
#define MCP_STATE_H

#include "lib/buf.h"
#include "lib/crypt.h"
#include "lib/keyring.h"
#include "mcp/rpc.h"

#define STATE_LIVES_S	600
#define STATE_INNER_MAX	(60 * 1024)	/* raw bytes of an upstream's own state */

enum state_kind {
	STATE_PARK = 1,		/* the call waits in a worker */
	STATE_WRAP = 2,		/* the upstream's own state, which may be none */
	STATE_URL = 3,		/* a legacy upstream wanted URLs to be visited first: the call is made again */
};

struct state {
	enum state_kind	 kind;
	uint64_t	 principal, tenant;	/* hashes */
	uint32_t	 issued_s;		/* wall clock */
	uint64_t	 server;		/* hash of what it goes to */
	struct crypt_digest digest;		/* of method and params */
	/* PARK: which worker, which call, which of its rounds */
	uint32_t	 slot, incarnation, round;
	uint64_t	 number;
	struct span	 inner;			/* WRAP: the upstream's state, a raw JSON string, or empty */
	/* Somebody approved this call (worker/call/approvals.h), once: what it is asked is asked of that call. */
	bool		 approved;
	struct crypt_digest approval;		/* which call that was; `number` is this round's own */
};

/* The digest of this request: method and params but for what the client adds to a retry.  0, E_TOOBIG, E_NOMEM. */
must_check int	state_digest(const struct rpc_message *m, struct crypt_digest *out);
/* Appends the token, which needs no escapes in JSON.  0, E_TOOBIG, E_NOMEM, E_SYS. */
must_check int	state_seal(const struct keyring *ring, struct span path, const struct state *s, struct buf *to);
/* 0, or E_DENIED without telling why: no seal of ours for this path, another principal, tenant or request than
 * `expect` has, or too old (expect->issued_s is now).  *out points into `text`. */
must_check int	state_open(const struct keyring *ring, struct span path, struct span token,
		    const struct state *expect, struct buf *text, struct state *out);

#endif
