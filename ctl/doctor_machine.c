/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_machine.c - the machine: kernel, jails, limits, clock, log, runtimes
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: /proc; our own mcpgw-spawn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl/doctor.h"
#include "ctl/program.h"
#include "lib/fd.h"

#define NAMESPACES_FEW	1024	/* each running tool has one, in each of two levels */
#define DESCRIPTORS_MORE 1024	/* beside its connections a worker has upstreams, streams, segments */

/* The first line of a file or pipe, without its end; "" when there is none. */
static void
first_line(int fd, char *to, size_t room)
{
	size_t	used = 0;
	ssize_t	n;

	while (used < room - 1 && (n = read(fd, to + used, room - 1 - used)) > 0)
		used += (size_t)n;
	to[used] = '\0';
	to[strcspn(to, "\n")] = '\0';
}

static bool
read_number(const char *path, unsigned long long *out)
{
	char	text[64];
	int	fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	first_line(fd, text, sizeof(text));
	fd_close(&fd);
	*out = strtoull(text, NULL, 10);
	return text[0] != '\0';
}

void
doctor_kernel(const struct doctor *d, struct doctor_finding *f)
{
	struct utsname	u;
	unsigned	major = 0, minor = 0;

	(void)d;
	if (uname(&u) == -1 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		doctor_say(f, DOCTOR_NOTE, "release \"%s\" is not understood", u.release);
	else if (major < 5 || (major == 5 && minor < 12))
		doctor_say(f, DOCTOR_BAD, "Linux %s: jails need 5.12 or newer", u.release);
	else
		doctor_say(f, DOCTOR_OK, "Linux %s, %s", u.release, u.machine);
}

void
doctor_jail(const struct doctor *d, struct doctor_finding *f)
{
	static char		 name[] = "mcpgw-spawn", flag[] = "--probe";
	char			*argv[] = { name, flag, NULL }, line[400] = "";
	struct program_plan	 plan = { .control = -1, .out = -1 };
	int			 out[2], code;
	pid_t			 pid;

	(void)d;
	if (pipe2(out, O_CLOEXEC) == -1) {
		doctor_say(f, DOCTOR_BAD, "cannot be tried: %s", strerror(errno));
		return;
	}
	plan.out = out[1];
	if (program_start("mcpgw-spawn", argv, &plan, &pid) != 0) {
		doctor_say(f, DOCTOR_BAD, "mcpgw-spawn cannot be started");
	} else {
		fd_close(&out[1]);
		first_line(out[0], line, sizeof(line));
		code = program_wait(pid);
		/* "jail: full, landlock 7" */
		doctor_say(f, code == 0 ? DOCTOR_OK : DOCTOR_BAD, "%s",
		    strncmp(line, "jail: ", 6) == 0 ? line + 6 : "mcpgw-spawn --probe gave no answer");
	}
	fd_close(&out[0]);
	fd_close(&out[1]);
}

void
doctor_namespaces(const struct doctor *d, struct doctor_finding *f)
{
	unsigned long long	users = 0, nets = 0;

	(void)d;
	if (!read_number("/proc/sys/user/max_user_namespaces", &users) ||
	    !read_number("/proc/sys/user/max_net_namespaces", &nets))
		doctor_say(f, DOCTOR_NOTE, "their limits cannot be read; is /proc mounted?");
	else if (users < NAMESPACES_FEW || nets < NAMESPACES_FEW)
		doctor_say(f, DOCTOR_NOTE, "at most %llu user and %llu network namespaces: each running tool needs "
		    "one; sysctl user.max_user_namespaces=15000 user.max_net_namespaces=15000", users, nets);
	else
		doctor_say(f, DOCTOR_OK, "up to %llu tools at the same time", users < nets ? users : nets);
}

void
doctor_descriptors(const struct doctor *d, struct doctor_finding *f)
{
	struct rlimit		limit;
	unsigned long long	want = d->params == NULL ? 0 : d->params->max_connections + DESCRIPTORS_MORE;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		doctor_say(f, DOCTOR_NOTE, "their limit cannot be read: %s", strerror(errno));
	else if (geteuid() != 0 && limit.rlim_max < want)
		doctor_say(f, DOCTOR_NOTE, "at most %llu here; max_connections = %llu wants %llu a worker: raise the "
		    "hard limit of open files, or lower max_connections", (unsigned long long)limit.rlim_max,
		    (unsigned long long)d->params->max_connections, want);
	else
		doctor_say(f, DOCTOR_OK, "%llu open files, more where root starts the gateway",
		    (unsigned long long)limit.rlim_max);
}

void
doctor_clock(const struct doctor *d, struct doctor_finding *f)
{
	struct timex	t = { .modes = 0 };

	(void)d;
	if (adjtimex(&t) == -1)
		doctor_say(f, DOCTOR_NOTE, "cannot be asked: %s", strerror(errno));
	else if ((t.status & STA_UNSYNC) != 0)
		doctor_say(f, DOCTOR_NOTE, "not synchronized: ends of keys and times in the audit follow it; run a "
		    "time service (chrony, systemd-timesyncd)");
	else
		doctor_say(f, DOCTOR_OK, "synchronized");
}

void
doctor_log(const struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	if (access("/dev/log", F_OK) == 0)
		doctor_say(f, DOCTOR_OK, "/dev/log, ident mcpgw");
	else
		doctor_say(f, DOCTOR_NOTE, "no /dev/log: lines go to standard error; install a system log service");
}

/* Only those that the system has: others are named in servers.json by their path. */
void
doctor_runtimes(const struct doctor *d, struct doctor_finding *f)
{
	static const char *const	names[] = { "node", "python3", "uv", "deno", "bun" };
	static const char *const	folders[] = { "/usr/local/bin", "/usr/bin" };
	char				path[64], found[256] = "";

	(void)d;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t k = 0; k < sizeof(folders) / sizeof(folders[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", folders[k], names[i]);
			if (access(path, X_OK) != 0)
				continue;
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
			    found[0] == '\0' ? "" : ", ", path);
			break;
		}
	if (found[0] == '\0')
		doctor_say(f, DOCTOR_NOTE, "neither node nor python3: most MCP servers need one; apt install nodejs "
		    "python3");
	else
		doctor_say(f, DOCTOR_OK, "%s", found);
}
