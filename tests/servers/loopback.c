/* SPDX-License-Identifier: Apache-2.0
 *
 * loopback.c - what fixture servers over HTTP share: a port of this machine, and one whole request
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

int
loopback_listen(unsigned *port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, n) == -1 || listen(fd, 512) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) == -1)
		exit(1);
	*port = ntohs(a.sin_port);
	return fd;
}

bool
loopback_read(int fd, char *to, size_t *head)
{
	const char	*end = NULL, *length;
	size_t		 used = 0, want = SIZE_MAX;
	ssize_t		 n;

	while (used < want && used < LOOPBACK_REQUEST_MAX - 1) {
		if ((n = read(fd, to + used, LOOPBACK_REQUEST_MAX - 1 - used)) <= 0)
			return false;
		used += (size_t)n;
		to[used] = '\0';
		if (end != NULL || (end = strstr(to, "\r\n\r\n")) == NULL)
			continue;
		*head = (size_t)(end - to) + 4;
		length = strcasestr(to, "\r\nContent-Length:");
		want = *head + (length == NULL ? 0 : strtoul(length + 17, NULL, 10));
	}
	return end != NULL;
}
