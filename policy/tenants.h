/* SPDX-License-Identifier: Apache-2.0
 *
 * tenants.h - the order of what is looked up by tenant, for those who write snapshots
 */
#ifndef POLICY_TENANTS_H
#define POLICY_TENANTS_H

#include <limits.h>
#include <stdbool.h>

#include "policy/build.h"

#define TENANT_DEFAULT	"default"
#define TENANT_NAME_MAX	32

/* Small letters, digits and "-", 1 to 32 of them. */
bool		tenant_name_ok(struct span name);
/* Where a tenant's files lie: the configuration folder, or tenants.d/NAME below it.  0; E_FORMAT: no name of a tenant;
 * E_TOOBIG. */
#define TENANTS_DIR	"tenants.d"
must_check int	tenants_folder(const char *config_dir, struct span tenant, char to[PATH_MAX]);
/* Completes TENANT of a policy: hashes, which part of AGENT and of SERVER is whose (each tenant's stand together),
 * and TENANT_SLOT.  build_seal() does it when all of them are there.  0, E_NOMEM or E_FULL. */
must_check int	build_tenants(struct build *policy);

#endif
