/* SPDX-License-Identifier: Apache-2.0
 *
 * upgrade_check.c - the new program reads the configuration before anything else is asked of it
 *
 * Process: master.
 * Owns:    the pipe that the check writes to.
 * Trusts:  its exit code; its lines are for people.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/upgrade_priv.h"

#define CHECK_MS	60000		/* as long as a compiler may take */

void
upgrade_stop_reading(struct upgrade *u)
{
	if (u->reads)
		loop_io_fini(&u->io);
	u->reads = false;
	fd_close(&u->out);
}

static bool
line_has(const char *line, const char *what)
{
	return strstr(line, what) != NULL;
}

/* What the check said goes to whoever waits: all of it when it refuses, else what is worth a look.  The first error is
 * the reason, which the refusal itself says. */
static void
pass_lines(struct master *m, bool all)
{
	struct upgrade	*u = &m->upgrade;
	char		*save = NULL;

	u->said[u->said_bytes < sizeof(u->said) ? u->said_bytes : sizeof(u->said) - 1] = '\0';
	for (char *line = strtok_r(u->said, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		const bool	warning = line_has(line, "warning:"), error = line_has(line, "error:");

		u->warnings += warning;
		if (all && error && u->why[0] == '\0')
			snprintf(u->why, sizeof(u->why), "%s", line);
		else if (all || warning || error)
			ctlsock_note_upgrade(&m->ctl, error ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING, line);
		if (all)
			log_err(NULL, "the new program's check: %s", line);
	}
	u->said_bytes = 0;
}

static void
on_out(struct loop_io *io, unsigned what, void *arg)
{
	struct master	*m = arg;
	struct upgrade	*u = &m->upgrade;
	char		 rest[512];
	ssize_t		 n;

	(void)io;
	(void)what;
	/* What does not fit is read and forgotten, so that the program ends. */
	if (u->said_bytes < sizeof(u->said) - 1)
		n = read(u->out, u->said + u->said_bytes, sizeof(u->said) - 1 - u->said_bytes);
	else
		n = read(u->out, rest, sizeof(rest));
	if (n > 0 && u->said_bytes < sizeof(u->said) - 1)
		u->said_bytes += (size_t)n;
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		upgrade_stop_reading(u);
}

void
upgrade_checked(struct master *m, int status)
{
	struct upgrade	*u = &m->upgrade;
	const int	 code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	char		 first[sizeof(u->why)];

	while (u->reads && u->said_bytes < sizeof(u->said) - 1) {
		const size_t before = u->said_bytes;

		on_out(&u->io, 0, m);
		if (u->said_bytes == before)
			break;
	}
	upgrade_stop_reading(u);
	pass_lines(m, code != 0);
	if (code == 0) {
		upgrade_start(m);
		return;
	}
	snprintf(first, sizeof(first), "%s", u->why);
	if (WIFSIGNALED(status))
		upgrade_fail(m, code, "%s -t was killed by signal %d%s%s", m->program, WTERMSIG(status),
		    first[0] == '\0' ? "" : ": ", first);
	else
		upgrade_fail(m, code, "%s -t: exit code %d%s%s", m->program, code, first[0] == '\0' ? "" : ": ", first);
}

void
upgrade_check(struct master *m)
{
	struct upgrade	*u = &m->upgrade;
	char		 name[] = "mcpgw", check[] = "-t";
	char		*argv[SPAWN_ARGS_MAX + 4] = { name, check };
	int		 pair[2], r;

	u->state = UPGRADE_CHECKS;
	u->said_bytes = 0;
	loop_clock_update(m->loop);
	u->began_ms = loop_now_ms(m->loop);
	options_for_compiler(m->options, m->where.config_dir, argv + 2);
	if (pipe2(pair, O_CLOEXEC) == -1) {
		upgrade_fail(m, EX_OSERR, "pipe: %s", strerror(errno));
		return;
	}
	r = upgrade_spawn(m, argv, -1, pair[1]);
	fd_close(&pair[1]);
	if (r != 0) {
		fd_close(&pair[0]);
		u->pid = 0;
		upgrade_fail(m, EX_OSERR, "%s: %s", m->program, strerror(errno));
		return;
	}
	u->out = pair[0];
	(void)!fd_set_nonblock(u->out);
	loop_io_init(m->loop, &u->io, u->out, on_out, m);
	loop_io_arm(&u->io, LOOP_READ);
	u->reads = true;
	upgrade_wait(m, upgrade_on_limit, CHECK_MS);
}
