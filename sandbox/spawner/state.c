/* SPDX-License-Identifier: Apache-2.0
 *
 * state.c - the state folder of an instance: TENANT/SERVER/KEY, its HOME in the jail
 *
 * Process: mcpgw-spawn.  Owns: nothing beyond a call.
 * Trusts:  the tenant's folder, which the master made.  Nothing below it: a tool can write in the
 *          folders of its own earlier instances.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/sum.h"
#include "sandbox/spawner/state.h"

#define FOLDER_MODE	0700
#define PLAIN_MAX	64

int
state_open_tenant(const char *path, int *fd)
{
	*fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd == -1 ? E_SYS : 0;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' || c == '.';
}

void
state_name(struct span server, char to[STATE_NAME_MAX])
{
	bool	plain = server.n > 0 && server.n <= PLAIN_MAX && server.p[0] != '.';
	size_t	n = server.n < PLAIN_MAX ? server.n : PLAIN_MAX;

	for (size_t i = 0; i < n; i++) {
		to[i] = is_plain(server.p[i]) ? server.p[i] : '_';
		plain = plain && to[i] == server.p[i];
	}
	if (n > 0 && to[0] == '.')
		to[0] = '_';
	to[n] = '\0';
	/* A plain name has no "~", so no other server's folder can be meant. */
	if (!plain)
		snprintf(to + n, STATE_NAME_MAX - n, "~%016llx", (unsigned long long)sum64(server));
}

static int
step_into(int at, const char *name, int *out)
{
	struct open_how	how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	struct stat	st;
	int		fd;

	*out = -1;
	if (mkdirat(at, name, FOLDER_MODE) == -1 && errno != EEXIST)
		return E_SYS;
	if ((fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how))) == -1)
		return E_SYS;
	if (fstat(fd, &st) == -1 || st.st_uid != geteuid()) {
		fd_close(&fd);
		return E_DENIED;
	}
	*out = fd;
	return 0;
}

int
state_open(int tenant_dir, struct span server, uint64_t instance, int *fd)
{
	char	folder[STATE_NAME_MAX], key[17];
	int	of_server, r;

	*fd = -1;
	state_name(server, folder);
	snprintf(key, sizeof(key), "%016llx", (unsigned long long)instance);
	if ((r = step_into(tenant_dir, folder, &of_server)) != 0)
		return r;
	r = step_into(of_server, key, fd);
	fd_close(&of_server);
	return r;
}
