/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_keysets.c - keys of issuers that are fetched: turned over under load, kept while their server is away, and what
 *                strangers can make the gateway fetch
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/documents.h"
#include "tests/harness/nameserver.h"
#include "tests/harness/signer.h"
#include "tests/integration/load.h"

#define ISS	"https://idp.example"
#define AUD	"https://gw.example/mcp"
#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}"
#define QUICK	"jwks_unknown_kid = 100ms\njwks_refresh_min = 1s\n"
#define NAMES	"idp.example 60 127.0.0.1\nother.example 60 127.0.0.1\n"

static struct gateway		g;
static struct documents		d;
static struct nameserver	dns;
static struct testca		ca;

/* A token of this key, which names itself by kid. */
static char *
token(enum jws_alg a, const char *kid, long from_now)
{
	char	claims[400], header[200];

	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", jws_alg_name(a), kid);
	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%ld}",
	    (long)time(NULL) + from_now);
	return signer_token(header, claims, a, false);
}

/* "/keys": ES256 as "one", ES384 as "two", those of them that are wanted. */
static void
serve_keys(const char *words, bool one, bool two)
{
	char	*a = signer_jwk(JWS_ALG_ES256, "one"), *b = signer_jwk(JWS_ALG_ES384, "two"), *set;

	cr_assert(asprintf(&set, "{\"keys\":[%s%s%s]}", one ? a : "", one && two ? "," : "", two ? b : "") > 0);
	documents_say(&d, "/keys", words, set);
	free(set);
	free(a);
	free(b);
}

/* issuer: what more the issuer has, with %u in it for the port. */
static void
write_issuer(const char *issuer)
{
	char	more[500], text[1500];

	snprintf(more, sizeof(more), issuer, d.front.port);
	snprintf(text, sizeof(text), "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"ca\":\"%s/etc/ca.pem\",%s}}}", g.dir, more);
	gateway_write(&g, "issuers.json", text);
}

static void
start(const char *conf, const char *issuer)
{
	char	all[600], path[320];

	testca_new(&ca, "the test's own", NULL);
	documents_start(&d, &ca, "DNS:idp.example,DNS:other.example,IP:127.0.0.1");
	nameserver_start(&dns);
	nameserver_say(&dns, NAMES);
	serve_keys("json=300", true, false);
	snprintf(all, sizeof(all), "%supstream_dns = 127.0.0.1:%u\n", conf, dns.port);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES, .conf = all });
	gateway_write(&g, "ca.pem", "");
	snprintf(path, sizeof(path), "%s/etc/ca.pem", g.dir);
	testca_write(&ca, path);
	write_issuer(issuer);
	EXPECT_CTL(&g, 0, "", "reload");
}

static void
finish(void)
{
	gateway_stop(&g);
	nameserver_stop(&dns);
	documents_stop(&d);
	testca_free(&ca);
}

static int
status_of(char *bearer)
{
	struct answer	a;
	struct mcp	m;
	int		status;

	mcp_init(&m, g.mcp, "/mcp", bearer);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	status = a.status;
	answer_fini(&a);
	mcp_fini(&m);
	free(bearer);
	return status;
}

#define EXPECT_TOKEN(bearer, want, what) do {						\
	int	status_ = status_of(bearer);						\
	cr_expect(status_ == (want), "%s: status %d, not %d", (what), status_, (want));	\
} while (0)

static bool
list_says(const char *words, int within_ms)
{
	char	*out;
	bool	 there = false;

	for (int ms = 0; !there && ms < patience(&g, within_ms); ms += 100) {
		(void)gateway_ctl(&g, &out, true, "--json", "issuer", "list", NULL);
		there = strstr(out, words) != NULL;
		free(out);
		if (!there)
			sleep_ms(100);
	}
	return there;
}

#define BY_URL "\"jwks_url\":\"https://idp.example:%u/keys\""

Test(keysets, prove_tokens_from_the_first_request_on, .timeout = 60)
{
	start(QUICK, BY_URL);
	/* It waits for the fetch that goes on. */
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "at once");
	for (int i = 0; i < 20; i++)
		EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "then");
	EXPECT_TOKEN(token(JWS_ALG_ES384, "one", 60), 401, "of another key with that name");
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", -120), 401, "expired");
	/* At the start; and once more, if a worker asked before it heard of that. */
	cr_expect(documents_saw(&d, "GET /keys idp.example:") <= 2, "%zu", documents_saw(&d, "GET /keys"));
	EXPECT_CTL(&g, 0, "\"keys\":1", "--json", "issuer", "list");
	EXPECT_CTL(&g, 0, ISS, "issuer", "list");
	finish();
}

static void
ask_with_both(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	const char	*bearer = atomic_load((_Atomic(const char *) *)l->arg);
	struct answer	 a;
	struct mcp	 own;

	(void)thread;
	(void)round;
	(void)m;
	mcp_init(&own, l->address, "/mcp", bearer);
	mcp_ask_modern(&own, "server/discover", NULL, &a);
	atomic_fetch_add(&l->sent, 1);
	atomic_fetch_add(a.status == 200 ? &l->well : &l->failed, 1);
	answer_fini(&a);
	mcp_fini(&own);
}

Test(keysets, turn_over_under_load_without_a_failed_request, .timeout = 120)
{
	char			*one = token(JWS_ALG_ES256, "one", 600), *two = token(JWS_ALG_ES384, "two", 600);
	_Atomic(const char *)	 bearer = one;
	static struct load	 l;

	start(QUICK, BY_URL);
	EXPECT_TOKEN(strdup(one), 200, "the old key");
	l = (struct load){ .fn = ask_with_both, .arg = &bearer, .pause_ms = 2 };
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/mcp");
	load_start(&l);
	sleep_ms(500);
	/* Nobody told the gateway of the new key: the first token that names it does. */
	serve_keys("json=300", true, true);
	atomic_store(&bearer, two);
	sleep_ms(1500);
	EXPECT_TOKEN(strdup(one), 200, "the old key, while both are there");
	serve_keys("json=300", false, true);
	EXPECT_CTL(&g, 0, ISS ": 1 key of", "issuer", "refresh");
	sleep_ms(500);
	load_end(&l);
	cr_expect(atomic_load(&l.failed) == 0 && atomic_load(&l.sent) > 100, "%u of %u failed", atomic_load(&l.failed),
	    atomic_load(&l.sent));
	for (int i = 0; i < 10; i++)
		EXPECT_TOKEN(strdup(one), 401, "the old key, when it has left the set");
	EXPECT_TOKEN(strdup(two), 200, "the new key");
	free(one);
	free(two);
	finish();
}

Test(keysets, are_fetched_seldom_however_many_strange_tokens_come, .timeout = 120)
{
	char	kid[40];
	long	begun, is;
	size_t	fetches;

	start("jwks_unknown_kid = 1s\n", BY_URL);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	documents_forget(&d);
	begun = now_ms();
	/* What a worker asked at its start may have been the first. */
	for (int i = 0; i < 200 || now_ms() - begun < 2500; i++) {
		snprintf(kid, sizeof(kid), "strange-%d", i);
		is = now_ms();
		EXPECT_TOKEN(token(JWS_ALG_ES256, kid, 60), 401, kid);
		cr_expect(now_ms() - is < patience(&g, 1800), "%s waited for %ld ms, and no fetch", kid, now_ms() - is);
		if (i % 50 == 0)
			EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "a good one, between");
	}
	fetches = documents_saw(&d, "GET /keys");
	is = now_ms();
	cr_log_info("%zu fetches in %ld ms", fetches, is - begun);
	/* One at once, and then one in each second. */
	cr_expect(fetches >= 1 && fetches <= 1 + (size_t)(is - begun) / 1000, "%zu fetches in %ld ms", fetches, is - begun);
	finish();
}

/* A worker that asked a moment ago asks again when what it asked for has come. */
Test(keysets, are_fetched_for_a_key_that_is_new_right_after_another_fetch, .timeout = 60)
{
	start(QUICK, BY_URL);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	for (int i = 0; i < 8; i++) {
		serve_keys("json=300", true, false);
		EXPECT_CTL(&g, 0, ISS ": 1 key of", "issuer", "refresh");
		EXPECT_TOKEN(token(JWS_ALG_ES384, "two", 60), 401, "before it is in the set");
		serve_keys("json=300", true, true);
		sleep_ms(150);
		EXPECT_TOKEN(token(JWS_ALG_ES384, "two", 60), 200, "of a key that is new");
	}
	finish();
}

Test(keysets, serve_while_their_server_is_away_until_their_end, .timeout = 120)
{
	start(QUICK "jwks_refresh_max = 1s\n", BY_URL ",\"keys_keep\":\"12s\"");
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	documents_say(&d, "/keys", "", "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n");
	EXPECT_CTL(&g, 1, "HTTP 503", "issuer", "refresh", ISS);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "while it is away");
	EXPECT_CTL(&g, 0, "The keys of before serve until", "issuer", "list");
	EXPECT_CTL(&g, 0, "its keys cannot be fetched, and serve until", "status");
	EXPECT_CTL(&g, 1, ISS ": its keys cannot be fetched", "doctor");
	/* The store has them. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "after a restart");
	for (int i = 0; i < 200 && status_of(token(JWS_ALG_ES256, "one", 60)) == 200; i++)
		sleep_ms(100);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 503, "when they are kept no longer");
	EXPECT_CTL(&g, 0, "\"failures\":", "--json", "issuer", "list");
	serve_keys("json", true, false);
	EXPECT_CTL(&g, 0, "1 key of", "issuer", "refresh");
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "when it is back");
	finish();
}

/* None of it takes the place of good keys. */
Test(keysets, that_are_none_change_nothing, .timeout = 120)
{
	static const struct {
		const char	*words, *text, *why;
	} rows[] = {
		{ "json", "{\"keys\":[]}", "no key that could prove a token" },
		{ "json", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "no key that could prove" },
		{ "json", "[]", "want a JWK set" },
		{ "json", "{\"keys\":[", "is no JSON" },
		{ "", "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", "too large" },
		{ "fill=300000", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "too large" },
		{ "", "SSH-2.0-nothing\r\n", "malformed answer" },
		{ "", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404" },
		{ "drip=400", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "no whole answer in time" },
	};
	char	moved[300];

	start(QUICK, BY_URL);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		documents_say(&d, "/keys", rows[i].words, rows[i].text);
		EXPECT_CTL(&g, 1, rows[i].why, "issuer", "refresh");
		EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, rows[i].why);
	}
	/* A name of the wire's that leads to this machine. */
	documents_forget(&d);
	snprintf(moved, sizeof(moved), "HTTP/1.1 302 Found\r\nLocation: https://other.example:%u/inside\r\n"
	    "Content-Length: 0\r\n\r\n", d.front.port);
	documents_say(&d, "/keys", "", moved);
	EXPECT_CTL(&g, 1, "loopback", "issuer", "refresh");
	cr_expect(documents_saw(&d, "/inside") == 0);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "still");
	/* The same set is not sent again. */
	serve_keys("json=1 etag=\"v1\"", true, false);
	EXPECT_CTL(&g, 0, "1 key of", "issuer", "refresh");
	EXPECT_CTL(&g, 0, "1 key of", "issuer", "refresh");
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "after 304");
	finish();
}

Test(keysets, outlive_the_process_that_fetched_them, .timeout = 60)
{
	static struct procs	 p;
	const struct proc	*scout;

	start(QUICK, BY_URL);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	gateway_procs(&g, &p);
	scout = procs_find(&p, "mcpgw-scout", 0);
	cr_assert(scout != NULL && kill(scout->pid, SIGKILL) == 0);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "without it");
	serve_keys("json=300", true, true);
	for (int i = 0; i < 100 && status_of(token(JWS_ALG_ES384, "two", 60)) != 200; i++)
		sleep_ms(100);
	EXPECT_TOKEN(token(JWS_ALG_ES384, "two", 60), 200, "by its successor");
	finish();
}

#define BY_NAME "{\"issuer\":\"%s\",\"jwks_uri\":\"https://idp.example:%u/keys\"}"

/* The issuer is its own url; its port is the front's, so that it is named anew here. */
static void
write_discovery(const char *named, const char *target)
{
	char	text[1000], document[400], issuer[64];

	snprintf(issuer, sizeof(issuer), "https://idp.example:%u", d.front.port);
	snprintf(text, sizeof(text), "{\"issuers\":{\"%s\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"ca\":\"%s/etc/ca.pem\",\"discovery\":true}}}", issuer, g.dir);
	snprintf(document, sizeof(document), BY_NAME, named == NULL ? issuer : named, d.front.port);
	documents_say(&d, target, "json", document);
	gateway_write(&g, "issuers.json", text);
}

static char *
own_token(void)
{
	char	claims[400];

	snprintf(claims, sizeof(claims), "{\"iss\":\"https://idp.example:%u\",\"aud\":\"" AUD "\",\"sub\":\"ann\","
	    "\"exp\":%ld}", d.front.port, (long)time(NULL) + 60);
	return signer_token("{\"alg\":\"ES256\",\"kid\":\"one\"}", claims, JWS_ALG_ES256, false);
}

/* A 503 says once when to come again. */
static void
expect_one_word_when(void)
{
	struct answer	 a;
	struct mcp	 m;
	char		*bearer = own_token();
	const char	*when;

	mcp_init(&m, g.mcp, "/mcp", bearer);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	when = strcasestr(a.head, "Retry-After:");
	cr_expect(a.status == 503 && when != NULL && strcasestr(when + 1, "Retry-After:") == NULL, "%s", a.head);
	answer_fini(&a);
	mcp_fini(&m);
	free(bearer);
}

Test(keysets, are_found_by_their_issuers_metadata_and_by_nobody_elses, .timeout = 60)
{
	start(QUICK, BY_URL);
	write_discovery("https://evil.example", "/.well-known/openid-configuration");
	EXPECT_CTL(&g, 0, "", "reload");
	cr_expect(list_says("another issuer's", 5000));
	EXPECT_TOKEN(own_token(), 503, "by metadata of another issuer");
	expect_one_word_when();
	write_discovery(NULL, "/.well-known/openid-configuration");
	EXPECT_CTL(&g, 0, "1 key of", "issuer", "refresh");
	EXPECT_TOKEN(own_token(), 200, "by OpenID Connect's");
	documents_say(&d, "/.well-known/openid-configuration", NULL, NULL);
	EXPECT_CTL(&g, 1, "HTTP 404", "issuer", "refresh");
	write_discovery(NULL, "/.well-known/oauth-authorization-server");
	EXPECT_CTL(&g, 0, "1 key of", "issuer", "refresh");
	EXPECT_TOKEN(own_token(), 200, "by RFC 8414's");
	finish();
}

Test(keysets, are_configured_with_their_place_and_reason, .timeout = 60)
{
	static const struct {
		const char	*issuer, *line;
	} rows[] = {
		{ "\"jwks_url\":\"http://keys.example/keys\"", "want https://" },
		{ "\"jwks_url\":\"ftp://keys.example/\"", "want http:// or https://" },
		{ "\"jwks_url\":\"https://keys.example/keys\",\"discovery\":true", "want either \"jwks_url\" or" },
		{ "\"keys_file\":\"keys.json\",\"keys_keep\":\"1h\"", "means nothing without" },
		{ "\"jwks_url\":\"https://keys.example/keys\",\"keys_keep\":\"soon\"", "want a time" },
	};
	char	text[600];

	start(QUICK, BY_URL);
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "before");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"issuers\":{\"" ISS "\":{\"audience\":\"a\",\"agent\":\"backend\",%s}}}",
		    rows[i].issuer);
		gateway_write(&g, "issuers.json", text);
		EXPECT_CTL(&g, 1, rows[i].line, "reload");
	}
	write_issuer(BY_URL ",\"keys_keep\":\"2h\"");
	EXPECT_CTL(&g, 1, "issuers of tokens change", "diff");
	write_issuer(BY_URL);
	EXPECT_CTL(&g, 0, "0 decisions change", "diff");
	EXPECT_CTL(&g, 65, "there is no issuer", "issuer", "refresh", "https://nobody.example");
	EXPECT_TOKEN(token(JWS_ALG_ES256, "one", 60), 200, "after");
	finish();
}
