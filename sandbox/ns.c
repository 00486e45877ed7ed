/* SPDX-License-Identifier: Apache-2.0
 *
 * ns.c - namespaces of a jail: the birth into them, and what each needs before it is of use
 *
 * Process: the spawner, and its child on the way to a jail.  Owns: nothing beyond a call.
 * Trusts:  the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/ns.h"

static const struct {
	unsigned	layer;
	unsigned long	flag;
} spaces[] = {
	{ JAIL_LAYER_ROOT, CLONE_NEWNS },
	{ JAIL_LAYER_PID, CLONE_NEWPID },
	{ JAIL_LAYER_NET, CLONE_NEWNET },
	{ JAIL_LAYER_IPC, CLONE_NEWIPC },
	{ JAIL_LAYER_UTS, CLONE_NEWUTS },
	{ JAIL_LAYER_CGROUP, CLONE_NEWCGROUP },
};

pid_t
ns_clone(enum jail_network net, unsigned without, int *pidfd)
{
	unsigned long	flags = CLONE_NEWUSER | CLONE_PIDFD | SIGCHLD;

	*pidfd = -1;
	if (net == JAIL_NET_HOST)
		without |= JAIL_LAYER_NET;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if ((without & spaces[i].layer) == 0)
			flags |= spaces[i].flag;
	/* The bare call: clone3 cannot be filtered, and nothing of libc's fork is needed.  Of the
	 * arguments only the first three are used, whose order is the same on our machines. */
	return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
}

pid_t
ns_fork(bool own_cgroup_root)
{
	return (pid_t)syscall(SYS_clone, (own_cgroup_root ? CLONE_NEWCGROUP : 0UL) | SIGCHLD, NULL, NULL, NULL,
	    NULL);
}

static int
write_line(const char *path, const char *line)
{
	int	fd, r;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return E_SYS;
	r = fd_write_all(fd, span_of(line));
	fd_close(&fd);
	return r;
}

int
ns_map(uid_t uid, gid_t gid)
{
	char	line[64];
	int	r;

	/* The spawner is not dumpable, so its child's files under /proc are root's; this is undone
	 * when the map is written. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
		return E_SYS;
	if ((r = write_line("/proc/self/setgroups", "deny")) != 0)
		return r;
	snprintf(line, sizeof(line), "%d %u 1\n", JAIL_UID, (unsigned)uid);
	if ((r = write_line("/proc/self/uid_map", line)) != 0)
		return r;
	snprintf(line, sizeof(line), "%d %u 1\n", JAIL_GID, (unsigned)gid);
	if ((r = write_line("/proc/self/gid_map", line)) != 0)
		return r;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ? E_SYS : 0;
}

int
ns_loopback_up(void)
{
	struct ifreq	ask = { .ifr_name = "lo" };
	int		fd, r = 0;

	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return E_SYS;
	ask.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ask) == -1)
		r = E_SYS;
	fd_close(&fd);
	return r;
}
