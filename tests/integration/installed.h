/* SPDX-License-Identifier: Apache-2.0
 *
 * installed.h - a copy of the programs, which a test may exchange while a gateway runs them
 */
#ifndef TESTS_INTEGRATION_INSTALLED_H
#define TESTS_INTEGRATION_INSTALLED_H

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

/* An installation of its own, whose programs can be exchanged. */
static inline void
installed_make(char dir[64])
{
	char	command[6 * PATH_MAX], build[PATH_MAX];

	cr_assert(realpath(getenv("BUILD") == NULL ? "build" : getenv("BUILD"), build) != NULL);
	snprintf(dir, 64, "/tmp/mcpgw-inst.XXXXXX");
	cr_assert(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	snprintf(command, sizeof(command), "cp -r '%s/bin' '%s/libexec' '%s/' && ln -s '%s/demo' '%s/tests' '%s/'", build, build,
	    dir, build, build, dir);
	cr_assert(system(command) == 0, "%s", command);
	cr_assert(setenv("BUILD", dir, 1) == 0);
}

static inline void
installed_remove(const char *dir)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_expect(system(command) == 0);
}

/* As a package does it: another file in its place.  The one before is NAME.real. */
static inline void
installed_exchange(const char *dir, const char *name, const char *script)
{
	char	path[128], new[140], real[140];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(new, sizeof(new), "%s.new", path);
	snprintf(real, sizeof(real), "%s.real", path);
	cr_assert((f = fopen(new, "w")) != NULL);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	cr_assert(chmod(new, 0755) == 0 && rename(path, real) == 0 && rename(new, path) == 0);
}

static inline void
installed_put_back(const char *dir, const char *name)
{
	char	path[128], real[140];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(real, sizeof(real), "%s.real", path);
	cr_assert(rename(real, path) == 0);
}

/* All programs of another build, each in the place of the one that runs, as dpkg does it. */
static inline void
installed_replace(const char *dir, const char *build)
{
	char	command[4 * PATH_MAX];

	snprintf(command, sizeof(command), "cp -r --remove-destination '%s/bin' '%s/libexec' '%s/'", build, build, dir);
	cr_assert(system(command) == 0, "%s", command);
}

#endif
