/* SPDX-License-Identifier: Apache-2.0
 *
 * i1_tokens.c - signed tokens of an issuer: who is answered, as whom, what the others are told, and for how long
 */
#include <sys/stat.h>
#include <time.h>

#include "tests/harness/hearing.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ISS	"https://idp.example"
#define AUD	"https://gw.example/mcp"
#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}"

static char *
token(enum jws_alg a, bool strangers, const char *aud, long from_now)
{
	char	claims[400], header[60];

	snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", jws_alg_name(a));
	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"%s\",\"sub\":\"ann\",\"exp\":%ld}", aud,
	    (long)time(NULL) + from_now);
	return signer_token(header, claims, a, strangers);
}

/* As of so many seconds from now, with an id. */
static char *
issued(const char *subject, const char *id, long from_now)
{
	char	claims[400];

	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"%s\",\"jti\":\"%s\",\"iat\":%ld,"
	    "\"exp\":%ld}", subject, id, (long)time(NULL) + from_now, (long)time(NULL) + 600);
	return signer_token("{\"alg\":\"ES256\"}", claims, JWS_ALG_ES256, false);
}

/* A set with the keys of these algorithms, the last one JWS_ALG_LIMIT. */
static void
write_keys(struct gateway *g, const enum jws_alg *algs)
{
	char	*set = strdup("{\"keys\":["), *key, *more;

	for (size_t i = 0; algs[i] != JWS_ALG_LIMIT; i++) {
		key = signer_jwk(algs[i], jws_alg_name(algs[i]));
		cr_assert(asprintf(&more, "%s%s%s", set, i > 0 ? "," : "", key) > 0);
		free(key);
		free(set);
		set = more;
	}
	cr_assert(asprintf(&more, "%s]}", set) > 0);
	gateway_write(g, "keys.json", more);
	free(more);
	free(set);
}

static void
start(struct gateway *g, const char *issuer)
{
	char	*text;

	gateway_start(g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES });
	write_keys(g, (const enum jws_alg[]){ JWS_ALG_RS256, JWS_ALG_ES256, JWS_ALG_EDDSA, JWS_ALG_LIMIT });
	cr_assert(asprintf(&text, "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\",%s}}}", issuer) > 0);
	gateway_write(g, "issuers.json", text);
	free(text);
	cr_assert(gateway_ctl(g, NULL, true, "reload", NULL) == 0);
}

static void
ask(struct gateway *g, const char *path, char *bearer, struct answer *out)
{
	struct mcp	m;

	mcp_init(&m, g->mcp, path, bearer);
	mcp_ask_modern(&m, "server/discover", NULL, out);
	mcp_fini(&m);
	free(bearer);
}

static void
expect_status(struct gateway *g, char *bearer, int want, const char *what)
{
	struct answer	a;

	ask(g, "/mcp", bearer, &a);
	EXPECT_STATUS(a, want, "%s", what);
	answer_fini(&a);
}

Test(tokens, open_every_view_to_their_issuers_agent_and_the_audit_names_the_bearer)
{
	static const char *const	paths[] = { "/mcp", "/mcp/discovery", "/mcp/catalog", "/servers/clock/mcp" };
	static const enum jws_alg	algs[] = { JWS_ALG_RS256, JWS_ALG_ES256, JWS_ALG_EDDSA };
	struct gateway			g;
	struct answer			a;
	struct mcp			m;
	json_object			*records;
	char				*t;

	NEEDS_JAILS();
	start(&g, "\"keys_file\":\"keys.json\"");
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
			ask(&g, paths[k], token(algs[i], false, AUD, 60), &a);
			EXPECT_STATUS(a, 200, "%s on %s", jws_alg_name(algs[i]), paths[k]);
			answer_fini(&a);
		}
	t = token(JWS_ALG_ES256, false, AUD, 60);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", t);
	cr_assert(mcp_initialize(&m) == 200);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "sleep", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	free(t);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "how", "token") == 2);
	cr_expect(audit_count(records, "principal", "ann at " ISS) == 2);
	cr_expect(audit_count(records, "agent", "backend") == 2);
	json_object_put(records);
	gateway_stop(&g);
}

/* RFC 6750 3, mcp-wire 15.2 */
Test(tokens, are_refused_with_a_challenge_that_says_what_the_bearer_may_know)
{
	struct gateway	g;
	struct answer	a;
	const struct {
		const char	*what, *challenge;
		char		*token;
	} rows[] = {
		{ "a stranger's", "Bearer realm=\"mcpgw\", error=\"invalid_token\"", token(JWS_ALG_ES256, true, AUD, 60) },
		{ "expired", "Bearer realm=\"mcpgw\", error=\"invalid_token\", error_description=\"it has expired\"",
		    token(JWS_ALG_ES256, false, AUD, -61) },
		{ "for somebody else", "Bearer realm=\"mcpgw\", error=\"invalid_token\", "
		    "error_description=\"it is for another audience\"", token(JWS_ALG_ES256, false, "x", 60) },
		{ "of an algorithm without a key", "Bearer realm=\"mcpgw\", error=\"invalid_token\"",
		    token(JWS_ALG_ES384, false, AUD, 60) },
		{ "a shared secret's", "Bearer realm=\"mcpgw\", error=\"invalid_token\"",
		    token(JWS_ALG_HS256, false, AUD, 60) },
		{ "no token", "Bearer realm=\"mcpgw\", error=\"invalid_token\"", strdup("a.b.c") },
	};

	start(&g, "\"keys_file\":\"keys.json\"");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&g, "/mcp", rows[i].token, &a);
		EXPECT_STATUS(a, 401, "%s", rows[i].what);
		cr_expect_str_eq(answer_header(&a, "WWW-Authenticate"), rows[i].challenge, "%s", rows[i].what);
		answer_fini(&a);
	}
	client_once(g.mcp, "POST", "/mcp", "Content-Type: application/json\r\n", "{}", &a);
	EXPECT_STATUS(a, 401, "without a credential");
	cr_expect_str_eq(answer_header(&a, "WWW-Authenticate"), "Bearer realm=\"mcpgw\"");
	answer_fini(&a);
	gateway_stop(&g);
}

/* Both workers have a token in their cache: a key that is taken out counts at once, in each. */
Test(tokens, of_a_key_that_was_taken_out_are_refused_at_once)
{
	struct gateway	g;

	start(&g, "\"keys_file\":\"keys.json\"");
	for (int i = 0; i < 20; i++)
		expect_status(&g, token(JWS_ALG_RS256, false, AUD, 60), 200, "before");
	write_keys(&g, (const enum jws_alg[]){ JWS_ALG_ES256, JWS_ALG_LIMIT });
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	for (int i = 0; i < 20; i++)
		expect_status(&g, token(JWS_ALG_RS256, false, AUD, 60), 401, "after");
	expect_status(&g, token(JWS_ALG_ES256, false, AUD, 60), 200, "the other key");
	gateway_stop(&g);
}

Test(tokens, end_with_their_time_although_they_were_proven)
{
	struct gateway	g;
	char		*t;

	start(&g, "\"keys_file\":\"keys.json\",\"skew\":\"0\"");
	t = token(JWS_ALG_ES256, false, AUD, 2);
	for (int i = 0; i < 10; i++)
		expect_status(&g, strdup(t), 200, "while it is good");
	sleep_ms(3000);
	for (int i = 0; i < 10; i++)
		expect_status(&g, strdup(t), 401, "when it has expired");
	free(t);
	gateway_stop(&g);
}

/* mcp-wire 15.3: what is heard by a token is heard no longer than it is good for. */
Test(tokens, end_streams_when_they_end)
{
	struct gateway	g;
	struct hearing	h;
	struct mcp	m;
	json_object	*o;
	char		*t;

	start(&g, "\"keys_file\":\"keys.json\",\"skew\":\"0\"");
	t = token(JWS_ALG_ES256, false, AUD, 3);
	mcp_init(&m, g.mcp, "/mcp", t);
	hearing_begin(&h, &m, "7", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	o = hearing_next(&h, patience(&g, 2000));
	cr_assert(o != NULL, "%d", h.status);
	cr_expect_str_eq(json_text_at(o, "method"), "notifications/subscriptions/acknowledged");
	json_object_put(o);
	o = hearing_next(&h, 5000);
	cr_assert(o != NULL, "no end came");
	cr_expect(json_at(o, "result") != NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	cr_expect(hearing_ends(&h, patience(&g, 1000)));
	hearing_fini(&h);
	mcp_fini(&m);
	free(t);
	gateway_stop(&g);
}

Test(tokens, of_a_shared_secret_count_where_the_operator_gave_one)
{
	struct gateway	g;
	char		path[400];

	start(&g, "\"keys_file\":\"keys.json\"");
	gateway_write(&g, "secrets/IDP", SIGNER_SECRET "\n");
	snprintf(path, sizeof(path), "%s/etc/secrets/IDP", g.dir);
	cr_assert(chmod(path, 0600) == 0);
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":[\"" AUD "\"],\"agent\":\"backend\","
	    "\"secret\":\"${secret:IDP}\"}}}");
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	expect_status(&g, token(JWS_ALG_HS256, false, AUD, 60), 200, "HS256");
	expect_status(&g, token(JWS_ALG_HS384, false, AUD, 60), 401, "HS384 was not asked for");
	expect_status(&g, token(JWS_ALG_HS256, true, AUD, 60), 401, "of another secret");
	expect_status(&g, token(JWS_ALG_RS256, false, AUD, 60), 401, "RS256 has no key any more");
	gateway_stop(&g);
}

/* Each is refused with its place, and the keys in force stay. */
Test(tokens, configuration_that_is_wrong_is_refused_with_its_place)
{
	static const struct {
		const char	*issuer, *line;
	} rows[] = {
		{ "\"agent\":\"backend\",\"keys_file\":\"keys.json\"", "needs an \"audience\"" },
		{ "\"audience\":\"a\",\"agent\":\"nobody\",\"keys_file\":\"keys.json\"", "no rules for an agent \"nobody\"" },
		{ "\"audience\":\"a\",\"agent\":\"bakend\",\"keys_file\":\"keys.json\"", "did you mean \"backend\"?" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"keys_file\":\"keys.json\",\"algorithms\":[\"ES265\"]",
		    "did you mean ES256?" },
		{ "\"audience\":\"a\",\"keys_file\":\"keys.json\"", "needs \"agent\"" },
		{ "\"audience\":\"a\",\"keys_file\":\"keys.json\",\"agent\":\"backend\",\"agent_claim\":\"x\"", "want one of them" },
		{ "\"audience\":\"a\",\"agent\":\"backend\"", "needs \"keys_file\"" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"keys_file\":\"absent.json\"", "no such file" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]",
		    "2048 bits" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"secret\":\"short\"", "too short for HS256" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"keys_file\":\"keys.json\",\"algorithms\":[\"none\"]",
		    "\"none\" is no algorithm" },
		{ "\"audience\":\"a\",\"agent\":\"backend\",\"keys_file\":\"keys.json\",\"audiance\":1",
		    "did you mean \"audience\"" },
	};
	struct gateway	g;
	char		text[400], *out;

	start(&g, "\"keys_file\":\"keys.json\"");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"issuers\":{\"" ISS "\":{%s}}}", rows[i].issuer);
		gateway_write(&g, "issuers.json", text);
		cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) == 1, "%s", rows[i].issuer);
		cr_expect(strstr(out, rows[i].line) != NULL && strstr(out, "issuers.json:1:") != NULL, "%s: %s", rows[i].line, out);
		free(out);
	}
	expect_status(&g, token(JWS_ALG_ES256, false, AUD, 60), 200, "the keys in force stay");
	gateway_stop(&g);
}

/* What a worker has proven it forgets with it, and what a subject has open ends. */
Test(tokens, of_an_issuer_are_revoked_one_by_one_or_of_a_subject_in_every_worker_at_once, .timeout = 120)
{
	struct gateway	g;
	struct hearing	h;
	struct mcp	m;
	json_object	*o;
	char		*one, *two, *bob, *later;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES, .workers = 4 });
	write_keys(&g, (const enum jws_alg[]){ JWS_ALG_ES256, JWS_ALG_LIMIT });
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"keys_file\":\"keys.json\",\"max_age\":\"1h\"}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	one = issued("ann", "t1", -10);
	two = issued("ann", "t2", -10);
	bob = issued("bob", "t3", -10);
	later = issued("ann", "t4", 30);
	for (int i = 0; i < 20; i++) {
		expect_status(&g, strdup(one), 200, "one");
		expect_status(&g, strdup(two), 200, "two");
	}
	EXPECT_CTL(&g, 0, "t1 of " ISS ": ended, in every worker", "token", "revoke", "--issuer", ISS, "--jti", "t1");
	for (int i = 0; i < 20; i++) {
		expect_status(&g, strdup(one), 401, "the one that was revoked");
		expect_status(&g, strdup(two), 200, "another of the same subject");
	}
	mcp_init(&m, g.mcp, "/mcp", two);
	hearing_begin(&h, &m, "7", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	cr_assert((o = hearing_next(&h, patience(&g, 3000))) != NULL);
	json_object_put(o);
	EXPECT_CTL(&g, 0, "ann of " ISS, "token", "revoke", "--issuer", ISS, "--subject", "ann");
	while ((o = hearing_next(&h, patience(&g, 1000))) != NULL)
		json_object_put(o);
	cr_expect(h.end, "the subject's stream goes on");
	hearing_fini(&h);
	mcp_fini(&m);
	for (int i = 0; i < 20; i++) {
		expect_status(&g, strdup(two), 401, "of the subject");
		expect_status(&g, strdup(bob), 200, "of another subject");
		expect_status(&g, strdup(later), 200, "issued since");
	}
	EXPECT_CTL(&g, 0, "refused", "token", "revoke", "--issuer", ISS, "--subject", "ann", "--block", "--for", "1h");
	expect_status(&g, strdup(later), 401, "issued since");
	/* A restart forgets nothing, and the last word counts. */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	expect_status(&g, strdup(later), 401, "after a restart");
	EXPECT_CTL(&g, 0, "ann", "token", "revoke", "--issuer", ISS, "--subject", "ann", "--for", "1s");
	sleep_ms(1200);
	for (int i = 0; i < 10; i++)
		expect_status(&g, strdup(later), 200, "when it is over");
	EXPECT_CTL(&g, 65, "no such issuer", "token", "revoke", "--issuer", "https://other.example", "--jti", "t1");
	EXPECT_CTL(&g, 64, "wants --issuer", "token", "revoke", "--jti", "t1");
	EXPECT_CTL(&g, 64, "wants", "token", "revoke", "--issuer", ISS, "--jti", "t1", "--all");
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"keys_file\":\"keys.json\"}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	EXPECT_CTL(&g, 64, "for how long its tokens are good", "token", "revoke", "--issuer", ISS, "--jti", "t1");
	free(one);
	free(two);
	free(bob);
	free(later);
	gateway_stop(&g);
}
