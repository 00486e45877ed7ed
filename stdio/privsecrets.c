/* SPDX-License-Identifier: Apache-2.0
 *
 * privsecrets.c - secrets beside a servers file, for a private gateway
 *
 * Process: mcpgw-stdio.  Owns: nothing beyond a call.
 * Trusts:  a folder that is ours and closed to others.
 *
 * What `mcpgwctl import` wrote has its secrets beside the user's own servers.json, and stands in for entries of the
 * seed's file (privimports.c).  That servers.json may be named by GATEWAY_MCP_CONFIG as any other file may, and says
 * ${secret:NAME}; a gateway looks for those in its own configuration folder, and follows no link from there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/span.h"
#include "stdio/privsecrets.h"

#define FOLDER		"secrets"
#define VALUE_MAX	(64u * 1024)
#define COUNT_MAX	1024

static int
open_folder(const char *servers)
{
	const char	*slash = strrchr(servers, '/');
	char		 path[PATH_MAX];
	struct stat	 st;
	int		 fd;

	if (slash == NULL || snprintf(path, sizeof(path), "%.*s/" FOLDER, (int)(slash - servers), servers) >=
	    (int)sizeof(path))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != geteuid() || (st.st_mode & 077) != 0))
		fd_close(&fd);
	return fd;
}

/* One that others may read stays behind; the compiler says that it is not there. */
static int
copy_one(int from, int to, const char *name)
{
	struct stat	 st;
	char		*text = NULL;
	size_t		 bytes = 0;
	int		 in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), out = -1, r = 0;

	if (in == -1 || fstat(in, &st) == -1 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    fd_read_all(in, VALUE_MAX, &text, &bytes) != 0)
		goto out;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out == -1 ? errno != EEXIST : fd_write_all(out, span_make(text, bytes)) != 0)
		r = E_SYS;
 out:
	if (text != NULL)
		explicit_bzero(text, bytes);
	free(text);
	fd_close(&in);
	fd_close(&out);
	return r;
}

int
privsecrets_copy(const char *dir, const char *servers)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*d;
	int		 from = open_folder(servers), to = -1, r = 0, n = 0;

	if (from == -1)
		return 0;
	snprintf(path, sizeof(path), "%.4000s/" FOLDER, dir);
	if ((d = fdopendir(from)) == NULL || (mkdir(path, 0700) == -1 && errno != EEXIST) ||
	    (to = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		r = E_SYS;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = n++ == COUNT_MAX ? E_TOOBIG : copy_one(from, to, e->d_name);
	fd_close(&to);
	if (d != NULL)
		closedir(d);
	else
		fd_close(&from);
	return r;
}
