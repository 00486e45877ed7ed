/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoints.h - servers that are at several places, and what was said of how their calls are spread
 *
 * All results are borrowed from the snapshot and valid while it is held.
 */
#ifndef POLICY_ENDPOINTS_H
#define POLICY_ENDPOINTS_H

#include "policy/records.h"

#define ENDPOINTS_MAX	64	/* of one server */

/* Place i of a server that is at several; NULL behind the last, and for one that is at a single place. */
const struct rec_endpoint	*policy_endpoint_at(const struct snap *s, const struct rec_server *server, uint32_t i);
/* By its profile, of whichever server; NULL: there is none. */
const struct rec_endpoint	*policy_endpoint_find(const struct snap *s, uint64_t profile);
/* NULL: nothing was said. */
const struct rec_balance	*policy_balance_of(const struct snap *s, const struct rec_server *server);
/* Did the operator say that this tool of the server may run twice? */
bool				 policy_is_idempotent(const struct snap *s, const struct rec_server *server,
				    struct span tool);
/* Does this catalogue say that visits find the endpoint out of order? */
bool				 policy_is_sick(const struct snap *catalogue, uint64_t profile);

#endif
