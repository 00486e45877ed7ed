/* SPDX-License-Identifier: Apache-2.0
 *
 * runtime.c - a runtime that tools of any user may run
 *
 * Process: mcpgwctl.  Owns: runtimes/, which is root's.
 * Trusts:  the operator's PATH for what node is; it is copied once, and what runs from then on is the copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/import/runtime.h"
#include "ctl/import/toolchain.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"

#define PROGRAM_MAX	(UINT64_C(1) << 30)
#define HASH_BYTES	6

static int
refuse(char why[RUNTIME_WHY], const char *what)
{
	snprintf(why, RUNTIME_WHY, "%.500s: %s", what, strerror(errno));
	return E_SYS;
}

/* Beside it, then in its place: nobody ever sees half of it. */
static int
write_copy(const char *folder, const char *path, struct span program, char why[RUNTIME_WHY])
{
	char	temporary[PATH_MAX + 16];
	int	fd, r;

	snprintf(temporary, sizeof(temporary), "%s/.XXXXXX", folder);
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1)
		return refuse(why, temporary);
	r = fd_write_all(fd, program) != 0 || fchmod(fd, 0555) == -1 || fsync(fd) == -1 ||
	    rename(temporary, path) == -1 ? refuse(why, path) : 0;
	fd_close(&fd);
	if (r != 0)
		unlink(temporary);
	return r;
}

static int
copy(const char *pkgs, const char *node, const char *version, struct span program, char **to, char why[RUNTIME_WHY])
{
	char			folder[PATH_MAX], path[PATH_MAX + 8], hash[HASH_BYTES * 2 + 1];
	struct crypt_digest	d;
	const char		*slash = strrchr(pkgs, '/');
	int			r;

	if ((r = crypt_sha256(program, &d)) != 0)
		return refuse(why, node);
	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(hash + 2 * i, 3, "%02x", d.bytes[i]);
	snprintf(folder, sizeof(folder), "%.*s/runtimes", (int)(slash - pkgs), pkgs);
	if ((mkdir(folder, 0755) == -1 && errno != EEXIST) || chmod(folder, 0755) == -1)
		return refuse(why, folder);
	snprintf(folder, sizeof(folder), "%.*s/runtimes/node-%s-%s", (int)(slash - pkgs), pkgs, version, hash);
	if ((mkdir(folder, 0755) == -1 && errno != EEXIST) || chmod(folder, 0755) == -1)
		return refuse(why, folder);
	snprintf(path, sizeof(path), "%s/node", folder);
	if (access(path, X_OK) != 0 && (r = write_copy(folder, path, program, why)) != 0)
		return r;
	if ((*to = strdup(path)) == NULL)
		fatal(EX_OSERR, "no memory");
	return 0;
}

int
runtime_place(struct ctl *ctl, const char *pkgs, const char *node, const char *version, char **to,
    char why[RUNTIME_WHY])
{
	struct stat	 st;
	void		*at;
	int		 fd, r;

	if (!ctl->where.system || toolchain_is_open(node)) {
		if ((*to = strdup(node)) == NULL)
			fatal(EX_OSERR, "no memory");
		return 0;
	}
	*to = NULL;
	if ((fd = open(node, O_RDONLY | O_CLOEXEC)) == -1 || fstat(fd, &st) == -1 ||
	    (uint64_t)st.st_size > PROGRAM_MAX) {
		fd_close(&fd);
		return refuse(why, node);
	}
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	fd_close(&fd);
	if (at == MAP_FAILED)
		return refuse(why, node);
	r = copy(pkgs, node, version, span_make(at, (size_t)st.st_size), to, why);
	munmap(at, (size_t)st.st_size);
	return r;
}
