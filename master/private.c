/* SPDX-License-Identifier: Apache-2.0
 *
 * private.c - mcpgw -p: a gateway for whoever started it, as long as they hold its standard input
 *
 * Process: master.
 * Owns:    standard input; the configuration folder, from the start on.
 * Trusts:  whoever started it with the name of the folder, but only for one that is named as such folders are.
 *
 * A pipe tells of the starter's end in any case, by KILL too; a parent's pid could be another's by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "sandbox/tree.h"

static const struct tree_bounds	bounds = { .entries = 10000, .time_ms = 2000 };

static void
stdin_on_readable(struct loop_io *io, unsigned what, void *arg)
{
	struct master	*m = arg;
	char		 room[512];
	ssize_t		 n = read(STDIN_FILENO, room, sizeof(room));

	(void)what;
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	loop_io_arm(io, 0);
	log_notice(NULL, "standard input ended: stopping");
	stop_begin(m);
}

/* The name of the folder within the one above it. */
static const char *
own_name(const struct master *m)
{
	const char	*slash = strrchr(m->where.config_dir, '/');

	return slash == NULL ? "" : slash + 1;
}

void
private_check(const struct master *m)
{
	struct stat	st;

	if (!m->options->private)
		return;
	if (strncmp(own_name(m), WHERE_PRIVATE, strlen(WHERE_PRIVATE)) != 0 || stat(m->where.config_dir, &st) == -1 ||
	    st.st_uid != geteuid())
		fatal(EX_USAGE, "-p: %s would be removed at the end; want -c with a folder of yours named "
		    WHERE_PRIVATE "...", m->where.config_dir);
	if (fstat(STDIN_FILENO, &st) == -1 || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		fatal(EX_USAGE, "-p: standard input is no pipe, so its end would never come");
}

void
private_init(struct master *m)
{
	if (!m->options->private)
		return;
	loop_io_init(m->loop, &m->private.io, STDIN_FILENO, stdin_on_readable, m);
	loop_io_arm(&m->private.io, LOOP_READ);
	m->private.watches = true;
}

void
private_fini(struct master *m)
{
	if (m->private.watches)
		loop_io_fini(&m->private.io);
	m->private.watches = false;
}

void
private_remove(const struct master *m)
{
	char	above[PATH_MAX];
	int	fd;

	if (!m->options->private)
		return;
	snprintf(above, sizeof(above), "%.*s/", (int)(own_name(m) - 1 - m->where.config_dir), m->where.config_dir);
	if ((fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    tree_remove(fd, own_name(m), &bounds) != 0)
		log_warn(LOG_SUBJECT(m->where.config_dir, ""), "not removed: %s", strerror(errno));
	fd_close(&fd);
}
