/* SPDX-License-Identifier: Apache-2.0
 *
 * b2_eras.c - which revision is this request, and what is refused: every cell over a real socket
 *
 * The rows are those of the design's table of eras: a request is of the modern era by what its body
 * claims; headers are only compared with it.
 */
#include "tests/integration/common.h"

#define J	"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
#define V	"MCP-Protocol-Version: 2026-07-28\r\n"
#define V_OLD	"MCP-Protocol-Version: 2025-11-25\r\n"
#define LIST	"Mcp-Method: tools/list\r\n"
#define CALL	"Mcp-Method: tools/call\r\n"

#define PV(v)	"\"io.modelcontextprotocol/protocolVersion\":" v
#define CC	"\"io.modelcontextprotocol/clientCapabilities\":{}"
#define CI	"\"io.modelcontextprotocol/clientInfo\":"
#define LL	"\"io.modelcontextprotocol/logLevel\":"
#define META(inner) "\"_meta\":{" inner "}"
#define GOOD	META(PV("\"2026-07-28\"") "," CC)
#define REQ(method, params) "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"" method "\",\"params\":{" params "}}"
#define NOTE(method, params) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":{" params "}}"
#define INIT(version) REQ("initialize", "\"protocolVersion\":\"" version "\",\"capabilities\":{}," \
	"\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}")

enum credential { KEY, NO_KEY };

struct row {
	const char	*what;
	const char	*method, *headers, *body;
	int		 status, code;		/* code 0: none is looked at; 1: a result */
	enum credential	 credential;
};

static const struct row stateless_rows[] = {
	/* the way to the era */
	{ "no key", "POST", J, REQ("tools/list", ""), 401, 0, NO_KEY },
	{ "PUT", "PUT", J, "{}", 405, 0, KEY },
	{ "no media type", "POST", "Accept: application/json\r\n", "{}", 415, 0, KEY },
	{ "other media type", "POST", "Content-Type: text/plain\r\nAccept: application/json\r\n", "{}", 415, 0, KEY },
	{ "nothing we write", "POST", "Content-Type: application/json\r\nAccept: image/png\r\n" V LIST,
	    REQ("tools/list", GOOD), 406, 0, KEY },
	{ "JSON alone", "POST", "Content-Type: application/json\r\nAccept: application/json\r\n" V LIST,
	    REQ("tools/list", GOOD), 200, 1, KEY },
	{ "anything", "POST", "Content-Type: application/json\r\nAccept: */*\r\n" V LIST,
	    REQ("tools/list", GOOD), 200, 1, KEY },
	{ "media type with a parameter", "POST", "Content-Type: application/json; charset=utf-8\r\n"
	    "Accept: application/json, text/event-stream\r\n" V LIST, REQ("tools/list", GOOD), 200, 1, KEY },
	{ "not JSON", "POST", J, "{\"jsonrpc\":", 400, -32700, KEY },
	{ "empty body", "POST", J, "", 400, -32700, KEY },
	{ "bytes behind", "POST", J, "{} {}", 400, -32700, KEY },
	{ "not UTF-8", "POST", J, "{\"a\":\"\xff\"}", 400, -32700, KEY },
	{ "a number", "POST", J, "7", 400, -32600, KEY },
	{ "no jsonrpc", "POST", J, "{\"id\":1,\"method\":\"ping\"}", 400, -32600, KEY },
	{ "jsonrpc 1.0", "POST", J, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", 400, -32600, KEY },
	{ "id null", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400, -32600, KEY },
	{ "id an object", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", 400, -32600, KEY },
	{ "id a fraction", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", 400, -32600, KEY },
	{ "method a number", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", 400, -32600, KEY },
	{ "method twice", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"ping\"}", 400,
	    -32600, KEY },
	{ "name twice", "POST", J V CALL "Mcp-Name: a\r\n",
	    REQ("tools/call", "\"name\":\"a\",\"name\":\"b\"," GOOD), 400, -32600, KEY },
	{ "response without a session", "POST", J, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 400, -32600, KEY },
	/* arrays */
	{ "empty array", "POST", J, "[]", 400, -32600, KEY },
	{ "array with a claim", "POST", J V LIST, "[" REQ("tools/list", GOOD) "]", 400, -32600, KEY },
	{ "array with a number", "POST", J, "[7]", 400, -32600, KEY },
	{ "initialize in an array", "POST", J, "[" INIT("2025-03-26") "]", 400, -32600, KEY },
	{ "array of 2025-11-25", "POST", J V_OLD, "[" REQ("ping", "") "]", 400, -32600, KEY },
	/* initialize against claims */
	{ "initialize", "POST", J, INIT("2025-11-25"), 200, 1, KEY },
	{ "initialize asking for the modern one", "POST", J, INIT("2026-07-28"), 200, 1, KEY },
	{ "initialize, modern header", "POST", J V, INIT("2025-11-25"), 400, -32020, KEY },
	{ "initialize with a claim", "POST", J V "Mcp-Method: initialize\r\n", REQ("initialize", GOOD), 404, -32601,
	    KEY },
	{ "no claim, modern header", "POST", J V LIST, REQ("tools/list", ""), 400, -32602, KEY },
	{ "notification, modern header", "POST", J V, NOTE("notifications/cancelled", "\"requestId\":1"), 202, 0, KEY },
	{ "legacy request without a session", "POST", J V_OLD, REQ("tools/list", ""), 400, -32600, KEY },
	/* the modern ladder */
	{ "modern list", "POST", J V LIST, REQ("tools/list", GOOD), 200, 1, KEY },
	{ "no capabilities", "POST", J V LIST, REQ("tools/list", META(PV("\"2026-07-28\""))), 400, -32602, KEY },
	{ "capabilities a text", "POST", J V LIST, REQ("tools/list",
	    META(PV("\"2026-07-28\"") ",\"io.modelcontextprotocol/clientCapabilities\":\"x\"")), 400, -32602, KEY },
	{ "version a number", "POST", J V LIST, REQ("tools/list", META(PV("7") "," CC)), 400, -32602, KEY },
	{ "clientInfo without version", "POST", J V LIST,
	    REQ("tools/list", META(PV("\"2026-07-28\"") "," CC "," CI "{\"name\":\"x\"}")), 400, -32602, KEY },
	{ "unknown log level", "POST", J V LIST,
	    REQ("tools/list", META(PV("\"2026-07-28\"") "," CC "," LL "\"loud\"")), 400, -32602, KEY },
	{ "header of another version", "POST", J V_OLD LIST, REQ("tools/list", GOOD), 400, -32020, KEY },
	{ "header of another method", "POST", J V "Mcp-Method: tools/call\r\n", REQ("tools/list", GOOD), 400, -32020,
	    KEY },
	{ "method in other letters", "POST", J V "Mcp-Method: Tools/List\r\n", REQ("tools/list", GOOD), 400, -32020,
	    KEY },
	{ "unknown modern version", "POST", J "MCP-Protocol-Version: 2031-01-01\r\n" LIST,
	    REQ("tools/list", META(PV("\"2031-01-01\"") "," CC)), 400, -32022, KEY },
	{ "legacy version claimed", "POST", J V_OLD LIST,
	    REQ("tools/list", META(PV("\"2025-11-25\"") "," CC)), 400, -32022, KEY },
	{ "mismatch before unknown", "POST", J V LIST,
	    REQ("tools/list", META(PV("\"2031-01-01\"") "," CC)), 400, -32020, KEY },
	{ "no version header", "POST", J LIST, REQ("tools/list", GOOD), 400, -32020, KEY },
	{ "no method header", "POST", J V, REQ("tools/list", GOOD), 400, -32020, KEY },
	{ "no name header", "POST", J V CALL, REQ("tools/call", "\"name\":\"x\"," GOOD), 400, -32020, KEY },
	{ "name header of another", "POST", J V CALL "Mcp-Name: y\r\n",
	    REQ("tools/call", "\"name\":\"x\"," GOOD), 400, -32020, KEY },
	{ "unknown method", "POST", J V "Mcp-Method: tools/dance\r\n", REQ("tools/dance", GOOD), 404, -32601, KEY },
	{ "ping is gone", "POST", J V "Mcp-Method: ping\r\n", REQ("ping", GOOD), 404, -32601, KEY },
	{ "unknown tool", "POST", J V CALL "Mcp-Name: no__such\r\n",
	    REQ("tools/call", "\"name\":\"no__such\"," GOOD), 200, -32602, KEY },
	{ "bad cursor", "POST", J V LIST, REQ("tools/list", "\"cursor\":\"zzz\"," GOOD), 200, -32602, KEY },
	{ "modern notification", "POST", J V, NOTE("notifications/cancelled", "\"requestId\":1," GOOD), 202, 0, KEY },
	{ "session header means nothing", "POST", J V LIST "Mcp-Session-Id: nonsense\r\n", REQ("tools/list", GOOD), 200,
	    1, KEY },
	{ "GET, modern header", "GET", V "Accept: text/event-stream\r\n", NULL, 405, 0, KEY },
	{ "DELETE, modern header", "DELETE", V, NULL, 405, 0, KEY },
};

static void
check(const struct gateway *g, const char *key, const char *session, const struct row *r)
{
	struct answer	 a;
	char		 headers[2048];
	int		 code;

	snprintf(headers, sizeof(headers), "%s%s%s%s%s%s%s", r->headers,
	    r->credential == KEY ? "Authorization: Bearer " : "", r->credential == KEY ? key : "",
	    r->credential == KEY ? "\r\n" : "", session == NULL ? "" : "Mcp-Session-Id: ",
	    session == NULL ? "" : session, session == NULL ? "" : "\r\n");
	client_once(g->mcp, r->method, "/mcp/catalog", headers, r->body, &a);
	EXPECT_STATUS(a, r->status, "%s", r->what);
	code = json_int_at(a.json, "error.code");
	if (r->code == 1)
		cr_expect(json_at(a.json, "result") != NULL && code == 0, "%s: %s", r->what, a.body);
	else if (r->code != 0)
		cr_expect(code == r->code, "%s: %d, not %d: %s", r->what, code, r->code, a.body);
	/* Every error about a readable request carries its id. */
	if (r->code < 0 && r->body != NULL && strstr(r->body, "\"id\":7") == r->body + 15)
		cr_expect(json_int_at(a.json, "id") == 7, "%s: %s", r->what, a.body);
	if (r->code == -32022)
		cr_expect(json_at(a.json, "error.data.supported[0]") != NULL, "%s: %s", r->what, a.body);
	if (r->status == 405)
		cr_expect(answer_header(&a, "Allow") != NULL, "%s", r->what);
	answer_fini(&a);
}

Test(eras, every_cell_is_answered_as_written)
{
	struct gateway	g;
	char		key[256];

	gateway_start(&g, &(struct gateway_setup){ .workers = 4 });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "anybody"));
	for (size_t i = 0; i < sizeof(stateless_rows) / sizeof(stateless_rows[0]); i++)
		check(&g, key, NULL, &stateless_rows[i]);
	gateway_stop(&g);
}

static const struct row session_rows[] = {
	{ "ping", "POST", J V_OLD, REQ("ping", ""), 200, 1, KEY },
	{ "ping without a version", "POST", J, REQ("ping", ""), 200, 1, KEY },
	{ "list", "POST", J V_OLD, REQ("tools/list", ""), 200, 1, KEY },
	{ "unknown method", "POST", J V_OLD, REQ("tools/dance", ""), 200, -32601, KEY },
	{ "notification", "POST", J V_OLD, NOTE("notifications/initialized", ""), 202, 0, KEY },
	{ "unknown notification", "POST", J V_OLD, NOTE("notifications/dance", ""), 202, 0, KEY },
	{ "response", "POST", J V_OLD, "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}", 202, 0, KEY },
	{ "unsupported version header", "POST", J "MCP-Protocol-Version: 1999-01-01\r\n", REQ("ping", ""), 400, 0, KEY },
	{ "second initialize", "POST", J, INIT("2025-11-25"), 400, -32600, KEY },
	{ "array", "POST", J V_OLD, "[" REQ("ping", "") "]", 400, -32600, KEY },
	{ "modern header, no claim", "POST", J V LIST, REQ("tools/list", ""), 400, -32602, KEY },
	{ "modern claim in a session's clothes", "POST", J V LIST, REQ("tools/list", GOOD), 200, 1, KEY },
	{ "without the key", "POST", J V_OLD, REQ("ping", ""), 401, 0, NO_KEY },
	{ "GET without events", "GET", V_OLD "Accept: application/json\r\n", NULL, 406, 0, KEY },
};

Test(eras, every_cell_of_a_session_is_answered_by_every_worker)
{
	struct gateway	g;
	struct mcp	m;
	struct row	none = { "unknown session", "POST", J V_OLD, REQ("ping", ""), 404, 0, KEY };
	char		other[256];

	gateway_start(&g, &(struct gateway_setup){ .workers = 4 });
	mcp_init(&m, g.mcp, "/mcp/catalog", gateway_key(&g, "anybody"));
	cr_assert(mcp_initialize(&m) == 200);
	cr_assert(m.session[0] != '\0');
	for (const char *p = m.session; *p != '\0'; p++)
		cr_expect(*p > 0x20 && *p < 0x7f);
	for (int again = 0; again < 8; again++)		/* new connections: other workers */
		for (size_t i = 0; i < sizeof(session_rows) / sizeof(session_rows[0]); i++)
			check(&g, m.key, m.session, &session_rows[i]);
	check(&g, m.key, "nonsense", &none);
	m.session[strlen(m.session) - 1] ^= 1;
	check(&g, m.key, m.session, &none);
	m.session[strlen(m.session) - 1] ^= 1;
	/* It belongs to the one who made it. */
	snprintf(other, sizeof(other), "%s", gateway_key(&g, "other"));
	check(&g, other, m.session, &none);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(eras, initialize_agrees_on_a_legacy_version)
{
	static const struct {
		const char	*asked, *got;
	} rows[] = {
		{ "2025-11-25", "2025-11-25" }, { "2025-06-18", "2025-06-18" }, { "2025-03-26", "2025-03-26" },
		{ "2026-07-28", "2025-11-25" }, { "2031-01-01", "2025-11-25" }, { "1999-01-01", "2025-11-25" },
	};
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		body[512];

	gateway_start(&g, &(struct gateway_setup){ 0 });
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "anybody"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\",\"params\":"
		    "{\"protocolVersion\":\"%s\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
		    rows[i].asked);
		mcp_post(&m, "", body, &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].asked);
		cr_expect(strcmp(json_text_at(a.json, "result.protocolVersion"), rows[i].got) == 0, "%s: %s",
		    rows[i].asked, a.body);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
}
