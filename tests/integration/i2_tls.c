/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_tls.c - listeners with TLS: which versions and ciphers, whose certificate, tickets, and what does not end a worker
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/integration/load.h"
#include "tests/harness/hearing.h"
#include "tests/harness/lying.h"
#include "tests/integration/tls.h"

#define CONF	"tls_certificates = server other\n"

static struct gateway	g;

static void
own_certificates(struct gateway *gw)
{
	tls_certificate(gw, "server", "DNS:first.example,DNS:localhost,IP:127.0.0.1", 10);
	tls_certificate(gw, "other", "DNS:second.example,DNS:*.second.example", 10);
}

static void
begin(const char *conf)
{
	tls_begin();
	gateway_start(&g, &(struct gateway_setup){ .listen = "127.0.0.1:0, 127.0.0.1:0 tls", .servers = DEMO_SERVERS,
	    .rules = DEMO_RULES, .conf = conf, .before = own_certificates });
}

static void
finish(void)
{
	gateway_stop(&g);
	tls_end();
}

static int
raw_connect(void)
{
	struct sockaddr_in	in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_port = htons((uint16_t)atoi(strrchr(g.tls[0], ':') + 1));
	cr_assert(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	return fd;
}

/* Until the other side closes: how many bytes came; -1: it does not close. */
static long
raw_end(int fd, int within_ms)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	char		bytes[4096];
	ssize_t		n;
	long		all = 0;

	while (poll(&p, 1, within_ms) == 1) {
		if ((n = recv(fd, bytes, sizeof(bytes), 0)) <= 0)
			return all;
		all += n;
	}
	return -1;
}

/* What is spoken, and what is not: a table as of a scanner (threats T25). */
Test(tls, speaks_new_versions_and_strong_ciphers_alone, .timeout = 90)
{
	static const struct {
		const char	*conf;
		int		 version;
		const char	*cipher;	/* of 1.2 and before, or NULL: what OpenSSL has */
		bool		 works;
	} rows[] = {
		{ "", TLS1_3_VERSION, NULL, true },
		{ "", TLS1_2_VERSION, NULL, false },
		{ "", TLS1_1_VERSION, NULL, false },
		{ "tls_min_version = 1.2\n", TLS1_3_VERSION, NULL, true },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", true },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false },	/* CBC */
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA", false },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "AES128-GCM-SHA256", false },		/* no ECDHE */
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", false },
		{ "tls_min_version = 1.2\n", TLS1_2_VERSION, "AECDH-AES128-SHA", false },		/* nobody signs */
		{ "tls_min_version = 1.2\n", TLS1_1_VERSION, NULL, false },
		{ "tls_min_version = 1.2\n", TLS1_VERSION, NULL, false },
	};
	const char	*now = NULL;
	char		 why[256];
	SSL		*ssl;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char	conf[200];

		if (now != NULL && strcmp(now, rows[i].conf) != 0)
			finish();
		snprintf(conf, sizeof(conf), CONF "%s", rows[i].conf);
		if (now == NULL || strcmp(now, rows[i].conf) != 0)
			begin(conf);
		now = rows[i].conf;
		overtls.version = rows[i].version;
		overtls.ciphers = rows[i].cipher;
		ssl = overtls_connect(g.tls[0], NULL, why, sizeof(why));
		cr_expect((ssl != NULL) == rows[i].works, "row %zu: %s", i, ssl == NULL ? why : SSL_get_cipher(ssl));
		if (ssl != NULL)
			cr_expect(SSL_get_current_compression(ssl) == NULL, "row %zu", i);
		overtls_close(&ssl);
	}
	overtls.ciphers = NULL;
	finish();
}

Test(tls, renegotiates_with_nobody, .timeout = 60)
{
	SSL	*ssl;
	char	 bytes[100];
	int	 r;

	begin(CONF "tls_min_version = 1.2\n");
	overtls.version = TLS1_2_VERSION;
	ssl = overtls_connect(g.tls[0], NULL, NULL, 0);
	cr_assert(ssl != NULL);
	SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_renegotiate(ssl);
	for (int i = 0; i < 50 && (r = SSL_do_handshake(ssl)) != 1 && SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ; i++)
		sleep_ms(20);
	(void)SSL_read(ssl, bytes, sizeof(bytes));
	cr_expect(SSL_num_renegotiations(ssl) == 0 || SSL_renegotiate_pending(ssl) == 1, "it did");
	overtls_close(&ssl);
	finish();
}

Test(tls, serves_every_wire_as_plain_http_does, .timeout = 60)
{
	struct answer	 a;
	struct mcp	 m;
	json_object	*records;

	NEEDS_JAILS();
	begin(CONF);
	mcp_init(&m, g.tls[0], "/servers/clock/mcp", gateway_key(&g, "writer"));
	cr_assert(mcp_initialize(&m) == 200);
	mcp_call(&m, "add", "{\"a\":20,\"b\":22}", &a);
	cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "42", "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.tls[0], "/servers/clock/mcp", gateway_key(&g, "writer"));
	mcp_call(&m, "add", "{\"a\":20,\"b\":22}", &a);
	cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "42", "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "listener", "tls") == 2);
	json_object_put(records);
	finish();
}

Test(tls, gives_the_certificate_for_the_name_and_else_the_first)
{
	static const struct { const char *name, *got; } rows[] = {
		{ NULL, "first.example" }, { "first.example", "first.example" }, { "second.example", "second.example" },
		{ "SECOND.example", "second.example" }, { "a.second.example", "second.example" },
		{ "a.b.second.example", "first.example" }, { "nobody.example", "first.example" },
	};

	begin(CONF);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(tls_got_name(g.tls[0], rows[i].name), rows[i].got, "%s",
		    rows[i].name == NULL ? "none" : rows[i].name);
	finish();
}

Test(tls, tells_plain_http_what_is_spoken)
{
	struct answer	a;

	begin(CONF);
	client_once(strchr(g.tls[0], ':') + 1, "POST", "/mcp", "", "{}", &a);
	EXPECT_STATUS(a, 400, "plain HTTP");
	cr_expect(strstr(a.body, "use https") != NULL, "%s", a.body);
	answer_fini(&a);
	finish();
}

Test(tls, ends_what_is_no_handshake_or_takes_too_long_and_no_worker, .timeout = 90)
{
	static const char *const	 garbage[] = {
		"\x80\x2e\x01\x03\x01", "SSH-2.0-x\r\n", "\x16\x03\x01\xff\xff", "\x17\x03\x03",
		"\x16\x03\x01\x01", "OPTIONS / HTTP/1.1\r\n\r\n",
	};
	struct procs			*before = malloc(sizeof(*before));
	unsigned			 seed = 7;
	char				 noise[600];
	int				 fds[40];
	SSL				*ssl;

	begin(CONF "tls_handshake_timeout = 500ms\n");
	gateway_procs(&g, before);
	for (size_t i = 0; i < 40; i++) {
		fds[i] = raw_connect();
		if (i < sizeof(garbage) / sizeof(garbage[0])) {
			(void)!write(fds[i], garbage[i], strlen(garbage[i]));
			continue;
		}
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)rand_r(&seed);
		memcpy(noise, "\x16\x03\x01\x02\x00\x01", i % 2 == 0 ? 6 : 0);
		(void)!write(fds[i], noise, i == 39 ? 0 : sizeof(noise));
	}
	for (size_t i = 0; i < 40; i++) {
		cr_expect(raw_end(fds[i], patience(&g, 5000)) >= 0, "%zu is not closed", i);
		close(fds[i]);
	}
	ssl = overtls_connect(g.tls[0], NULL, NULL, 0);
	cr_expect(ssl != NULL);
	overtls_close(&ssl);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	finish();
}

static SSL_SESSION	*kept;

/* As another program would get it: OpenSSL calls one that came over a resumed session not resumable. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	unsigned char		*der = NULL;
	const unsigned char	*at;
	int			 n = i2d_SSL_SESSION(session, &der);

	(void)ssl;
	at = der;
	SSL_SESSION_free(kept);
	kept = d2i_SSL_SESSION(NULL, &at, n);
	OPENSSL_free(der);
	return 0;
}

/* A ticket of this connection, which has asked something. */
static void
take_ticket(SSL *ssl)
{
	static const char	ask[] = "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char			bytes[4096];

	SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), on_session);
	SSL_write(ssl, ask, sizeof(ask) - 1);
	for (int i = 0; i < 200 && SSL_read(ssl, bytes, sizeof(bytes)) <= 0; i++)
		sleep_ms(10);
}

Test(tls, resumes_in_whichever_worker_takes_the_connection, .timeout = 60)
{
	unsigned	resumed = 0;
	SSL		*ssl;

	begin(CONF);
	ssl = overtls_connect(g.tls[0], NULL, NULL, 0);
	cr_assert(ssl != NULL);
	take_ticket(ssl);
	overtls_close(&ssl);
	cr_assert(kept != NULL, "no ticket came");
	for (int i = 0; i < 40; i++) {
		ssl = overtls_connect(g.tls[0], kept, NULL, 0);
		cr_assert(ssl != NULL);
		resumed += (unsigned)SSL_session_reused(ssl);
		take_ticket(ssl);
		overtls_close(&ssl);
	}
	cr_expect(resumed == 40, "%u of 40", resumed);
	finish();
}

Test(tls, takes_tickets_of_older_keys_and_then_no_more, .timeout = 60)
{
	SSL_SESSION	*first;
	SSL		*ssl;
	bool		 all = true, none = false;

	begin(CONF "tls_ticket_time = 2s\n");
	ssl = overtls_connect(g.tls[0], NULL, NULL, 0);
	cr_assert(ssl != NULL);
	take_ticket(ssl);
	overtls_close(&ssl);
	first = kept;
	kept = NULL;
	for (int i = 0; i < 30 && !none; i++) {
		ssl = overtls_connect(g.tls[0], first, NULL, 0);
		cr_assert(ssl != NULL, "a handshake failed");
		if (i == 0)
			all = SSL_session_reused(ssl) == 1;
		none = SSL_session_reused(ssl) == 0;
		overtls_close(&ssl);
		sleep_ms(500);
	}
	cr_expect(all, "not even at once");
	cr_expect(none, "still taken after 15 s");
	SSL_SESSION_free(first);
	finish();
}

static void
one_request(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;

	(void)thread;
	atomic_fetch_add(&l->sent, 1);
	mcp_ask_modern(m, "server/discover", NULL, &a);
	if (a.status == 0)
		atomic_fetch_add(&l->reset, 1);
	else
		atomic_fetch_add(a.status == 200 ? &l->well : &l->failed, 1);
	answer_fini(&a);
	if (round % 4 == 3)
		client_close(&m->conn);		/* the next one comes by a handshake */
}

Test(tls, changes_its_certificate_under_load_and_no_request_fails, .timeout = 120)
{
	static const char *const names[] = { "DNS:odd.example,IP:127.0.0.1", "DNS:even.example,IP:127.0.0.1" };
	struct load	 l = { .fn = one_request, .pause_ms = 1 };
	char		*out;

	begin(CONF "tls_ticket_time = 1s\n");
	snprintf(l.address, sizeof(l.address), "%s", g.tls[0]);
	snprintf(l.path, sizeof(l.path), "/mcp");
	snprintf(l.key, sizeof(l.key), "%s", gateway_key(&g, "writer"));
	load_start(&l);
	for (int i = 0; i < 40; i++) {
		tls_certificate(&g, "server", names[i % 2], 10);
		cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s", out);
		free(out);
		cr_expect_str_eq(tls_got_name(g.tls[0], NULL), i % 2 == 0 ? "odd.example" : "even.example");
	}
	load_end(&l);
	cr_log_info("%u requests", l.sent);
	cr_expect(l.failed == 0 && l.reset == 0 && l.well > 100, "%u failed, %u reset, %u well", l.failed, l.reset, l.well);
	finish();
}

Test(tls, refuses_a_certificate_that_cannot_be_used_and_keeps_the_one_before, .timeout = 60)
{
	char	path[512], other[512], *said;

	begin(CONF);
	tls_path(&g, "server.key", path);
	tls_path(&g, "other.key", other);
	cr_assert(chmod(path, 0644) == 0);
	EXPECT_CTL(&g, 1, "certs/server.key: readable by group or others; chmod 600 it", "reload");
	cr_assert(unlink(path) == 0 && link(other, path) == 0);
	EXPECT_CTL(&g, 1, "certs/server.key: is not the key of the certificate", "reload");
	EXPECT_CTL(&g, 78, "certs/server.key: is not the key of the certificate", "check");
	cr_assert(unlink(path) == 0);
	EXPECT_CTL(&g, 1, "certs/server.key: no such file", "reload");
	gateway_write(&g, "certs/server.crt", "no certificate\n");
	EXPECT_CTL(&g, 1, "certs/server.crt: holds no certificate (PEM)", "reload");
	cr_expect_str_eq(tls_got_name(g.tls[0], NULL), "first.example");
	/* One that has ended is the client's to refuse, and ours to say so. */
	tls_certificate(&g, "server", "DNS:ended.example", -1);
	EXPECT_CTL(&g, 0, "so clients will not believe it", "reload");
	EXPECT_CTL(&g, 0, "NEEDS YOU  certs/server.crt ENDED ", "status");
	tls_certificate(&g, "server", "DNS:soon.example", 5);
	EXPECT_CTL(&g, 0, "NEEDS YOU  certs/server.crt ends ", "status");
	tls_certificate(&g, "server", "DNS:long.example", 50);
	gateway_ctl(&g, &said, true, "status", NULL);
	cr_expect(strstr(said, "certs/server.crt") == NULL, "%s", said);
	free(said);
	finish();
}

static void
fill(struct answer *a, const char *body, size_t n)
{
	char	*text;

	cr_assert(asprintf(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\"%.*s\"}}", (int)n,
	    body) > 0);
	client_once(g.tls[0], "POST", "/mcp", "Content-Type: application/json\r\n", text, a);
	free(text);
}

Test(tls, takes_large_bodies_whole, .timeout = 60)
{
	struct answer	 a;
	char		*big = malloc(1 << 20);

	memset(big, 'x', 1 << 20);
	begin(CONF);
	fill(&a, big, 1 << 20);
	EXPECT_STATUS(a, 401, "a body of 1 MiB by nobody");
	answer_fini(&a);
	free(big);
	finish();
}

/* 1 MiB and more on the way out: records of 16 KiB, a client that takes them, and then one that takes its time. */
Test(tls, gives_large_answers_whole, .timeout = 60)
{
	struct lying	 far;
	struct answer	 a;
	struct mcp	 m;
	char		 servers[256];

	tls_begin();
	lying_start(&far, "modern large");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"far\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", far.port);
	gateway_start(&g, &(struct gateway_setup){ .listen = "127.0.0.1:0 tls", .servers = servers, .conf = CONF,
	    .rules = "{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}",
	    .before = own_certificates });
	mcp_init(&m, g.tls[0], "/servers/far/mcp", gateway_key(&g, "one"));
	for (int i = 0; i < 3; i++) {
		mcp_call(&m, "fill", "{\"n\":\"1048576\",\"order\":\"c\",\"end\":\"chunked\"}", &a);
		cr_expect(a.status == 200 && a.body_bytes > 1048576, "status %d, %zu bytes", a.status, a.body_bytes);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
	lying_stop(&far);
	tls_end();
}

/* A call that takes longer than stream_after is answered as an event stream. */
Test(tls, carries_event_streams, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	json_object	*said;

	NEEDS_JAILS();
	begin(CONF "stream_after = 100ms\n");
	mcp_init(&m, g.tls[0], "/servers/clock/mcp", gateway_key(&g, "writer"));
	m.version = "2025-11-25";
	cr_assert(mcp_initialize(&m) == 200);
	hearing_begin(&h, &m, "5", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":1500}}");
	cr_assert(hearing_begins(&h, patience(&g, 10000)), "status %d", h.status);
	cr_expect(h.stream, "it is no stream");
	said = hearing_next(&h, patience(&g, 10000));
	cr_expect(json_at(said, "result") != NULL, "%s", json_object_to_json_string(said));
	json_object_put(said);
	hearing_fini(&h);
	mcp_fini(&m);
	finish();
}
