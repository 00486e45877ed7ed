/* SPDX-License-Identifier: Apache-2.0
 *
 * test_era.c - one case per cell of mcp-wire 4.1 to 4.4 and of 3.3, and their order
 */
#include <criterion/criterion.h>

#include "mcp/capability.h"
#include "mcp/era.h"

#define M	"io.modelcontextprotocol/"
#define CLAIM	"\"" M "protocolVersion\":\"2026-07-28\""
#define CAPS	"\"" M "clientCapabilities\":{}"
#define META	"\"_meta\":{" CLAIM "," CAPS "}"
#define MSG(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define NOTE(method, params) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":{" params "}}"
#define LIST	MSG("tools/list", META)
#define CALL	MSG("tools/call", "\"name\":\"fs__read\"," META)
#define INIT	MSG("initialize", "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}")
#define TWICE	"\001"		/* in front of a header's value: it comes twice */

enum { POST = ERA_HTTP_POST, GET = ERA_HTTP_GET, DELETE = ERA_HTTP_DELETE, OTHER = ERA_HTTP_OTHER };
enum { NONE = ERA_SESSION_NONE, LIVE = ERA_SESSION_LIVE, DEAD = ERA_SESSION_DEAD };

struct cell {
	const char	*row;		/* that must decide */
	int		 http;
	int		 session;
	const char	*version, *method, *name;	/* headers; NULL: absent */
	const char	*body;
	/* wanted */
	enum era_act	 act;
	int		 status, error;		/* of a refusal */
	bool		 modern;
	enum mcp_version v;
};

#define V	"2026-07-28"
#define NO(row, http, session, version, method, name, body, status, error) \
	{ row, http, session, version, method, name, body, ERA_REFUSE, status, error, false, 0 }
#define NO_MODERN(row, session, version, method, name, body, status, error) \
	{ row, POST, session, version, method, name, body, ERA_REFUSE, status, error, true, MCP_2026_07_28 }
#define YES(row, http, session, version, method, name, body, act, modern, v) \
	{ row, http, session, version, method, name, body, act, 0, 0, modern, v }

static const struct cell cells[] = {
	/* HTTP methods */
	NO("4.1/3a get", GET, NONE, NULL, NULL, NULL, NULL, 405, E_HTTP_METHOD),
	NO("4.1/3a get", GET, LIVE, V, NULL, NULL, NULL, 405, E_HTTP_METHOD),
	NO("3.3 get", GET, DEAD, NULL, NULL, NULL, NULL, 404, E_MCP_SESSION),
	YES("3.3 get", GET, LIVE, "2025-06-18", NULL, NULL, NULL, ERA_STREAM, false, MCP_2025_06_18),
	NO("4.1/3a other", OTHER, NONE, NULL, NULL, NULL, NULL, 405, E_HTTP_METHOD),
	NO("3.3 delete", DELETE, NONE, NULL, NULL, NULL, NULL, 400, E_MCP_SESSION_MISSING),
	NO("3.3 delete", DELETE, DEAD, NULL, NULL, NULL, NULL, 404, E_MCP_SESSION),
	YES("3.3 delete", DELETE, LIVE, "2025-06-18", NULL, NULL, NULL, ERA_END_SESSION, false, MCP_2025_06_18),
	{ "3.4 delete", DELETE, LIVE, V, NULL, NULL, NULL, ERA_REFUSE, 405, E_HTTP_METHOD, true, MCP_2026_07_28 },
	/* the body */
	NO("4.1/5", POST, NONE, NULL, NULL, NULL, "", 400, E_JSON_SYNTAX),
	NO("4.1/5", POST, LIVE, NULL, NULL, NULL, "{\"id\":1", 400, E_JSON_SYNTAX),
	NO("4.1/5", POST, LIVE, V, NULL, NULL, "{\"id\":1,\"id\":1}", 400, E_JSON_DUPLICATE),
	NO("4.1/5", POST, NONE, NULL, NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400,
	    E_RPC_INVALID),
	NO("4.1/5", POST, NONE, NULL, NULL, NULL, "5", 400, E_RPC_INVALID),
	NO("4.2 batch", POST, LIVE, NULL, NULL, NULL, "[]", 400, E_RPC_BATCH),
	NO("4.2 batch", POST, NONE, NULL, NULL, NULL, "[" LIST "]", 400, E_RPC_BATCH),
	NO("4.2 array", POST, NONE, V, NULL, NULL, "[" LIST "]", 400, E_RPC_BATCH),
	NO("4.1/7", POST, NONE, NULL, NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 400,
	    E_MCP_SESSION_MISSING),
	NO("4.1/7", POST, DEAD, NULL, NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 404, E_MCP_SESSION),
	NO_MODERN("4.1/7", LIVE, V, NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 400, E_RPC_INVALID),
	YES("4.1/7", POST, LIVE, NULL, NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}", ERA_RESPONSE, false,
	    MCP_2025_06_18),
	/* headers that come twice */
	NO("5", POST, NONE, TWICE V, "tools/list", NULL, LIST, 400, E_MCP_HEADER),
	NO("5", POST, NONE, V, TWICE "tools/list", NULL, LIST, 400, E_MCP_HEADER),
	NO("5", POST, NONE, V, "tools/call", TWICE "fs__read", CALL, 400, E_MCP_HEADER),
	NO("5", POST, LIVE, TWICE "2025-06-18", NULL, NULL, MSG("ping", ""), 400, E_MCP_HEADER),
	/* initialize */
	YES("4.1/9", POST, NONE, NULL, NULL, NULL, INIT, ERA_INITIALIZE, false, MCP_2025_06_18),
	YES("4.1/9", POST, NONE, "2025-11-25", NULL, NULL, INIT, ERA_INITIALIZE, false, MCP_2025_06_18),
	YES("4.1/9", POST, NONE, NULL, NULL, NULL, MSG("initialize", "\"protocolVersion\":\"2026-07-28\""),
	    ERA_INITIALIZE, false, MCP_2025_11_25),
	YES("4.1/9", POST, NONE, NULL, NULL, NULL, MSG("initialize", "\"protocolVersion\":\"2025-03-26\","
	    "\"_meta\":{\"" M "protocolVersion\":\"2025-11-25\"}"), ERA_INITIALIZE, false, MCP_2025_03_26),
	YES("4.1/9", POST, NONE, NULL, NULL, NULL, MSG("initialize", "\"protocolVersion\":\"2025-03-26\","
	    "\"_meta\":{\"" M "protocolVersion\":7}"), ERA_INITIALIZE, false, MCP_2025_03_26),
	NO("4.1/9", POST, NONE, V, NULL, NULL, INIT, 400, E_MCP_HEADER),
	NO("4.1/9", POST, DEAD, NULL, NULL, NULL, INIT, 404, E_MCP_SESSION),
	NO("4.4", POST, LIVE, NULL, NULL, NULL, INIT, 400, E_MCP_REINIT),
	NO("4.4", POST, NONE, NULL, NULL, NULL, MSG("initialize", ""), 200, E_RPC_PARAMS),
	NO("4.4", POST, NONE, NULL, NULL, NULL, MSG("initialize", "\"protocolVersion\":1"), 200, E_RPC_PARAMS),
	NO_MODERN("4.3/8", NONE, V, "initialize", NULL, MSG("initialize", META), 404, E_RPC_METHOD),
	/* no claim, but a modern header */
	NO_MODERN("4.1/11", NONE, V, "tools/list", NULL, MSG("tools/list", ""), 400, E_MCP_META),
	NO_MODERN("4.1/11", LIVE, "2027-01-01", NULL, NULL, MSG("tools/list", ""), 400, E_MCP_META),
	YES("4.1/12", POST, NONE, V, NULL, NULL, NOTE("notifications/cancelled", "\"requestId\":1"), ERA_NOTE, true,
	    MCP_2026_07_28),
	/* the modern ladder */
	YES("4.3", POST, NONE, V, "tools/list", NULL, LIST, ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, DEAD, " " V "\t", " tools/list ", NULL, LIST, ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "tools/call", "fs__read", CALL, ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "tools/call", "=?base64?ZnNfX3JlYWQ=?=", CALL, ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "tools/list", "whatever", LIST, ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "tools/call", NULL, MSG("tools/call", META), ERA_REQUEST, true, MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "tools/call", NULL, MSG("tools/call", "\"name\":5," META), ERA_REQUEST, true,
	    MCP_2026_07_28),
	YES("4.3", POST, NONE, V, "server/discover", NULL, MSG("server/discover", META), ERA_REQUEST, true,
	    MCP_2026_07_28),
	NO_MODERN("4.3/1", NONE, V, "x", "y", MSG("tools/list", "\"_meta\":{\"" M "protocolVersion\":7," CAPS "}"), 400,
	    E_MCP_META),
	NO_MODERN("4.3/1", NONE, NULL, NULL, NULL, MSG("tools/list", "\"_meta\":{\"" M "protocolVersion\":null}"), 400,
	    E_MCP_META),
	NO_MODERN("4.3/1", NONE, V, "x", NULL, MSG("tools/list", "\"_meta\":{" CLAIM "}"), 400, E_MCP_META),
	NO_MODERN("4.3/1", NONE, V, "x", NULL, MSG("tools/list", "\"_meta\":{" CLAIM ",\"" M
	    "clientCapabilities\":[]}"), 400, E_MCP_META),
	NO_MODERN("4.3/1", NONE, V, "x", NULL, MSG("tools/list", "\"_meta\":{" CLAIM "," CAPS ",\"" M
	    "clientInfo\":{\"name\":\"n\"}}"), 400, E_MCP_META),
	NO_MODERN("4.3/1", NONE, V, "x", NULL, MSG("tools/list", "\"_meta\":{" CLAIM "," CAPS ",\"" M
	    "clientInfo\":\"me\"}"), 400, E_MCP_META),
	NO_MODERN("4.3/1", NONE, V, "x", NULL, MSG("tools/list", "\"_meta\":{" CLAIM "," CAPS ",\"" M
	    "logLevel\":\"loud\"}"), 400, E_MCP_META),
	YES("4.3", POST, NONE, V, "tools/list", NULL, MSG("tools/list", "\"_meta\":{" CLAIM "," CAPS ",\"" M
	    "logLevel\":\"emergency\",\"" M "clientInfo\":{\"name\":\"n\",\"version\":\"1\"}}"), ERA_REQUEST, true,
	    MCP_2026_07_28),
	NO_MODERN("4.3/2", NONE, "2025-11-25", "x", NULL, LIST, 400, E_MCP_HEADER),
	NO_MODERN("4.3/2", NONE, "", "tools/list", NULL, LIST, 400, E_MCP_HEADER),
	NO_MODERN("4.3/3", NONE, V, "tools/call", NULL, LIST, 400, E_MCP_HEADER),
	NO_MODERN("4.3/3", NONE, V, "Tools/list", NULL, LIST, 400, E_MCP_HEADER),
	NO_MODERN("4.3/4", NONE, "2025-11-25", NULL, NULL, MSG("tools/list", "\"_meta\":{\"" M
	    "protocolVersion\":\"2025-11-25\"," CAPS "}"), 400, E_MCP_VERSION),
	NO_MODERN("4.3/4", NONE, "2027-01-01", "tools/list", NULL, MSG("tools/list", "\"_meta\":{\"" M
	    "protocolVersion\":\"2027-01-01\"," CAPS "}"), 400, E_MCP_VERSION),
	NO_MODERN("4.3/4", NONE, NULL, NULL, NULL, MSG("tools/list", "\"_meta\":{\"" M
	    "protocolVersion\":\"foo\"," CAPS "}"), 400, E_MCP_VERSION),
	NO_MODERN("4.3/5", NONE, NULL, "tools/list", NULL, LIST, 400, E_MCP_HEADER),
	NO_MODERN("4.3/5", NONE, NULL, NULL, NULL, CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/6", NONE, V, NULL, NULL, CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "tools/call", NULL, CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "tools/call", "fs__write", CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "tools/call", "FS__read", CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "tools/call", "=?base64?ZnNfX3JlYWQ?=", CALL, 400, E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "resources/read", "b", MSG("resources/read", "\"uri\":\"a\"," META), 400,
	    E_MCP_HEADER),
	NO_MODERN("4.3/7", NONE, V, "tasks/get", "b", MSG("tasks/get", "\"taskId\":\"a\"," META), 400, E_MCP_HEADER),
	NO_MODERN("4.3/8", NONE, V, "ping", NULL, MSG("ping", META), 404, E_RPC_METHOD),
	NO_MODERN("4.3/8", NONE, V, "no/such", NULL, MSG("no/such", META), 404, E_RPC_METHOD),
	NO_MODERN("4.3/8", NONE, V, "prompts/list", NULL, MSG("prompts/list", META), 404, E_RPC_METHOD),
	NO_MODERN("4.3/8", NONE, V, "notifications/initialized", NULL, MSG("notifications/initialized", META), 404,
	    E_RPC_METHOD),
	/* modern notifications: no header is required, but none may lie */
	YES("3.4 note", POST, NONE, NULL, NULL, NULL, NOTE("notifications/cancelled", META), ERA_NOTE, true,
	    MCP_2026_07_28),
	YES("3.4 note", POST, NONE, V, NULL, NULL, NOTE("vendor/x", META), ERA_NOTE, true, MCP_2026_07_28),
	NO_MODERN("4.3/2", NONE, "2025-11-25", NULL, NULL, NOTE("notifications/cancelled", META), 400, E_MCP_HEADER),
	NO_MODERN("4.3/3", NONE, V, "tools/call", NULL, NOTE("notifications/cancelled", META), 400, E_MCP_HEADER),
	/* legacy */
	YES("4.1/13", POST, LIVE, NULL, NULL, NULL, MSG("ping", ""), ERA_REQUEST, false, MCP_2025_06_18),
	YES("4.1/13", POST, LIVE, "2025-11-25", "wrong", "wrong", MSG("tools/call", "\"name\":\"a\""), ERA_REQUEST,
	    false, MCP_2025_06_18),
	YES("4.1/13", POST, LIVE, NULL, NULL, NULL, NOTE("notifications/initialized", ""), ERA_NOTE, false,
	    MCP_2025_06_18),
	YES("4.1/13", POST, LIVE, NULL, NULL, NULL, NOTE("vendor/x", ""), ERA_NOTE, false, MCP_2025_06_18),
	NO("4.1/13", POST, NONE, NULL, NULL, NULL, MSG("ping", ""), 400, E_MCP_SESSION_MISSING),
	NO("4.1/13", POST, NONE, NULL, NULL, NULL, NOTE("notifications/initialized", ""), 400, E_MCP_SESSION_MISSING),
	NO("4.1/13", POST, DEAD, NULL, NULL, NULL, MSG("tools/list", ""), 404, E_MCP_SESSION),
	NO("3.3", POST, LIVE, "2025-01-01", NULL, NULL, MSG("tools/list", ""), 400, E_RPC_INVALID),
	NO("3.3", POST, LIVE, "foo", NULL, NULL, MSG("tools/list", ""), 400, E_RPC_INVALID),
	NO("7.3", POST, LIVE, NULL, NULL, NULL, MSG("no/such", ""), 200, E_RPC_METHOD),
	NO("7.3", POST, LIVE, NULL, NULL, NULL, MSG("server/discover", ""), 200, E_RPC_METHOD),
	NO("7.3", POST, LIVE, NULL, NULL, NULL, MSG("prompts/list", ""), 200, E_RPC_METHOD),
	NO("7.3", POST, LIVE, NULL, NULL, NULL, MSG("sampling/createMessage", ""), 200, E_RPC_METHOD),
};

static struct era_header
header(const char *text)
{
	if (text == NULL)
		return (struct era_header){ SPAN_NONE, 0 };
	if (*text == *TWICE)
		return (struct era_header){ span_of(text + 1), 2 };
	return (struct era_header){ span_of(text), 1 };
}

struct bench {
	struct rpc_scan		*scan;
	struct arena		 arena;
	struct rpc_message	 message;
	struct batch		 batch;
	struct era_input	 in;
	struct era_verdict	 out;
};

static void
judge(struct bench *b, const struct cell *c)
{
	b->in = (struct era_input){
		.http = (enum era_http)c->http, .is_json = true,
		.version = header(c->version), .method = header(c->method), .name = header(c->name),
		.session = (enum era_session)c->session,
		.session_version = c->session == LIVE ? MCP_2025_06_18 : MCP_VERSION_NONE,
		.offers = MCP_OFFER_TOOLS,
	};
	if (c->http == POST) {
		b->in.body_error = rpc_scan_whole(b->scan, span_of(c->body), &b->arena, &b->message);
		b->in.message = &b->message;
	}
	if (c->http == POST && b->message.kind == RPC_ARRAY) {
		batch_read(b->scan, span_of(c->body), &b->batch);
		b->in.batch = &b->batch;
	}
	era_judge(&b->in, &b->out);
}

static void
bench_init(struct bench *b)
{
	cr_assert(rpc_scan_new(&b->scan) == 0);
	arena_init(&b->arena, NULL, 0, 1 << 20);
}

static void
bench_fini(struct bench *b)
{
	rpc_scan_free(&b->scan);
	arena_fini(&b->arena);
}

Test(era, judges_every_cell)
{
	struct bench	b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		const struct cell	*c = &cells[i];

		judge(&b, c);
		cr_expect_str_eq(b.out.row, c->row, "cell %zu %s: row %s, not %s", i, c->body, b.out.row, c->row);
		cr_expect(b.out.act == c->act && b.out.error == c->error && b.out.http == c->status,
		    "cell %zu %s: act %d error %d status %d", i, c->body, b.out.act, b.out.error, b.out.http);
		cr_expect(b.out.modern == c->modern, "cell %zu %s: modern %d", i, c->body, b.out.modern);
		if (c->act != ERA_REFUSE || c->modern)
			cr_expect(b.out.version == c->v, "cell %zu %s: version %d", i, c->body, b.out.version);
		cr_expect((b.out.allow != NULL) == (c->status == 405), "cell %zu", i);
		cr_expect((b.out.text != NULL) == (c->act == ERA_REFUSE), "cell %zu", i);
	}
	bench_fini(&b);
}

Test(era, takes_arrays_in_the_one_revision_that_has_them)
{
#define PING "[" MSG("ping", "") "]"
#define ANSWER "[{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"result\":{}}]"
	static const struct {
		struct cell		 c;
		enum mcp_version	 session;	/* of a live one */
	} rows[] = {
		{ YES("4.1/6", POST, LIVE, NULL, NULL, NULL, PING, ERA_BATCH, false, 0), MCP_2025_03_26 },
		{ YES("4.1/6", POST, LIVE, NULL, NULL, NULL, ANSWER, ERA_BATCH, false, 0), MCP_2025_03_26 },
		{ YES("4.1/6", POST, LIVE, NULL, NULL, NULL, " \n[ " NOTE("a", "") "\t]\r\n", ERA_BATCH, false, 0),
		    MCP_2025_03_26 },
		/* the session's revision counts, not what the header says */
		{ YES("4.1/6", POST, LIVE, "2025-11-25", "wrong", NULL, PING, ERA_BATCH, false, 0), MCP_2025_03_26 },
		{ NO("4.2 revision", POST, LIVE, "2025-03-26", NULL, NULL, PING, 400, E_RPC_BATCH), MCP_2025_06_18 },
		{ NO("4.2 revision", POST, LIVE, NULL, NULL, NULL, PING, 400, E_RPC_BATCH), MCP_2025_06_18 },
		{ NO("4.2 revision", POST, LIVE, NULL, NULL, NULL, ANSWER, 400, E_RPC_BATCH), MCP_2025_11_25 },
		{ NO("4.2 revision", POST, LIVE, NULL, NULL, NULL, PING, 400, E_RPC_BATCH), MCP_2024_11_05 },
		{ NO("3.3", POST, LIVE, "2025-01-01", NULL, NULL, PING, 400, E_RPC_INVALID), MCP_2025_03_26 },
		{ NO("5", POST, LIVE, TWICE "2025-03-26", NULL, NULL, PING, 400, E_MCP_HEADER), MCP_2025_03_26 },
		{ NO("5", POST, LIVE, NULL, TWICE "ping", NULL, PING, 400, E_MCP_HEADER), MCP_2025_03_26 },
		{ NO("4.2 array", POST, LIVE, V, NULL, NULL, PING, 400, E_RPC_BATCH), MCP_2025_03_26 },
		{ NO("4.2 batch", POST, LIVE, NULL, NULL, NULL, "[" MSG("ping", "") "," LIST "]", 400, E_RPC_BATCH),
		    MCP_2025_03_26 },
		/* without a session */
		{ NO("4.2 session", POST, NONE, NULL, NULL, NULL, PING, 400, E_MCP_SESSION_MISSING), 0 },
		{ NO("4.2 session", POST, NONE, "2025-03-26", NULL, NULL, PING, 400, E_MCP_SESSION_MISSING), 0 },
		{ NO("4.2 revision", POST, NONE, "2025-06-18", NULL, NULL, PING, 400, E_RPC_BATCH), 0 },
		{ NO("4.2 revision", POST, NONE, "foo", NULL, NULL, PING, 400, E_RPC_BATCH), 0 },
		{ NO("4.2 session", POST, DEAD, NULL, NULL, NULL, PING, 404, E_MCP_SESSION), 0 },
		{ NO("4.2 session", POST, DEAD, "2025-11-25", NULL, NULL, ANSWER, 404, E_MCP_SESSION), 0 },
		{ NO("4.2 batch", POST, DEAD, NULL, NULL, NULL, "[]", 400, E_RPC_BATCH), 0 },
	};
	struct bench	b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cell	*c = &rows[i].c;

		judge(&b, c);
		b.in.session_version = rows[i].session;
		era_judge(&b.in, &b.out);
		cr_expect_str_eq(b.out.row, c->row, "%zu %s: row %s, not %s", i, c->body, b.out.row, c->row);
		cr_expect(b.out.act == c->act && b.out.error == c->error && b.out.http == c->status,
		    "%zu %s: act %d error %d status %d", i, c->body, b.out.act, b.out.error, b.out.http);
		cr_expect(!b.out.modern && (c->act != ERA_BATCH || b.out.version == MCP_2025_03_26), "%zu", i);
	}
	b.in = (struct era_input){ .http = ERA_HTTP_POST, .is_json = true, .session = ERA_SESSION_LIVE,
	    .session_version = MCP_2025_03_26, .message = &b.message };
	era_judge(&b.in, &b.out);
	cr_expect(b.out.act == ERA_REFUSE && b.out.error == E_RPC_BATCH, "where no batch may come");
	bench_fini(&b);
}

Test(era, wants_json_after_the_method_and_before_the_body)
{
	struct bench	b;

	bench_init(&b);
	judge(&b, &(struct cell){ .http = POST, .body = "not json" });
	b.in.is_json = false;
	era_judge(&b.in, &b.out);
	cr_expect(b.out.error == E_HTTP_MEDIA && b.out.http == 415);
	b.in.http = ERA_HTTP_GET;
	era_judge(&b.in, &b.out);
	cr_expect(b.out.http == 405);
	b.in = (struct era_input){ .http = ERA_HTTP_POST, .is_json = true, .body_error = E_TOOBIG };
	era_judge(&b.in, &b.out);
	cr_expect(b.out.http == 413 && b.out.text != NULL, "a body that was never read");
	bench_fini(&b);
}

Test(era, names_the_key_or_header_it_refuses)
{
	static const struct { const char *row, *must_name; } rows[] = {
		{ "4.1/11", M "protocolVersion" }, { "4.3/2", "MCP-Protocol-Version" }, { "4.3/3", "Mcp-Method" },
		{ "4.3/5", "MCP-Protocol-Version" }, { "4.3/6", "Mcp-Method" }, { "4.3/7", "Mcp-Name" },
		{ "4.3/1", M }, { "3.3", "MCP-Protocol-Version" },
	};
	struct bench	b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		judge(&b, &cells[i]);
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strcmp(b.out.row, rows[k].row) == 0 && b.out.act == ERA_REFUSE)
				cr_expect(strstr(b.out.text, rows[k].must_name) != NULL, "cell %zu: %s", i, b.out.text);
	}
	bench_fini(&b);
}

Test(era, tells_a_missing_header_from_a_wrong_one)
{
	struct bench	b;

	bench_init(&b);
	judge(&b, &(struct cell){ .http = POST, .version = V, .method = "tools/call", .body = CALL });
	cr_expect_str_eq(b.out.text, "Mcp-Name is missing");
	judge(&b, &(struct cell){ .http = POST, .version = V, .method = "tools/call", .name = "x", .body = CALL });
	cr_expect_str_eq(b.out.text, "Mcp-Name does not match the body");
	bench_fini(&b);
}

static void
expect_data(struct bench *b, const char *want)
{
	struct buf	to;

	buf_init(&to, 1024);
	cr_assert(era_write_data(&to, &b->in, &b->out) == 0);
	cr_expect(span_is(buf_rest(&to), want), "%.*s", SPAN_FMT(buf_rest(&to)));
	buf_fini(&to);
}

Test(era, tells_which_versions_it_serves)
{
#define SUPPORTED "\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"]"
	struct bench	b;

	bench_init(&b);
	judge(&b, &(struct cell){ .http = POST, .body = MSG("tools/list", "\"_meta\":{\"" M
	    "protocolVersion\":\"2099-01-01\"," CAPS "}") });
	expect_data(&b, SUPPORTED ",\"requested\":\"2099-01-01\"");
	judge(&b, &(struct cell){ .http = POST, .body = MSG("initialize", "") });
	expect_data(&b, SUPPORTED);
	judge(&b, &(struct cell){ .http = POST, .body = MSG("ping", "") });
	expect_data(&b, "");
	bench_fini(&b);
}

Test(era, tells_which_capability_is_missing)
{
	struct bench	b;

	bench_init(&b);
	judge(&b, &(struct cell){ .http = POST, .version = V, .method = "tools/call", .name = "fs__read",
	    .body = CALL });
	cr_expect(b.out.act == ERA_REQUEST);
	b.in.needs = MCP_CAN_ELICIT_URL | MCP_CAN_ROOTS;
	era_judge(&b.in, &b.out);
	cr_expect_str_eq(b.out.row, "4.3/12");
	cr_expect(b.out.http == 400 && b.out.error == E_MCP_CAPABILITY);
	expect_data(&b, "\"requiredCapabilities\":{\"roots\":{},\"elicitation\":{\"url\":{}}}");
	bench_fini(&b);
}
