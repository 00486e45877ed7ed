/* SPDX-License-Identifier: Apache-2.0
 *
 * query.c - short-lived mcpgw-audit processes that answer mcpgwctl under the writer's uid
 *
 * Process: master.
 * Owns:    one entry per running query.
 * Trusts:  the arguments not at all: they stand between --query and its folder, and the program reads
 *          nothing but that folder.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/logfd.h"
#include "master/master.h"

#define ARGS_MAX	64

struct query {
	pid_t			 pid;
	struct ctl_conn		*conn;		/* NULL: nobody waits */
	LIST_ENTRY(query)	 next;
};

int
query_start(struct master *m, struct ctl_conn *c, struct span args, int out, int err)
{
	static char	 flag[] = "--query";
	char		 path[PATH_MAX + 64];
	char		*argv[ARGS_MAX + 4];
	struct query	*q;
	bool		 syslog;
	int		 log = -1, r;
	size_t		 n = 0;
	struct spawn_plan plan = { .path = path, .argv = argv, .user = m->user[ROLE_AUDITOR],
	    .control = -1, .out = out, .err = err };

	argv[n++] = (char *)(uintptr_t)role_program(ROLE_AUDITOR);
	argv[n++] = flag;
	for (size_t at = 0; at < args.n; at += strlen(args.p + at) + 1) {
		if (n == ARGS_MAX + 2)
			return E_TOOBIG;
		argv[n++] = (char *)(uintptr_t)(args.p + at);
	}
	argv[n++] = m->audit_dir;	/* the last counts, whatever stands before */
	argv[n] = NULL;
	snprintf(path, sizeof(path), "%s/%s", m->libexec, role_program(ROLE_AUDITOR));
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return E_NOMEM;
	if ((r = logfd_open(m->foreground, &log, &syslog)) == 0) {
		plan.log = log;
		r = spawn(&plan, &q->pid);
	}
	fd_close(&log);
	if (r != 0) {
		free(q);
		return r;
	}
	q->conn = c;
	LIST_INSERT_HEAD(&m->queries, q, next);
	return 0;
}

void
query_forget(struct master *m, struct ctl_conn *c)
{
	struct query	*q;

	LIST_FOREACH(q, &m->queries, next)
		if (q->conn == c) {
			q->conn = NULL;
			kill(q->pid, SIGTERM);
		}
}

void
query_on_exit(struct master *m, pid_t pid, int status)
{
	struct query	*q;

	LIST_FOREACH(q, &m->queries, next)
		if (q->pid == pid)
			break;
	if (q == NULL)
		return;
	LIST_REMOVE(q, next);
	if (q->conn != NULL)
		ctlsock_on_query_end(q->conn, WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status));
	free(q);
}

void
query_kill_all(struct master *m)
{
	struct query	*q;
	int		 status;

	while ((q = LIST_FIRST(&m->queries)) != NULL) {
		LIST_REMOVE(q, next);
		kill(q->pid, SIGKILL);
		(void)waitpid(q->pid, &status, 0);
		free(q);
	}
}
