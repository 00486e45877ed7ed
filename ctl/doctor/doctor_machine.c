/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_machine.c - the machine: kernel, jails, limits, log, runtimes
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: /proc; our own mcpgw-spawn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "ctl/program.h"
#include "lib/fd.h"

#define NAMESPACES_FEW	1024	/* each running tool has one, in each of two levels */
#define DESCRIPTORS_LEAST 1024	/* below this workers do not get far */
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

/* Tried in a child: whether it may be raised depends on capabilities and on fs.nr_open. */
static bool
may_raise_to(unsigned long long want)
{
	const struct rlimit	more = { want, want };
	pid_t			pid = fork();
	int			status;

	if (pid == 0)
		_exit(setrlimit(RLIMIT_NOFILE, &more) == -1);
	return pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void
doctor_descriptors(const struct doctor *d, struct doctor_finding *f)
{
	struct rlimit		limit;
	unsigned long long	want = d->params == NULL ? DESCRIPTORS_LEAST :
				    d->params->max_connections + DESCRIPTORS_MORE, most;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
		doctor_say(f, DOCTOR_NOTE, "their limit cannot be read: %s", strerror(errno));
		return;
	}
	most = limit.rlim_max;
	if (most >= want || may_raise_to(want))
		doctor_say(f, DOCTOR_OK, "%llu open files%s", most >= want ? most : want,
		    most >= want ? "" : " when raised");
	else
		doctor_say(f, most < DESCRIPTORS_LEAST ? DOCTOR_BAD : DOCTOR_NOTE, "at most %llu open files here; "
		    "max_connections = %llu wants %llu a worker: raise the hard limit (ulimit -Hn, or LimitNOFILE= of "
		    "a unit), or mcpgwctl conf -e max_connections=%llu", most, want - DESCRIPTORS_MORE, want,
		    most > 2 * DESCRIPTORS_MORE ? most - DESCRIPTORS_MORE : most / 4);
}

void
doctor_log(const struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	if (access("/dev/log", F_OK) == 0)
		doctor_say(f, DOCTOR_OK, "/dev/log, ident mcpgw");
	else
		doctor_say(f, DOCTOR_NOTE, "no /dev/log: lines go to mcpgw.log in state_dir; "
		    "install a system log service");
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
