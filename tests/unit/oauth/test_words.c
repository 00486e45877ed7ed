/* SPDX-License-Identifier: Apache-2.0
 *
 * test_words.c - challenges, scopes, PKCE, metadata: the words that a flow is made of
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "oauth/challenge.h"
#include "oauth/client.h"
#include "oauth/metadata.h"
#include "oauth/pkce.h"
#include "oauth/scope.h"

static struct arena	arena;

static void
setup(void)
{
	arena_init(&arena, NULL, 0, 256 * 1024);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

TestSuite(oauth, .init = setup, .fini = teardown);

static bool
is(struct span s, const char *want)
{
	return span_is(s, want);
}

Test(oauth, reads_what_a_bearer_is_told)
{
	static const struct {
		const char	*field;
		bool		 present;
		const char	*metadata, *scope, *error;
	} rows[] = {
		{ "Bearer", true, "", "", "" },
		{ "bearer scope=\"a b\"", true, "", "a b", "" },
		{ "Bearer error=\"invalid_token\", resource_metadata=\"https://h/x\"", true, "https://h/x", "", "invalid_token" },
		{ "Basic realm=\"x, Bearer\", Bearer scope=a", true, "", "a", "" },
		{ "Basic realm=\"x\", scope=\"no\"", false, "", "", "" },
		{ "Bearer scope=\"a\\\"b\\\\c\"", true, "", "a\"b\\c", "" },
		{ "Bearer scope=\"a\", scope=\"b\"", true, "", "a", "" },
		{ "Bearer scope=\"a\", Bearer scope=\"b\"", true, "", "a", "" },
		{ "Bearer scope=\"never ends", true, "", "", "" },
		{ "Bearer scope=\"a\x01\"", true, "", "", "" },
		{ "Bearer error=insufficient_scope , scope = \"x\"", true, "", "x", "insufficient_scope" },
		{ "", false, "", "", "" },
		{ ",,;", false, "", "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oauth_challenge	c;

		cr_assert(oauth_challenge_read(span_of(rows[i].field), &arena, &c) == 0);
		cr_expect(c.present == rows[i].present && is(c.resource_metadata, rows[i].metadata) &&
		    is(c.scope, rows[i].scope) && is(c.error, rows[i].error), "row %zu", i);
	}
}

Test(oauth, refuses_a_challenge_without_end)
{
	static char		long_one[OAUTH_CHALLENGE_MAX + 1];
	struct oauth_challenge	c;

	memset(long_one, 'a', sizeof(long_one));
	cr_expect(oauth_challenge_read(span_make(long_one, sizeof(long_one)), &arena, &c) == E_TOOBIG);
}

Test(oauth, unites_scopes)
{
	struct span	out;

	cr_assert(oauth_scope_union(SPAN_LIT("a b"), SPAN_LIT(" b  c a"), &arena, &out) == 0);
	cr_expect(is(out, "a b c"));
	cr_assert(oauth_scope_union(SPAN_NONE, SPAN_LIT("a\"b c\\ ok"), &arena, &out) == 0);
	cr_expect(is(out, "ok"), "what is no scope's word is left out");
	cr_expect(oauth_scope_within(SPAN_LIT("b a"), SPAN_LIT("a b c")));
	cr_expect(!oauth_scope_within(SPAN_LIT("b d"), SPAN_LIT("a b c")));
}

/* RFC 7636, appendix B. */
Test(oauth, makes_the_challenge_of_the_rfc)
{
	char	to[OAUTH_PKCE_CHARS + 1];

	cr_assert(oauth_pkce_challenge(SPAN_LIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), to) == 0);
	cr_expect_str_eq(to, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

Test(oauth, knows_where_documents_are)
{
	struct span	p[OAUTH_PLACES_MAX];
	size_t		n;

	cr_assert(oauth_resource_places(SPAN_LIT("https://H.example/a/mcp/"), &arena, p, &n) == 0);
	cr_assert(n == 2);
	cr_expect(is(p[0], "https://h.example/.well-known/oauth-protected-resource/a/mcp"));
	cr_expect(is(p[1], "https://h.example/.well-known/oauth-protected-resource"));
	cr_assert(oauth_issuer_places(SPAN_LIT("https://as.example/t1"), &arena, p, &n) == 0);
	cr_assert(n == 3);
	cr_expect(is(p[0], "https://as.example/.well-known/oauth-authorization-server/t1"));
	cr_expect(is(p[1], "https://as.example/.well-known/openid-configuration/t1"));
	cr_expect(is(p[2], "https://as.example/t1/.well-known/openid-configuration"));
	cr_assert(oauth_issuer_places(SPAN_LIT("https://as.example"), &arena, p, &n) == 0);
	cr_assert(n == 2);
	cr_expect(is(p[0], "https://as.example/.well-known/oauth-authorization-server"));
	cr_expect(is(p[1], "https://as.example/.well-known/openid-configuration"));
	cr_expect(oauth_issuer_places(SPAN_LIT("https://as.example/?x"), &arena, p, &n) == E_FORMAT);
}

Test(oauth, writes_a_server_in_one_way)
{
	struct span	s;

	cr_assert(oauth_canonical(SPAN_LIT("https://Gw.Example:443/Mcp/?q=1#f"), &arena, &s) == 0);
	cr_expect(is(s, "https://gw.example/Mcp"));
	cr_assert(oauth_canonical(SPAN_LIT("https://gw.example:8443"), &arena, &s) == 0);
	cr_expect(is(s, "https://gw.example:8443"));
}

Test(oauth, believes_a_document_of_its_own_server_alone)
{
	static const struct { const char *said; bool ok; } rows[] = {
		{ "https://u.example/mcp", true }, { "https://u.example", true }, { "https://u.example/", true },
		{ "https://U.EXAMPLE/mcp/", true }, { "https://u.example:443/mcp", true },
		{ "https://u.example/mc", false }, { "https://u.example/mcp/more", false }, { "http://u.example/mcp", false },
		{ "https://evil.example/mcp", false }, { "https://u.example:444/mcp", false }, { "", false },
		{ "https://u.example.evil.example/mcp", false }, { "https://u.example@evil.example/mcp", false },
	};
	char			text[512];
	struct oauth_resource	out;
	const char		*why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"resource\":\"%s\",\"authorization_servers\":[\"https://as\"]}", rows[i].said);
		cr_expect((oauth_resource_read(span_of(text), SPAN_LIT("https://u.example/mcp"), &arena, &out, &why) == 0) ==
		    rows[i].ok, "%s", rows[i].said);
	}
	cr_expect(oauth_resource_read(SPAN_LIT("[]"), SPAN_LIT("https://u"), &arena, &out, &why) == E_FORMAT);
	cr_expect(oauth_resource_read(SPAN_LIT("{\"resource\":\"https://u\",\"resource\":\"https://u\"}"),
	    SPAN_LIT("https://u"), &arena, &out, &why) == E_FORMAT, "twice there: whose?");
}

Test(oauth, believes_an_issuer_that_names_itself)
{
	static const char	text[] = "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"https://as.example/t\","
	    "\"authorization_endpoint\":\"javascript:x\",\"code_challenge_methods_supported\":[\"plain\",\"S256\"],"
	    "\"scopes_supported\":[\"a\",\"offline_access\"]}";
	struct oauth_server	s;
	const char		*why;

	cr_assert(oauth_server_read(span_of(text), SPAN_LIT("https://as.example"), &arena, &s, &why) == 0);
	cr_expect(s.s256 && s.methods == OAUTH_METHOD_BASIC && is(s.scopes, "a offline_access"));
	cr_expect(s.authorization_endpoint.n == 0, "no url");
	/* By exact bytes, without any idea of what may be equal. */
	cr_expect(oauth_server_read(span_of(text), SPAN_LIT("https://as.example/"), &arena, &s, &why) == E_DENIED);
	cr_expect(oauth_server_read(span_of(text), SPAN_LIT("https://AS.example"), &arena, &s, &why) == E_DENIED);
}

Test(oauth, keeps_a_grant_as_bytes)
{
	struct oauth_grant	g = { .issuer = SPAN_LIT("https://as"), .access_token = SPAN_LIT("at"),
	    .refresh_token = SPAN_LIT("rt"), .ends_ms = 12345, .registered = 1 }, out;
	struct buf		b;

	buf_init(&b, 4096);
	cr_assert(oauth_grant_put(&b, &g) == 0);
	cr_assert(oauth_grant_read(buf_rest(&b), &out) == 0);
	cr_expect(is(out.issuer, "https://as") && is(out.access_token, "at") && is(out.refresh_token, "rt"));
	cr_expect(out.ends_ms == 12345 && out.registered == 1 && out.client_secret.n == 0);
	for (size_t n = 0; n < buf_rest(&b).n; n++)
		if (oauth_grant_read(span_part(buf_rest(&b), 0, n), &out) == 0)
			cr_expect(is(out.issuer, "https://as"), "cut at %zu", n);
	cr_expect(oauth_grant_read(SPAN_NONE, &out) == E_FORMAT);
	buf_fini(&b);
}
