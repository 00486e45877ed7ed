/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantinfo.h - what is known of tenants: in force, in the files, and in the store
 */
#ifndef CTL_SHOW_TENANTINFO_H
#define CTL_SHOW_TENANTINFO_H

#include "ctl/ctl.h"
#include "policy/policy.h"

/* Whom a credential is to stand for.  Of several names each, with a blank between them; empty: none. */
struct tenantinfo_bearer {
	const char	*tenant, *agent, *roles, *groups, *scopes, *workspace;
};
/* Is there such a tenant, such an agent of it, and does anything speak of the rest: in the policy in force, or in the
 * files where no gateway runs?  0, or the exit code, said with the names that look like it. */
int	tenantinfo_check(struct ctl *ctl, const struct tenantinfo_bearer *b);

/* How many keys each tenant has. */
struct tenantkeys {
	struct {
		char		name[64];
		uint64_t	count;
	}	*all;			/* malloc'ed */
	size_t	 count;
};
/* 0, or the exit code, said. */
int		tenantkeys_read(struct ctl *ctl, struct tenantkeys *out);
uint64_t	tenantkeys_of(const struct tenantkeys *k, struct span tenant);
void		tenantkeys_fini(struct tenantkeys *k);

#endif
