/* SPDX-License-Identifier: Apache-2.0
 *
 * i4_passed_on.c - of what a client sends in its head nothing reaches a server, and no name in it gives trust (threats T5,
 *                  T10)
 */
#include <time.h>

#include "tests/harness/lying.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ISS	"https://idp.example"
#define AUD	"https://gw.example/mcp"
#define SAID	"said-by-the-client"

/* Names that gateways and proxies take for somebody's word, each with a value that is looked for. */
static const char *const names[] = {
	"X-Gateway-Auth", "X-User-ID", "X-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-For", "X-Forwarded-Host",
	"X-Forwarded-Proto", "Forwarded", "X-Real-IP", "X-Request-ID", "X-API-Key", "X-Admin-API-Key", "X-Tenant", "X-Tenant-ID",
	"X-Agent-ID", "X-Roles", "X-Auth-Request-User", "X-Amzn-Oidc-Data", "Cookie", "Proxy-Authorization", "X-Original-URL",
	"X-Rewrite-URL", "X-HTTP-Method-Override", "Via", "Referer", "User-Agent", "Mcpgw-Tenant", "Mcpgw-Agent", "Mcpgw-Router-Key",
	"X-Mcpgw-Session", "DPoP", "Authentication-Info", "X-Client-Cert", "X-SSL-Client-Verify", "X-Secret",
};
#define NAMES	(sizeof(names) / sizeof(names[0]))

static char	head[8192];

static void
write_head(const char *token)
{
	int	n = snprintf(head, sizeof(head), "Authorization: Bearer %s\r\n", token);

	for (size_t i = 0; i < NAMES; i++)
		n += snprintf(head + n, sizeof(head) - (size_t)n, "%s: " SAID "-%zu\r\n", names[i], i);
}

static char *
make_token(struct gateway *g)
{
	char	*key = signer_jwk(JWS_ALG_ES256, "k"), *text, *t;

	cr_assert(asprintf(&text, "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"agent\":\"one\",\"keys\":[%s]}}}", key) > 0);
	gateway_write(g, "issuers.json", text);
	free(text);
	free(key);
	cr_assert(gateway_ctl(g, NULL, true, "reload", NULL) == 0);
	cr_assert(asprintf(&text, "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%ld}", (long)time(NULL) + 300) > 0);
	t = signer_token("{\"alg\":\"ES256\"}", text, JWS_ALG_ES256, false);
	free(text);
	return t;
}

static void
try_with(const char *era)
{
	struct gateway	 g;
	struct lying	 upstream;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		 words[40], servers[200], *token, *headers, *body;

	snprintf(words, sizeof(words), "%s heads", era);
	lying_start(&upstream, words);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"up\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", upstream.port);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = "{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"up\"],"
	    "\"tools\":{\"up\":[\"*\"]}}},\"other\":{}}}" });
	token = make_token(&g);
	write_head(token);
	mcp_init(&m, g.mcp, "/servers/up/mcp", NULL);
	m.more = head;
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "%s: tools/list", era);
	answer_fini(&a);
	mcp_write(&m, "7", "tools/call", "{\"name\":\"ok\",\"arguments\":{}}", &headers, &body);
	mcp_post(&m, headers, body, &a);
	EXPECT_STATUS(a, 200, "%s: tools/call", era);
	answer_fini(&a);
	free(headers);
	free(body);
	/* Without the token the same words open nothing. */
	client_once(g.mcp, "POST", "/servers/up/mcp", strstr(head, "\r\n") + 2, "{}", &a);
	EXPECT_STATUS(a, 401, "without the token");
	answer_fini(&a);
	cr_expect(lying_saw(&upstream, "tools/list") > 0, "%s: nothing came", era);
	cr_expect(lying_saw(&upstream, "Host:") + lying_saw(&upstream, "host:") > 0, "%s: heads are not noted", era);
	cr_expect(lying_saw(&upstream, SAID) == 0, "%s: the client's words came through", era);
	cr_expect(lying_saw(&upstream, "eyJ") + lying_saw(&upstream, "Bearer") == 0, "%s: the client's token came through", era);
	records = gateway_audit(&g);
	for (size_t i = 0; i < json_object_array_length(records); i++)
		cr_expect_str_eq(json_text_at(json_object_array_get_idx(records, i), "principal"), "ann at " ISS);
	cr_expect(strstr(json_object_to_json_string(records), SAID) == NULL);
	json_object_put(records);
	mcp_fini(&m);
	free(token);
	gateway_stop(&g);
	lying_stop(&upstream);
}

Test(passed_on, nothing_of_a_clients_head_is_to_a_legacy_server)
{
	try_with("legacy");
}

Test(passed_on, nothing_of_a_clients_head_is_to_a_modern_server)
{
	try_with("modern");
}
