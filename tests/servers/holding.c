/* SPDX-License-Identifier: Apache-2.0
 *
 * holding.c - a server whose tools take their time, all at once: holding-server [LIST_MS]
 *
 * Speaks 2026-07-28 over HTTP on a free port of the loopback, which is the only line on stdout, until the parent dies;
 * a thread for each connection.  Tools hold and other wait for arguments.ms and answer with "most=N": how many of
 * them ran at the same time at most since the last call of reset.  Its list takes LIST_MS.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

#define TOOL(name)	"{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static atomic_uint	running, most;
static unsigned		list_ms;

static void
hold(unsigned ms)
{
	unsigned	now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);

	while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	usleep(ms * 1000);
	atomic_fetch_sub(&running, 1);
}

static void
answer(int fd, const char *body)
{
	const char	*id = strstr(body, "\"id\":"), *ms = strstr(body, "\"ms\":");
	char		 result[1024];

	if (strstr(body, "\"server/discover\"") != NULL) {
		snprintf(result, sizeof(result), "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"
		    "\"ttlMs\":60000,\"cacheScope\":\"public\"");
	} else if (strstr(body, "\"tools/list\"") != NULL) {
		usleep(list_ms * 1000);
		snprintf(result, sizeof(result), "\"tools\":[%s,%s,%s],\"ttlMs\":60000,\"cacheScope\":\"public\"",
		    TOOL("hold"), TOOL("other"), TOOL("reset"));
	} else {
		if (strstr(body, "\"name\":\"reset\"") != NULL)
			atomic_store(&most, 0);
		else
			hold(ms == NULL ? 0 : (unsigned)strtoul(ms + 5, NULL, 10));
		snprintf(result, sizeof(result), "\"content\":[{\"type\":\"text\",\"text\":\"most=%u\"}]",
		    atomic_load(&most));
	}
	{
		char	whole[2048];
		int	n = snprintf(whole, sizeof(whole), "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"resultType\":"
			    "\"complete\",%s}}", id == NULL ? 1 : (int)strcspn(id + 5, ",}"), id == NULL ? "0" : id + 5,
			    result);

		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
		    "Content-Length: %d\r\n\r\n%s", n, whole);
	}
}

static void *
serve(void *arg)
{
	const int	 fd = (int)(intptr_t)arg;
	char		*text = malloc(LOOPBACK_REQUEST_MAX);
	size_t		 head;

	if (text != NULL && loopback_read(fd, text, LOOPBACK_REQUEST_MAX, &head))
		answer(fd, text + head);
	free(text);
	close(fd);
	return NULL;
}

int
main(int argc, char **argv)
{
	int		listener, fd;
	pthread_t	t;

	list_ms = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	listener = loopback_begin(NULL);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
		else
			close(fd);
	}
	return 0;
}
