/* SPDX-License-Identifier: Apache-2.0
 *
 * segfile.c - files whose space is there before anything is written, and whose writers can be seen
 *
 * Process: master (makes), mcpgw-audit (asks).  Owns: nothing beyond a call.
 * Trusts:  the folder to be the audit's alone; O_EXCL keeps links out all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/segfile.h"

#define TRIES	16

/* The file belongs to whom the folder belongs: made by root, read and deleted by the auditor. */
static int
give_to_owner(int dirfd, int fd)
{
	struct stat	st;

	if (fstat(dirfd, &st) == -1)
		return E_SYS;
	if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) == -1)
		return E_SYS;
	return 0;
}

/* fallocate(2) and not posix_fallocate(3), which would write every block where the file system cannot
 * allocate, and the master has no time for that; only where there is no other way.  A signal may end it
 * with nothing done, where a file system is memory and the kernel older than some, and the master has many. */
static int
allocate(int fd, uint64_t bytes)
{
	int	e, tries = 0;

	do {
		e = fallocate(fd, 0, 0, (off_t)bytes) == 0 ? 0 : errno;
		if (e == EOPNOTSUPP)
			e = posix_fallocate(fd, 0, (off_t)bytes);
	} while (e == EINTR && ++tries < TRIES);
	if (e == 0)
		return 0;
	errno = e;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? E_FULL : E_SYS;
}

int
segfile_make(int dirfd, const char *name, uint64_t bytes, struct span head, int *out)
{
	char	unready[NAME_MAX + 1];
	int	fd, r, saved;

	*out = -1;
	/* Whoever sees the file under its name must see its writer too. */
	if (snprintf(unready, sizeof(unready), ".%s", name) >= (int)sizeof(unready))
		return E_TOOBIG;
	fd = openat(dirfd, unready, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return errno == EEXIST ? E_EXISTS : errno == ENOSPC || errno == EDQUOT ? E_FULL : E_SYS;
	if ((r = allocate(fd, bytes)) != 0 || (r = give_to_owner(dirfd, fd)) != 0 ||
	    (r = fd_write_all(fd, head)) != 0)
		goto fail;
	if (flock(fd, LOCK_SH | LOCK_NB) == -1) {
		r = E_SYS;
		goto fail;
	}
	if (renameat2(dirfd, unready, dirfd, name, RENAME_NOREPLACE) == -1) {
		r = errno == EEXIST ? E_EXISTS : E_SYS;
		goto fail;
	}
	*out = fd;
	return 0;
 fail:
	saved = errno;
	unlinkat(dirfd, unready, 0);
	fd_close(&fd);
	errno = saved;
	return r;
}

bool
segfile_has_writer(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}
