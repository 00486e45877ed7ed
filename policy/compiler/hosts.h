/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts.h - what may stand in Host and Origin (HOST section)
 */
#ifndef POLICY_COMPILER_HOSTS_H
#define POLICY_COMPILER_HOSTS_H

#include "policy/compiler/job.h"

void	hosts_put(struct job *j);

#endif
