/* SPDX-License-Identifier: Apache-2.0
 *
 * filecheck.c - would the gateway take its files with this one among them?
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  mcpgw-compile, which is the one that reads such files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/files/filecheck.h"
#include "ctl/folders.h"
#include "ctl/program.h"
#include "lib/fd.h"

static void
put_arguments(struct ctl *ctl, const char *setting, char **argv)
{
	size_t	n = 0;

	argv[n++] = (char *)(uintptr_t)"mcpgw-compile";
	argv[n++] = (char *)(uintptr_t)"-t";
	if (!ctl->where.system)
		argv[n++] = (char *)(uintptr_t)"-p";
	n = program_settings(ctl, folders_config(ctl), argv, n);
	argv[n++] = (char *)(uintptr_t)"-o";
	argv[n++] = (char *)(uintptr_t)setting;
	argv[n] = NULL;
}

/* What it says is not wanted unless it says no. */
int
filecheck_run(const char *path, void *arg)
{
	const struct filecheck	*check = arg;
	struct program_plan	 plan = { .control = -1, .out = STDERR_FILENO, .quiet = true };
	char			*argv[PROGRAM_ARGS_MAX], setting[PATH_MAX + 128];
	pid_t			 pid;

	folders_setting(check->ctl, check->param, path, setting, sizeof(setting));
	put_arguments(check->ctl, setting, argv);
	for (int i = 0; i < 2; i++) {
		if (program_start("mcpgw-compile", argv, &plan, &pid) != 0)
			return E_SYS;
		if (program_wait(pid) == 0)
			return 0;
		plan.quiet = false;
	}
	return E_FORMAT;
}

bool
filecheck_servers(struct ctl *ctl, const char *path, char *to, size_t room)
{
	struct program_plan	 plan = { .control = -1, .out_err = true };
	char			*argv[PROGRAM_ARGS_MAX], setting[PATH_MAX + 128], rest[4096];
	int			 pair[2];
	size_t			 used = 0;
	ssize_t			 n = 0;
	pid_t			 pid;

	to[0] = '\0';
	folders_setting(ctl, "servers_file", path, setting, sizeof(setting));
	put_arguments(ctl, setting, argv);
	if (pipe2(pair, O_CLOEXEC) == -1)
		return false;
	plan.out = pair[1];
	if (program_start("mcpgw-compile", argv, &plan, &pid) != 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return false;
	}
	fd_close(&pair[1]);
	do {
		bool	full = used == room - 1;

		n = read(pair[0], full ? rest : to + used, full ? sizeof(rest) : room - 1 - used);
		if (n > 0 && !full)
			used += (size_t)n;
	} while (n > 0 || (n == -1 && errno == EINTR));
	fd_close(&pair[0]);
	to[used] = '\0';
	return program_wait(pid) == 0;
}
