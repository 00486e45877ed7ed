/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantdirs.h - the tenants that have a folder in tenants.d
 */
#ifndef CTL_FILES_TENANTDIRS_H
#define CTL_FILES_TENANTDIRS_H

#include "ctl/ctl.h"
#include "policy/tenants.h"

struct tenantdirs {
	char	(*names)[TENANT_NAME_MAX + 1];	/* sorted */
	size_t	 count;
};

/* Those of this configuration, without "default".  0, or the exit code, said. */
int	tenantdirs_read(struct ctl *ctl, struct tenantdirs *out);
void	tenantdirs_fini(struct tenantdirs *t);

#endif
