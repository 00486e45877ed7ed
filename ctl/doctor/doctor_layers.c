/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_layers.c - what of the kernel holds jails beside namespaces, and whether the clock can be right
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: the kernel; times of files as far as they go.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "lib/fd.h"

#define BEHIND_MS	(UINT64_C(3600) * 1000)	/* a file may be written by another machine */

/* --- layers ----------------------------------------------------------------------------------------- */

static bool
file_has(const char *path, const char *word)
{
	char	text[1024];
	int	fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t	n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

	fd_close(&fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, word) != NULL;
}

void
doctor_layers(const struct doctor *d, struct doctor_finding *f)
{
	const long	landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const bool	notify = file_has("/proc/sys/kernel/seccomp/actions_avail", "user_notif");
	const bool	v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	const bool	cgroup = v2 || access("/sys/fs/cgroup/memory", F_OK) == 0;
	char		landlock_words[32];

	(void)d;
	if (landlock > 0)
		snprintf(landlock_words, sizeof(landlock_words), "landlock %ld", landlock);
	else
		snprintf(landlock_words, sizeof(landlock_words), "no landlock");
	if (!file_has("/proc/sys/kernel/seccomp/actions_avail", "errno"))
		doctor_say(f, DOCTOR_BAD, "no seccomp filters, so no jail holds: use a kernel with "
		    "CONFIG_SECCOMP_FILTER");
	else if (landlock <= 0 || !notify || !cgroup)
		doctor_say(f, DOCTOR_NOTE, "%s, seccomp%s, %s: %s", landlock_words, notify ? "" : " without user_notif",
		    cgroup ? "cgroups" : "no cgroups", landlock <= 0 ? "one layer of each jail is missing; boot with "
		    "lsm=landlock,... or take a kernel from 5.13 on" : !notify ? "what a jail refuses is not told" :
		    "memory of a tool as a whole is not bounded; mount /sys/fs/cgroup");
	else
		doctor_say(f, DOCTOR_OK, "%s, seccomp with user_notif, cgroups of version %d", landlock_words,
		    v2 ? 2 : 1);
}

/* --- the clock -------------------------------------------------------------------------------------- */

struct newest {
	uint64_t	ms;
	char		path[PATH_MAX];
};

static void
look_at(struct newest *n, const char *path)
{
	struct stat	st;
	uint64_t	ms;

	if (stat(path, &st) == -1 || st.st_mtim.tv_sec <= 0)
		return;
	ms = (uint64_t)st.st_mtim.tv_sec * 1000;
	if (ms <= n->ms)
		return;
	n->ms = ms;
	snprintf(n->path, sizeof(n->path), "%s", path);
}

static void
look_in(struct newest *n, const char *folder)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*dir = opendir(folder);

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%.3000s/%s", folder, e->d_name);
			look_at(n, path);
		}
	if (dir != NULL)
		closedir(dir);
}

void
doctor_clock(const struct doctor *d, struct doctor_finding *f)
{
	struct timex	t = { .modes = 0 };
	struct newest	n = { .ms = 0 };
	char		path[PATH_MAX], now[OUT_TIME], then[OUT_TIME];

	look_at(&n, "/proc/self/exe");
	look_in(&n, folders_config(d->ctl));
	snprintf(path, sizeof(path), "%.4000s/audit", folders_state(d->ctl));
	look_in(&n, path);
	snprintf(path, sizeof(path), "%.4000s/audit/db", folders_state(d->ctl));
	look_in(&n, path);
	if (n.ms > out_now_ms() + BEHIND_MS)
		doctor_say(f, DOCTOR_BAD, "it says %s, but %.200s was written %s: keys and certificates do not end "
		    "when they should; set it (timedatectl set-ntp true, or date -s), or touch the file",
		    out_utc_ms(out_now_ms(), now), n.path, out_utc_ms(n.ms, then));
	else if (adjtimex(&t) == -1)
		doctor_say(f, DOCTOR_NOTE, "cannot be asked: %s", strerror(errno));
	else if ((t.status & STA_UNSYNC) != 0)
		doctor_say(f, DOCTOR_NOTE, "not synchronized: ends of keys and times in the audit follow it; run a "
		    "time service (chrony, systemd-timesyncd)");
	else
		doctor_say(f, DOCTOR_OK, "synchronized");
}
