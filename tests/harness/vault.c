/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.c - a vault, and what it knows
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/program.h"
#include "tests/harness/vault.h"

static const char *
beside(const struct vault_fixture *v, const char *name)
{
	static char	path[512];

	snprintf(path, sizeof(path), "%s/%s", v->folder, name);
	return path;
}

void
vault_start(struct vault_fixture *v)
{
	const char	*argv[] = { "vault-server", v->folder, NULL };

	snprintf(v->folder, sizeof(v->folder), "/tmp/mcpgw-vault.XXXXXX");
	cr_assert(mkdtemp(v->folder) != NULL);
	v->port = program_start(argv, &v->pid);
}

void
vault_stop(struct vault_fixture *v)
{
	DIR		*dir;
	struct dirent	*e;

	program_stop(&v->pid);
	if ((dir = opendir(v->folder)) != NULL) {
		while ((e = readdir(dir)) != NULL)
			if (e->d_name[0] != '.')
				unlink(beside(v, e->d_name));
		closedir(dir);
	}
	rmdir(v->folder);
}

void
vault_say(const struct vault_fixture *v, const char *name, const char *text)
{
	char	old[512];
	FILE	*f;

	if (text == NULL) {
		unlink(beside(v, name));
		return;
	}
	/* Whole at any moment: it is read with each request. */
	snprintf(old, sizeof(old), "%s/.new", v->folder);
	cr_assert((f = fopen(old, "w")) != NULL && fputs(text, f) >= 0 && fclose(f) == 0 &&
	    rename(old, beside(v, name)) == 0);
}

size_t
vault_saw(const struct vault_fixture *v, const char *text)
{
	char	line[2048];
	size_t	n = 0;
	FILE	*f = fopen(beside(v, "log"), "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}
