/* SPDX-License-Identifier: Apache-2.0
 *
 * world.h - the two networks of the rig: name server and hosts in one, a tool's sockets in the other
 */
#ifndef TESTS_UNIT_EGRESS_WORLD_H
#define TESTS_UNIT_EGRESS_WORLD_H

#include <sys/types.h>

#include "rig.h"

#define WORLD_DNS	"127.0.0.1:5300"
#define WORLD_DEAD_PORT	26			/* nobody listens there */

/* Each starts a process with a network of its own, which stays in it; -1 where that cannot be made.  *user_ns and
 * *net_ns are its namespaces, the caller's. */
pid_t	world_start(struct rig_world *shared, int *user_ns, int *net_ns);
/* *ask is the caller's, for cell_socket(). */
pid_t	cell_start(int *ask);
/* A socket there: bound unless the address is NULL, and listening with SOCK_STREAM.  -1 when that fails. */
int	cell_socket(int ask, int type, const char *address, int port);

#endif
