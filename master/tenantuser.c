/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantuser.c - whom a tenant's tools run as
 *
 * Process: master (root).
 * Owns:    nothing: which number of tenant_uid_range is whose, the owners of the state folders say.
 * Trusts:  the policy in force for names; the machine's user list; nobody but root for the folder of state folders.
 *
 * In personal mode all are the owner.  Tools of two tenants are never one user's: where the jail does not hold, that
 * does.  A number of the range stays its tenant's for as long as there is a state folder, so a tenant that comes later
 * finds nothing of another's on disk that it may read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/num.h"
#include "master/master.h"
#include "master/tenantuser.h"
#include "policy/policy.h"
#include "policy/tenants.h"

#define NOBODY	65534

/* "FIRST-LAST", as the compiler has let it pass. */
static bool
range_read(const struct master *m, uint32_t *first, uint32_t *last)
{
	const struct span	text = m->params.tenant_uid_range;
	const char		*dash = text.n == 0 ? NULL : memchr(text.p, '-', text.n);
	uint64_t		 a, b;

	if (dash == NULL || num_u64(span_part(text, 0, (size_t)(dash - text.p)), &a) != 0 ||
	    num_u64(span_part(text, (size_t)(dash - text.p) + 1, text.n), &b) != 0 || a == 0 || a > b ||
	    b >= UINT32_MAX)
		return false;
	*first = (uint32_t)a;
	*last = (uint32_t)b;
	return true;
}

/* Marks the numbers that state folders have; *own is the tenant's, or 0. */
static int
owners_read(const struct master *m, const char *tenant, uint32_t first, uint32_t last, uint8_t *taken, uint32_t *own)
{
	struct dirent	*e;
	struct stat	 st;
	DIR		*d = NULL;
	int		 fd = openat(m->dirs.state_fd, "tenants", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return E_SYS;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    st.st_uid < first || st.st_uid > last)
			continue;
		taken[st.st_uid - first] = 1;
		if (strcmp(e->d_name, tenant) == 0)
			*own = st.st_uid;
	}
	closedir(d);
	return 0;
}

/* A number of the range: the one it has, else the first that nobody has. */
static int
range_take(const struct master *m, const char *tenant, uint32_t first, uint32_t last, struct spawn_user *out, char *why)
{
	uint8_t		*taken = calloc((size_t)last - first + 1, 1);
	uint32_t	 own = 0;
	uint64_t	 id;

	if (taken == NULL || owners_read(m, tenant, first, last, taken, &own) != 0) {
		snprintf(why, TENANTUSER_WHY_MAX, "its user cannot be found: %s", strerror(errno));
		free(taken);
		return E_DENIED;
	}
	for (id = first; own == 0 && id <= last; id++)
		if (taken[id - first] == 0 && getpwuid((uid_t)id) == NULL)
			own = (uint32_t)id;
	free(taken);
	if (own == 0) {
		snprintf(why, TENANTUSER_WHY_MAX, "tenant_uid_range %u-%u: all are taken; make it larger", first, last);
		return E_DENIED;
	}
	*out = (struct spawn_user){ true, own, own };
	return 0;
}

/* Somebody of ours who is this user already, or NULL. */
static const char *
who_else(const struct master *m, const char *tenant, uid_t uid)
{
	const struct tenant	*t;

	for (int role = 0; role < ROLE_LIMIT; role++)
		if (m->user[role].change && m->user[role].uid == uid)
			return role == ROLE_SPAWNER || role == ROLE_RUNNER ? "the tenant default" :
			    "the gateway itself";
	TAILQ_FOREACH(t, &m->tenants.list, next)
		if (strcmp(t->name, tenant) != 0 && t->user.change && t->user.uid == uid)
			return t->name;
	return NULL;
}

int
tenantuser_find(struct master *m, const char *tenant, struct spawn_user *out, char why[TENANTUSER_WHY_MAX])
{
	const struct rec_tenant	*t = m->policy == NULL ? NULL : policy_tenant_find(m->policy, span_of(tenant));
	const char		*name = t == NULL ? NULL : snap_cstr(m->policy, t->user), *other;
	uint32_t		 first, last;
	bool			 found;

	*out = m->user[ROLE_SPAWNER];
	if (m->personal || strcmp(tenant, TENANT_DEFAULT) == 0)
		return 0;
	if (name == NULL || name[0] == '\0') {
		snprintf(why, TENANTUSER_WHY_MAX, "the policy names no user for it");
		return E_DENIED;
	}
	if (spawn_user_find(name, out, &found) != 0 || !found) {
		if (t->user_given == 0 && range_read(m, &first, &last)) {
			if (range_take(m, tenant, first, last, out, why) != 0)
				return E_DENIED;
		} else {
			snprintf(why, TENANTUSER_WHY_MAX, "there is no user %s; make it: useradd --system --user-group "
			    "--no-create-home --shell /usr/sbin/nologin %s", name, name);
			return E_DENIED;
		}
	}
	if (out->uid == 0 || out->uid == NOBODY) {
		snprintf(why, TENANTUSER_WHY_MAX, "its user %s is %s, whom others run as too", name,
		    out->uid == 0 ? "root" : "nobody");
		return E_DENIED;
	}
	if ((other = who_else(m, tenant, out->uid)) != NULL) {
		snprintf(why, TENANTUSER_WHY_MAX, "its user %s (uid %u) is that of %s; each tenant needs one of "
		    "its own", name, (unsigned)out->uid, other);
		return E_DENIED;
	}
	return 0;
}
