/* SPDX-License-Identifier: Apache-2.0
 *
 * mount.h - mounts as descriptors: made whole, with their flags, before they appear anywhere
 *
 * A tree taken from the host carries its flags in one recursive step, so that there is no moment and
 * no submount without them.  Kernel 5.12.
 */
#ifndef SANDBOX_MOUNT_H
#define SANDBOX_MOUNT_H

#include <stdint.h>

#include "lib/err.h"

struct mount_option {
	const char	*name, *value;	/* value NULL: a flag; name NULL ends the list */
};

/* All mounts become private: what happens here is not seen outside, and the reverse. */
must_check int	mount_part(void);
/* A detached copy of `path` with all that is mounted below; attr is a set of MOUNT_ATTR_*, put on
 * each of its mounts.  With path "." the working folder itself.  0 or E_SYS. */
must_check int	mount_tree(const char *path, uint64_t attr, int *fd);
/* A new, detached file system.  0 or E_SYS. */
must_check int	mount_new(const char *type, const struct mount_option *options, unsigned attr, int *fd);
/* Puts `tree` on `name`, beneath the folder `at` or (AT_FDCWD) an absolute path; takes the tree's
 * descriptor.  Links are not followed beneath a folder. */
must_check int	mount_put(int *tree, int at, const char *name);
must_check int	mount_set(int fd, uint64_t attr);	/* this mount alone */

#endif
