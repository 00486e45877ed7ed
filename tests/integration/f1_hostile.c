/* SPDX-License-Identifier: Apache-2.0
 *
 * f1_hostile.c - bytes no client should send: a clear refusal, and the next client is served
 */
#include "tests/integration/common.h"

#define HOST	"Host: localhost\r\n"
#define JSON	"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"

static const struct {
	const char	*what, *bytes;
	int		 low, high;		/* statuses that are right; 0, 0: the connection ends */
} rows[] = {
	{ "no request at all", "\r\n\r\n\r\nhello\r\n\r\n", 400, 400 },
	{ "HTTP/2 in clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505 },
	{ "HTTP/0.9", "GET /mcp\r\n\r\n", 400, 505 },
	{ "HTTP/1.0", "GET /mcp HTTP/1.0\r\n" HOST "\r\n", 400, 505 },
	{ "no Host", "POST /mcp HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, 403 },
	{ "two Hosts", "POST /mcp HTTP/1.1\r\n" HOST "Host: localhost\r\nContent-Length: 2\r\n\r\n{}", 400, 400 },
	{ "two lengths", "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, 400 },
	{ "length and chunks", "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n", 400, 400 },
	{ "length with a sign", "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: +2\r\n\r\n{}", 400, 400 },
	{ "length too large", "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400, 413 },
	{ "body over the limit", "POST /mcp HTTP/1.1\r\n" HOST JSON "Content-Length: 999999999\r\n\r\n", 401, 413 },
	{ "unknown coding", "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400, 501 },
	{ "chunked twice", "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, 501 },
	{ "blank before the colon", "POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n", 400, 400 },
	{ "folded header", "POST /mcp HTTP/1.1\r\n" HOST "X-A: 1\r\n 2\r\n\r\n", 400, 400 },
	{ "bare line feeds", "POST /mcp HTTP/1.1\nHost: localhost\n\n", 400, 400 },
	{ "carriage return in a value", "POST /mcp HTTP/1.1\r\n" HOST "X-A: 1\r2\r\n\r\n", 400, 400 },
	{ "a blank in the target", "POST /mcp /x HTTP/1.1\r\n" HOST "\r\n", 400, 400 },
	{ "absolute target of another", "POST http://evil.example/mcp HTTP/1.1\r\nHost: evil.example\r\n"
	    "Content-Length: 0\r\n\r\n", 400, 404 },
	{ "CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 400, 501 },
	{ "dots in the path", "POST /servers/../mcp HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 400, 404 },
	{ "an encoded slash", "POST /servers%2fclock/mcp HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 400, 404 },
	{ "method of 100 letters", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAAAAAAAAAAAAAAAAA /mcp HTTP/1.1\r\n" HOST "\r\n", 400, 501 },
	{ "TLS to a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, 400 },
};

static void
still_served(const struct gateway *g, const char *after)
{
	struct answer	a;

	client_once(g->admin, "GET", "/healthz", "", NULL, &a);
	EXPECT_STATUS(a, 200, "health after %s", after);
	answer_fini(&a);
	client_once(g->mcp, "POST", "/mcp", JSON, "{}", &a);
	EXPECT_STATUS(a, 401, "the next client after %s", after);
	answer_fini(&a);
}

Test(hostile, bytes_are_refused_and_nobody_else_notices)
{
	struct gateway	 g;
	struct procs	*procs = malloc(sizeof(*procs));
	struct client	 c;
	struct answer	 a;

	gateway_start(&g, &(struct gateway_setup){ 0 });
	gateway_procs(&g, procs);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(client_open(&c, g.mcp));
		client_send(&c, rows[i].bytes, strlen(rows[i].bytes));
		client_read(&c, 5000, &a);
		cr_expect(a.status >= rows[i].low && a.status <= rows[i].high, "%s: %d", rows[i].what, a.status);
		answer_fini(&a);
		/* After a refusal of the framing nothing more is read from it. */
		client_read(&c, 300, &a);
		cr_expect(a.status == 0, "%s: a second answer: %d", rows[i].what, a.status);
		answer_fini(&a);
		client_close(&c);
	}
	still_served(&g, "all");
	cr_expect(gateway_deaths(procs) == 0);
	free(procs);
	gateway_stop(&g);
}

Test(hostile, too_much_is_refused_not_kept)
{
	struct gateway	 g;
	struct client	 c;
	struct answer	 a;
	size_t		 n = 5 << 20;
	char		*big = malloc(n + 1), *body, key[256], headers[400];

	gateway_start(&g, &(struct gateway_setup){ 0 });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "anybody"));
	memset(big, 'a', n);
	big[n] = '\0';

	cr_assert(client_open(&c, g.mcp));		/* a head without end */
	client_send(&c, "GET /", 5);
	client_send(&c, big, 100000);
	client_read(&c, 5000, &a);
	cr_expect(a.status == 431 || a.status == 414 || a.status == 400, "a long head: %d", a.status);
	answer_fini(&a);
	client_close(&c);

	cr_assert(client_open(&c, g.mcp));		/* 1,000 fields */
	client_send(&c, "GET /mcp HTTP/1.1\r\n" HOST, strlen("GET /mcp HTTP/1.1\r\n" HOST));
	for (int i = 0; i < 1000; i++)
		client_send(&c, "a: b\r\n", 6);
	client_send(&c, "\r\n", 2);
	client_read(&c, 5000, &a);
	cr_expect(a.status == 431 || a.status == 400, "many fields: %d", a.status);
	answer_fini(&a);
	client_close(&c);

	cr_assert(asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", big) > 0);
	snprintf(headers, sizeof(headers), JSON "Authorization: Bearer %s\r\n", key);
	client_once(g.mcp, "POST", "/mcp", headers, body, &a);
	cr_expect(a.status == 413 || a.status == 0, "a body over max_body: %d", a.status);
	answer_fini(&a);
	free(body);

	memset(big, '[', 100000);			/* deep, not large */
	big[100000] = '\0';
	client_once(g.mcp, "POST", "/mcp", headers, big, &a);
	EXPECT_STATUS(a, 400, "100,000 brackets");
	answer_fini(&a);
	still_served(&g, "too much");
	free(big);
	gateway_stop(&g);
}

Test(hostile, slow_clients_are_ended_and_do_not_hold_others)
{
	struct gateway	g;
	struct client	c[20];
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .workers = 1,
	    .conf = "head_timeout = 1s\nbody_timeout = 1s\nidle_timeout = 1s\n" });
	for (int i = 0; i < 20; i++) {
		cr_assert(client_open(&c[i], g.mcp));
		if (i % 2 == 0)
			client_send(&c[i], "POST /mcp HT", 12);
	}
	still_served(&g, "twenty slow ones began");
	for (int i = 0; i < 20; i++) {
		client_read(&c[i], patience(&g, 4000), &a);
		cr_expect(a.end || a.status == 408, "slow client %d: status %d", i, a.status);
		answer_fini(&a);
		client_close(&c[i]);
	}
	gateway_stop(&g);
}
