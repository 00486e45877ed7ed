/* SPDX-License-Identifier: Apache-2.0
 *
 * strays.c - files of a tenant's folder that nobody reads, and look as if somebody should
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 * Trusts:  nobody to have written a name as the manual page has it: "rule.json" allows nothing, and nothing says so.
 *
 * Other files may lie there: keys, authorities, what an operator keeps.  So a name counts only when it is near one that
 * is read, or is that with another ending.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/near.h"
#include "policy/compiler/files.h"
#include "policy/compiler/strays.h"
#include "policy/compiler/tenants.h"

#define STEM_MAX	64

struct known {
	const char *const	*names;
	size_t			 count;
	char			 stems[16][STEM_MAX];
};

static const char *
stem_name(size_t i, const void *arg)
{
	return ((const struct known *)arg)->stems[i];
}

static void
known_fill(struct known *k, const char *const *names, size_t count)
{
	k->names = names;
	k->count = count < 16 ? count : 16;
	for (size_t i = 0; i < k->count; i++)
		snprintf(k->stems[i], STEM_MAX, "%.*s", (int)strcspn(names[i], "."), names[i]);
}

/* The name it was probably meant to be; NULL: it is one, or is like none. */
static const char *
meant(const struct known *k, const char *name)
{
	const size_t	 n = strcspn(name, ".");
	const char	*near;

	for (size_t i = 0; i < k->count; i++)
		if (strcmp(name, k->names[i]) == 0)
			return NULL;
	/* "rules.json.bak" and "rules.json~" are somebody's copies. */
	if (n == 0 || strchr(name, '~') != NULL || (name[n] == '.' && strchr(name + n + 1, '.') != NULL) ||
	    (near = near_find(span_make(name, n), stem_name, k, k->count)) == NULL)
		return NULL;
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->stems[i], near) == 0)
			return k->names[i];
	return NULL;
}

void
strays_warn(struct job *j, const char *const *names, size_t count)
{
	struct known	 k;
	struct dirent	*e;
	const char	*near;
	DIR		*d;
	int		 fd = folder_open(j, tenant_path(j, ""));

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return;				/* who reads the files says why */
	}
	known_fill(&k, names, count);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && (near = meant(&k, e->d_name)) != NULL)
			job_note(j, NOTE_WARNING, tenant_path(j, job_fmt(j, "%s", e->d_name)), 0, 0, NULL,
			    "nobody reads a file of this name; did you mean %s?", near);
	closedir(d);
}
