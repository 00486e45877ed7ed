/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantdirs.c - the tenants that have a folder in tenants.d
 *
 * Process: mcpgwctl.
 * Owns:    the list.
 * Trusts:  names only as far as the compiler does.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/files/tenantdirs.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "lib/log.h"

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
tenantdirs_read(struct ctl *ctl, struct tenantdirs *out)
{
	struct dirent	*e;
	char		 path[PATH_MAX];
	DIR		*d;

	*out = (struct tenantdirs){ NULL, 0 };
	snprintf(path, sizeof(path), "%.4000s/" TENANTS_DIR, folders_config(ctl));
	if ((d = opendir(path)) == NULL) {
		if (errno == ENOENT)
			return 0;
		out_error("%s: %s", path, strerror(errno));
		return EX_NOPERM;
	}
	while ((e = readdir(d)) != NULL) {
		if (!tenant_name_ok(span_of(e->d_name)) || e->d_type != DT_DIR ||
		    strcmp(e->d_name, TENANT_DEFAULT) == 0)
			continue;
		if ((out->names = realloc(out->names, (out->count + 1) * sizeof(*out->names))) == NULL)
			fatal(EX_OSERR, "out of memory");
		snprintf(out->names[out->count++], sizeof(*out->names), "%.*s", TENANT_NAME_MAX, e->d_name);
	}
	closedir(d);
	if (out->count > 1)
		qsort(out->names, out->count, sizeof(*out->names), name_cmp);
	return 0;
}

void
tenantdirs_fini(struct tenantdirs *t)
{
	free(t->names);
	*t = (struct tenantdirs){ NULL, 0 };
}
