/* SPDX-License-Identifier: Apache-2.0
 *
 * rlimit.h - resource limits of a tool (threats-and-jail J7)
 */
#ifndef SANDBOX_RLIMIT_H
#define SANDBOX_RLIMIT_H

#include "sandbox/jail.h"

#define RLIMIT_NPROC_LEAST	8	/* with fewer, node does not fail, it hangs */

/* NULL when these limits can work, else what is wrong with them; static. */
const char	*rlimit_fault(const struct jail_rlimit *limits, size_t count);
/* The built-in limits, then these on top; a limit above the process's own hard one is cut to that.
 * Within a user namespace of its own NPROC counts the jail's processes alone.  0 or E_SYS. */
must_check int	rlimit_apply(const struct jail_rlimit *limits, size_t count);

#endif
