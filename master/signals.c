/* SPDX-License-Identifier: Apache-2.0
 *
 * signals.c - signals to loop events
 *
 * Process: master.  Owns: nothing.
 * Trusts:  whoever may signal us; a storm of signals is one event each per turn of the loop.
 */
#include <signal.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/boot.h"
#include "master/logfd.h"
#include "master/master.h"
#include "master/signals.h"
#include "master/stop.h"

static void
on_stop(int signo, void *arg)
{
	struct master	*m = arg;

	if (upgrade_pass_on(m, signo)) {
		stop_hurry(m);
		return;
	}
	log_notice(NULL, "%s: stopping", signo == SIGTERM ? "TERM" : "INT");
	stop_begin(m);
}

static void
on_reload(int signo, void *arg)
{
	struct master	*m = arg;

	if (m->ready && !upgrade_pass_on(m, signo))
		reload_request(&m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_SIGNAL, 0 }, NULL);
}

void
signals_reopen_logs(struct master *m)
{
	struct msg_LOG_FD	 fresh = { 0 };
	struct child		*c, *next;
	bool			 syslog;
	int			 fd;

	if (logfd_open(false, &fd, &syslog) == 0) {
		fd_close(&m->log_fd);
		m->log_fd = fd;
		log_set_fd(fd);
	}
	for (c = LIST_FIRST(&m->children.live); c != NULL; c = next) {
		next = LIST_NEXT(c, live);
		if (c->state != CHILD_READY || logfd_open(false, &fd, &syslog) != 0)
			continue;
		(void)child_send(c, MSG_TYPE_LOG_FD, 0, &fresh, &fd, 1);
		fd_close(&fd);
	}
}

/* The log daemon came back, or the file was moved away. */
static void
on_reopen(int signo, void *arg)
{
	struct master	*m = arg;

	(void)upgrade_pass_on(m, signo);
	if (m->auditor.state == CHILD_READY)
		boot_audit_log(&m->auditor);
	if (m->foreground)
		return;
	(void)logfd_to_file(m->dirs.state_fd);
	signals_reopen_logs(m);
	log_notice(NULL, "logs reopened");
}

static void
on_upgrade(int signo, void *arg)
{
	struct master	*m = arg;

	if (m->ready && !m->stopping)
		upgrade_begin(m, NULL);
	else
		(void)upgrade_pass_on(m, signo);
}

static void
on_child(int signo, void *arg)
{
	(void)signo;
	children_reap(arg);
}

int
signals_init(struct master *m)
{
	static const struct {
		int		 signo;
		loop_signal_fn	*fn;
	} rows[] = {
		{ SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload },
		{ SIGUSR1, on_reopen }, { SIGUSR2, on_upgrade }, { SIGCHLD, on_child },
	};
	int	r;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((r = loop_signal(m->loop, rows[i].signo, rows[i].fn, m)) != 0)
			return r;
	return 0;
}
