/* SPDX-License-Identifier: Apache-2.0
 *
 * i5_session_tokens.c - session tokens of /token: for which credential, how long, how they are refreshed, and what ends them
 */
#include <grp.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define WORKERS	4
#define SKEW_S	60		/* an issuer's, if it says nothing else */
#define ISS	"https://idp.example"
#define AUD	"https://gw.example/mcp"
#define SITE	"https://gw.example"
#define CONF	"token_endpoint = yes\npublic_url = " SITE "\nallowed_hosts = gw.example\n"
#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}"
#define SCOPES	"\"scopes\":{\"tools:call\":{\"servers\":[\"clock\"]},\"other\":{\"servers\":[\"none\"]}}"
#define FORM	"Content-Type: application/x-www-form-urlencoded\r\n"
#define GRANT	"grant_type=client_credentials"

static struct gateway	g;

static void
start_with(const char *conf, const char *rules)
{
	char	*text, *key;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = rules, .workers = WORKERS, .conf = conf });
	key = signer_jwk(JWS_ALG_ES256, "ES256");
	cr_assert(asprintf(&text, "{\"keys\":[%s]}", key) > 0);
	gateway_write(&g, "keys.json", text);
	free(text);
	free(key);
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"keys_file\":\"keys.json\",\"max_age\":\"1h\"}}," SCOPES "}");
	EXPECT_CTL(&g, 0, "in force", "reload");
}

static void
start(const char *conf)
{
	start_with(conf, RULES);
}

/* A key of this name, in a static buffer. */
static const char *
key_named(const char *name, const char *more, const char *value)
{
	static char	key[256];
	char		*out;
	int		 r = gateway_ctl(&g, &out, false, "key", "add", "--agent", "backend", "--name", name, more, value, NULL);

	cr_assert(r == 0, "%s", out);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	return key;
}

static void
post_at(const char *address, const char *path, const char *headers, const char *form, struct answer *a)
{
	char	all[4096];

	snprintf(all, sizeof(all), FORM "%s", headers);
	client_once(address, "POST", path, all, form, a);
}

/* What /token says of this form. */
static json_object *
ask(const char *headers, int status, const char *fmt, ...)
{
	struct answer	 a;
	json_object	*o;
	char		 form[8192];
	va_list		 ap;

	va_start(ap, fmt);
	vsnprintf(form, sizeof(form), fmt, ap);
	va_end(ap);
	post_at(g.mcp, "/token", headers, form, &a);
	EXPECT_STATUS(a, status, "%.200s", form);
	cr_expect(answer_header(&a, "Cache-Control") != NULL && strcmp(answer_header(&a, "Cache-Control"), "no-store") == 0, "%s", a.head);
	o = json_tokener_parse(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	return o;
}

#define EXPECT_ERROR(headers, status, word, ...) do {							\
	json_object *o_ = ask(headers, status, __VA_ARGS__);						\
	cr_expect(strcmp(json_text_at(o_, "error"), (word)) == 0, "%s", json_object_to_json_string(o_));	\
	cr_expect(strncmp(json_text_at(o_, "request_id"), "r-", 2) == 0, "%s", json_object_to_json_string(o_));	\
	json_object_put(o_);										\
} while (0)

/* On some connections, so that each worker is asked. */
static void
expect_status(const char *bearer, int want, const char *what)
{
	struct mcp	m;
	struct answer	a;

	for (int i = 0; i < 12; i++) {
		mcp_init(&m, g.mcp, "/mcp", bearer);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, want, "%s", what);
		answer_fini(&a);
		mcp_fini(&m);
	}
}

static const char *
access_of(json_object *o)
{
	return json_text_at(o, "access_token");
}

static const char *
refresh_of(json_object *o)
{
	return json_text_at(o, "refresh_token");
}

static char *
basic(const char *id, const char *secret)
{
	char	both[1024], *out;
	size_t	n = (size_t)snprintf(both, sizeof(both), "%s:%s", id, secret), at = 0;

	out = calloc(1, 4096);
	at = (size_t)sprintf(out, "Authorization: Basic ");
	for (size_t i = 0; i < n; i += 3) {
		static const char	abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
		const unsigned		a = (unsigned char)both[i], b = i + 1 < n ? (unsigned char)both[i + 1] : 0,
					c = i + 2 < n ? (unsigned char)both[i + 2] : 0;

		out[at++] = abc[a >> 2];
		out[at++] = abc[(a & 3) << 4 | b >> 4];
		out[at++] = i + 1 < n ? abc[(b & 15) << 2 | c >> 6] : '=';
		out[at++] = i + 2 < n ? abc[c & 63] : '=';
	}
	sprintf(out + at, "\r\n");
	return out;
}

static char *
issued_ago(const char *id, long ago, long from_now)
{
	char	claims[400];

	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"jti\":\"%s\",\"iat\":%ld,"
	    "\"exp\":%ld}", id, (long)time(NULL) - ago, (long)time(NULL) + from_now);
	return signer_token("{\"alg\":\"ES256\"}", claims, JWS_ALG_ES256, false);
}

static char *
issued(const char *id, long from_now)
{
	return issued_ago(id, 5, from_now);
}

Test(session_tokens, are_given_for_a_key_however_it_is_shown_and_stand_for_it_in_every_worker, .timeout = 120)
{
	struct mcp	 m;
	struct answer	 a;
	json_object	*o, *records;
	char		*header, key[256], words[128];

	NEEDS_JAILS();
	start(CONF);
	snprintf(key, sizeof(key), "%s", key_named("ci", NULL, NULL));
	for (int i = 0; i < 6; i++) {
		header = i == 0 ? basic("ci", key) : i == 1 ? basic("", key) : i == 2 ? basic(key, "") : strdup("");
		if (i == 5) {
			free(header);
			cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", key) > 0);
		}
		if (i == 3)
			o = ask(header, 200, GRANT "&client_id=ci&client_secret=%s", key);
		else if (i == 4)
			o = ask(header, 200, GRANT "&client_secret=%s", key);
		else
			o = ask(header, 200, GRANT);
		cr_expect(strcmp(json_text_at(o, "token_type"), "Bearer") == 0 && json_int_at(o, "expires_in") >= 298 &&
		    json_int_at(o, "expires_in") <= 300 && json_at(o, "scope") == NULL &&
		    strncmp(refresh_of(o), "mgr_", 4) == 0, "%d: %s", i, json_object_to_json_string(o));
		expect_status(access_of(o), 200, "a session token");
		json_object_put(o);
		free(header);
	}
	/* A session that the key began goes on with the token, and with the next one. */
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	cr_assert(mcp_initialize(&m) == 200);
	o = ask("", 200, GRANT "&client_secret=%s", key);
	snprintf(m.key, sizeof(m.key), "%s", access_of(o));
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	json_object_put(o);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "kind", "session") == 7, "%s", json_object_to_json_string(records));
	cr_expect(audit_count(records, "how", "key") >= 8);
	snprintf(words, sizeof(words), "ci (");
	cr_expect(strstr(json_object_to_json_string(records), words) != NULL, "whose token it was is not told");
	json_object_put(records);
	gateway_stop(&g);
}

Test(session_tokens, are_refused_as_rfc_6749_says, .timeout = 120)
{
	json_object	*o;
	struct answer	 a;
	char		 key[256], *header;

	start(CONF);
	snprintf(key, sizeof(key), "%s", key_named("ci", "--scope", "tools:call"));
	header = basic("ci", key);
	EXPECT_ERROR("", 400, "invalid_request", "client_secret=%s", key);
	EXPECT_ERROR("", 400, "unsupported_grant_type", "grant_type=password&client_secret=%s", key);
	EXPECT_ERROR("", 401, "invalid_client", GRANT);
	EXPECT_ERROR("", 401, "invalid_client", GRANT "&client_secret=mgk_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	EXPECT_ERROR("", 401, "invalid_client", GRANT "&client_id=other&client_secret=%s", key);
	EXPECT_ERROR(header, 400, "invalid_request", GRANT "&client_secret=%s", key);
	EXPECT_ERROR("Authorization: Digest x\r\n", 400, "invalid_request", GRANT);
	EXPECT_ERROR("Authorization: Basic !\r\n", 400, "invalid_request", GRANT);
	EXPECT_ERROR("", 400, "invalid_request", GRANT "&client_secret=%s&client_secret=%s", key, key);
	EXPECT_ERROR("", 400, "invalid_request", GRANT "&client_secret=%%zz");
	EXPECT_ERROR("", 400, "invalid_scope", GRANT "&client_secret=%s&scope=tools:call+other", key);
	EXPECT_ERROR("", 400, "invalid_target", GRANT "&client_secret=%s&resource=https://other.example/mcp", key);
	EXPECT_ERROR("", 400, "invalid_target", GRANT "&client_secret=%s&resource=" SITE ".evil/mcp", key);
	EXPECT_ERROR("", 400, "invalid_target", GRANT "&client_secret=%s&resource=" SITE "@evil/mcp", key);
	EXPECT_ERROR("", 400, "invalid_request", "grant_type=refresh_token");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=mgr_x");
	o = ask("", 200, GRANT "&client_secret=%s&scope=tools:call&resource=" SITE "/mcp", key);
	cr_expect(strcmp(json_text_at(o, "scope"), "tools:call") == 0);
	/* A token of ours buys no other. */
	EXPECT_ERROR("", 400, "unauthorized_client", GRANT "&client_secret=%s", access_of(o));
	EXPECT_ERROR("", 400, "invalid_scope", "grant_type=refresh_token&scope=other&refresh_token=%s", refresh_of(o));
	json_object_put(o);
	client_once(g.mcp, "GET", "/token", "", NULL, &a);
	EXPECT_STATUS(a, 405, "GET");
	answer_fini(&a);
	client_once(g.mcp, "POST", "/token", "Content-Type: application/json\r\n", "{}", &a);
	EXPECT_STATUS(a, 400, "JSON");
	answer_fini(&a);
	client_once(g.mcp, "GET", "/authorize?response_type=code", "", NULL, &a);
	EXPECT_STATUS(a, 400, "authorize");
	cr_expect(strstr(a.body, "unsupported_response_type") != NULL, "%s", a.body);
	answer_fini(&a);
	client_once(g.mcp, "POST", "/token", FORM "Origin: http://evil.example\r\n", GRANT, &a);
	EXPECT_STATUS(a, 403, "a page of a strange origin");
	answer_fini(&a);
	free(header);
	gateway_stop(&g);
}

Test(session_tokens, are_refreshed_once_each_and_whoever_uses_one_twice_ends_them_all, .timeout = 120)
{
	json_object	*one, *two, *three, *narrow;
	char		 key[256], path[400], command[1200];
	int		 i;

	start(CONF);
	snprintf(key, sizeof(key), "%s", key_named("ci", "--scope", "tools:call"));
	one = ask("", 200, GRANT "&client_secret=%s", key);
	two = ask("", 200, "grant_type=refresh_token&refresh_token=%s", refresh_of(one));
	expect_status(access_of(one), 200, "of before, until it ends");
	expect_status(access_of(two), 200, "the next");
	cr_expect(strcmp(json_text_at(two, "scope"), "tools:call") == 0);
	/* The store has neither. */
	snprintf(path, sizeof(path), "%s/state/store/data.mdb", g.dir);
	snprintf(command, sizeof(command), "grep -qaF -e '%s' -e '%s' %s", refresh_of(two), refresh_of(two) + 53, path);
	cr_expect(system(command) != 0, "a refresh token stands in the store");	/* NOLINT */
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	three = ask("", 200, "grant_type=refresh_token&scope=tools:call&refresh_token=%s", refresh_of(two));
	expect_status(access_of(three), 200, "after a restart");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=%s", refresh_of(two));
	/* In every worker within a second. */
	for (i = 0; i < 50; i++) {
		struct mcp	m;
		struct answer	a;

		mcp_init(&m, g.mcp, "/mcp", access_of(three));
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		mcp_fini(&m);
		if (a.status == 401) {
			answer_fini(&a);
			break;
		}
		answer_fini(&a);
		sleep_ms(20);
	}
	sleep_ms(200);
	expect_status(access_of(three), 401, "of the session that is ended");
	expect_status(access_of(one), 401, "of the session that is ended");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=%s", refresh_of(three));
	expect_status(key, 200, "the key itself");
	narrow = ask("", 200, GRANT "&client_secret=%s", key);
	expect_status(access_of(narrow), 200, "of another session");
	json_object_put(one);
	json_object_put(two);
	json_object_put(three);
	json_object_put(narrow);
	gateway_stop(&g);
}

Test(session_tokens, end_with_the_key_that_they_were_given_for, .timeout = 120)
{
	struct hearing	 h;
	struct mcp	 m;
	json_object	*o, *brief, *said;
	char		 key[256];

	start(CONF);
	snprintf(key, sizeof(key), "%s", key_named("ci", NULL, NULL));
	o = ask("", 200, GRANT "&client_secret=%s", key);
	mcp_init(&m, g.mcp, "/mcp", access_of(o));
	hearing_begin(&h, &m, "7", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	cr_assert((said = hearing_next(&h, patience(&g, 3000))) != NULL);
	json_object_put(said);
	EXPECT_CTL(&g, 0, "ended", "key", "revoke", "ci");
	expect_status(access_of(o), 401, "of a key that was revoked");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=%s", refresh_of(o));
	while ((said = hearing_next(&h, patience(&g, 1000))) != NULL)
		json_object_put(said);
	cr_expect(h.end, "its stream goes on");
	hearing_fini(&h);
	mcp_fini(&m);
	json_object_put(o);
	/* A key that is rotated takes them along when its overlap is over. */
	o = ask("", 200, GRANT "&client_secret=%s", key_named("old", NULL, NULL));
	EXPECT_CTL(&g, 0, "mgk_", "key", "rotate", "old", "--overlap", "3s");
	expect_status(access_of(o), 200, "while both keys are good");
	sleep_ms(3100);
	expect_status(access_of(o), 401, "when the old one is not");
	json_object_put(o);
	/* Neither is good for longer than the key. */
	brief = ask("", 200, GRANT "&client_secret=%s", key_named("brief", "--ends", "4s"));
	cr_expect(json_int_at(brief, "expires_in") <= 4, "%s", json_object_to_json_string(brief));
	sleep_ms(4200);
	expect_status(access_of(brief), 401, "of a key that has ended");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=%s", refresh_of(brief));
	json_object_put(brief);
	gateway_stop(&g);
}

Test(session_tokens, are_given_for_an_issuers_token_and_end_with_it, .timeout = 120)
{
	json_object	*o, *two;
	char		*header, *t = issued("t1", 30);

	start(CONF);
	cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", t) > 0);
	o = ask(header, 200, GRANT);
	cr_expect(json_int_at(o, "expires_in") <= 30 + SKEW_S, "%s", json_object_to_json_string(o));
	expect_status(access_of(o), 200, "for an issuer's token");
	two = ask("", 200, "grant_type=refresh_token&refresh_token=%s", refresh_of(o));
	cr_expect(json_int_at(two, "expires_in") <= 30 + SKEW_S, "%s", json_object_to_json_string(two));
	EXPECT_CTL(&g, 0, "ended", "token", "revoke", "--issuer", ISS, "--jti", "t1");
	expect_status(access_of(two), 401, "of a token that was revoked");
	EXPECT_ERROR("", 400, "invalid_grant", "grant_type=refresh_token&refresh_token=%s", refresh_of(two));
	json_object_put(o);
	json_object_put(two);
	/* Whose tokens of until now are revoked begins anew with a new one. */
	EXPECT_CTL(&g, 0, "", "token", "revoke", "--issuer", ISS, "--subject", "ann");
	sleep_ms(1100);
	free(t);
	free(header);
	t = issued_ago("t3", 0, 300);
	cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", t) > 0);
	o = ask(header, 200, GRANT);
	expect_status(access_of(o), 200, "for a token that came after");
	two = ask("", 200, "grant_type=refresh_token&refresh_token=%s", refresh_of(o));
	expect_status(access_of(two), 200, "refreshed");
	EXPECT_CTL(&g, 0, "", "token", "revoke", "--issuer", ISS, "--subject", "ann");
	expect_status(access_of(two), 401, "of one that was revoked too");
	json_object_put(two);
	json_object_put(o);
	sleep_ms(1100);
	/* And with its issuer. */
	free(t);
	free(header);
	t = issued_ago("t2", 0, 300);
	cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", t) > 0);
	o = ask(header, 200, GRANT);
	gateway_write(&g, "issuers.json", "{" SCOPES "}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	expect_status(access_of(o), 401, "of an issuer that is gone");
	json_object_put(o);
	free(t);
	free(header);
	gateway_stop(&g);
}

/* Who guesses is slowed down, and so is who asks for too many. */
Test(session_tokens, are_asked_for_no_faster_than_they_may_be, .timeout = 120)
{
	unsigned	refused = 0, slowed = 0, given = 0;
	char		key[256], form[600];

	start(CONF);
	snprintf(key, sizeof(key), "%s", key_named("ci", NULL, NULL));
	snprintf(form, sizeof(form), GRANT "&client_secret=%s", key);
	for (int i = 0; i < 40; i++) {
		struct answer	a;

		post_at(g.mcp, "/token", "", form, &a);
		given += a.status == 200;
		slowed += a.status == 429;
		answer_fini(&a);
	}
	cr_expect(given >= 20 && given < 40 && slowed == 40 - given, "%u given, %u slowed", given, slowed);
	slowed = 0;
	for (int i = 0; i < 40; i++) {
		struct answer	a;

		snprintf(form, sizeof(form), "grant_type=refresh_token&refresh_token=mgr_%d", i);
		post_at(g.mcp, "/token", "", form, &a);
		refused += a.status == 400;
		slowed += a.status == 429;
		cr_expect(a.status != 429 || answer_header(&a, "Retry-After") != NULL);
		answer_fini(&a);
	}
	/* One bucket of all four workers, and of the clock. */
	cr_expect(refused >= 10 && refused <= 32 && refused + slowed == 40, "%u refused, %u slowed", refused, slowed);
	gateway_stop(&g);
}

Test(session_tokens, are_found_by_clients_where_they_are_given_and_not_where_they_are_not, .timeout = 120)
{
	static const struct { const char *path, *at, *is; } rows[] = {
		{ "/.well-known/oauth-authorization-server", "issuer", SITE },
		{ "/.well-known/oauth-authorization-server", "token_endpoint", SITE "/token" },
		{ "/.well-known/oauth-authorization-server", "grant_types_supported[0]", "client_credentials" },
		{ "/.well-known/oauth-authorization-server", "token_endpoint_auth_methods_supported[0]", "client_secret_basic" },
		{ "/.well-known/oauth-authorization-server/t/acme", "token_endpoint", SITE "/t/acme/token" },
		{ "/.well-known/oauth-authorization-server/t/acme", "issuer", SITE "/t/acme" },
		{ "/.well-known/oauth-protected-resource/mcp", "authorization_servers[0]", ISS },
		{ "/.well-known/oauth-protected-resource/mcp", "authorization_servers[1]", SITE },
		{ "/.well-known/oauth-protected-resource/t/acme/mcp", "authorization_servers[0]", SITE "/t/acme" },
	};
	struct answer	a;

	start(CONF);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_once(g.mcp, "GET", rows[i].path, "", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].path);
		cr_expect(strcmp(json_text_at(a.json, rows[i].at), rows[i].is) == 0, "%s: %s", rows[i].at, a.body);
		answer_fini(&a);
	}
	gateway_stop(&g);
	start("public_url = " SITE "\n");
	client_once(g.mcp, "GET", "/.well-known/oauth-authorization-server", "", NULL, &a);
	cr_expect(a.status == 401 || a.status == 404, "%d", a.status);
	answer_fini(&a);
	post_at(g.mcp, "/token", "", GRANT, &a);
	EXPECT_STATUS(a, 401, "as any path");
	cr_expect(strstr(a.body, "invalid_client") == NULL, "%s", a.body);
	answer_fini(&a);
	gateway_stop(&g);
}

/* HTTP status, or the error's code. */
static int
call_now(const char *bearer)
{
	struct mcp	m;
	struct answer	a;
	int		code;

	mcp_init(&m, g.mcp, "/servers/clock/mcp", bearer);
	mcp_call(&m, "now", "{}", &a);
	code = json_at(a.json, "result") != NULL ? 200 : a.status != 200 ? a.status : json_int_at(a.json, "error.code");
	answer_fini(&a);
	mcp_fini(&m);
	return code;
}

/* A rule that asks for a scope asks what somebody gave, and not what a client wishes for. */
Test(session_tokens, have_no_more_rights_by_a_scope_that_the_client_chose, .timeout = 120)
{
	static const char	rules[] = "{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":"
				    "[{\"tool\":\"now\",\"when\":{\"ForAnyValue:StringEquals\":{\"scopes\":\"tools:call\"}}}]}}}}}";
	json_object		*o, *two;
	char			 plain[256], given[256], *t, *header;

	NEEDS_JAILS();
	start_with(CONF, rules);
	snprintf(plain, sizeof(plain), "%s", key_named("plain", NULL, NULL));
	snprintf(given, sizeof(given), "%s", key_named("given", "--scope", "tools:call"));
	cr_expect(call_now(plain) == 403 && call_now(given) == 200);
	o = ask("", 200, GRANT "&client_secret=%s&scope=tools:call", given);
	cr_expect(call_now(access_of(o)) == 200, "the key's own scope");
	json_object_put(o);
	o = ask("", 200, GRANT "&client_secret=%s&scope=tools:call", plain);
	cr_expect(strcmp(json_text_at(o, "scope"), "tools:call") == 0);
	for (int i = 0; i < 8; i++)
		cr_expect(call_now(access_of(o)) == 403, "chosen at the beginning, %d", i);
	two = ask("", 200, "grant_type=refresh_token&refresh_token=%s", refresh_of(o));
	cr_expect(call_now(access_of(two)) == 403, "chosen at the beginning, refreshed");
	json_object_put(two);
	json_object_put(o);
	o = ask("", 200, GRANT "&client_secret=%s", plain);
	two = ask("", 200, "grant_type=refresh_token&scope=tools:call&refresh_token=%s", refresh_of(o));
	cr_expect(call_now(access_of(two)) == 403, "chosen with the refresh token");
	json_object_put(two);
	json_object_put(o);
	/* Nor of an issuer whose tokens have no scopes here. */
	gateway_write(&g, "issuers.json", "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"backend\","
	    "\"keys_file\":\"keys.json\",\"max_age\":\"1h\",\"scoped\":false}}," SCOPES "}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	t = issued("t9", 300);
	cr_expect(call_now(t) == 403);
	cr_assert(asprintf(&header, "Authorization: Bearer %s\r\n", t) > 0);
	o = ask(header, 200, GRANT "&scope=tools:call");
	cr_expect(call_now(access_of(o)) == 403, "chosen with an issuer's token");
	json_object_put(o);
	free(header);
	free(t);
	gateway_stop(&g);
}

/* From now on this local user, or group, is this agent; NULL: none. */
static void
stand_for(const char *kind, unsigned id, const char *agent)
{
	char	rules[600], peer[64] = "";

	if (agent != NULL)
		snprintf(peer, sizeof(peer), "\"%s:%u\":\"%s\"", kind, id, agent);
	snprintf(rules, sizeof(rules), "%.*s,\"other\":{}},\"peers\":{%s}}", (int)(strlen(RULES) - 2), RULES, peer);
	gateway_write(&g, "rules.json", rules);
	EXPECT_CTL(&g, 0, "in force", "reload");
}

/* Until it is refreshed a token of a local user goes where its bearer goes; who it stands for is the policy's to say. */
Test(session_tokens, of_local_users_end_when_the_policy_knows_them_no_more, .timeout = 120)
{
	static const struct { const char *kind, *then; } rows[] = {
		{ "user", NULL }, { "group", NULL }, { "user", "other" }, { "group", "other" },
	};
	const gid_t	group = getgid();
	struct answer	a;
	char		token[4096];

	/* What the kernel tells of a peer are its other groups. */
	if (getuid() == 0)
		cr_assert(setgroups(1, &group) == 0);
	start(CONF);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned	id = rows[i].kind[0] == 'u' ? getuid() : group;

		stand_for(rows[i].kind, id, "backend");
		post_at(g.local, "/token", "", GRANT, &a);
		EXPECT_STATUS(a, 200, "%s %u", rows[i].kind, id);
		snprintf(token, sizeof(token), "%s", json_text_at(a.json, "access_token"));
		answer_fini(&a);
		expect_status(token, 200, rows[i].kind);
		stand_for(rows[i].kind, id, "backend");
		expect_status(token, 200, "of another policy that says the same of them");
		stand_for(rows[i].kind, id, rows[i].then);
		expect_status(token, 401, rows[i].kind);
	}
	gateway_stop(&g);
}

Test(session_tokens, are_one_tenants_alone, .timeout = 120)
{
	struct answer	 a;
	json_object	*o;
	char		 key[256], form[600], *out;

	start(CONF "tenant_uid_range = 70000-70099\n");
	gateway_write(&g, "tenants.d/acme/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	cr_assert(gateway_ctl(&g, &out, false, "key", "add", "--agent", "backend", "--tenant", "acme", NULL) == 0);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	snprintf(form, sizeof(form), GRANT "&client_secret=%s", key);
	post_at(g.mcp, "/t/default/token", "", form, &a);
	EXPECT_STATUS(a, 401, "another tenant's path");
	answer_fini(&a);
	post_at(g.mcp, "/t/acme/token", "", form, &a);
	EXPECT_STATUS(a, 200, "its own");
	o = json_object_get(a.json);
	answer_fini(&a);
	snprintf(form, sizeof(form), "grant_type=refresh_token&refresh_token=%s", refresh_of(o));
	post_at(g.mcp, "/t/default/token", "", form, &a);
	EXPECT_STATUS(a, 400, "another tenant's path");
	answer_fini(&a);
	post_at(g.mcp, "/t/acme/token", "", form, &a);
	EXPECT_STATUS(a, 200, "nothing was ended by that");
	answer_fini(&a);
	json_object_put(o);
	gateway_stop(&g);
}
