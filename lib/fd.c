/* SPDX-License-Identifier: Apache-2.0
 *
 * fd.c - descriptors: closing, flags, sealed memory files, whole reads and writes
 *
 * Process: all.  Owns: nothing beyond a call.  Trusts: seals, never a promise not to write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

void
fd_close(int *fd)
{
	int	saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_set_nonblock(int fd)
{
	int	flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return E_SYS;
	return 0;
}

int
fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == -1 ? E_SYS : 0;
}

int
fd_memfd(const char *name, int *fd)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return *fd == -1 ? E_SYS : 0;
}

int
fd_memfd_sealed(const char *name, struct span content, int *out)
{
	int	fd, r;

	*out = -1;
	if ((r = fd_memfd(name, &fd)) != 0)
		return r;
	if ((r = fd_write_all(fd, content)) != 0)
		goto fail;
	if (lseek(fd, 0, SEEK_SET) == -1 || fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1) {
		r = E_SYS;
		goto fail;
	}
	*out = fd;
	return 0;
 fail:
	fd_close(&fd);
	return r;
}

bool
fd_is_sealed(int fd)
{
	int	seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & SEALS) == SEALS;
}

int
fd_write_all(int fd, struct span bytes)
{
	ssize_t	n;

	while (bytes.n > 0) {
		if ((n = write(fd, bytes.p, bytes.n)) == -1) {
			if (errno == EINTR)
				continue;
			return E_SYS;
		}
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

int
fd_read_all(int fd, size_t max, char **out, size_t *out_bytes)
{
	char	*data = NULL, *more;
	size_t	 room = 0, used = 0;
	ssize_t	 n;
	int	 r = 0;

	*out = NULL;
	*out_bytes = 0;
	for (;;) {
		if (used == room) {
			if (used > max) {
				r = E_TOOBIG;
				break;
			}
			room = room == 0 ? 16384 : room * 2;
			if (room > max + 1)
				room = max + 1;		/* one byte over tells E_TOOBIG from a fit */
			if ((more = realloc(data, room + 1)) == NULL) {
				r = E_NOMEM;
				break;
			}
			data = more;
		}
		if ((n = read(fd, data + used, room - used)) == -1) {
			if (errno == EINTR)
				continue;
			r = E_SYS;
			break;
		}
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max) {
			r = E_TOOBIG;
			break;
		}
	}
	if (r != 0) {
		free(data);
		return r;
	}
	data[used] = '\0';
	*out = data;
	*out_bytes = used;
	return 0;
}
