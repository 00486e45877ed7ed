/* SPDX-License-Identifier: Apache-2.0
 *
 * loopback.c - what fixture servers over HTTP share
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

#define POST_MAX	(4u << 20)

int
loopback_begin(unsigned *port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);
	int			fd, one = 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Its connections inherit the option: one that lingers does not keep the port from who comes back to it. */
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&a, n) == -1 || listen(fd, 512) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) == -1)
		exit(71);
	if (port != NULL)
		*port = ntohs(a.sin_port);
	printf("%u\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

bool
loopback_read(int fd, char *to, size_t room, size_t *head)
{
	const char	*end = NULL, *length;
	size_t		 used = 0, want = SIZE_MAX;
	ssize_t		 n;

	while (used < want && used < room - 1) {
		if ((n = read(fd, to + used, room - 1 - used)) <= 0)
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

static void
serve_one(int fd, loopback_answer_fn *fn)
{
	static char	 text[POST_MAX];
	char		*said = NULL;
	size_t		 head, bytes = 0;
	bool		 post;
	FILE		*out;

	if (!loopback_read(fd, text, sizeof(text), &head))
		return;
	if ((out = open_memstream(&said, &bytes)) == NULL)
		exit(71);
	if ((post = strncmp(text, "POST ", 5) == 0))
		fn(text, head, text + head, strlen(text + head), out);
	fclose(out);
	dprintf(fd, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    !post ? "405 No" : bytes > 0 ? "200 OK" : "202 Accepted", bytes, said);
	free(said);
}

void
loopback_serve(loopback_answer_fn *fn)
{
	int	fd, listener = loopback_begin(NULL);

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		serve_one(fd, fn);
		close(fd);
	}
}
