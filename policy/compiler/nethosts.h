/* SPDX-License-Identifier: Apache-2.0
 *
 * nethosts.h - net_hosts: where a host that tools may reach is, by an operator's word
 */
#ifndef POLICY_COMPILER_NETHOSTS_H
#define POLICY_COMPILER_NETHOSTS_H

#include "lib/addr.h"
#include "policy/compiler/job.h"

/* Says what is wrong with the parameter. */
void	nethosts_check(struct job *j);
/* The address of this name (canonical), and the port in the place of the one that is asked for (0: that one).
 * False: the parameter does not name it. */
bool	nethosts_find(const struct job *j, struct span name, struct addr *address, uint16_t *port);

#endif
