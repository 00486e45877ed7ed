/* SPDX-License-Identifier: Apache-2.0
 *
 * f1_browsers.c - pages of allowed origins may send what MCP needs and see every answer; no other page may
 */
#include "tests/integration/common.h"

#define PAGE	"Origin: http://allowed.example\r\n"
#define JSON	"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
#define CONF	"allowed_origins = http://allowed.example\n"

static void
expect_seen(const struct answer *a, int status, const char *what)
{
	const char	*value = answer_header(a, "Access-Control-Allow-Origin");

	EXPECT_STATUS(*a, status, "%s", what);
	cr_expect(value != NULL && strcmp(value, "http://allowed.example") == 0, "%s: %s", what, a->head);
	value = answer_header(a, "Access-Control-Expose-Headers");
	cr_expect(value != NULL && strcmp(value, "Mcp-Session-Id, WWW-Authenticate, Retry-After") == 0, "%s: %s", what, a->head);
}

static void
post(struct mcp *m, const char *headers, const char *body, int status, const char *what)
{
	struct answer	a;
	char		all[512];

	snprintf(all, sizeof(all), JSON PAGE "%s", headers);
	mcp_post(m, all, body, &a);
	expect_seen(&a, status, what);
	answer_fini(&a);
}

Test(browsers, of_allowed_origins_see_every_answer)
{
	struct gateway	g;
	struct answer	a;
	struct mcp	m;
	char		headers[2048];

	gateway_start(&g, &(struct gateway_setup){ .conf = CONF });
	client_once(g.mcp, "POST", "/mcp", PAGE JSON, "{}", &a);
	expect_seen(&a, 401, "no key");
	cr_expect(answer_header(&a, "WWW-Authenticate") != NULL);
	answer_fini(&a);
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "page"));
	cr_assert(mcp_initialize(&m) == 200);
	post(&m, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 200, "ping");
	post(&m, "", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202, "a notification");
	post(&m, "", "not JSON", 400, "no JSON");
	post(&m, "MCP-Protocol-Version: 1999-01-01\r\n", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 400,
	    "an unknown revision");
	snprintf(headers, sizeof(headers), PAGE "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n", m.key, m.session);
	client_once(g.mcp, "GET", "/mcp/nowhere", headers, NULL, &a);
	expect_seen(&a, 404, "no such path");
	answer_fini(&a);
	client_once(g.mcp, "DELETE", "/mcp", headers, NULL, &a);
	expect_seen(&a, 200, "the session's end");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(browsers, may_send_the_headers_of_mcp_and_of_tools)
{
	static const struct { const char *asked, *more; } rows[] = {
		{ "", "" },
		{ "Access-Control-Request-Headers: mcp-param-region,mcp-method , MCP-Param-Deep,cookie\r\n",
		    ", mcp-param-region, MCP-Param-Deep" },
		{ "Access-Control-Request-Headers: mcp-param-a\r\nAccess-Control-Request-Headers: mcp-param-b\r\n",
		    ", mcp-param-a, mcp-param-b" },
		{ "Access-Control-Request-Headers: mcp-param-, mcp-param-a b, mcp-param-(, x-mcp-param-c, ,\r\n", "" },
	};
	struct gateway	g;
	struct answer	a;
	char		headers[512], want[512];
	const char	*allowed;

	gateway_start(&g, &(struct gateway_setup){ .conf = CONF });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(headers, sizeof(headers), PAGE "Access-Control-Request-Method: POST\r\n%s", rows[i].asked);
		client_once(g.mcp, "OPTIONS", "/mcp", headers, NULL, &a);
		EXPECT_STATUS(a, 204, "row %zu", i);
		allowed = answer_header(&a, "Access-Control-Allow-Headers");
		snprintf(want, sizeof(want), "Content-Type, Accept, Authorization, MCP-Protocol-Version, Mcp-Method, "
		    "Mcp-Name, Mcp-Session-Id, Last-Event-ID%s", rows[i].more);
		cr_expect(allowed != NULL && strcmp(allowed, want) == 0, "row %zu: %s", i, a.head);
		allowed = answer_header(&a, "Access-Control-Allow-Methods");
		cr_expect(allowed != NULL && strcmp(allowed, "POST, GET, DELETE, OPTIONS") == 0, "%s", a.head);
		answer_fini(&a);
	}
	gateway_stop(&g);
}

Test(browsers, of_other_origins_are_told_nothing)
{
	static const char *const origins[] = { "Origin: http://evil.example\r\n", "Origin: null\r\n",
		"Origin: http://allowed.example\r\nOrigin: http://evil.example\r\n", "" };
	static const char *const methods[] = { "OPTIONS", "POST", "GET", "DELETE" };
	struct gateway	g;
	struct answer	a;

	gateway_start(&g, &(struct gateway_setup){ .conf = CONF });
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			client_once(g.mcp, methods[k], "/mcp", origins[i], k == 1 ? "{}" : NULL, &a);
			cr_expect(a.status >= 400, "%s %s: %d", methods[k], origins[i], a.status);
			cr_expect(answer_header(&a, "Access-Control-Allow-Origin") == NULL, "%s %s: %s", methods[k],
			    origins[i], a.head);
			/* RFC 9110 15.5.6; an OPTIONS without an Origin is one. */
			cr_expect((a.status == 405) == (k == 0 && i == 3) &&
			    (a.status != 405 || answer_header(&a, "Allow") != NULL), "%s %s: %s", methods[k], origins[i], a.head);
			answer_fini(&a);
		}
	gateway_stop(&g);
}
