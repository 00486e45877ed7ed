/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_start.c - start, stop, restart
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the master's answers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/doctor/usermanager.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "lib/fd.h"
#include "lib/log.h"

#define GONE_MS	10000

static const struct opt	no_options[] = { { NULL, NULL, NULL } };

static void
say_started(struct ctl *ctl, const char *more)
{
	const long	pid = folders_running_pid(ctl);

	if (!ctl->json) {
		fprintf(stderr, "started, pid %ld%s\n", pid, more);
		return;
	}
	out_json_begin();
	out_json_bool("running", true);
	out_json_u64("pid", pid > 0 ? (uint64_t)pid : 0);
	out_json_end();
}

static int
start(struct ctl *ctl)
{
	const struct program_plan plan = { .control = -1, .out = -1 };
	char	*argv[PROGRAM_ARGS_MAX];
	size_t	 n = 0;
	long	 pid;
	pid_t	 child;
	int	 r;

	if (ctl->where.system != (geteuid() == 0)) {
		out_error(ctl->where.system ? "start --system: only root can; try systemctl start mcpgw" :
		    "start --user: root has no gateway of its own; start it as that user");
		return EX_NOPERM;
	}
	if ((pid = folders_running_pid(ctl)) != 0) {
		out_error("already running, pid %ld", pid);
		return 0;
	}
	argv[n++] = (char *)(uintptr_t)"mcpgw";
	n = program_settings(ctl, folders_config(ctl), argv, n);
	argv[n] = NULL;
	/* Not for -c: the unit's name is that of the one gateway a user usually has. */
	if (!ctl->where.system && ctl->config_given == NULL && usermanager_runs()) {
		if (usermanager_start(argv + 1)) {
			say_started(ctl, "; systemctl --user status mcpgw");
			return out_end(0);
		}
		out_note(LOG_LEVEL_WARNING, SPAN_LIT("the user's service manager did not start it; starting it "
		    "without"));
	}
	if (program_start("mcpgw", argv, &plan, &child) != 0)
		return EX_UNAVAILABLE;
	if ((r = program_wait(child)) == 0)
		say_started(ctl, "");
	return out_end(r);
}

/* Has it ended, whether or not somebody has waited for it?  So it seems where /proc does not show it. */
static bool
is_gone(long pid)
{
	char		 path[32], text[512];
	const char	*name_end;
	ssize_t		 n;
	int		 fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return true;
	n = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');		/* a name may have any character in it */
	return name_end == NULL || name_end[1] != ' ' || strchr("ZX", name_end[2]) != NULL;
}

/* The answer comes when all children are gone; the lock, and the process, a moment later. */
static int
wait_gone(struct ctl *ctl, long pid)
{
	const struct timespec	nap = { 0, 10 * 1000000 };

	for (int ms = 0; ms < GONE_MS; ms += 10) {
		if (folders_running_pid(ctl) == 0 && is_gone(pid))
			return 0;
		nanosleep(&nap, NULL);
	}
	out_error("pid %ld does not end", pid);
	return EX_TEMPFAIL;
}

static int
stop(struct ctl *ctl, struct ask *a)
{
	const long	pid = folders_running_pid(ctl);
	int		r;

	ask_command(a, CTLCMD_stop, NULL);
	if ((r = ask_wait(a, NULL, NULL)) == 0)
		r = wait_gone(ctl, pid);
	ask_close(a);
	return r;
}

int
cmd_start(struct ctl *ctl, int argc, char **argv)
{
	(void)opts_take(no_options, argc, argv, 0, 0);
	ctl->checks = true;	/* mcpgw says it */
	return start(ctl);
}

int
cmd_stop(struct ctl *ctl, int argc, char **argv)
{
	struct ask	a;
	int		r;

	(void)opts_take(no_options, argc, argv, 0, 0);
	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	if ((r = stop(ctl, &a)) == 0 && ctl->json) {
		out_json_begin();
		out_json_bool("running", false);
		out_json_end();
	} else if (r == 0) {
		fprintf(stderr, "stopped\n");
	}
	return out_end(r);
}

/* Would it start again?  What is wrong with the files was said. */
static int
check_files(struct ctl *ctl)
{
	struct program_plan	 plan = { .control = -1, .out = open("/dev/null", O_WRONLY | O_CLOEXEC) };
	char			*argv[PROGRAM_ARGS_MAX];
	size_t			 n = 0;
	pid_t			 child;
	int			 r = EX_UNAVAILABLE;

	argv[n++] = (char *)(uintptr_t)"mcpgw";
	argv[n++] = (char *)(uintptr_t)"-t";
	n = program_settings(ctl, folders_config(ctl), argv, n);
	argv[n] = NULL;
	if (program_start("mcpgw", argv, &plan, &child) == 0 && (r = program_wait(child)) != 0)
		out_error("not stopped: it would not start again, as said above");
	fd_close(&plan.out);
	return r;
}

static void
count_calls(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	uint64_t	*in_flight = arg;

	(void)fds;
	if (type == MSG_TYPE_CTL_COUNTERS)
		*in_flight = body->CTL_COUNTERS.in_flight;
}

int
cmd_restart(struct ctl *ctl, int argc, char **argv)
{
	struct ask	a;
	uint64_t	in_flight = 0;
	int		r;

	(void)opts_take(no_options, argc, argv, 0, 0);
	ctl->checks = true;	/* mcpgw says it */
	if (ask_open(ctl, &a, false) == 0) {
		ask_command(&a, CTLCMD_status, NULL);
		(void)ask_wait(&a, count_calls, &in_flight);
		ask_close(&a);
		if (in_flight > 0)
			out_note(LOG_LEVEL_WARNING, SPAN_LIT("calls are under way: they get drain_timeout to "
			    "finish, new ones are refused meanwhile. `mcpgwctl reload` cuts none"));
		if ((r = check_files(ctl)) != 0 || (r = ask_open(ctl, &a, true)) != 0 || (r = stop(ctl, &a)) != 0)
			return r;
	}
	return start(ctl);
}
