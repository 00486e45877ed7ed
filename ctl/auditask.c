/* SPDX-License-Identifier: Apache-2.0
 *
 * auditask.c - a question to the audit, with a gateway or without one
 *
 * Process: mcpgwctl.  Owns: the connection, or the query's process.
 * Trusts:  the gateway; our own mcpgw-audit.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/auditask.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "lib/buf.h"
#include "lib/log.h"

/* Without a master: the query program itself, as whoever we are. */
static int
query_alone(struct ctl *ctl, const char *const *args, size_t count, int out, pid_t *pid)
{
	static char	db[PATH_MAX + 16], query[] = "--query";
	const struct program_plan plan = { -1, out, db };
	char		*argv[AUDITASK_ARGS_MAX + 4];
	size_t		 n = 0;

	snprintf(db, sizeof(db), "%s/audit/db", folders_state(ctl));
	argv[n++] = (char *)(uintptr_t)"mcpgw-audit";
	argv[n++] = query;
	for (size_t i = 0; i < count; i++)
		argv[n++] = (char *)(uintptr_t)args[i];
	argv[n++] = db;
	argv[n] = NULL;
	return program_start("mcpgw-audit", argv, &plan, pid) == 0 ? 0 : EX_UNAVAILABLE;
}

static void
query_send(struct ask *a, uint32_t command, const char *const *args, size_t count, int out)
{
	struct buf		b;
	struct msg_CTL_FD	msg = { .command = command };
	int			fds[2] = { out, STDERR_FILENO }, r = 0;

	buf_init(&b, 8192);
	for (size_t i = 0; i < count && r == 0; i++)
		r = buf_put(&b, span_make(args[i], strlen(args[i]) + 1));
	if (r != 0)
		fatal(EX_USAGE, "filters: %s", err_text(r));
	msg.arguments = buf_rest(&b);
	ask_send(a, MSG_TYPE_CTL_FD, &msg, fds, 2);
	buf_fini(&b);
}

int
auditask_start(struct ctl *ctl, uint32_t command, const char *const *args, size_t count, int out,
    struct auditask *ask)
{
	int	r = ask_open(ctl, &ask->a, false);

	ask->pid = 0;
	if (r == 0)
		query_send(&ask->a, command, args, count, out);
	else if (r == EX_UNAVAILABLE)
		r = query_alone(ctl, args, count, out, &ask->pid);
	else if (r == EX_NOPERM)
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	return r;
}

int
auditask_wait(struct auditask *ask)
{
	int	r = ask->pid != 0 ? program_wait(ask->pid) : ask_wait(&ask->a, NULL, NULL);

	ask_close(&ask->a);
	return r;
}
