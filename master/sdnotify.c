/* SPDX-License-Identifier: Apache-2.0
 *
 * sdnotify.c - the service manager's notification socket, without its library
 *
 * Process: master.  Owns: the address.  Trusts: its environment at start.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/fd.h"
#include "master/sdnotify.h"

static struct sockaddr_un	manager;
static socklen_t		manager_bytes;
static uint64_t			alive_ms;

static void
manager_set(const char *path)
{
	size_t	n = path == NULL ? 0 : strlen(path);

	if (n <= 1 || n >= sizeof(manager.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, path, n);
	if (path[0] == '@')
		manager.sun_path[0] = '\0';	/* the abstract namespace */
	manager_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

bool
sdnotify_init(void)
{
	const char	*usec = getenv("WATCHDOG_USEC");

	manager_set(getenv("NOTIFY_SOCKET"));
	if (manager_bytes > 0 && usec != NULL)
		alive_ms = strtoull(usec, NULL, 10) / 2000;	/* twice within its patience */
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return manager_bytes > 0;
}

void
sdnotify_take(const char *path, uint64_t alive)
{
	manager_set(path);
	if (manager_bytes > 0)
		alive_ms = alive;
}

bool
sdnotify_path(char *to, size_t room)
{
	size_t	n = manager_bytes == 0 ? 0 : manager_bytes - offsetof(struct sockaddr_un, sun_path);

	if (n == 0 || n >= room)
		return false;
	memcpy(to, manager.sun_path, n);
	to[n] = '\0';
	if (to[0] == '\0')
		to[0] = '@';
	return true;
}

uint64_t
sdnotify_alive_ms(void)
{
	return alive_ms;
}

void
sdnotify_send(const char *state)
{
	int	fd;

	if (manager_bytes == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		    (const struct sockaddr *)&manager, manager_bytes);
	fd_close(&fd);
}
