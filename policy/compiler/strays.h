/* SPDX-License-Identifier: Apache-2.0
 *
 * strays.h - files of a tenant's folder that nobody reads, and look as if somebody should
 */
#ifndef POLICY_COMPILER_STRAYS_H
#define POLICY_COMPILER_STRAYS_H

#include "policy/compiler/job.h"

/* A warning for each; names[count] are the files of the tenant that are read. */
void	strays_warn(struct job *j, const char *const *names, size_t count);

#endif
