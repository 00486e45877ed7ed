/* SPDX-License-Identifier: Apache-2.0
 *
 * segfile.h - files whose space is there before anything is written, and whose writers can be seen
 *
 * The maker holds a shared flock(2) that travels with the descriptor: as long as any process has it
 * open the file may still grow; when the last one closes it, or dies, the kernel lets go.
 */
#ifndef LIB_SEGFILE_H
#define LIB_SEGFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

/* Makes `name` in the folder: `bytes` long, zeroes, all blocks allocated, `head` at the front, owned
 * by the folder's owner, mode 0600; it has its name only when all that is done (before: "." and the name).
 * *fd is for writing, close-on-exec, the caller's: close it once it is handed over, or the file seems
 * to have a writer for ever.
 * 0; E_FULL: no space (or quota); E_EXISTS; E_SYS with errno.  Nothing is left behind on error. */
must_check int	segfile_make(int dirfd, const char *name, uint64_t bytes, struct span head, int *fd);
/* Does a writer still hold the file?  fd is any other open descriptor of it. */
bool		segfile_has_writer(int fd);

#endif
