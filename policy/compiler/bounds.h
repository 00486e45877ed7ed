/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds.h - "limits" of a server with a command: what its tool may use of the machine
 */
#ifndef POLICY_COMPILER_BOUNDS_H
#define POLICY_COMPILER_BOUNDS_H

#include "policy/compiler/server.h"

/* Writes RLIMIT records and the profile's own bounds, and adds both to the digest.  Sets
 * SERVER_FLAG_CGROUP_LIMITS when the operator wrote what only a cgroup holds. */
void	bounds_read(struct server *sv, struct build *b, struct digest *digest, struct rec_profile *p);

#endif
