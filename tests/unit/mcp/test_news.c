/* SPDX-License-Identifier: Apache-2.0
 *
 * test_news.c - messages that are of no call
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/method.h"
#include "mcp/news.h"

#define ID	"\"a\\\"b\""
#define META	"\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"a\\\"b\"}"
#define ACK	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{" META \
	",\"notifications\":{"

static void
expect(struct buf *b, const char *text)
{
	cr_expect(span_is(buf_rest(b), text), "%.*s\nnot %s", SPAN_FMT(buf_rest(b)), text);
	buf_clear(b);
}

Test(news, name_the_subscription_they_are_of)
{
	struct buf	b;

	buf_init(&b, 4096);
	cr_assert(mcp_write_news(&b, "x/y", SPAN_NONE, SPAN_NONE) == 0);
	expect(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"x/y\"}");
	cr_assert(mcp_write_news(&b, "x/y", SPAN_LIT("f:\"\n"), SPAN_NONE) == 0);
	expect(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"x/y\",\"params\":{\"uri\":\"f:\\\"\\n\"}}");
	cr_assert(mcp_write_news(&b, "x/y", SPAN_NONE, SPAN_LIT(ID)) == 0);
	expect(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"x/y\",\"params\":{" META "}}");
	cr_assert(mcp_write_news(&b, "x/y", SPAN_LIT("u"), SPAN_LIT(ID)) == 0);
	expect(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"x/y\",\"params\":{" META ",\"uri\":\"u\"}}");
	cr_assert(mcp_write_listen_end(&b, SPAN_LIT("7")) == 0);
	expect(&b, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"_meta\":"
	    "{\"io.modelcontextprotocol/subscriptionId\":7}}}");
	buf_fini(&b);
}

Test(news, acknowledge_what_is_told_and_nothing_else)
{
	static const struct { uint32_t offers; const char *uris, *text; } rows[] = {
		{ 0, "", ACK "}}}" },
		{ MCP_OFFER_TOOLS | MCP_OFFER_PROMPTS | MCP_OFFER_RESOURCES, "", ACK "}}}" },
		{ MCP_OFFER_UPDATED | MCP_OFFER_LOGGING, "\"u\"", ACK "\"resourceSubscriptions\":[\"u\"]}}}" },
		{ MCP_OFFER_PROMPTS_CHANGED, "", ACK "\"promptsListChanged\":true}}}" },
		{ MCP_OFFER_CHANGES, "\"u\",\"v\"",
		    ACK "\"toolsListChanged\":true,\"promptsListChanged\":true,\"resourcesListChanged\":true,"
		    "\"resourceSubscriptions\":[\"u\",\"v\"]}}}" },
	};
	struct buf	b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(mcp_write_listen_ack(&b, SPAN_LIT(ID), rows[i].offers, span_of(rows[i].uris)) == 0);
		expect(&b, rows[i].text);
	}
	buf_fini(&b);
}

static int
read_news(const char *method, const char *params, struct arena *a, enum link_event_kind *what, struct span *uri)
{
	struct json_value	v;

	cr_assert(json_parse(span_of(params), true, &v, NULL) == 0, "%s", params);
	return mcp_read_news(mcp_method_find(span_of(method)), v, a, what, uri);
}

Test(news, of_servers_are_read_and_bounded)
{
	static const struct { const char *method, *params; int want; enum link_event_kind what; const char *uri; } rows[] = {
		{ "notifications/tools/list_changed", "{}", 0, LINK_EVENT_TOOLS, "" },
		{ "notifications/prompts/list_changed", "{\"uri\":7}", 0, LINK_EVENT_PROMPTS, "" },
		{ "notifications/resources/list_changed", "{\"uri\":\"x\"}", 0, LINK_EVENT_RESOURCES, "" },
		{ "notifications/resources/updated", "{\"uri\":\"a:\\u00e4\"}", 0, LINK_EVENT_UPDATED, "a:\xc3\xa4" },
		{ "notifications/resources/updated", "{\"uri\":7}", E_FORMAT, LINK_EVENT_LIMIT, NULL },
		{ "notifications/resources/updated", "{\"uri\":\"\"}", E_FORMAT, LINK_EVENT_LIMIT, NULL },
		{ "notifications/resources/updated", "{\"uri\":\"a\\nb\"}", E_FORMAT, LINK_EVENT_LIMIT, NULL },
		{ "notifications/resources/updated", "{}", E_FORMAT, LINK_EVENT_LIMIT, NULL },
		{ "notifications/message", "{}", E_NOTFOUND, LINK_EVENT_LIMIT, NULL },
		{ "ping", "{}", E_NOTFOUND, LINK_EVENT_LIMIT, NULL },
	};
	char			 big[LINK_URI_MAX + 64];
	enum link_event_kind	 what;
	struct span		 uri;
	struct arena		 a;

	arena_init(&a, NULL, 0, 16 * LINK_URI_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(read_news(rows[i].method, rows[i].params, &a, &what, &uri) == rows[i].want, "row %zu", i);
		if (rows[i].want == 0)
			cr_expect(what == rows[i].what && span_is(uri, rows[i].uri), "row %zu", i);
	}
	snprintf(big, sizeof(big), "{\"uri\":\"%0*d\"}", LINK_URI_MAX + 1, 7);
	cr_expect(read_news("notifications/resources/updated", big, &a, &what, &uri) == E_FORMAT);
	arena_fini(&a);
}

Test(news, of_a_resource_are_those_of_what_is_above_it)
{
	static const struct { const char *above, *uri; bool want; } rows[] = {
		{ "f:/a", "f:/a", true }, { "f:/a", "f:/a/b", true }, { "f:/a/", "f:/a/b", true },
		{ "f:/a", "f:/ab", false }, { "f:/a/b", "f:/a", false }, { "", "f:/a", false }, { "g:/a", "f:/a", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(mcp_uri_covers(span_of(rows[i].above), span_of(rows[i].uri)) == rows[i].want, "row %zu", i);
}

Test(news, are_asked_for_with_what_is_subscribed_to)
{
	struct buf	b;

	buf_init(&b, 4096);
	cr_assert(mcp_write_listen_params(&b, SPAN_NONE) == 0);
	expect(&b, "{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"
	    "\"resourcesListChanged\":true}}");
	cr_assert(mcp_write_listen_params(&b, SPAN_LIT("\"u\",\"v\"")) == 0);
	expect(&b, "{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"
	    "\"resourcesListChanged\":true,\"resourceSubscriptions\":[\"u\",\"v\"]}}");
	buf_fini(&b);
}
