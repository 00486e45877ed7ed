/* SPDX-License-Identifier: Apache-2.0
 *
 * tenants.h - tenants.d: one folder for each tenant beside "default" (mcpgw-tenants(5))
 */
#ifndef POLICY_COMPILER_TENANTS_H
#define POLICY_COMPILER_TENANTS_H

#include "policy/compiler/job.h"

#define TENANTS_MAX	10000
#define TENANT_USER	"_mcpgw-t-"	/* and the tenant's name: whom its tools run as unless it says otherwise */

/* Reads what belongs to each tenant, "default" among them, in order of their names. */
void	tenants_read(struct job *j);

/* A path below the folder of the tenant that is being read, as messages name it: "rules.json" or
 * "tenants.d/acme/rules.json". */
const char	*tenant_path(struct job *j, const char *name);

#endif
