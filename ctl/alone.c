/* SPDX-License-Identifier: Apache-2.0
 *
 * alone.c - the store where no gateway runs
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the folder it was itself started from.
 */
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "ctl/alone.h"
#include "ctl/folders.h"
#include "ctl/program.h"

int
alone_store(struct ctl *ctl, const char *verb, const char *const *args, int in, int out)
{
	char	 dir[PATH_MAX + 16], offline[] = "--offline";
	const struct program_plan plan = { .control = -1, .out = out, .owner_of = dir, .in = in == -1 ? 0 : in };
	char	*argv[ALONE_ARGS_MAX + 5];
	size_t	 n = 0;
	pid_t	 pid;

	snprintf(dir, sizeof(dir), "%s/store", folders_state(ctl));
	argv[n++] = (char *)(uintptr_t)"mcpgw-store";
	argv[n++] = offline;
	argv[n++] = dir;
	argv[n++] = (char *)(uintptr_t)verb;
	while (*args != NULL && n < ALONE_ARGS_MAX + 4)
		argv[n++] = (char *)(uintptr_t)*args++;
	argv[n] = NULL;
	return program_start("mcpgw-store", argv, &plan, &pid) != 0 ? EX_UNAVAILABLE : program_wait(pid);
}
