/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets.c - SECRET records: values that may be in no other snapshot
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/secretfile.h"
#include "policy/compiler/secrets.h"

void
secret_put(struct build *b, struct span server, struct span name, struct span value)
{
	struct rec_secret	r;

	r.server = put_text(b, server);
	r.name = put_text(b, name);
	r.value = put_text(b, value);
	put_record(b, SECTION_SECRET, &r);
}

int
secret_open_directly(const char *name, const char **why, void *arg)
{
	const struct job	*j = arg;
	struct stat		 st;
	int			 dir, fd;

	dir = openat(j->config_fd, "secrets", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = dir == -1 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		*why = errno == ENOENT ? "no such secret" : strerror(errno);
	fd_close(&dir);
	if (fd != -1 && (fstat(fd, &st) == -1 || (st.st_mode & 077) != 0)) {
		*why = "readable by group or others: chmod 600 it";
		fd_close(&fd);
	}
	return fd;
}

int
cert_open_directly(const char *name, const char **why, void *arg)
{
	const struct job	*j = arg;
	int			 fd;

	return certfile_open(j->config_dir[0] == '\0' ? "/" : j->config_dir, span_of(name), &fd, why) == 0 ? fd : -1;
}
