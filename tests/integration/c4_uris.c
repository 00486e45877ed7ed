/* SPDX-License-Identifier: Apache-2.0
 *
 * c4_uris.c - servers with rewrite_uris: every place of a URI, there and back, to clients of both eras
 */
#include "tests/harness/hearing.h"
#include "tests/integration/common.h"

#define STDIO(name, more, ...) "\"" name "\":{\"command\":\"@TOOLS@/tests/objects-server\",\"args\":[\"" name "\"" \
	__VA_ARGS__ "]" more "}"
#define REWRITES ",\"rewrite_uris\":true"
#define SERVERS "{\"mcpServers\":{" STDIO("plain", "") "," STDIO("spare", "") "," STDIO("one", REWRITES, ",\"links\"") "," \
	STDIO("Two", REWRITES ",\"prefix\":\"t-2\"", ",\"links\",\"modern\"") "," \
	"\"old\":{\"command\":\"@TOOLS@/tests/changing-server\"" REWRITES "}," \
	"\"new\":{\"command\":\"@TOOLS@/tests/changing-server\",\"args\":[\"modern\"]" REWRITES "}}}"
#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}," \
	"\"one\":{\"allow\":{\"servers\":[\"one\"],\"tools\":{\"one\":[\"*\"]}}}}}"
#define SOON	patience(&g, 5000)

static struct gateway	g;
static char		key[256];

static void
begin(void)
{
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = SERVERS, .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
}

static void
client(struct mcp *m, const char *path, bool modern)
{
	mcp_init(m, g.mcp, path, key);
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

static void
expect_at(const struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s is not %s: %.1500s", at, want, a->body);
}

static void
expect(struct mcp *m, const char *method, const char *params, const char *at, const char *want)
{
	struct answer	a;

	mcp_ask_either(m, method, params, &a);
	expect_at(&a, at, want);
	answer_fini(&a);
}

/* How many items of a list have this under this name. */
static size_t
count(struct mcp *m, const char *method, const char *list, const char *member, const char *want)
{
	struct answer	a;
	char		at[64];
	json_object	*items;
	size_t		n = 0;

	mcp_ask_either(m, method, NULL, &a);
	snprintf(at, sizeof(at), "result.%s", list);
	items = json_at(a.json, at);
	for (size_t i = 0; items != NULL && i < json_object_array_length(items); i++)
		n += strcmp(json_text_at(json_object_array_get_idx(items, i), member), want) == 0;
	answer_fini(&a);
	return n;
}

Test(uris, of_several_servers_are_all_there_and_lead_back, .timeout = 60)
{
	struct mcp	m;

	NEEDS_JAILS();
	begin();
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/mcp/catalog", modern);
		cr_expect(count(&m, "resources/list", "resources", "uri", "shared://all") == 1);
		cr_expect(count(&m, "resources/list", "resources", "uri", "mcpgw-one:shared://all") == 1);
		cr_expect(count(&m, "resources/list", "resources", "uri", "mcpgw-t-2:shared://all") == 1);
		cr_expect(count(&m, "resources/list", "resources", "uri", "mcpgw-one:one://own") == 1);
		cr_expect(count(&m, "resources/templates/list", "resourceTemplates", "uriTemplate", "same://{id}") == 1);
		cr_expect(count(&m, "resources/templates/list", "resourceTemplates", "uriTemplate",
		    "mcpgw-t-2:same://{id}") == 1);
		/* Who answers says so. */
		expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "result.contents[0].text", "plain has shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-one:shared://all\"}", "result.contents[0].text",
		    "one has shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-t-2:shared://all\"}", "result.contents[0].text",
		    "Two has shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-t-2:shared://all\"}", "result.contents[0].uri",
		    "mcpgw-t-2:shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-one:any:thing at all\"}", "result.contents[0].uri",
		    "mcpgw-one:any:thing at all");
		/* Not by the server's own name for it, and not of who is not there. */
		expect(&m, "resources/read", "{\"uri\":\"one://own\"}", "error.data.uri", "one://own");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-plain:shared://all\"}", "error.data.uri",
		    "mcpgw-plain:shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-one:missing://x\"}", "error.data.uri", "mcpgw-one:missing://x");
		expect(&m, "completion/complete", "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"mcpgw-t-2:same://{id}\"},"
		    "\"argument\":{\"name\":\"id\",\"value\":\"\"}}", "result.completion.values[0]", "Two");
		expect(&m, "completion/complete", "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"mcpgw-t-2:same://{id}\"},"
		    "\"argument\":{\"name\":\"id\",\"value\":\"\"}}", "result.completion.values[1]", "same://{id}");
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

Test(uris, begin_with_their_server_wherever_they_stand, .timeout = 60)
{
	static const char *const paths[] = { "/mcp/catalog", "/mcp/discovery", "/servers/one/mcp" };
	const char		*begins;
	struct mcp		 m;
	struct answer		 a;
	char			 want[64];

	NEEDS_JAILS();
	begin();
	for (int modern = 0; modern < 2; modern++)
		for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
			client(&m, paths[p], modern);
			begins = p == 2 ? "" : "mcpgw-one:";
			if (p == 1)
				mcp_ask_either(&m, "tools/call", "{\"name\":\"execute_tool\",\"arguments\":{\"agent_id\":\"all\","
				    "\"server\":\"one\",\"tool\":\"point\",\"args\":{}}}", &a);
			else
				mcp_ask_either(&m, "tools/call", p == 2 ? "{\"name\":\"point\"}" : "{\"name\":\"one__point\"}", &a);
			snprintf(want, sizeof(want), "%sshared://all", begins);
			expect_at(&a, "result.content[0].resource.uri", want);
			expect_at(&a, "result.content[0].resource.text", "shared://all");
			snprintf(want, sizeof(want), "%shidden://x", begins);
			expect_at(&a, "result.content[1].uri", want);
			expect_at(&a, "result.content[2].uri", "https://example.org/x");
			expect_at(&a, "result.content[3].uri", "HTTP://example.org/x");
			expect_at(&a, "result.content[4].uri", "data:,x");
			expect_at(&a, "result.content[5].text", "shared://all");
			expect_at(&a, "result.structuredContent.uri", "shared://all");
			snprintf(want, sizeof(want), "%sui://page", begins);
			expect_at(&a, "result._meta.ui.resourceUri", want);
			expect_at(&a, "result._meta.ui/resourceUri", want);
			answer_fini(&a);
			snprintf(want, sizeof(want), "%sshared://all", begins);
			expect(&m, "prompts/get", p == 2 ? "{\"name\":\"greet\"}" : "{\"name\":\"one__greet\"}",
			    "result.messages[0].content.resource.uri", want);
			snprintf(want, sizeof(want), "%shidden://x", begins);
			expect(&m, "prompts/get", p == 2 ? "{\"name\":\"greet\"}" : "{\"name\":\"one__greet\"}",
			    "result.messages[1].content.uri", want);
			if (p == 0)
				cr_expect(count(&m, "tools/list", "tools", "_meta.ui.resourceUri", "mcpgw-one:ui://page") == 1 &&
				    count(&m, "tools/list", "tools", "_meta.ui/resourceUri", "mcpgw-t-2:ui://page") == 1);
			if (p == 2) {
				cr_expect(count(&m, "tools/list", "tools", "_meta.ui.resourceUri", "ui://page") == 1);
				expect(&m, "resources/read", "{\"uri\":\"shared://all\"}", "result.contents[0].uri", "shared://all");
			}
			mcp_fini(&m);
		}
	gateway_stop(&g);
}

static void
expect_updated(struct hearing *h, const char *uri)
{
	json_object	*o = hearing_next(h, SOON);

	cr_expect(strcmp(json_text_at(o, "params.uri"), uri) == 0, "not %s: %s", uri, json_object_to_json_string(o));
	json_object_put(o);
}

static bool
has_no_subscription(void *arg)
{
	struct answer	a;
	bool		none;

	mcp_call(arg, "old__subscribed", "{}", &a);
	none = a.body != NULL && strstr(a.body, "changing://0") == NULL;
	answer_fini(&a);
	return none;
}

Test(uris, that_change_are_told_as_they_were_subscribed_to, .timeout = 60)
{
	struct hearing	h;
	struct mcp	m;
	struct answer	a;
	json_object	*o;

	NEEDS_JAILS();
	begin();
	client(&m, "/mcp/catalog", false);
	hearing_begin(&h, &m, NULL, NULL, NULL);
	mcp_ask(&m, "resources/subscribe", "{\"uri\":\"mcpgw-old:changing://0\"}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "old__touch", "{\"uri\":\"changing://0\"}", &a);
	EXPECT_STATUS(a, 200, "touch");
	answer_fini(&a);
	expect_updated(&h, "mcpgw-old:changing://0");
	mcp_ask(&m, "resources/unsubscribe", "{\"uri\":\"mcpgw-old:changing://0\"}", &a);
	answer_fini(&a);
	cr_expect(wait_until(has_no_subscription, &m, SOON), "it is subscribed to still");
	hearing_fini(&h);
	mcp_fini(&m);

	client(&m, "/mcp/catalog", true);
	hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", "{\"notifications\":{\"resourceSubscriptions\":["
	    "\"mcpgw-new:changing://0\",\"changing://0\"]}}");
	o = hearing_next(&h, SOON);
	cr_expect(strcmp(json_text_at(o, "params.notifications.resourceSubscriptions[0]"), "mcpgw-new:changing://0") == 0 &&
	    json_at(o, "params.notifications.resourceSubscriptions[1]") == NULL, "%s", json_object_to_json_string(o));
	json_object_put(o);
	mcp_call(&m, "new__touch", "{\"uri\":\"changing://0\"}", &a);
	answer_fini(&a);
	expect_updated(&h, "mcpgw-new:changing://0");
	hearing_fini(&h);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(uris, of_a_server_are_nobodys_who_may_not_use_it, .timeout = 60)
{
	struct mcp	m;

	NEEDS_JAILS();
	begin();
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "/mcp", modern);
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-one:shared://all\"}", "result.contents[0].text",
		    "one has shared://all");
		/* As one that is not there. */
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-t-2:shared://all\"}", "error.data.uri",
		    "mcpgw-t-2:shared://all");
		expect(&m, "resources/read", "{\"uri\":\"mcpgw-t-2:shared://all\"}", "error.code",
		    modern ? "-32602" : "-32002");
		mcp_fini(&m);
	}
	gateway_stop(&g);
}
