/* SPDX-License-Identifier: Apache-2.0
 *
 * landlock.h - deny by default: files, TCP, signals, abstract sockets (threats-and-jail J8)
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stddef.h>

#include "lib/err.h"

enum landlock_right {
	LANDLOCK_READ = 1,	/* and list, and execute */
	LANDLOCK_WRITE = 2,	/* and make, remove, rename; no devices */
	LANDLOCK_DEVICE = 4,	/* write and ioctl on what is there */
	LANDLOCK_SEE = 8,	/* read and list, not execute */
};

struct landlock_grant {
	const char	*path;		/* a file, or a folder with all below */
	unsigned	 rights;	/* enum landlock_right */
};

enum landlock_also {
	LANDLOCK_NO_TCP = 1,		/* bind and connect, from ABI 4 on */
	LANDLOCK_NO_SIGNALS = 2,	/* to processes outside, from ABI 6 on */
	LANDLOCK_NO_ABSTRACT = 4,	/* abstract unix sockets outside, from ABI 6 on */
};

/* The kernel's ABI, at most `max` (0: no ceiling); 0 where there is none, or with a negative max. */
int		landlock_abi(int max);
/* Confines this thread and what it starts to the grants.  Needs no_new_privs or CAP_SYS_ADMIN.  With
 * abi 0 it does nothing.  0, or E_SYS with *failed (may be NULL) naming the grant's path. */
must_check int	landlock_restrict(int abi, const struct landlock_grant *grants, size_t count,
		    unsigned also, const char **failed);

#endif
