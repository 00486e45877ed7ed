/* SPDX-License-Identifier: Apache-2.0
 *
 * query.c - asking the audit: filters in, lines of JSON out
 *
 * Process: mcpgwctl.
 * Owns:    the pipe a query process writes its lines to.
 * Trusts:  the query process for whole lines; no text of a record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "ctl/query.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/log.h"

#define LINES_BYTES	(1024 * 1024)

void
query_add(struct query *q, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (q->count + 2 > QUERY_ARGS_MAX)
		fatal(EX_USAGE, "too many filters");
	q->args[q->count++] = name;
	if (value[0] != '\0')
		q->args[q->count++] = value;
}

/* Without a master: the query program itself, as whoever we are. */
static int
query_alone(struct ctl *ctl, const struct query *f, int out, pid_t *pid)
{
	static char	db[PATH_MAX + 16], query[] = "--query";
	const struct program_plan plan = { .control = -1, .out = out, .owner_of = db };
	char		*argv[QUERY_ARGS_MAX + 4];
	size_t		 n = 0;

	snprintf(db, sizeof(db), "%s/audit/db", folders_state(ctl));
	argv[n++] = (char *)(uintptr_t)"mcpgw-audit";
	argv[n++] = query;
	for (size_t i = 0; i < f->count; i++)
		argv[n++] = (char *)(uintptr_t)f->args[i];
	argv[n++] = db;
	argv[n] = NULL;
	return program_start("mcpgw-audit", argv, &plan, pid) == 0 ? 0 : EX_UNAVAILABLE;
}

static void
query_send(struct ask *a, uint32_t command, const struct query *f, int out)
{
	struct buf		b;
	struct msg_CTL_FD	msg = { .command = command };
	int			fds[2] = { out, STDERR_FILENO }, r = 0;

	buf_init(&b, 8192);
	for (size_t i = 0; i < f->count && r == 0; i++)
		r = buf_put(&b, span_make(f->args[i], strlen(f->args[i]) + 1));
	if (r != 0)
		fatal(EX_USAGE, "filters: %s", err_text(r));
	msg.arguments = buf_rest(&b);
	ask_send(a, MSG_TYPE_CTL_FD, &msg, fds, 2);
	buf_fini(&b);
}

int
query_start(struct ctl *ctl, uint32_t command, const struct query *q, int out, struct query_run *run)
{
	int	pair[2] = { -1, -1 }, r;

	*run = (struct query_run){ .from = -1 };
	if (out == -1) {
		if (pipe2(pair, O_CLOEXEC) == -1)
			fatal(EX_OSERR, "pipe: %s", strerror(errno));
		out = pair[1];
	}
	r = ask_open(ctl, &run->ask, false);
	if (r == 0)
		query_send(&run->ask, command, q, out);
	else if (r == EX_UNAVAILABLE)
		r = query_alone(ctl, q, out, &run->pid);
	if (r == EX_NOPERM)
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	fd_close(&pair[1]);
	if (r == 0)
		run->from = pair[0];
	else
		fd_close(&pair[0]);
	return r;
}

void
query_lines(struct query_run *run, query_line_fn *fn, void *arg)
{
	struct buf	b;
	char		*room;
	ssize_t		 n;
	size_t		 at;

	buf_init(&b, LINES_BYTES);
	for (;;) {
		struct span rest = buf_rest(&b);

		for (at = 0; at < rest.n && rest.p[at] != '\n'; at++)
			;
		if (at < rest.n) {
			fn(span_part(rest, 0, at), arg);
			buf_drain(&b, at + 1);
			continue;
		}
		fflush(stdout);
		if (buf_reserve(&b, 16384, &room) != 0) {
			out_error("a line of the audit is longer than %d bytes", LINES_BYTES);
			run->broken = true;
			fd_close(&run->from);	/* or the query would wait for us, and we for it */
			break;
		}
		if ((n = read(run->from, room, 16384)) == 0 || (n == -1 && errno != EINTR))
			break;
		if (n > 0)
			buf_commit(&b, (size_t)n);
	}
	buf_fini(&b);
}

int
query_end(struct query_run *run)
{
	int	r = run->pid != 0 ? program_wait(run->pid) : ask_wait(&run->ask, NULL, NULL);

	ask_close(&run->ask);
	fd_close(&run->from);
	return r == 0 && run->broken ? EX_DATAERR : r;
}
