/* SPDX-License-Identifier: Apache-2.0
 *
 * test_httpsock.c - answers whole, in pieces, cut and mad
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/httpsock.h"

static char	dir[64], path[128];

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/mcpgw-httpsock-XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/sock", dir);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(dir);
}

/* A server for one connection: reads a head, says this, hangs up. */
static pid_t
serve(const char *says)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	char			room[4096];
	pid_t			pid;

	strcpy(sa.sun_path, path);
	unlink(path);
	cr_assert(fd != -1 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0);
	pid = fork();
	cr_assert(pid != -1);
	if (pid == 0) {
		conn = accept(fd, NULL, NULL);
		(void)!read(conn, room, sizeof(room));
		for (const char *p = says; *p != '\0'; p++)
			if (write(conn, p, 1) != 1)
				break;
		_exit(0);
	}
	close(fd);
	return pid;
}

Test(httpsock, takes_answers_apart, .init = setup, .fini = teardown)
{
	const struct {
		const char	*says;
		int		 want;
		unsigned	 status;
		const char	*body;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}", 0, 200, "{}" },
		{ "HTTP/1.1 401 No\r\n\r\nwhat is left", 0, 401, "what is left" },
		{ "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 0, 202, "" },
		{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n"
		  "0123456789abcdef\r\n0\r\n\r\n", 0, 200, "abc0123456789abcdef" },
		/* Of a stream it is what the last event says, which may have several lines. */
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
		  "event: message\ndata: {\"a\":1}\n\nid: 7\ndata: {\ndata: }\n\n: nothing\n\n", 0, 200, "{\n}" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "6\r\ndata: \r\n4\r\n{}\n\n\r\n0\r\n\r\n", 0, 200, "{}" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n", 0, 200, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", E_CLOSED, 0, NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", E_FORMAT, 0, NULL },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", E_CLOSED, 0, NULL },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", E_FORMAT, 0, NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", E_FORMAT, 0, NULL },
		{ "HTTP/1.1 200 OK\r\nContent-", E_CLOSED, 0, NULL },
		{ "220 mail.example ESMTP\r\n\r\n", E_FORMAT, 0, NULL },
		{ "", E_CLOSED, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t			pid = serve(rows[i].says);
		struct http_answer	a;
		int			r = httpsock_post(path, SPAN_LIT("/mcp"), SPAN_NONE,
					    SPAN_LIT("{}"), &a);

		(void)waitpid(pid, NULL, 0);
		cr_expect(eq(int, r, rows[i].want), "row %zu", i);
		if (r != 0)
			continue;
		cr_expect(eq(u32, a.status, rows[i].status), "row %zu", i);
		cr_expect(span_is(a.body, rows[i].body), "row %zu: %.*s", i, SPAN_FMT(a.body));
		http_answer_fini(&a);
	}
}

Test(httpsock, tells_nobody_there_from_nobody_may, .init = setup, .fini = teardown)
{
	struct http_answer	a;

	cr_expect(eq(int, httpsock_post(path, SPAN_LIT("/"), SPAN_NONE, SPAN_NONE, &a), E_NOTFOUND));
}
