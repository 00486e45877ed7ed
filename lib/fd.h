/* SPDX-License-Identifier: Apache-2.0
 *
 * fd.h - descriptors: closing, flags, sealed memory files, whole reads and writes
 */
#ifndef LIB_FD_H
#define LIB_FD_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

/* Closes *fd unless it is -1, and leaves -1 behind; keeps errno. */
void		fd_close(int *fd);
must_check int	fd_set_nonblock(int fd);
must_check int	fd_set_cloexec(int fd, bool on);

/* A memfd (close-on-exec, sealable), empty; *fd is the caller's. */
must_check int	fd_memfd(const char *name, int *fd);
/* A memfd of this content, sealed against write, shrink, grow and further seals. */
must_check int	fd_memfd_sealed(const char *name, struct span content, int *fd);
/* True when no holder of fd can change or shorten the file any more. */
bool		fd_is_sealed(int fd);

/* Everything, through short writes and EINTR; for files and blocking descriptors. */
must_check int	fd_write_all(int fd, struct span bytes);
/* The whole file, at most max bytes (E_TOOBIG); *out is malloc'ed with a NUL behind, the caller's. */
must_check int	fd_read_all(int fd, size_t max, char **out, size_t *out_bytes);

#endif
