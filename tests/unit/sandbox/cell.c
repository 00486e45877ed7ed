/* SPDX-License-Identifier: Apache-2.0
 *
 * cell.c - a jail for tests: one shell script in it, what it said, how it ended
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/confine.h"
#include "sandbox/notify.h"
#include "tests/unit/sandbox/cell.h"

#define NOBODY 65534

void
cell_init(struct cell *c, const char *script)
{
	static const char *const env[] = { "HOME=" JAIL_HOME, "PATH=/usr/bin:/bin", "LANG=C", NULL };

	*c = (struct cell){ .argv = { "sh", "-c", script, NULL } };
	c->spec = (struct jail_spec){ .program = "/bin/sh", .argv = c->argv, .envp = env, .state_fd = -1,
	    .tmp_bytes = 4 << 20 };
}

int
cell_start(struct cell *c)
{
	int	r = jail_start(&c->spec, &c->child);

	if (r == 0)
		fd_close(&c->child.in);
	return r;
}

static void
take(int *fd, struct cell *c, size_t *used)
{
	ssize_t	n;

	n = read(*fd, c->out + *used, sizeof(c->out) - 1 - *used);
	if (n <= 0)
		fd_close(fd);
	else
		*used += (size_t)n;
}

void
cell_finish(struct cell *c)
{
	struct notify_event	e;
	size_t			used = strlen(c->out);

	while (c->child.out != -1 || c->child.err != -1) {
		struct pollfd p[] = {
			{ c->child.out, POLLIN, 0 }, { c->child.err, POLLIN, 0 },
			{ c->child.listener, POLLIN, 0 },
		};

		if (poll(p, 3, 20000) <= 0)
			break;
		if (p[0].revents != 0)
			take(&c->child.out, c, &used);
		if (p[1].revents != 0)
			take(&c->child.err, c, &used);
		if (p[2].revents == 0)
			continue;
		switch (notify_take(c->child.listener, &e)) {
		case 0:
			c->notified++;
			c->domain = e.domain;
			break;
		case E_AGAIN:
			break;
		default:
			fd_close(&c->child.listener);
		}
	}
	c->out[used] = '\0';
	while (waitpid(c->child.pid, &c->status, 0) == -1 && errno == EINTR)
		;
	jail_child_close(&c->child);
}

int
cell_run(struct cell *c)
{
	int	r = cell_start(c);

	if (r == 0)
		cell_finish(c);
	return r;
}

void
cell_wanted(void)
{
	struct jail_probe_result	probe;

	jail_probe(&probe);
	if (!probe_may_run(probe.result))
		cr_skip("%s", probe.line);
}

void
cell_as_nobody(void)
{
	if (geteuid() == 0)
		cr_assert_eq(confine_become(NOBODY, NOBODY), 0);
}
