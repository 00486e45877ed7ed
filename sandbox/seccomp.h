/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp.h - system call filters: whose calls are whose, our own roles' programs, loading of any
 */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>

#include "lib/err.h"

/* The sets of tables/syscalls.def. */
enum seccomp_set {
	BY_STRICT = 1 << 0,	/* tools of that tier */
	BY_RUNTIME = 1 << 1,
	BY_ARGS = 1 << 2,	/* only with certain arguments */
	BY_INIT = 1 << 3,	/* the in-jail init */
	BY_COMPILE = 1 << 4,
	BY_WORKER = 1 << 5,
	BY_SPAWNER = 1 << 6,
	BY_RUNNER = 1 << 7,
	BY_AUDITOR = 1 << 8,
	BY_STORE = 1 << 9,
	BY_EGRESS = 1 << 10,
	BY_ADMIN = 1 << 12,
	BY_TOOLS = BY_STRICT | BY_RUNTIME,
	BY_LOOP = BY_WORKER | BY_RUNNER | BY_AUDITOR | BY_STORE | BY_EGRESS | BY_ADMIN,	/* have an event loop */
	BY_FILES = BY_AUDITOR | BY_STORE,				/* keep files */
	BY_OURS = BY_LOOP | BY_COMPILE | BY_SPAWNER,
	BY_EVERYBODY = BY_TOOLS | BY_OURS,
};

/* Loads a program for this process and what it starts.  `flags` as for seccomp(2); with
 * SECCOMP_FILTER_FLAG_NEW_LISTENER *listener (else NULL) is the caller's.  0 or E_SYS. */
must_check int	seccomp_install(const struct sock_filter *code, size_t count, unsigned flags, int *listener);

/* The filter of one role (exactly one bit): other calls get ENOSYS and a line in the kernel's log;
 * another architecture's calls kill.  Except for compile and spawner, no memory becomes executable
 * any more; signals reach only the process itself.  Sanitizer builds load nothing.  0 or E_SYS. */
must_check int	seccomp_install_role(enum seccomp_set role);

/* How many filters this process has loaded itself, or its parent of the same program before a fork. */
int		seccomp_installed(void);

/* The name of a system call that has a row, or "". */
const char	*seccomp_call_name(int nr);

#endif
