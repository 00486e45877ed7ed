/* SPDX-License-Identifier: Apache-2.0
 *
 * init.h - pid 1 of a jail: reaps, waits for the end of the lifeline, and nothing else
 */
#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/* Before the tool is forked: signals stay blocked until init_run(). */
void		init_prepare(void);
/* Gives everything away but the lifeline and the status pipe; only tests let it be dumpable.  0, or E_SYS. */
must_check int	init_confine(void *private_memory, size_t private_bytes, bool keep_children, bool dumpable);
/* Until the tool ends or the lifeline does: SIGTERM, or a byte on the lifeline, becomes SIGTERM for
 * all of the jail.  Exits with the tool's code, or 128 + its signal; every process left dies with
 * it: by the kernel where this is pid 1 of a namespace, else (`children` is not -1; sandbox/strays.h) by
 * its own hand, and TERM goes to the tool's process group. */
_Noreturn void	init_run(pid_t tool, int lifeline, int children);
/* What makes an init without a pid namespace end as if its lifeline had. */
#define INIT_END_SIGNAL	SIGUSR1

#endif
