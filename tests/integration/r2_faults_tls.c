/* SPDX-License-Identifier: Apache-2.0
 *
 * r2_faults_tls.c - a server that cannot be connected to, or not over TLS: deadline and breaker hold, another one hears
 *                   nothing of it
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/harness/front.h"
#include "tests/harness/testca.h"
#include "tests/integration/r2_faults.h"

#define CONNECT_MS	500

static struct failing	behind;
static struct front	front;
static struct testca	ca;
static char		folder[64], ca_file[96], pem[96];

static const struct {
	const char	*words;		/* of the front; NULL: nobody takes the connection */
	int		 from, until;	/* of the certificate, days */
	bool		 waits;
	const char	*want;
} rows[] = {
	{ NULL, 0, 1, true, "connecting took too long" },
	{ "slow", 0, 1, true, "the TLS handshake took too long" },
	{ "close", 0, 1, false, "closed the connection in the TLS handshake" },
	{ "garbage", 0, 1, false, "speaks no TLS" },
	{ "tls11", 0, 1, false, "TLS of version 1.2" },
	{ "", -10, -1, false, "expired" },
};

/* A port whose queue is full: who connects is not answered, as behind a filter that drops. */
static unsigned
deaf_port(int fds[8])
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(fds[0], (struct sockaddr *)&a, n) == 0 && listen(fds[0], 0) == 0 &&
	    getsockname(fds[0], (struct sockaddr *)&a, &n) == 0);
	for (int i = 1; i < 8; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (struct sockaddr *)&a, sizeof(a));
	}
	return ntohs(a.sin_port);
}

static void
certificate(int from, int until)
{
	struct testcert	c;

	testca_issue(&ca, "IP:127.0.0.1", from, until, &c);
	testcert_write(&c, NULL, pem);
	testcert_free(&c);
}

Test(faults_tls, of_connections_hold_up_nobody, .timeout = 120)
{
	struct fault_caller	all[FAULT_THREADS];
	struct beside		before, beside;
	char			servers[640];
	unsigned		wrong, calls, port;
	unsigned long		memory = 0;
	double			longest;
	int			fds[8];

	snprintf(folder, sizeof(folder), "/tmp/mcpgw-faults.XXXXXX");
	cr_assert(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
	snprintf(pem, sizeof(pem), "%s/server.pem", folder);
	testca_new(&ca, "the test's own", NULL);
	testca_write(&ca, ca_file);
	cr_assert(chmod(ca_file, 0644) == 0);
	failing_start(&behind, "modern", "bad");
	failing_start(&good, "modern", "good");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"good\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", good.port);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = FAULT_RULES,
	    .conf = "connect_timeout = 500ms\nbreaker_failures = 1000\nupstream_check = 0\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	fault_beside(1000, &before);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		certificate(rows[i].from, rows[i].until);
		if (rows[i].words != NULL)
			front_start(&front, behind.port, pem, rows[i].words);
		port = rows[i].words != NULL ? front.port : deaf_port(fds);
		snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"good\":{\"url\":\"http://127.0.0.1:%u/mcp\"},"
		    "\"bad\":{\"url\":\"https://127.0.0.1:%u/mcp\",\"ca\":\"%s\",\"timeout_ms\":3000}}}", good.port, port, ca_file);
		gateway_write(&g, "servers.json", servers);
		cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
		fault_run(1100, 0, all, &beside);
		memory = memory == 0 ? fault_memory() : memory;
		calls = fault_sum(all, &longest, &wrong);
		cr_log_info("%-8s %5u calls, longest %5.0f ms; beside: %zu calls, median %.2f ms, p99 %.2f ms (%.2f, %.2f)",
		    rows[i].words == NULL ? "deaf" : rows[i].words, calls, longest, beside.calls, beside.median, beside.p99,
		    before.median, before.p99);
		cr_expect(wrong == 0);
		cr_expect(strstr(all[0].last, rows[i].want) != NULL, "want %s: %s", rows[i].want, all[0].last);
		cr_expect(longest < CONNECT_MS + patience(&g, 700), "%s took %.0f ms", rows[i].want, longest);
		cr_expect(!rows[i].waits || longest >= CONNECT_MS - 50, "%s took %.0f ms", rows[i].want, longest);
		cr_expect(beside.failed == 0 && beside.calls >= FAULT_LEAST, "%zu of %zu", beside.failed, beside.calls);
		cr_expect(beside.p99 < before.p99 + CONNECT_MS / 2, "%s: p99 %.1f ms beside it, %.1f before",
		    rows[i].want, beside.p99, before.p99);
		if (rows[i].words != NULL)
			front_stop(&front);
		for (int k = 0; rows[i].words == NULL && k < 8; k++)
			close(fds[k]);
	}
	cr_expect(failing_calls(&behind) == 0, "nothing was sent to it");
	fault_expect_memory("handshakes:", memory, 16 * 1024);
	gateway_stop(&g);
	failing_stop(&behind);
	failing_stop(&good);
	testca_free(&ca);
	unlink(front.log);
	unlink(ca_file);
	unlink(pem);
	rmdir(folder);
}

/* Each endpoint must prove who it is: one that does not gets no request and no secret, and costs no call. */
Test(faults_tls, of_one_endpoint_are_not_noticed, .timeout = 60)
{
	struct front	other;
	struct failing	second;
	struct mcp	m;
	char		servers[640], said[256];

	snprintf(folder, sizeof(folder), "/tmp/mcpgw-faults.XXXXXX");
	cr_assert(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
	snprintf(pem, sizeof(pem), "%s/server.pem", folder);
	testca_new(&ca, "the test's own", NULL);
	testca_write(&ca, ca_file);
	cr_assert(chmod(ca_file, 0644) == 0);
	failing_start(&behind, "modern", "bad");
	failing_start(&second, "modern", "good");
	certificate(-10, -1);
	front_start(&front, behind.port, pem, "");
	certificate(0, 1);
	front_start(&other, second.port, pem, "");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"many\":{\"url\":[\"https://127.0.0.1:%u/mcp\","
	    "\"https://127.0.0.1:%u/mcp\"],\"ca\":\"%s\",\"headers\":{\"X-Secret\":\"hush\"}}}}", front.port, other.port,
	    ca_file);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = FAULT_RULES,
	    .conf = "upstream_check = 0\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	mcp_init(&m, g.mcp, "/servers/many/mcp", key);
	for (unsigned n = 0; n < 20; n++) {
		(void)fault_call(&m, "work", n, said);
		cr_expect(strstr(said, "good") != NULL, "%s", said);
	}
	cr_expect(failing_saw(&behind, "") == 0, "nothing was sent there");
	cr_expect(front_saw(&other, "TLSv1.3") >= 1);
	mcp_fini(&m);
	gateway_stop(&g);
	front_stop(&front);
	front_stop(&other);
	failing_stop(&behind);
	failing_stop(&second);
	testca_free(&ca);
	unlink(front.log);
	unlink(other.log);
	unlink(ca_file);
	unlink(pem);
	rmdir(folder);
}
