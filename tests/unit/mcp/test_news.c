/* SPDX-License-Identifier: Apache-2.0
 *
 * test_news.c - messages of our own that are of no call
 */
#include <criterion/criterion.h>

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
		{ MCP_OFFER_CHANGES | MCP_OFFER_LOGGING, "\"u\"", ACK "\"resourceSubscriptions\":[\"u\"]}}}" },
		{ MCP_OFFER_CHANGES | MCP_OFFER_TOOLS | MCP_OFFER_PROMPTS | MCP_OFFER_RESOURCES, "\"u\",\"v\"",
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
