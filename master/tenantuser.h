/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantuser.h - whom a tenant's tools run as
 */
#ifndef MASTER_TENANTUSER_H
#define MASTER_TENANTUSER_H

#include "master/spawn.h"
#include "master/start.h"

#define TENANTUSER_WHY_MAX	300

/* The user of a tenant that is about to start: of the policy in force, or of tenant_uid_range.  No two tenants that run
 * have one, nor any other process of the gateway.  0, or E_DENIED with why, for people. */
must_check int	tenantuser_find(struct master *m, const char *tenant, struct spawn_user *out,
		    char why[TENANTUSER_WHY_MAX]);

#endif
