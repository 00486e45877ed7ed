/* SPDX-License-Identifier: Apache-2.0
 *
 * world.h - name server and hosts of the rig
 */
#ifndef TESTS_UNIT_EGRESS_WORLD_H
#define TESTS_UNIT_EGRESS_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "rig.h"

#define WORLD_DNS	"127.0.0.1:5300"
#define WORLD_DEAD_PORT	26			/* nobody listens there */

/* This process goes to a network of its own: false when it cannot. */
bool	world_network(void);
/* Addresses that are reached there as if they were elsewhere, or as this machine's (NULL). */
void	world_route(const char *prefix, int bits, const char *source);
/* Starts it, in the network this process is in. */
pid_t	world_start(struct rig_world *shared);

#endif
