/* SPDX-License-Identifier: Apache-2.0
 *
 * i3_roles.c - tokens that name roles and a workspace and stand for no agent: seed 002's policy.yaml decides
 */
#include <time.h>

#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define ISS	"https://idp.example"
#define AUD	"https://gw.example/mcp"

static struct gateway	g;

static void
begin(void)
{
	char	*key = signer_jwk(JWS_ALG_ES256, "k"), *text, *out;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = "{}",
	    .conf = "policy_file = $config_dir/policy.yaml\n" });
	cr_assert(asprintf(&text, "{\"issuers\":{\"" ISS "\":{\"audience\":\"" AUD "\",\"keys\":[%s]}}}", key) > 0);
	gateway_write(&g, "issuers.json", text);
	/* Without roles nobody could say what such a token is for. */
	cr_expect(gateway_ctl(&g, &out, true, "check", NULL) == 78 && strstr(out, "there have to be roles") != NULL, "%s",
	    out);
	free(out);
	gateway_write(&g, "policy.yaml", "default_action: deny\n"
	    "roles:\n  admin: {allowed_tools: [\"*\"]}\n  developer: {allowed_tools: [now, add]}\n"
	    "workspaces:\n  frozen: {denied_tools: [add]}\n  narrow: {allowed_tools: [add]}\n"
	    "tools:\n  now: {risk_tier: low, required_roles: [developer]}\n");
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	free(text);
	free(key);
}

/* A token of one who has these: a part of its claims. */
static char *
token(const char *has)
{
	char	claims[400];

	snprintf(claims, sizeof(claims), "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"ann\",\"exp\":%ld%s}",
	    (long)time(NULL) + 600, has);
	return signer_token("{\"alg\":\"ES256\"}", claims, JWS_ALG_ES256, false);
}

/* What is listed is what may be called, in the view of the server and in the merged one. */
static void
expect_tools(const char *has, bool now, bool add)
{
	const struct { const char *tool, *merged, *arguments; bool may; } tools[] = {
		{ "now", "clock__now", "{}", now }, { "add", "clock__add", "{\"a\":2,\"b\":40}", add },
	};
	char		*t = token(has);
	struct answer	 list, a;
	struct mcp	 m;

	for (int merged = 0; merged < 2; merged++) {
		mcp_init(&m, g.mcp, merged ? "/mcp/catalog" : "/servers/clock/mcp", t);
		mcp_ask_modern(&m, "tools/list", NULL, &list);
		for (size_t i = 0; i < 2; i++) {
			const char	*name = merged ? tools[i].merged : tools[i].tool;

			cr_expect(tools_have(&list, name) == tools[i].may, "%s, %s: %s", has, name, list.body);
			mcp_call(&m, name, tools[i].arguments, &a);
			cr_expect((json_at(a.json, "result.content") != NULL) == tools[i].may, "%s, %s: %s", has, name,
			    a.body);
			answer_fini(&a);
		}
		answer_fini(&list);
		mcp_fini(&m);
	}
	free(t);
}

Test(roles, of_a_token_alone_decide_where_its_issuer_names_no_agent, .timeout = 60)
{
	struct answer	a;
	struct mcp	m;
	char		*t;

	NEEDS_JAILS();
	begin();
	expect_tools(",\"roles\":[\"developer\"]", true, true);
	expect_tools(",\"roles\":[\"admin\"]", true, true);
	expect_tools(",\"roles\":[\"developer\"],\"workspace\":\"frozen\"", true, false);
	expect_tools(",\"roles\":[\"developer\"],\"tenant\":\"frozen\"", true, false);
	expect_tools(",\"roles\":[\"nobody\"],\"workspace\":\"narrow\"", false, true);

	/* Somebody whom nothing allows anything does not learn what there is. */
	t = token("");
	mcp_init(&m, g.mcp, "/servers/clock/mcp", t);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 404, "nothing is allowed");
	answer_fini(&a);
	mcp_fini(&m);
	mcp_init(&m, g.mcp, "/mcp/discovery", t);
	mcp_call(&m, "list_servers", "{}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "[]") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	free(t);
	gateway_stop(&g);
}
