/* SPDX-License-Identifier: Apache-2.0
 *
 * i3_mtls.c - clients known by their certificates: who is answered, as whom, for how long, and who is not
 */
#include <time.h>

#include "tests/integration/load.h"
#include "tests/harness/hearing.h"
#include "tests/integration/tls.h"

#define LISTEN	"127.0.0.1:0 tls, 127.0.0.1:0 tls client=optional, 127.0.0.1:0 tls client=required"
#define CONF	"tls_certificates = server\ntls_client_ca = clients\ntls_client_crl = clients\ntls_min_version = 1.2\n" \
	"token_endpoint = yes\n"
#define RULES									\
	"{\"agents\":{"								\
	"\"writer\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}},"	\
	"\"reader\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}},"	\
	"\"peers\":{\"uri:spiffe://corp.example/backend\":\"writer\",\"dns:CI.corp.example\":\"reader\","	\
	"\"email:ann@corp.example\":\"reader\"}}"

enum { PLAIN, MAY, MUST };	/* g.tls[] */

static struct gateway	g;
static struct testca	clients, between, strangers;
static char		pem[2][96];

/* A client's certificate becomes the one that is shown; false as `by`: of the clients' authority. */
static void
show(const struct testca *by, const struct testca *chain, const char *names, int until_days)
{
	struct testcert	c;

	snprintf(pem[0], sizeof(pem[0]), "%s/client.pem", tls_dir);
	testca_issue(by == NULL ? &clients : by, names, until_days < 0 ? until_days - 1 : 0, until_days, &c);
	testcert_write(&c, chain, pem[0]);
	testcert_free(&c);
	overtls.pem = pem[0];
}

static void
own_files(struct gateway *gw)
{
	char	path[512];

	tls_certificate(gw, "server", "DNS:localhost,IP:127.0.0.1", 10);
	tls_path(gw, "clients.crt", path);
	testca_write(&clients, path);
	tls_path(gw, "clients.crl", path);
	testca_revoke(&clients, NULL, 5, path);
}

static void
begin(void)
{
	tls_begin();
	testca_new(&clients, "clients", NULL);
	testca_new(&strangers, "strangers", NULL);
	testca_new(&between, "between", &strangers);
	gateway_start(&g, &(struct gateway_setup){ .listen = LISTEN, .servers = DEMO_SERVERS, .rules = RULES,
	    .conf = CONF, .before = own_files });
}

static void
finish(void)
{
	overtls.pem = NULL;
	unlink(pem[0]);
	gateway_stop(&g);
	testca_free(&clients);
	testca_free(&strangers);
	testca_free(&between);
	tls_end();
}

/* The status of a request there with this key (or ""), 0: none, since the handshake failed. */
static int
status(unsigned listener, const char *key)
{
	struct answer	a;
	struct mcp	m;
	int		r;

	mcp_init(&m, g.tls[listener], "/mcp", key);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	r = a.status;
	answer_fini(&a);
	mcp_fini(&m);
	return r;
}

static void
list_revoked(const struct testcert *c, int next_days)
{
	char	path[512];

	tls_path(&g, "clients.crl", path);
	testca_revoke(&clients, c, next_days, path);
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
}

Test(mtls, knows_its_clients_and_nobody_else, .timeout = 90)
{
	static const struct {
		const char	*names;
		int		 until;
		bool		 stranger;
		int		 want[3];	/* of each listener; 0: no handshake */
	} rows[] = {
		{ "URI:spiffe://corp.example/backend", 5, false, { 401, 200, 200 } },
		{ "DNS:ci.corp.example", 5, false, { 401, 200, 200 } },
		{ "email:ann@corp.example", 5, false, { 401, 200, 200 } },
		{ "DNS:x.example,URI:spiffe://corp.example/backend", 5, false, { 401, 200, 200 } },
		{ "URI:spiffe://corp.example/other", 5, false, { 401, 401, 401 } },
		{ "DNS:spiffe://corp.example/backend", 5, false, { 401, 401, 401 } },		/* a name of another kind */
		{ "URI:spiffe://corp.example/backend,DNS:ci.corp.example", 5, false, { 401, 401, 401 } },	/* two agents */
		{ "IP:127.0.0.1", 5, false, { 401, 401, 401 } },
		{ "URI:spiffe://corp.example/backend", -1, false, { 401, 0, 0 } },
		{ "URI:spiffe://corp.example/backend", 5, true, { 401, 0, 0 } },
	};
	static const int	versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
	char			key[256];

	begin();
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "reader"));
	for (size_t v = 0; v < 2; v++) {
		overtls.version = versions[v];
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			show(rows[i].stranger ? &strangers : NULL, NULL, rows[i].names, rows[i].until);
			for (unsigned l = 0; l < 3; l++) {
				int is = status(l, "");

				cr_expect(is == rows[i].want[l], "version %zu, row %zu, listener %u: %d", v, i, l, is);
			}
		}
		/* A key wins over a certificate, when it holds; it is no way around one that is demanded. */
		show(NULL, NULL, "URI:spiffe://corp.example/other", 5);
		cr_expect(status(MAY, key) == 200 && status(MUST, key) == 200 && status(MAY, "mgk_wrong") == 401);
		show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
		cr_expect(status(MAY, "mgk_wrong") == 401, "a wrong key is replaced by a certificate");
		overtls.pem = NULL;
		cr_expect(status(MAY, "") == 401 && status(MAY, key) == 200 && status(MUST, key) == 0);
	}
	finish();
}

Test(mtls, records_whose_certificate_it_was, .timeout = 60)
{
	struct answer	 a;
	struct mcp	 m;
	json_object	*records;

	NEEDS_JAILS();
	begin();
	show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
	mcp_init(&m, g.tls[MUST], "/servers/clock/mcp", "");
	cr_assert(mcp_initialize(&m) == 200);
	mcp_call(&m, "add", "{\"a\":20,\"b\":22}", &a);
	cr_expect_str_eq(json_text_at(a.json, "result.content[0].text"), "42", "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "how", "cert") == 1);
	cr_expect(audit_count(records, "agent", "writer") == 1);
	cr_expect(audit_count(records, "principal", "URI:spiffe://corp.example/backend by clients") == 1);
	json_object_put(records);
	finish();
}

/* Also on the connection that is open, and by the ticket that was given before. */
Test(mtls, believes_no_revoked_certificate_from_the_reload_on, .timeout = 60)
{
	struct testcert	c;
	struct answer	a;
	struct mcp	m, other;

	begin();
	testca_issue(&clients, "URI:spiffe://corp.example/backend", 0, 5, &c);
	snprintf(pem[0], sizeof(pem[0]), "%s/client.pem", tls_dir);
	testcert_write(&c, NULL, pem[0]);
	overtls.pem = pem[0];
	for (unsigned l = MAY; l <= MUST; l++) {
		list_revoked(NULL, 5);
		mcp_init(&m, g.tls[l], "/mcp", "");
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, 200, "before");
		answer_fini(&a);
		/* Another list that does not name it changes nothing. */
		list_revoked(NULL, 6);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, 200, "with a new list");
		answer_fini(&a);
		list_revoked(&c, 5);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, 401, "revoked, on an open connection");
		answer_fini(&a);
		mcp_init(&other, g.tls[l], "/mcp", "");
		mcp_ask_modern(&other, "server/discover", NULL, &a);
		cr_expect(a.status == 0, "revoked, on a new connection: %d", a.status);
		answer_fini(&a);
		mcp_fini(&m);
		mcp_fini(&other);
	}
	testcert_free(&c);
	finish();
}

Test(mtls, believes_nobody_by_a_list_that_is_too_old_and_says_so, .timeout = 60)
{
	char	path[512];

	begin();
	show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
	cr_expect(status(MUST, "") == 200);
	tls_path(&g, "clients.crl", path);
	testca_revoke(&clients, NULL, -1, path);
	EXPECT_CTL(&g, 0, "so no client's certificate counts; fetch a new one", "reload");
	cr_expect(status(MUST, "") == 0 && status(MAY, "") == 0);
	gateway_write(&g, "certs/clients.crl", "nothing\n");
	EXPECT_CTL(&g, 1, "certs/clients.crl: holds no list of revoked certificates", "reload");
	finish();
}

/* What leads from the client's certificate to an authority may come with it. */
Test(mtls, follows_a_chain_that_the_client_sends, .timeout = 60)
{
	char		path[512];
	struct answer	a;
	struct mcp	m;

	begin();
	tls_path(&g, "clients.crt", path);
	testca_write(&strangers, path);
	gateway_write(&g, "mcpgw.conf.d/list.conf", "tls_client_crl =\n");
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	show(&between, &between, "DNS:ci.corp.example", 5);
	cr_expect(status(MUST, "") == 200);
	show(&between, NULL, "DNS:ci.corp.example", 5);
	cr_expect(status(MUST, "") == 0);
	/* The chain is asked for again when authorities change. */
	show(&between, &between, "DNS:ci.corp.example", 5);
	mcp_init(&m, g.tls[MUST], "/mcp", "");
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	{
		FILE	*f = fopen(path, "a");
		char	 more[512];

		tls_path(&g, "more.crt", more);
		testca_write(&clients, more);
		cr_assert(f != NULL);
		fclose(f);
		gateway_write(&g, "mcpgw.conf.d/ca.conf", "tls_client_ca = more\n");
	}
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	EXPECT_STATUS(a, 401, "of an authority that is not trusted any more");
	answer_fini(&a);
	mcp_fini(&m);
	finish();
}

/* A session's stream may be in one worker and its messages come to the other. */
Test(mtls, is_known_in_the_worker_that_has_its_stream, .timeout = 60)
{
	struct hearing	h[4];
	struct mcp	m[4];

	NEEDS_JAILS();
	begin();
	show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
	for (size_t i = 0; i < 4; i++) {
		mcp_init(&m[i], g.tls[MUST], "/servers/clock/mcp", "");
		cr_assert(mcp_initialize(&m[i]) == 200);
		hearing_begin(&h[i], &m[i], NULL, NULL, NULL);
		cr_expect(hearing_begins(&h[i], patience(&g, 5000)) && h[i].status == 200, "stream %zu: %d", i, h[i].status);
	}
	for (size_t i = 0; i < 4; i++) {
		hearing_fini(&h[i]);
		mcp_fini(&m[i]);
	}
	finish();
}

/* What refreshes it is of no use to who has stolen it. */
Test(mtls, session_tokens_of_a_certificate_are_refreshed_over_it_alone, .timeout = 60)
{
	static const char	form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
	struct answer		a;
	char			refresh[400], first[4096];

	begin();
	show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
	client_once(g.tls[MAY], "POST", "/token", form, "grant_type=client_credentials", &a);
	EXPECT_STATUS(a, 200, "for a certificate");
	snprintf(first, sizeof(first), "%s", json_text_at(a.json, "access_token"));
	snprintf(refresh, sizeof(refresh), "grant_type=refresh_token&refresh_token=%s", json_text_at(a.json, "refresh_token"));
	answer_fini(&a);
	/* The token goes where its bearer goes. */
	overtls.pem = NULL;
	cr_expect(status(MAY, first) == 200);
	client_once(g.tls[MAY], "POST", "/token", form, refresh, &a);
	EXPECT_STATUS(a, 400, "without the certificate");
	answer_fini(&a);
	show(NULL, NULL, "DNS:ci.corp.example", 5);
	client_once(g.tls[MAY], "POST", "/token", form, refresh, &a);
	EXPECT_STATUS(a, 400, "with another's");
	answer_fini(&a);
	show(NULL, NULL, "URI:spiffe://corp.example/backend", 5);
	client_once(g.tls[MAY], "POST", "/token", form, refresh, &a);
	EXPECT_STATUS(a, 200, "with it");
	snprintf(first, sizeof(first), "%s", json_text_at(a.json, "access_token"));
	answer_fini(&a);
	overtls.pem = NULL;
	cr_expect(status(MAY, first) == 200);
	/* It is the policy's to say who a name stands for. */
	gateway_write(&g, "rules.json", "{\"agents\":{\"writer\":{\"allow\":{\"servers\":[\"clock\"]}}},"
	    "\"peers\":{\"uri:spiffe://corp.example/other\":\"writer\"}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_expect(status(MAY, first) == 401, "of a name that stands for nobody");
	finish();
}
