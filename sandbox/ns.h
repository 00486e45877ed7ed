/* SPDX-License-Identifier: Apache-2.0
 *
 * ns.h - namespaces of a jail: the birth into them, and what each needs before it is of use
 */
#ifndef SANDBOX_NS_H
#define SANDBOX_NS_H

#include <sys/types.h>

#include "sandbox/jail.h"

/* As fork(), into new namespaces (user, mount, pid, ipc, uts, cgroup, and net unless it is the
 * host's; none of `without`, enum jail_layer).  *pidfd is the caller's, close-on-exec.  The pid, 0 in the
 * child, or -1 with errno. */
pid_t		ns_clone(enum jail_network net, unsigned without, int *pidfd);
/* As fork(), for the tool; with a cgroup namespace whose root is the cgroup it is in by now. */
pid_t		ns_fork(bool own_cgroup_root);
/* In the child, before anything else: the caller's uid and gid become JAIL_UID and JAIL_GID. */
must_check int	ns_map(uid_t uid, gid_t gid);
must_check int	ns_loopback_up(void);

#endif
