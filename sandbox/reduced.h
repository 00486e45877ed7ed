/* SPDX-License-Identifier: Apache-2.0
 *
 * reduced.h - a jail without namespaces, where the kernel refuses them (threats-and-jail J9)
 *
 * What is left: a user of its own, Landlock on the host's real paths, the system call filter, rlimits, no
 * capabilities; and an init that ends all of its descendants.  Other processes can be seen where /proc
 * shows them to the tool's user, and the tenant's own be signalled before Landlock's ABI 6.
 */
#ifndef SANDBOX_REDUCED_H
#define SANDBOX_REDUCED_H

#include "sandbox/inside.h"

/* As fork(); *pidfd is the caller's, close-on-exec. */
pid_t		reduced_clone(int *pidfd);
/* Why this spec cannot be had without namespaces, or NULL. */
const char	*reduced_fault(const struct jail_spec *spec);
/* In the new process; becomes the jail's init. */
_Noreturn void	reduced_run(const struct jail_spec *spec, const struct inside_wiring *w);

#endif
