/* SPDX-License-Identifier: Apache-2.0
 *
 * quotas.h - QUOTA, of limits in rules.json and of parameters
 */
#ifndef POLICY_COMPILER_QUOTAS_H
#define POLICY_COMPILER_QUOTAS_H

#include "policy/compiler/job.h"
#include "policy/quotatext.h"

/* Puts it, with the tenant's own quota_warn and the zone of quotas. */
void	quota_put(struct job *j, struct rec_limit *l, const struct rec_quota *q);

#endif
