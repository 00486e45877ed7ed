/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conn.c - HTTP/1.1 connections, seen from the client's end of the socket
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/wire/wire.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(n)	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " #n "\r\n\r\n"
#define CHUNKED	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static char	text[1 << 21];

static unsigned
count(const char *haystack, const char *needle)
{
	unsigned	n = 0;

	for (const char *p = haystack; (p = strstr(p, needle)) != NULL; p += strlen(needle))
		n++;
	return n;
}

Test(conn, answers_and_stays_open)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	for (int i = 0; i < 3; i++) {
		wire_send(&w, fd, GET, strlen(GET));
		wire_receive(&w, fd, text, sizeof(text), &closed);
		cr_expect(strncmp(text, "HTTP/1.1 200 OK\r\nDate: ", 23) == 0);
		cr_expect(strstr(text, "\r\nContent-Length: 5\r\n\r\nhello") != NULL);
		cr_expect(not(closed));
	}
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 1));
	cr_expect(eq(u64, conn_set_count(w.conns)->requests, 3));
	cr_expect(w.peer.family == AF_INET && w.peer.address[0] == 127 && w.peer.port != 0);
	cr_expect(eq(sz, conn_set_pool(w.conns)->used_count, 0), "idle, it holds no buffer");
	close(fd);
	wire_settle(&w);
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	wire_stop(&w);
}

Test(conn, does_not_care_how_requests_are_cut_or_joined)
{
	static const char	three[] = POST(5) "first" CHUNKED "3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n" GET;
	struct wire		w;
	bool			closed;
	int			fd;

	wire_start(&w, handle_echo);
	for (size_t cut = 1; cut < sizeof(three); cut++) {
		fd = wire_connect(&w);
		wire_send(&w, fd, three, cut);
		wire_settle(&w);
		wire_send(&w, fd, three + cut, sizeof(three) - 1 - cut);
		wire_receive(&w, fd, text, sizeof(text), &closed);
		cr_assert(eq(uint, count(text, "HTTP/1.1 200 OK"), 3), "cut at %zu: %s", cut, text);
		cr_assert(strstr(text, "\r\n\r\nfirstHTTP") < strstr(text, "\r\n\r\nsecondHTTP"));
		close(fd);
	}
	fd = wire_connect(&w);
	for (size_t i = 0; i < sizeof(three) - 1; i++)
		wire_send(&w, fd, three + i, 1);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(eq(uint, count(text, "HTTP/1.1 200 OK"), 3));
	close(fd);
	wire_stop(&w);
}

Test(conn, takes_many_requests_sent_at_once_in_their_order)
{
	struct wire	w;
	bool		closed;
	int		fd;
	size_t		n = 0;
	char		want[64];
	const char	*at;

	wire_start(&w, handle_echo);
	fd = wire_connect(&w);
	for (int i = 0; i < 500; i++)
		n += (size_t)sprintf(text + n, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
	wire_send(&w, fd, text, n);
	for (int i = 0; i < 600 && w.requests < 500; i++)
		wire_settle(&w);
	n = wire_receive(&w, fd, text, sizeof(text), &closed);
	at = text;
	for (int i = 0; i < 500; i++) {
		sprintf(want, "\r\n\r\n%04d", i);
		at = strstr(at, want);
		cr_assert(at != NULL, "answer %d", i);
	}
	close(fd);
	wire_stop(&w);
}

struct row {
	const char	*request, *status;
};

static const struct row refused[] = {
	{ "GET / HTTP/1.1\nHost: a\n\n", "400" },
	{ "GET / HTTP/1.1\r\n\r\n", "400" },
	{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505" },
	{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501" },
	{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", "400" },
	{ CHUNKED "zz\r\n", "400" },
	{ CHUNKED "1\r\nabc", "400" },
	{ POST(2000000) "abc", "413" },
	{ "\x16\x03\x01", "400" },
};

Test(conn, refuses_and_closes)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_echo);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		fd = wire_connect(&w);
		wire_send(&w, fd, refused[i].request, strlen(refused[i].request));
		wire_send(&w, fd, GET, strlen(GET));
		wire_receive(&w, fd, text, sizeof(text), &closed);
		cr_expect(strncmp(text + 9, refused[i].status, 3) == 0, "row %zu: %s", i, text);
		cr_expect(strstr(text, "\r\nConnection: close\r\n") != NULL, "row %zu", i);
		cr_expect(strstr(text, "{\"jsonrpc\":\"2.0\",\"error\":{") != NULL, "row %zu", i);
		cr_expect(eq(uint, count(text, "HTTP/1.1"), 1), "row %zu: nothing after it is served", i);
		cr_expect(closed, "row %zu", i);
		close(fd);
		wire_settle(&w);
	}
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	wire_stop(&w);
}

Test(conn, refuses_a_head_that_never_ends)
{
	struct wire	w;
	bool		closed;
	int		fd;
	size_t		n;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nX: ");
	memset(text + n, 'x', 40000);
	wire_send(&w, fd, text, 40000);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strncmp(text, "HTTP/1.1 431 ", 13) == 0 && closed);
	close(fd);
	wire_stop(&w);
}

Test(conn, serves_http_1_0_once)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	wire_send(&w, fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 42);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "\r\nConnection: close\r\n\r\nhello") != NULL && closed);
	close(fd);
	wire_stop(&w);
}

Test(conn, closes_when_asked_to)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	wire_send(&w, fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 46);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "\r\nConnection: close\r\n") != NULL && closed);
	close(fd);
	wire_stop(&w);
}

Test(conn, answers_head_without_content)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	wire_send(&w, fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET, 28 + strlen(GET));
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(eq(uint, count(text, "Content-Length: 5"), 2));
	cr_expect(eq(uint, count(text, "hello"), 1));
	close(fd);
	wire_stop(&w);
}

Test(conn, asks_for_the_body_when_the_client_waits_to_be_asked)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_echo);
	fd = wire_connect(&w);
	wire_send(&w, fd, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 69);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(eq(str, text, (char *)"HTTP/1.1 100 Continue\r\n\r\n"));
	wire_send(&w, fd, "abc", 3);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "\r\n\r\nabc") != NULL && strstr(text, "100 Continue") == NULL);
	/* Too large: refused before it is sent. */
	wire_send(&w, fd, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n", 75);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strncmp(text, "HTTP/1.1 413 ", 13) == 0 && strstr(text, "100 Continue") == NULL && closed);
	close(fd);
	wire_stop(&w);
}

Test(conn, keeps_a_connection_whose_unread_body_is_here_already)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_hello);
	fd = wire_connect(&w);
	wire_send(&w, fd, POST(5) "12345" GET, strlen(POST(5) "12345" GET));
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(count(text, "hello") == 2 && !closed);
	/* Only a part is here: the answer goes out, what comes is dropped, then it ends. */
	wire_send(&w, fd, POST(50000) "12345", strlen(POST(50000) "12345"));
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "Connection: close") != NULL && closed);
	close(fd);
	wire_stop(&w);
}

Test(conn, carries_large_bodies_both_ways)
{
	static char	big[1000000], got[1100000];
	struct wire	w;
	bool		closed;
	int		fd;
	char		*body;
	size_t		n;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 26);
	wire_start(&w, handle_echo);
	w.budget.limit = 4 << 20;
	fd = wire_connect(&w);
	for (int round = 0; round < 3; round++) {
		wire_send(&w, fd, POST(1000000), strlen(POST(1000000)));
		wire_send(&w, fd, big, sizeof(big));
		n = wire_receive(&w, fd, got, sizeof(got), &closed);
		body = strstr(got, "\r\n\r\n");
		cr_assert(body != NULL && n - (size_t)(body + 4 - got) == sizeof(big));
		cr_expect(memcmp(body + 4, big, sizeof(big)) == 0);
		wire_settle(&w);
		cr_expect(eq(sz, w.budget.used, 0));
	}
	close(fd);
	wire_stop(&w);
}

Test(conn, tells_the_handler_that_the_client_went_away)
{
	struct wire	w;
	int		fd;

	wire_start(&w, handle_later);
	fd = wire_connect(&w);
	wire_send(&w, fd, GET, strlen(GET));
	wire_settle(&w);
	cr_assert(w.last != NULL);
	cr_expect(eq(int, w.gone, FLOW_OPEN));
	close(fd);
	wire_settle(&w);
	cr_expect(eq(int, w.gone, FLOW_GONE));
	cr_expect(eq(u64, conn_set_count(w.conns)->open, 0));
	wire_stop(&w);
}

Test(conn, lets_an_exchange_that_is_held_outlive_its_client)
{
	struct wire	 w;
	struct exchange	*x;
	int		 fd;

	wire_start(&w, handle_later);
	fd = wire_connect(&w);
	wire_send(&w, fd, GET, strlen(GET));
	wire_settle(&w);
	x = w.last;
	exchange_ref(x);
	close(fd);
	wire_settle(&w);
	cr_expect(exchange_is_gone(x));
	cr_expect(span_is(http_head_path(&x->head), "/"));
	exchange_reply(x, 200, NULL, 0, SPAN_LIT("nobody"));
	exchange_unref(&x);
	wire_stop(&w);
}

Test(conn, streams_in_chunks_and_cuts_what_broke)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_later);
	for (int broken = 0; broken < 2; broken++) {
		fd = wire_connect(&w);
		wire_send(&w, fd, GET, strlen(GET));
		wire_settle(&w);
		exchange_answer(w.last, 200, NULL, 0, EXCHANGE_STREAM);
		flow_give(&w.last->answer, SPAN_LIT("one "));
		wire_receive(&w, fd, text, sizeof(text), &closed);
		cr_expect(strstr(text, "Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n") != NULL);
		flow_give(&w.last->answer, SPAN_LIT("two"));
		flow_end(&w.last->answer, broken ? FLOW_BROKEN : FLOW_DONE);
		wire_receive(&w, fd, text, sizeof(text), &closed);
		cr_expect(eq(str, text, (char *)(broken ? "3\r\ntwo\r\n" : "3\r\ntwo\r\n0\r\n\r\n")));
		cr_expect(closed == (broken == 1));
		close(fd);
	}
	wire_stop(&w);
}

Test(conn, cuts_an_answer_shorter_than_announced)
{
	struct wire	w;
	bool		closed;
	int		fd;

	wire_start(&w, handle_later);
	fd = wire_connect(&w);
	wire_send(&w, fd, GET, strlen(GET));
	wire_settle(&w);
	exchange_answer(w.last, 200, NULL, 0, 10);
	flow_give(&w.last->answer, SPAN_LIT("12345"));
	flow_end(&w.last->answer, FLOW_DONE);
	wire_receive(&w, fd, text, sizeof(text), &closed);
	cr_expect(strstr(text, "\r\n\r\n12345") != NULL && closed);
	close(fd);
	wire_stop(&w);
}
