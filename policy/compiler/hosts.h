/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts.h - what may stand in Host and Origin (HOST section)
 */
#ifndef POLICY_COMPILER_HOSTS_H
#define POLICY_COMPILER_HOSTS_H

#include "lib/url.h"
#include "policy/compiler/job.h"

void	hosts_put(struct job *j);
/* Is what is sent there for nobody else to read: https, or a name of this machine's own? */
bool	url_is_guarded(const struct url *u);

#endif
