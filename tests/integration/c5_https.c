/* SPDX-License-Identifier: Apache-2.0
 *
 * c5_https.c - servers behind TLS: called on every wire, and refused with a reason when they are not who they should be
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/front.h"
#include "tests/harness/lying.h"
#include "tests/harness/testca.h"
#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway	g;
static struct lying	plain;
static struct front	front;
static struct testca	ca;
static char		folder[64], ca_file[96], pem[96], key[256];

static void
new_certificate(const struct testca *by, const char *names, int from, int until)
{
	struct testcert	c;

	testca_issue(by, names, from, until, &c);
	testcert_write(&c, NULL, pem);
	testcert_free(&c);
}

/* era: of the server behind; words: of the front. */
static void
begin_servers(const char *era, const char *words)
{
	snprintf(folder, sizeof(folder), "/tmp/mcpgw-https.XXXXXX");
	cr_assert(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
	snprintf(pem, sizeof(pem), "%s/server.pem", folder);
	testca_new(&ca, "the test's own", NULL);
	testca_write(&ca, ca_file);
	cr_assert(chmod(ca_file, 0644) == 0);
	new_certificate(&ca, "IP:127.0.0.1,DNS:localhost", 0, 1);
	lying_start(&plain, era);
	front_start(&front, plain.port, pem, words);
}

static void
write_servers(char to[512], const char *more)
{
	snprintf(to, 512, "{\"mcpServers\":{\"web\":{\"url\":\"https://127.0.0.1:%u/mcp\",\"ca\":\"%s\","
	    "\"headers\":{\"X-Secret\":\"hush\"}}%s}}", front.port, ca_file, more);
}

static void
begin(const char *era, const char *words, const char *conf)
{
	char	servers[512];

	begin_servers(era, words);
	write_servers(servers, "");
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = RULES, .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	front_stop(&front);
	lying_stop(&plain);
	unlink(front.log);
	unlink(ca_file);
	unlink(pem);
	rmdir(folder);
	testca_free(&ca);
}

/* One call; malloc'ed, what was answered. */
static char *
call(const char *how)
{
	struct answer	a;
	struct mcp	m;
	char		*text;

	mcp_init(&m, g.mcp, "/servers/web/mcp", key);
	if (strcmp(how, "legacy") == 0)
		(void)mcp_initialize(&m);
	mcp_call(&m, "fill", "{\"n\":\"100000\",\"order\":\"c\",\"end\":\"chunked\"}", &a);
	text = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return text;
}

#define EXPECT_CALL(how, words) do {						\
	char *text_ = call(how);						\
	cr_expect(strstr(text_, words) != NULL, "want %s: %s", words, text_);	\
	free(text_);								\
} while (0)

static bool
status_says(void *arg)
{
	char	*out;
	bool	 there;

	(void)gateway_ctl(&g, &out, true, "status", "web", NULL);
	there = strstr(out, arg) != NULL;
	if (!there)
		(void)gateway_ctl(&g, NULL, false, "status", NULL);
	free(out);
	return there;
}

Test(https, serves_calls_of_both_eras, .timeout = 60)
{
	static const char *const eras[] = { "legacy large", "modern large" };

	for (size_t i = 0; i < 2; i++) {
		begin(eras[i], i == 0 ? "tls12" : "", NULL);
		EXPECT_CALL("legacy", "\"result\"");
		EXPECT_CALL("modern", "\"result\"");
		cr_expect(front_saw(&front, i == 0 ? "TLSv1.2 -" : "TLSv1.3 -") >= 1, "an address is asked for by no name");
		cr_expect(lying_saw(&plain, " hush") >= 2, "with its headers");
		finish();
	}
}

Test(https, goes_to_names_by_their_names, .timeout = 60)
{
	char	servers[512];

	begin_servers("legacy large", "");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"https://localhost:%u/mcp\",\"ca\":\"%s\"}}}",
	    front.port, ca_file);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	EXPECT_CALL("modern", "\"result\"");
	cr_expect(front_saw(&front, "TLSv1.3 localhost") >= 1);
	finish();
}

struct row {
	const char	*words, *names;
	int		 from, until;
	bool		 other;		/* another authority */
	const char	*want;
};

static const struct row rows[] = {
	{ "", "IP:127.0.0.1", -10, -1, false, "the server's certificate has expired" },
	{ "", "IP:127.0.0.9", 0, 1, false, "the server's certificate is for another host" },
	{ "", "IP:127.0.0.1", 0, 1, true, "the server's certificate is of an unknown issuer" },
	{ "tls11", "IP:127.0.0.1", 0, 1, false, "TLS of version 1.2 or later" },
	{ "close", "IP:127.0.0.1", 0, 1, false, "closed the connection in the TLS handshake" },
	{ "garbage", "IP:127.0.0.1", 0, 1, false, "speaks no TLS" },
	{ "slow", "IP:127.0.0.1", 0, 1, false, "took too long" },
};

Test(https, says_why_a_server_is_not_believed, .timeout = 120)
{
	struct testca	other;

	testca_new(&other, "somebody else", NULL);
	begin("legacy large", "", "connect_timeout = 500ms\nbreaker_failures = 1000\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char	servers[512];

		front_stop(&front);
		new_certificate(rows[i].other ? &other : &ca, rows[i].names, rows[i].from, rows[i].until);
		front_start(&front, plain.port, pem, rows[i].words);
		write_servers(servers, "");
		gateway_write(&g, "servers.json", servers);
		cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
		EXPECT_CALL("modern", "SERVER_UNAVAILABLE");
		cr_expect(wait_until(status_says, (void *)(uintptr_t)rows[i].want, patience(&g, 3000)), "status: %s", rows[i].want);
	}
	cr_expect(lying_saw(&plain, "tools/call") == 0, "nobody got a secret");
	testca_free(&other);
	finish();
}

Test(https, trips_the_breaker_as_others_do, .timeout = 60)
{
	begin("legacy large", "once", "breaker_failures = 2\nbreaker_open = 1h\nupstream_idle = 50ms\n");
	EXPECT_CALL("modern", "\"result\"");
	for (int i = 0; i < 2; i++) {
		sleep_ms(100);
		EXPECT_CALL("modern", "closed the connection in the TLS handshake");
	}
	EXPECT_CALL("modern", "left alone");
	finish();
}

Test(https, believes_what_the_file_of_the_gateway_says_and_no_longer_than_it_does, .timeout = 60)
{
	char	conf[160], servers[512];

	begin_servers("legacy large stale", "");
	snprintf(conf, sizeof(conf), "upstream_ca_file = %s\n", ca_file);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"https://127.0.0.1:%u/mcp\"}}}", front.port);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = RULES, .conf = conf });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	EXPECT_CALL("modern", "\"result\"");
	EXPECT_CALL("modern", "\"result\"");
	cr_expect(front_saw(&front, "resumed") >= 1);

	/* The same file with others in it: no session of before is gone on with. */
	testca_free(&ca);
	testca_new(&ca, "the next", NULL);
	testca_write(&ca, ca_file);
	cr_assert(gateway_ctl(&g, NULL, false, "reload", NULL) == 0);
	EXPECT_CALL("modern", "SERVER_UNAVAILABLE");

	/* One that cannot be read is refused, and what is in force stays. */
	unlink(ca_file);
	cr_expect(gateway_ctl(&g, NULL, false, "reload", NULL) == 1);
	finish();
}
