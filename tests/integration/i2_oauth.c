/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_oauth.c - the gateway as a protected resource: what it says of itself, whom it sends where for which token, and what
 *              a token's scopes and audience open
 */
#include <time.h>

#include "tests/harness/hearing.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ISS	"https://idp.example"
#define SITE	"https://gw.example"
#define META	SITE "/.well-known/oauth-protected-resource"
#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\",\"notes\"],\"tools\":{"	\
	"\"clock\":[\"now\",\"add\"],\"notes\":[\"*\"]}},\"deny\":{\"tools\":{\"notes\":[\"drop_all\"]}}}}}"
#define SCOPES	"\"scopes\":{\"clock:read\":{\"tools\":{\"clock\":[\"now\"]}},"			\
	"\"clock\":{\"servers\":[\"clock\"],\"implies\":[\"clock:*\"]},"			\
	"\"notes\":{\"servers\":[\"notes\"],\"advertise\":false}},"

static struct gateway	g;
static const char	*servers = DEMO_SERVERS, *rules = RULES;

static char *
token(const char *aud, const char *more, long from_now)
{
	char	claims[600];

	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"%s\",\"sub\":\"ann\",\"exp\":%ld%s}", aud,
	    (long)time(NULL) + from_now, more);
	return signer_token("{\"alg\":\"ES256\"}", claims, JWS_ALG_ES256, false);
}

static void
start(const char *conf, const char *scopes)
{
	char	*key = signer_jwk(JWS_ALG_ES256, "k"), *text;

	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = rules, .conf = conf });
	cr_assert(asprintf(&text, "{%s\"issuers\":{\"" ISS "\":{\"agent\":\"backend\",\"skew\":\"0\",%s\"keys\":[%s]}}}", scopes,
	    conf == NULL ? "\"audience\":\"x\"," : "", key) > 0);
	gateway_write(&g, "issuers.json", text);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	free(text);
	free(key);
}

#define PUBLIC	"public_url = " SITE "\n"

/* What is answered to METHOD PATH with these header lines, and the challenge of it; NULL: no such header. */
static void
expect(const char *method, const char *path, const char *headers, int status, const char *challenge)
{
	const bool	 posts = strcmp(method, "POST") == 0;
	const char	*said;
	struct answer	 a;
	char		*all;

	cr_assert(asprintf(&all, "%s%s", headers, posts ? "Content-Type: application/json\r\n" : "") >= 0);
	client_once(g.mcp, method, path, all, posts ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}" : NULL, &a);
	EXPECT_STATUS(a, status, "%s %s, %s", method, path, headers);
	said = answer_header(&a, "WWW-Authenticate");
	cr_expect(challenge == NULL ? said == NULL : said != NULL && strcmp(said, challenge) == 0, "%s %s, %s: %s", method, path,
	    headers, said == NULL ? "(no challenge)" : said);
	answer_fini(&a);
	free(all);
}

/* ---- what it says of itself ---------------------------------------------------------------------- */

Test(oauth, metadata_is_there_for_each_path_and_everybody)
{
	static const struct { const char *path, *resource; } rows[] = {
		{ "", "/mcp" }, { "/", "/mcp" }, { "/mcp", "/mcp" }, { "/mcp/", "/mcp" }, { "/mcp/discovery", "/mcp/discovery" },
		{ "/mcp/catalog", "/mcp/catalog" }, { "/servers/clock/mcp", "/servers/clock/mcp" },
		{ "/sse", "/sse" }, { "/servers/clock/sse", "/servers/clock/sse" }, { "/mcp/catalog/sse/", "/mcp/catalog/sse" },
		{ "/servers/no.such_one/mcp", "/servers/no.such_one/mcp" }, { "/t/acme/mcp", "/t/acme/mcp" },
		{ "/t/acme/servers/clock/mcp/", "/t/acme/servers/clock/mcp" },
	};
	struct answer	a;
	char		path[100], want[600];

	start(PUBLIC, SCOPES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path), "/.well-known/oauth-protected-resource%s", rows[i].path);
		/* A tenant that is not there has no issuers, as one that has none. */
		snprintf(want, sizeof(want), "{\"resource\":\"" SITE "%s\",%s\"bearer_methods_supported\":[\"header\"],"
		    "\"resource_name\":\"mcpgw\"}", rows[i].resource, strncmp(rows[i].path, "/t/", 3) == 0 ? "" :
		    "\"authorization_servers\":[\"" ISS "\"],\"scopes_supported\":[\"clock:read\",\"clock\"],");
		client_once(g.mcp, "GET", path, "Origin: https://anywhere.example\r\n", NULL, &a);
		EXPECT_STATUS(a, 200, "%s", path);
		cr_expect_str_eq(a.body, want);
		cr_expect_str_eq(answer_header(&a, "Access-Control-Allow-Origin"), "*");
		cr_expect_str_eq(answer_header(&a, "Content-Type"), "application/json");
		answer_fini(&a);
	}
	client_once(g.mcp, "OPTIONS", path, "Origin: https://anywhere.example\r\n", NULL, &a);
	EXPECT_STATUS(a, 204, "what a page asks first");
	cr_expect_str_eq(answer_header(&a, "Access-Control-Allow-Headers"), "*");
	answer_fini(&a);
	/* The name that the public URL has is one to be called by, others are not. */
	client_once(g.mcp, "GET", path, "X: 1\r\n", NULL, &a);
	EXPECT_STATUS(a, 200, "without an origin");
	answer_fini(&a);
	gateway_stop(&g);
}

Test(oauth, metadata_is_of_no_other_path_name_or_method)
{
	static const char *const paths[] = { "/x", "/servers//mcp", "/servers/a%22b/mcp", "/servers/clock", "/mcp/x", "x", "/mcp/sse", "/messages", "/t//mcp",
		"/mcp//" };
	struct client	c;
	struct answer	a;
	char		path[100];
	const char	raw[] = "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		head[] = "HEAD /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n";

	start(PUBLIC, SCOPES);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(path, sizeof(path), "/.well-known/oauth-protected-resource%s", paths[i]);
		client_once(g.mcp, "GET", path, "", NULL, &a);
		EXPECT_STATUS(a, 401, "%s", path);
		answer_fini(&a);
	}
	client_once(g.mcp, "POST", "/.well-known/oauth-protected-resource/mcp", "", "{}", &a);
	EXPECT_STATUS(a, 401, "POST");
	answer_fini(&a);
	cr_assert(client_open(&c, g.mcp) && client_send(&c, raw, sizeof(raw) - 1));
	client_read(&c, 5000, &a);
	EXPECT_STATUS(a, 403, "a name that is not ours");
	answer_fini(&a);
	client_close(&c);
	cr_assert(client_open(&c, g.mcp) && client_send(&c, head, sizeof(head) - 1));
	client_read(&c, 500, &a);
	cr_expect(a.status == 200 || (a.head != NULL && strstr(a.head, "200 OK") != NULL), "HEAD: %d", a.status);
	answer_fini(&a);
	client_close(&c);
	gateway_stop(&g);
}

Test(oauth, metadata_is_for_who_has_an_issuer_and_a_public_url)
{
	start(NULL, "");
	expect("GET", "/.well-known/oauth-protected-resource/mcp", "", 401, "Bearer realm=\"mcpgw\"");
	gateway_stop(&g);
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES, .conf = PUBLIC });
	expect("GET", "/.well-known/oauth-protected-resource/mcp", "", 401, "Bearer realm=\"mcpgw\"");
	expect("POST", "/mcp", "", 401, "Bearer realm=\"mcpgw\"");
	gateway_stop(&g);
}

/* ---- challenges ---------------------------------------------------------------------------------- */

#define AT(path)	", resource_metadata=\"" META path "\""
#define ASK_FOR		", scope=\"clock:read clock\""

Test(oauth, every_route_says_what_to_bring_and_what_was_wrong)
{
	static const struct { const char *path, *metadata, *methods; } routes[] = {
		{ "/mcp", AT("/mcp"), "POST GET DELETE" }, { "/mcp/discovery", AT("/mcp/discovery"), "POST GET DELETE" },
		{ "/mcp/catalog", AT("/mcp/catalog"), "POST GET DELETE" },
		{ "/servers/clock/mcp", AT("/servers/clock/mcp"), "POST GET DELETE" },
		{ "/servers/nobody/mcp", AT("/servers/nobody/mcp"), "POST" },
		{ "/sse", AT("/sse"), "GET POST" }, { "/messages?sessionId=x", AT("/sse"), "POST" },
		{ "/servers/clock/sse", AT("/servers/clock/sse"), "GET" },
		{ "/servers/clock/messages?sessionId=x", AT("/servers/clock/sse"), "POST" },
		{ "/elsewhere", "", "GET POST" }, { "/servers/a\"b/mcp", NULL, "" },
	};
	char	*late = token(SITE "/mcp", "", -5), headers[2000], want[600];

	start(PUBLIC, SCOPES);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		for (const char *m = routes[i].methods; *m != '\0'; m += strcspn(m, " "), m += *m == ' ') {
			const char	*of = routes[i].metadata, *path = routes[i].path;
			char		 method[8];

			snprintf(method, sizeof(method), "%.*s", (int)strcspn(m, " "), m);
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\"%s" ASK_FOR, of);
			expect(method, path, "", 401, want);
			expect(method, path, "Authorization: Basic YTpi\r\n", 401, want);
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\", error=\"invalid_token\"%s" ASK_FOR, of);
			expect(method, path, "Authorization: Bearer a.b.c\r\n", 401, want);
			expect(method, path, "Authorization: bearer mgk_nobody\r\n", 401, want);
			snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", late);
			/* Of a token for /mcp elsewhere nothing is said of its age. */
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\", error=\"invalid_token\", error_description=\"%s\"%s" ASK_FOR,
			    strcmp(of, AT("/mcp")) == 0 || strcmp(of, AT("/sse")) == 0 ? "it has expired" : "it is for another audience", of);
			expect(method, path, headers, 401, want);
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\", error=\"invalid_request\", "
			    "error_description=\"there is more than one credential\"%s", of);
			expect(method, path, "Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\n", 400, want);
			snprintf(want, sizeof(want), "Bearer realm=\"mcpgw\", error=\"invalid_request\", "
			    "error_description=\"what follows Bearer is no token\"%s", of);
			expect(method, path, "Authorization: Bearer a b\r\n", 400, want);
			expect(method, path, "Authorization: Bearer\r\n", 400, want);
		}
	expect("GET", "/mcp?access_token=a.b.c", "", 400, "Bearer realm=\"mcpgw\", error=\"invalid_request\", "
	    "error_description=\"it stands in the URL\"" AT("/mcp"));
	free(late);
	gateway_stop(&g);
}

/* ---- audience ------------------------------------------------------------------------------------ */

static int
opens(const char *path, const char *bearer)
{
	struct mcp	m;
	struct answer	a;
	int		status;

	mcp_init(&m, g.mcp, path, bearer);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	status = a.status;
	answer_fini(&a);
	mcp_fini(&m);
	return status;
}

Test(oauth, a_token_for_one_path_opens_that_path_and_no_other)
{
	static const char *const paths[] = { "/mcp", "/mcp/discovery", "/mcp/catalog", "/servers/clock/mcp", "/servers/notes/mcp" };
	char	aud[100], *t;

	start(PUBLIC, "");
	for (size_t i = 0; i < 5; i++)
		for (int slash = 0; slash < 2; slash++) {
			snprintf(aud, sizeof(aud), SITE "%s%s", paths[i], slash ? "/" : "");
			t = token(aud, "", 60);
			/* Twice: both workers have it in their cache by then. */
			for (int n = 0; n < 3; n++)
				for (size_t k = 0; k < 5; k++)
					cr_expect(opens(paths[k], t) == (i == k ? 200 : 401), "%s at %s", aud, paths[k]);
			free(t);
		}
	/* A client of HTTP+SSE takes the stream's URL for the resource. */
	t = token(SITE "/sse", "", 60);
	cr_expect(opens("/mcp", t) == 200 && opens("/mcp/catalog", t) == 401 && opens("/servers/clock/mcp", t) == 401);
	free(t);
	t = token(SITE "/servers/clock/sse", "", 60);
	cr_expect(opens("/servers/clock/mcp", t) == 200 && opens("/mcp", t) == 401);
	free(t);
	/* Neither the site nor the client is a resource. */
	t = token(SITE, "", 60);
	cr_expect(opens("/mcp", t) == 401);
	free(t);
	t = token("client-7", "", 60);
	cr_expect(opens("/mcp", t) == 401);
	free(t);
	gateway_stop(&g);
}

/* ---- scopes -------------------------------------------------------------------------------------- */

#define LACKS(scope, at)	"Bearer realm=\"mcpgw\", error=\"insufficient_scope\"" AT(at) ", scope=\"" scope "\""

static void
expect_lacks(const struct answer *a, const char *challenge, const char *what)
{
	const char	*said = answer_header(a, "WWW-Authenticate");

	EXPECT_STATUS(*a, 403, "%s", what);
	cr_expect(said != NULL && strcmp(said, challenge) == 0, "%s: %s", what, said == NULL ? "(none)" : said);
	cr_expect_str_eq(json_text_at(a->json, "error.data.code"), "INSUFFICIENT_SCOPE", "%s", what);
}

Test(oauth, a_call_that_its_scopes_do_not_cover_is_told_which_one_would)
{
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		*t = NULL;

	NEEDS_JAILS();
	start(PUBLIC, SCOPES);
	t = token(SITE "/mcp", ",\"scope\":\"openid clock:read\"", 60);
	for (int modern = 0; modern < 2; modern++) {
		mcp_init(&m, g.mcp, "/mcp", t);
		if (!modern)
			cr_assert(mcp_initialize(&m) == 200);
		mcp_ask_either(&m, "tools/list", NULL, &a);
		cr_expect(tools_have(&a, "clock__now") && !tools_have(&a, "clock__add") && !tools_have(&a, "notes__add"), "%s", a.body);
		answer_fini(&a);
		mcp_call(&m, "clock__now", "{}", &a);
		cr_expect(a.status == 200 && json_at(a.json, "result.content") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_call(&m, "clock__add", "{\"a\":1,\"b\":2}", &a);
		expect_lacks(&a, LACKS("clock", "/mcp"), "clock__add");
		cr_expect(json_int_at(a.json, "id") > 0, "%s", a.body);
		answer_fini(&a);
		/* One that is told of to nobody is told of when it is needed. */
		mcp_call(&m, "notes__anything", "{}", &a);
		expect_lacks(&a, LACKS("notes", "/mcp"), "notes__anything");
		answer_fini(&a);
		mcp_call(&m, "execute_tool", "{\"server\":\"notes\",\"tool\":\"list\",\"args\":{}}", &a);
		expect_lacks(&a, LACKS("notes", "/mcp"), "execute_tool");
		answer_fini(&a);
		mcp_call(&m, "get_server_tools", "{\"server\":\"notes\"}", &a);
		expect_lacks(&a, LACKS("notes", "/mcp"), "get_server_tools");
		answer_fini(&a);
		mcp_call(&m, "list_servers", "{}", &a);
		cr_expect(strstr(a.body, "clock") != NULL && strstr(a.body, "notes") == NULL, "%s", a.body);
		answer_fini(&a);
		/* Where no scope would help there is no challenge (mcp-wire 13.2). */
		mcp_call(&m, "notes__drop_all", "{}", &a);
		EXPECT_STATUS(a, 200, "denied by rules");
		cr_expect(json_int_at(a.json, "error.code") == 403 && answer_header(&a, "WWW-Authenticate") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	free(t);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "error", "INSUFFICIENT_SCOPE") == 8, "%s", json_object_to_json_string(records));
	cr_expect(audit_count(records, "status", "403") == 8);
	json_object_put(records);
	gateway_stop(&g);
}

Test(oauth, resources_and_prompts_are_covered_by_kind_and_what_is_nowhere_may_be_out_of_scope)
{
	struct mcp	m;
	struct answer	a;
	char		*t = NULL;

	NEEDS_JAILS();
	servers = "{\"mcpServers\":{\"alpha\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"alpha\"]},"
	    "\"beta\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"beta\"]}}}";
	rules = "{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}";
	start(PUBLIC, "\"scopes\":{\"a:data\":{\"servers\":[\"alpha\"],\"kinds\":[\"resources\"]},\"a\":{\"servers\":[\"alpha\"]},"
	    "\"b\":{\"servers\":[\"beta\"]}},");
	t = token(SITE "/mcp", ",\"scope\":\"a:data\"", 60);
	for (int modern = 0; modern < 2; modern++) {
		mcp_init(&m, g.mcp, "/mcp", t);
		if (!modern)
			cr_assert(mcp_initialize(&m) == 200);
		mcp_ask_either(&m, "resources/list", NULL, &a);
		cr_expect(strstr(a.body, "alpha://own") != NULL && strstr(a.body, "beta://own") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_ask_either(&m, "prompts/list", NULL, &a);
		cr_expect(json_at(a.json, "result.prompts[0]") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_ask_either(&m, "resources/read", "{\"uri\":\"alpha://own\"}", &a);
		cr_expect(a.status == 200 && json_at(a.json, "result.contents[0]") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_ask_either(&m, "resources/read", "{\"uri\":\"beta://own\"}", &a);
		expect_lacks(&a, LACKS("b", "/mcp"), "a resource of another server");
		answer_fini(&a);
		mcp_ask_either(&m, "prompts/get", "{\"name\":\"alpha__p\"}", &a);
		expect_lacks(&a, LACKS("a", "/mcp"), "a prompt");
		answer_fini(&a);
		mcp_fini(&m);
	}
	free(t);
	gateway_stop(&g);
}

Test(oauth, a_server_that_its_scopes_do_not_cover_is_refused_with_its_path)
{
	static const struct { const char *scope; int status; } rows[] = {
		{ ",\"scope\":\"clock:read\"", 403 }, { ",\"scp\":[\"notes\"]", 200 }, { "", 403 }, { ",\"scope\":\"notes\"", 200 },
		{ ",\"scope\":\"clock notes\"", 200 }, { ",\"scope\":[\"notes\"]", 200 }, { ",\"scope\":7,\"scp\":\"notes\"", 403 },
	};
	struct mcp	m;
	struct answer	a;
	char		*t;

	start(PUBLIC, SCOPES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t = token(SITE "/servers/notes/mcp", rows[i].scope, 60);
		mcp_init(&m, g.mcp, "/servers/notes/mcp", t);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, rows[i].status, "row %zu", i);
		if (a.status == 403)
			expect_lacks(&a, LACKS("notes", "/servers/notes/mcp"), "the path");
		answer_fini(&a);
		mcp_fini(&m);
		free(t);
	}
	gateway_stop(&g);
}

Test(oauth, scopes_count_for_each_message_of_an_array_and_on_a_stream)
{
	struct hearing	 h;
	struct mcp	 m;
	struct answer	 a;
	json_object	*first;
	char		*t = NULL;

	NEEDS_JAILS();
	start(PUBLIC, SCOPES);
	t = token(SITE "/mcp", ",\"scope\":\"clock:read\"", 60);
	mcp_init(&m, g.mcp, "/mcp", t);
	m.version = "2025-03-26";
	cr_assert(mcp_initialize(&m) == 200);
	mcp_post(&m, "", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"clock__now\"}},"
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"clock__add\"}}]", &a);
	EXPECT_STATUS(a, 200, "an array");
	cr_expect(json_object_is_type(a.json, json_type_array) && json_object_array_length(a.json) == 2, "%s", a.body);
	cr_expect(strstr(a.body, "INSUFFICIENT_SCOPE") != NULL && strstr(a.body, "\"content\"") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);

	mcp_init(&m, g.mcp, "/sse", t);
	hearing_begin(&h, &m, "", NULL, NULL);
	first = hearing_next(&h, patience(&g, 8000));
	cr_assert(json_object_is_type(first, json_type_string), "%d", h.status);
	snprintf(m.path, sizeof(m.path), "%s", json_object_get_string(first));
	json_object_put(first);
	mcp_post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-11-05\","
	    "\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}", &a);
	EXPECT_STATUS(a, 202, "initialize");
	answer_fini(&a);
	json_object_put(hearing_next(&h, patience(&g, 8000)));
	mcp_post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"clock__add\"}}", &a);
	expect_lacks(&a, LACKS("clock", "/mcp"), "a message of HTTP+SSE");
	answer_fini(&a);
	hearing_fini(&h);
	mcp_fini(&m);
	free(t);
	gateway_stop(&g);
}

/* mcp-wire 15.3: what is heard by a token is heard no longer than it is good for, on each kind of stream. */
Test(oauth, streams_end_with_their_token)
{
	struct hearing	 h[2];
	struct mcp	 m[2];
	json_object	*o;
	char		*t;

	start(PUBLIC, "");
	t = token(SITE "/mcp", "", 4);
	mcp_init(&m[0], g.mcp, "/sse", t);
	hearing_begin(&h[0], &m[0], "", NULL, NULL);
	mcp_init(&m[1], g.mcp, "/mcp", t);
	cr_assert(mcp_initialize(&m[1]) == 200);
	hearing_begin(&h[1], &m[1], "", NULL, NULL);
	o = hearing_next(&h[0], patience(&g, 3000));
	cr_assert(o != NULL && h[0].status == 200, "%d", h[0].status);
	json_object_put(o);
	for (int i = 0; i < 2; i++) {
		while ((o = hearing_next(&h[i], 8000)) != NULL)
			json_object_put(o);
		cr_expect(h[i].end, "the stream of %s goes on", i == 0 ? "HTTP+SSE" : "a session");
		hearing_fini(&h[i]);
		mcp_fini(&m[i]);
	}
	free(t);
	gateway_stop(&g);
}
