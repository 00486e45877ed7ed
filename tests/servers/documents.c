/* SPDX-License-Identifier: Apache-2.0
 *
 * documents.c - an HTTP server of a few documents, well-behaved or not: documents-server FOLDER
 *
 * Prints its port of 127.0.0.1 on the first line of stdout and serves until its parent dies, one process and one
 * request per connection.  A request for /a/b is answered with FOLDER/a,b, which is read each time; without it, 404.
 * Its first line is words, and what follows is the answer as it goes out, head and all:
 *   etag=X	304 when the request knows it already	wait=MS		before the first byte
 *   drip=MS	after each byte				fill=N		N more bytes of 'x' behind it
 * or, after the word json (json=SECONDS: with a max-age), the body alone.  FOLDER/log gets a line for each request:
 * method, target, and of its headers Host, Authorization and Content-Type, with the body behind them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

#define DOCUMENT_MAX	(1024 * 1024)

static const char	*folder;

static const char *
header(const char *request, const char *name, char *to, size_t room)
{
	char		 line[64];
	const char	*at;
	size_t		 n = 0;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	if ((at = strcasestr(request, line)) != NULL)
		for (at += strlen(line); n < room - 1 && at[n] != '\r' && at[n] != '\0'; n++)
			to[n] = at[n];
	to[n] = '\0';
	return n == 0 ? "-" : to;
}

static void
note(const char *request, size_t head)
{
	char	path[512], host[256], authorization[256], type[128], line[8192];
	int	n, fd;

	snprintf(path, sizeof(path), "%s/log", folder);
	n = snprintf(line, sizeof(line), "%.*s %s %s %s %.4000s\n", (int)strcspn(request, "\r") - 9, request,
	    header(request, "Host", host, sizeof(host)),
	    header(request, "Authorization", authorization, sizeof(authorization)),
	    header(request, "Content-Type", type, sizeof(type)), request + head);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1 || write(fd, line, (size_t)n) != n)
		exit(1);
	close(fd);
}

static char *
read_document(const char *request, size_t *bytes)
{
	static char	text[DOCUMENT_MAX + 1];
	const char	*target = strchr(request, ' ') + 2;
	char		 path[1024];
	int		 n = snprintf(path, sizeof(path), "%s/%.*s", folder, (int)strcspn(target, " ?\r"), target);
	FILE		*f;

	for (char *p = path + strlen(folder) + 1; p < path + n; p++)
		*p = *p == '/' ? ',' : *p;
	if ((f = fopen(path, "r")) == NULL)
		return NULL;
	*bytes = fread(text, 1, DOCUMENT_MAX, f);
	fclose(f);
	text[*bytes] = '\0';
	return text;
}

static const char *
word(const char *line, const char *name, char *to, size_t room)
{
	const char	*at = strstr(line, name);
	size_t		 n = 0;

	to[0] = '\0';
	if (at == NULL)
		return NULL;
	for (at += strlen(name); n < room - 1 && at[n] != ' ' && at[n] != '\0'; n++)
		to[n] = at[n];
	to[n] = '\0';
	return to;
}

static void
put(int fd, const char *p, size_t n, unsigned drip_ms)
{
	ssize_t	r;

	for (; n > 0; p += r, n -= (size_t)r) {
		if ((r = write(fd, p, drip_ms > 0 ? 1 : n)) <= 0)
			exit(0);
		if (drip_ms > 0)
			usleep(drip_ms * 1000);
	}
}

static void
answer(int fd, const char *request)
{
	char	*text, *body, etag[128], known[128], value[128], head[512];
	size_t	 bytes = 0;
	unsigned drip;
	long	 fill;

	if ((text = read_document(request, &bytes)) == NULL || (body = strchr(text, '\n')) == NULL) {
		put(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 64, 0);
		return;
	}
	*body++ = '\0';
	bytes -= (size_t)(body - text);
	if (word(text, "wait=", value, sizeof(value)) != NULL)
		usleep((unsigned)atoi(value) * 1000);
	word(text, "etag=", etag, sizeof(etag));
	drip = word(text, "drip=", value, sizeof(value)) == NULL ? 0 : (unsigned)atoi(value);
	fill = word(text, "fill=", value, sizeof(value)) == NULL ? 0 : atol(value);
	if (etag[0] != '\0' && strcmp(header(request, "If-None-Match", known, sizeof(known)), etag) == 0) {
		put(fd, head, (size_t)snprintf(head, sizeof(head), "HTTP/1.1 304 Not Modified\r\nETag: %s\r\n"
		    "Connection: close\r\n\r\n", etag), 0);
		return;
	}
	if (strncmp(text, "json", 4) == 0) {
		snprintf(value, sizeof(value), "Cache-Control: max-age=%d\r\n", text[4] == '=' ? atoi(text + 5) : 0);
		put(fd, head, (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		    "%s%s%s%sContent-Length: %zu\r\nConnection: close\r\n\r\n", text[4] == '=' ? value : "",
		    etag[0] == '\0' ? "" : "ETag: ", etag, etag[0] == '\0' ? "" : "\r\n", bytes), 0);
	}
	put(fd, body, bytes, drip);
	for (; fill > 0; fill--)
		put(fd, "x", 1, drip);
}

static void
serve(int fd)
{
	static char	request[LOOPBACK_REQUEST_MAX];
	char		rest[4096];
	size_t		head = 0;

	if (loopback_read(fd, request, sizeof(request), &head)) {
		note(request, head);
		answer(fd, request);
		shutdown(fd, SHUT_WR);
		while (read(fd, rest, sizeof(rest)) > 0)
			;
	}
	exit(0);
}

int
main(int argc, char **argv)
{
	int	fd, c;

	if (argc != 2)
		return 64;
	folder = argv[1];
	signal(SIGCHLD, SIG_IGN);
	fd = loopback_begin(NULL);
	while ((c = accept(fd, NULL, NULL)) != -1) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(c);
		}
		close(c);
	}
	return 0;
}
