/* SPDX-License-Identifier: Apache-2.0
 *
 * test_auth.c - "auth" of servers: where its secrets go, and what is refused
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

#define CLIENT	"\"client_id\":\"gw\",\"client_secret\":\"${secret:C}\""

static char	folder[64];

static void
setup(void)
{
	scratch_new(folder);
	scratch_write(folder, "rules.json", "{\"agents\":{}}", 0644);
	scratch_write(folder, "secrets/C", "the-client-secret\n", 0600);
}

static void
teardown(void)
{
	scratch_remove(folder);
}

TestSuite(auth, .init = setup, .fini = teardown);

static void
compile(const char *url, const char *auth, struct compiled *out)
{
	char	text[1024];

	snprintf(text, sizeof(text), "{\"mcpServers\":{\"web\":{\"url\":\"%s\",\"auth\":%s}}}", url, auth);
	scratch_write(folder, "servers.json", text, 0644);
	compile_folder(folder, false, NULL, out);
}

static bool
has_secret(const struct snap *s, const char *value)
{
	const struct rec_secret	*r;

	for (uint64_t i = 0; (r = SNAP_AT(s, SECRET, i)) != NULL; i++)
		if (span_is(snap_text(s, r->value), value))
			return true;
	return false;
}

Test(auth, secrets_are_the_scouts_alone)
{
	const struct rec_server	*s;
	const struct rec_auth	*a;
	struct compiled		 c;

	compile("http://127.0.0.1:1/mcp", "{\"grant\":\"client_credentials\",\"issuer\":\"https://as.example\"," CLIENT
	    ",\"scopes\":[\"a\",\"b\"]}", &c);
	cr_assert(c.errors == 0, "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	s = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("web"));
	cr_assert(s != NULL && (a = policy_auth_find(c.policy, s)) != NULL);
	cr_expect(span_is(snap_text(c.policy, a->issuer), "https://as.example"));
	cr_expect(span_is(snap_text(c.policy, a->scopes), "a b"));
	cr_expect(has_secret(c.scout_secrets, "the-client-secret"));
	cr_expect(!has_secret(c.worker_secrets, "the-client-secret"));
	cr_expect(!has_secret(c.tenant_secrets, "the-client-secret"));
	cr_expect_str_eq(snap_head(c.scout_secrets)->consumer, SCOUT_CONSUMER);
	compiled_fini(&c);
}

Test(auth, another_account_is_another_server)
{
	static const char *const	texts[] = {
		"{\"grant\":\"client_credentials\",\"issuer\":\"https://as.example\"," CLIENT "}",
		"{\"grant\":\"client_credentials\",\"issuer\":\"https://as2.example\"," CLIENT "}",
		"{\"grant\":\"client_credentials\",\"issuer\":\"*\"," CLIENT "}",
		"{\"grant\":\"authorization_code\",\"issuer\":\"https://as.example\"," CLIENT "}",
		"{\"grant\":\"authorization_code\",\"issuer\":\"https://as.example\",\"client_id\":\"gw2\"}",
	};
	uint64_t			keys[5];
	struct compiled			c;

	for (size_t i = 0; i < 5; i++) {
		compile("http://127.0.0.1:1/mcp", texts[i], &c);
		cr_assert(c.errors == 0, "row %zu: %.*s", i, SPAN_FMT(buf_rest(&c.notes)));
		keys[i] = policy_token_key(c.policy, policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("web")));
		compiled_fini(&c);
		for (size_t k = 0; k < i; k++)
			cr_expect(keys[k] != keys[i], "rows %zu and %zu", k, i);
	}
}

Test(auth, refuses_what_is_not_whole)
{
	static const struct { const char *url, *auth, *words; } rows[] = {
		{ NULL, "{}", "needs a \"grant\"" },
		{ NULL, "{\"grant\":\"password\"}", "want one of client_credentials" },
		{ NULL, "{\"grant\":\"authorization_code\",\"scope\":\"a\"}", "scope" },
		{ NULL, "{\"grant\":\"authorization_code\",\"audience\":\"a\"}", "no meaning for the grant" },
		{ NULL, "{\"grant\":\"client_credentials\",\"client_id\":\"a\"}", "\"client_secret\" or \"private_key\"" },
		{ NULL, "{\"grant\":\"client_credentials\"," CLIENT "}", "is whose?" },
		{ NULL, "{\"grant\":\"client_credentials\",\"issuer\":\"*\",\"client_secret\":\"x\"}", "needs \"client_id\"" },
		{ NULL, "{\"grant\":\"client_credentials\",\"client_id\":\"a\",\"private_key\":\"not a key\"}", "PEM" },
		{ NULL, "{\"grant\":\"authorization_code\",\"issuer\":\"http://as.example\"}", "want https://" },
		{ NULL, "{\"grant\":\"authorization_code\",\"issuer\":\"as.example\"}", "http" },
		{ NULL, "{\"grant\":\"authorization_code\",\"redirect_uri\":\"http://gw.example/cb\"}", "loopback" },
		{ NULL, "{\"grant\":\"authorization_code\",\"redirect_uri\":\"https://127.0.0.1/cb\"}", "loopback" },
		{ NULL, "{\"grant\":\"authorization_code\",\"scopes\":[]}", "1 to" },
		{ NULL, "{\"grant\":\"authorization_code\",\"scopes\":[\"a b\"]}", "no scope" },
		{ NULL, "{\"grant\":\"authorization_code\",\"key_id\":\"a\"}", "means nothing without" },
		{ NULL, "{\"grant\":\"token_exchange\"}", "needs \"subject_token\"" },
		{ NULL, "{\"grant\":\"token_exchange\",\"subject_token\":\"x\",\"requested_token_type\":\"y\"}",
		    "needs \"token_endpoint\"" },
		{ NULL, "{\"grant\":\"jwt_bearer\"}", "needs \"subject_token\"" },
		{ NULL, "{\"grant\":\"jwt_bearer\",\"per\":\"user\",\"subject_token\":\"x\"}", "no meaning for the grant" },
		{ NULL, "{\"grant\":\"authorization_code\",\"per\":\"agent\"}", "want one of gateway, user" },
		{ NULL, "{\"grant\":\"token_exchange\",\"per\":\"user\"}", "wants the \"issuer\" that users' tokens are shown to" },
		{ NULL, "{\"grant\":\"token_exchange\",\"per\":\"user\",\"issuer\":\"*\"}", "wants the \"issuer\"" },
		{ NULL, "{\"grant\":\"token_exchange\",\"per\":\"user\",\"issuer\":\"https://as.example\","
		    "\"subject_token\":\"x\"}", "is each user's own" },
		{ "http://10.0.0.1/mcp", "{\"grant\":\"authorization_code\"}", "in clear text" },
	};
	struct compiled	c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile(rows[i].url == NULL ? "http://127.0.0.1:1/mcp" : rows[i].url, rows[i].auth, &c);
		cr_expect(c.errors > 0, "row %zu", i);
		cr_assert(buf_put(&c.notes, SPAN_LIT("\0")) == 0);
		cr_expect(strstr(c.notes.data, rows[i].words) != NULL, "row %zu: %s", i, c.notes.data);
		compiled_fini(&c);
	}
}

Test(auth, has_no_header_beside_it)
{
	struct compiled	c;

	scratch_write(folder, "servers.json", "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\","
	    "\"headers\":{\"authorization\":\"Bearer x\"},\"auth\":{\"grant\":\"authorization_code\"}},"
	    "\"tool\":{\"command\":\"true\",\"auth\":{\"grant\":\"authorization_code\"}}}}", 0644);
	compile_folder(folder, false, NULL, &c);
	cr_assert(c.errors == 2 && buf_put(&c.notes, SPAN_LIT("\0")) == 0);
	cr_expect(strstr(c.notes.data, "beside \"auth\"") != NULL && strstr(c.notes.data, "a server with a command") != NULL,
	    "%s", c.notes.data);
	compiled_fini(&c);
}

Test(auth, a_users_token_is_for_that_user)
{
	const struct rec_server	*sv;
	struct compiled		 c;

	compile("http://127.0.0.1:1/mcp", "{\"grant\":\"authorization_code\",\"per\":\"user\"}", &c);
	cr_assert(c.errors == 0, "%.*s", SPAN_FMT(buf_rest(&c.notes)));
	sv = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("web"));
	cr_expect((sv->flags & SERVER_FLAG_PER_USER) != 0 && sv->isolation == ISOLATION_PRINCIPAL);
	cr_expect((policy_auth_find(c.policy, sv)->flags & AUTH_FLAG_PER_USER) != 0);
	compiled_fini(&c);
	compile("http://127.0.0.1:1/mcp", "{\"grant\":\"authorization_code\",\"per\":\"gateway\"}", &c);
	sv = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("web"));
	cr_expect(c.errors == 0 && (sv->flags & SERVER_FLAG_PER_USER) == 0);
	compiled_fini(&c);
	for (const char *const *w = (const char *const[]){ "tenant", "session", "call", NULL }; *w != NULL; w++) {
		char	text[400];

		snprintf(text, sizeof(text), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\",\"isolation\":\"%s\","
		    "\"auth\":{\"grant\":\"authorization_code\",\"per\":\"user\"}}}}", *w);
		scratch_write(folder, "servers.json", text, 0644);
		compile_folder(folder, false, NULL, &c);
		cr_expect(c.errors == 1, "%s", *w);
		compiled_fini(&c);
	}
}
