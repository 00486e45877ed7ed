/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conn_limits.c - slow, many, vanishing and babbling clients; what is left of them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "tests/unit/wire/wire.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(n)	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " #n "\r\n\r\n"
#define CHUNKED	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static char	text[1 << 21];

Test(conn, holds_little_for_a_client_that_does_not_read)
{
	struct wire	w;
	int		fd;
	size_t		n, stalled;
	bool		closed;

	wire_start(&w, handle_flood);
	fd = wire_pair(&w);
	wire_send(&w, fd, GET, strlen(GET));
	for (int i = 0; i < 50; i++)
		wire_settle(&w);
	stalled = w.streamed;
	for (int i = 0; i < 50; i++)
		wire_settle(&w);
	cr_expect(eq(sz, w.streamed, stalled), "the source stands still");
	cr_expect(lt(sz, conn_set_pool(w.conns)->used_count * HTTP_BLOCK_BYTES, 400000));
	/* It goes on as the client reads. */
	n = wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(gt(sz, n, 1000000));
	cr_expect(gt(sz, w.streamed, stalled));
	close(fd);
	wire_settle(&w);
	cr_expect(eq(int, w.gone, FLOW_GONE));
	wire_stop(&w);
}

Test(conn, ends_slow_clients)
{
	struct wire	w;
	bool		closed;
	int		head, body, idle, fresh, writer;

	/* A head that drips does not buy time by dripping. */
	wire_start(&w, handle_echo);
	wire_limits(&w, 40, 60000, 60000, 60000);
	head = wire_connect(&w);
	wire_send(&w, head, "GET / HT", 8);
	for (int i = 0; i < 12; i++) {
		wire_send(&w, head, "x", 1);
		wire_later(&w, 5);
	}
	wire_receive(&w, head, text, sizeof(text), &closed);
	cr_expect(strncmp(text, "HTTP/1.1 408 ", 13) == 0 && closed);

	wire_limits(&w, 60000, 40, 60000, 60000);
	body = wire_connect(&w);
	wire_send(&w, body, POST(100) "abc", strlen(POST(100) "abc"));
	wire_later(&w, 60);
	wire_receive(&w, body, text, sizeof(text), &closed);
	cr_expect(strncmp(text, "HTTP/1.1 408 ", 13) == 0 && closed);
	cr_expect(w.done == 1 && w.err == E_HTTP_TIMEOUT);

	wire_limits(&w, 60000, 60000, 40, 60000);
	idle = wire_connect(&w);
	wire_send(&w, idle, GET, strlen(GET));
	wire_receive(&w, idle, text, sizeof(text), &closed);
	cr_expect(not(closed));
	wire_later(&w, 60);
	wire_receive(&w, idle, text, sizeof(text), &closed);
	cr_expect(text[0] == '\0' && closed);

	/* Before its first byte it has no more time than a head. */
	wire_limits(&w, 40, 60000, 60000, 60000);
	fresh = wire_connect(&w);
	wire_later(&w, 60);
	wire_receive(&w, fresh, text, sizeof(text), &closed);
	cr_expect(text[0] == '\0' && closed);
	close(fresh);

	wire_limits(&w, 60000, 60000, 60000, 40);
	w.handler = handle_flood;
	writer = wire_pair(&w);
	wire_send(&w, writer, GET, strlen(GET));
	wire_later(&w, 200);
	cr_expect(eq(int, w.gone, FLOW_GONE));
	cr_expect(eq(u64, conn_set_count(w.conns)->timeouts, 5));
	close(head);
	close(body);
	close(idle);
	close(writer);
	wire_stop(&w);
}

Test(conn, drains)
{
	struct wire	w;
	bool		closed;
	int		idle, busy;

	wire_start(&w, handle_later);
	busy = wire_connect(&w);
	wire_send(&w, busy, GET, strlen(GET));
	idle = wire_connect(&w);
	conn_set_drain(w.conns);
	wire_receive(&w, idle, text, sizeof(text), &closed);
	cr_expect(closed);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 1));
	exchange_reply(w.last, 200, NULL, 0, SPAN_LIT("bye"));
	wire_receive(&w, busy, text, sizeof(text), &closed);
	cr_expect(strstr(text, "Connection: close\r\n\r\nbye") != NULL && closed);
	wire_settle(&w);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	close(busy);
	close(idle);
	wire_stop(&w);
}

Test(conn, says_who_is_at_a_unix_socket)
{
	struct wire	w;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_pair(&w);
	wire_send(&w, fd, GET, strlen(GET));
	wire_settle(&w);
	cr_expect(w.peer.family == AF_UNIX && w.peer.uid == getuid() && w.peer.gid == getgid());
	cr_expect(eq(int, w.peer.pid, getpid()));
	close(fd);
	wire_stop(&w);
}

Test(conn, lets_others_wait_when_it_has_enough)
{
	struct wire	w;
	bool		closed;
	int		fd[52], late;

	wire_start(&w, handle_hello);
	/* None of them can be closed for another: each waits for its answer. */
	w.handler = handle_later;
	for (int i = 0; i < 50; i++) {
		fd[i] = wire_connect(&w);
		wire_send(&w, fd[i], GET, strlen(GET));
	}
	wire_settle(&w);
	w.requests = 0;
	w.handler = handle_hello;
	cr_expect(conn_set_is_full(w.conns));
	late = wire_connect(&w);
	wire_send(&w, late, GET, strlen(GET));
	wire_settle(&w);
	cr_expect(eq(uint, w.requests, 0));
	close(fd[0]);
	wire_later(&w, 150);
	wire_receive(&w, late, text, sizeof(text), &closed);
	cr_expect(strstr(text, "hello") != NULL);
	for (int i = 1; i < 50; i++)
		close(fd[i]);
	close(late);
	wire_stop(&w);
}

Test(conn, recovers_from_having_no_descriptors_left)
{
	struct wire	w;
	struct rlimit	lim;
	bool		closed;
	int		first, fill[64], n = 0, late, again, spare;

	wire_start(&w, handle_hello);
	first = socket(AF_INET, SOCK_STREAM, 0);
	late = socket(AF_INET, SOCK_STREAM, 0);
	again = socket(AF_INET, SOCK_STREAM, 0);
	spare = dup(first);
	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = (rlim_t)spare + 1;
	close(spare);
	setrlimit(RLIMIT_NOFILE, &lim);
	while (n < 64 && (fill[n] = open("/dev/null", O_RDONLY)) != -1)
		n++;
	cr_assert(n > 0);
	{
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
		    .sin_port = htons((uint16_t)w.port) };

		cr_assert(connect(late, (struct sockaddr *)&a, sizeof(a)) == 0);
		cr_assert(eq(int, fd_set_nonblock(late), 0));
		wire_settle(&w);
		wire_receive(&w, late, text, sizeof(text), &closed);
		cr_expect(closed, "it is told, not left hanging");
		for (int i = 0; i < n; i++)
			close(fill[i]);
		cr_assert(connect(again, (struct sockaddr *)&a, sizeof(a)) == 0);
		cr_assert(eq(int, fd_set_nonblock(again), 0));
	}
	wire_later(&w, 150);
	wire_send(&w, again, GET, strlen(GET));
	wire_receive(&w, again, text, sizeof(text), &closed);
	cr_expect(strstr(text, "hello") != NULL);
	close(first);
	close(late);
	close(again);
	wire_stop(&w);
}

Test(accept, leaves_the_socket_to_the_others_when_it_stops)
{
	struct wire		w;
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);
	int			ours = socket(AF_INET, SOCK_STREAM, 0), theirs, client;
	struct loop_timer	t;
	clock_t			cpu;

	wire_start(&w, handle_hello);
	cr_assert(bind(ours, (struct sockaddr *)&a, n) == 0 && listen(ours, 8) == 0);
	cr_assert(getsockname(ours, (struct sockaddr *)&a, &n) == 0);
	theirs = dup(ours);		/* another worker's */
	cr_assert(eq(int, accept_add(w.accept, ours, 1, 1), 0));
	wire_settle(&w);
	accept_stop(w.accept);
	wire_settle(&w);
	client = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(connect(client, (struct sockaddr *)&a, n) == 0);
	/* Not watched any more: waiting for something else takes no time of the processor. */
	wire_timer(&w, &t, 200);
	cpu = clock();
	while (t.armed)
		loop_turn(w.loop, true);
	cr_expect(lt(dbl, (double)(clock() - cpu) / CLOCKS_PER_SEC, 0.05), "the loop does not spin");
	cr_expect(eq(uint, w.requests, 0));
	close(theirs);
	close(client);
	wire_stop(&w);
}

static int
descriptors(void)
{
	DIR	*d = opendir("/proc/self/fd");
	int	 n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Random bytes, and valid requests with a byte changed or a piece cut out: nothing dies, nothing is
 * left. */
Test(conn, survives_garbage)
{
	static const char	good[] = POST(5) "first" CHUNKED "3\r\nsec\r\n3;x=y\r\nond\r\n0\r\nT: u\r\n\r\n" GET;
	struct wire		w;
	bool			closed;
	int			fd, before;
	size_t			n, at;

	wire_start(&w, handle_echo);
	srandom(11);
	before = descriptors();
	for (int i = 0; i < 1500; i++) {
		n = sizeof(good) - 1;
		memcpy(text, good, n);
		for (int k = 0; k < 1 + i % 3; k++)
			text[(size_t)random() % n] = (char)random();
		if (i % 5 == 0)
			n = (size_t)random() % n;
		fd = wire_connect(&w);
		at = (size_t)random() % (n + 1);
		wire_send(&w, fd, text, at);
		wire_settle(&w);
		wire_send(&w, fd, text + at, n - at);
		wire_settle(&w);
		if (i % 2 == 0)
			wire_settle(&w);
		close(fd);
		wire_settle(&w);
	}
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	cr_expect(eq(sz, conn_set_pool(w.conns)->used_count, 0));
	cr_expect(eq(int, descriptors(), before));
	/* And it serves. */
	fd = wire_connect(&w);
	wire_send(&w, fd, POST(2) "ok", strlen(POST(2) "ok"));
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "\r\n\r\nok") != NULL);
	close(fd);
	wire_stop(&w);
}
