/* SPDX-License-Identifier: Apache-2.0
 *
 * b4_batches.c - arrays of messages, which 2025-03-26 has and no other revision
 */
#include "tests/integration/batches.h"

Test(batches, every_request_is_answered_as_one_that_comes_alone)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	session(&m, &g, "/mcp/catalog", "writer", INIT(BATCHES, "{}"));
	mcp_post(&m, "", " [" CALL("1", "clock__add", ",\"arguments\":{\"a\":2,\"b\":3}") ",\n"
	    NOTE("notifications/x", "") "," ASK("\"two\"", "tools/dance", "") ","
	    CALL("3", "notes__drop_all", "") "," PING("\"1\"") ","
	    CALL("12345678901234567890123", "no__such", "") ","
	    ASK("5", "tools/list", "") "," ASK("6", "tools/call", "\"name\":7") " ]\r\n", &a);
	expect_array(&a, 7);
	cr_expect(strstr(answer_header(&a, "Content-Type"), "application/json") != NULL);
	cr_expect(strcmp(json_text_at(find(&a, "1"), "result.content[0].text"), "5") == 0, "%s", a.body);
	cr_expect(json_int_at(find(&a, "\"two\""), "error.code") == -32601);
	cr_expect(json_int_at(find(&a, "3"), "error.code") == 403 ||
	    json_int_at(find(&a, "3"), "error.code") == -32602, "denied: %s", a.body);
	cr_expect(json_at(find(&a, "\"1\""), "result") != NULL);
	cr_expect(strstr(a.body, "\"id\":12345678901234567890123,") != NULL, "%s", a.body);
	cr_expect(json_at(find(&a, "5"), "result.tools[0].name") != NULL);
	cr_expect(json_int_at(find(&a, "6"), "error.code") == -32602);
	answer_fini(&a);
	mcp_post(&m, "", "[" PING("9") "]", &a);
	expect_array(&a, 1);
	cr_expect(json_at(find(&a, "9"), "result") != NULL);
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "object", "add") == 1 && audit_count(records, "outcome", "ok") == 1 &&
	    audit_count(records, "outcome", "refused") == 2, "%s", json_object_to_json_string(records));
	json_object_put(records);
	mcp_fini(&m);
	gateway_stop(&g);
}

struct row {
	const char	*what, *headers, *body;
	int		 status, code;		/* 0: no body */
};

/* In a session of 2025-03-26. */
static const struct row rows[] = {
	{ "notifications", "", "[" NOTE("notifications/x", "") "," NOTE("notifications/y", "") "]", 202, 0 },
	{ "responses", "", "[{" RPC ",\"id\":1,\"result\":{}},"
	    "{" RPC ",\"id\":2,\"error\":{\"code\":1,\"message\":\"\"}}]", 202, 0 },
	{ "responses and notifications", "", "[{" RPC ",\"id\":1,\"result\":{}}," NOTE("notifications/x", "") "]",
	    202, 0 },
	{ "notifications of one who reads events only", EVENTS_ONLY,
	    "[" NOTE("notifications/x", "") "]", 202, 0 },
	{ "empty", "", "[]", 400, -32600 },
	{ "a number", "", "[" PING("1") ",7]", 400, -32600 },
	{ "no message", "", "[" PING("1") ",{}]", 400, -32600 },
	{ "id null", "", "[" PING("null") "]", 400, -32600 },
	{ "an array in it", "", "[[" PING("1") "]]", 400, -32600 },
	{ "initialize", "", "[" PING("1") "," INIT(BATCHES, "{}") "]", 400, -32600 },
	{ "requests and responses", "", "[" PING("1") ",{" RPC ",\"id\":1,\"result\":{}}]", 400, -32600 },
	{ "a modern claim", "", "[" PING("1") "," ASK("2", "tools/list", "\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}") "]", 400, -32600 },
	{ "a modern header", "MCP-Protocol-Version: 2026-07-28\r\n", "[" PING("1") "]", 400, -32600 },
	{ "an unknown header", "MCP-Protocol-Version: 1999-01-01\r\n", "[" PING("1") "]", 400, -32600 },
	{ "not JSON", "", "[" PING("1") ",", 400, -32700 },
};

static void
check(struct mcp *m, const struct row *r)
{
	struct answer	a;

	mcp_post(m, r->headers, r->body, &a);
	EXPECT_STATUS(a, r->status, "%s", r->what);
	cr_expect(r->code == 0 ? a.body_bytes == 0 : json_int_at(a.json, "error.code") == r->code, "%s: %s",
	    r->what, a.body);
	cr_expect(json_at(a.json, "id") == NULL, "%s: of no message", r->what);
	answer_fini(&a);
}

Test(batches, are_taken_or_refused_as_a_whole)
{
	static const struct row good = { "other revision", "", "[" PING("1") "]", 400, -32600 };
	static const char *const others[] = { INIT("2024-11-05", "{}"), INIT("2025-06-18", "{}"),
		INIT("2025-11-25", "{}") };
	struct gateway	g;
	struct mcp	m;
	struct row	dead = { "of no session", "", good.body, 404, -32001 };

	gateway_start(&g, &(struct gateway_setup){ .workers = 4 });
	session(&m, &g, "/mcp/catalog", "anybody", INIT(BATCHES, "{}"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&m, &rows[i]);
	m.session[20] ^= 1;
	check(&m, &dead);
	m.session[0] = '\0';
	check(&m, &good);
	mcp_fini(&m);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		session(&m, &g, "/mcp/catalog", "anybody", others[i]);
		check(&m, &good);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

Test(batches, have_at_most_a_hundred_messages)
{
	static char	text[64 * 1024];
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	size_t		n = 0;
	char		id[16];

	gateway_start(&g, &(struct gateway_setup){ .workers = 2 });
	session(&m, &g, "/mcp/catalog", "anybody", INIT(BATCHES, "{}"));
	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(text + n, "%c{" RPC ",\"id\":%d,\"method\":\"%s\"}", i == 0 ? '[' : ',', i,
		    i % 2 == 0 ? "ping" : "tools/list");
	strcpy(text + n, "]");
	mcp_post(&m, "", text, &a);
	expect_array(&a, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%d", i);
		cr_expect(json_at(find(&a, id), i % 2 == 0 ? "result" : "result.tools") != NULL, "%d", i);
	}
	answer_fini(&a);
	strcpy(text + n, "," PING("100") "]");
	mcp_post(&m, "", text, &a);
	EXPECT_STATUS(a, 400, "101");
	cr_expect(json_int_at(a.json, "error.code") == -32600, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* {"jsonrpc":"2.0","id":ID,"method":METHOD} with so many bytes in its params; id "": a notification. */
static size_t
put_large(char *to, const char *id, const char *method, size_t bytes)
{
	size_t	n = (size_t)sprintf(to, "{" RPC "%s%s,\"method\":\"%s\",\"params\":{\"x\":\"",
		    id[0] == '\0' ? "" : ",\"id\":", id, method);

	memset(to + n, 'x', bytes);
	return n + bytes + (size_t)sprintf(to + n + bytes, "\"}}");
}

Test(batches, of_many_large_messages_are_begun_one_after_the_other)
{
	static char	text[3 << 20];
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		id[16];
	size_t		n = 0;

	gateway_start(&g, &(struct gateway_setup){ .workers = 1 });
	session(&m, &g, "/mcp/catalog", "anybody", INIT(BATCHES, "{}"));
	for (int i = 0; i < 20; i++) {
		text[n++] = i == 0 ? '[' : ',';
		snprintf(id, sizeof(id), "%d", i);
		n += put_large(text + n, id, "ping", 100000);
	}
	strcpy(text + n, "]");
	for (int again = 0; again < 3; again++) {
		mcp_post(&m, "", text, &a);
		expect_array(&a, 20);
		for (int i = 0; i < 20; i++) {
			snprintf(id, sizeof(id), "%d", i);
			cr_expect(json_at(find(&a, id), "result") != NULL);
		}
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
}

/* Each message takes memory of its own. */
Test(batches, keep_within_the_memory_for_bodies_and_give_it_back)
{
	static char	text[2 << 20];
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	size_t		n;

	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .conf = "body_memory = 2MiB\n" });
	session(&m, &g, "/mcp/catalog", "anybody", INIT(BATCHES, "{}"));
	/* The array has its place; its message finds none. */
	text[0] = '[';
	n = 1 + put_large(text + 1, "\"large\"", "ping", 700000);
	strcpy(text + n, "," PING("2") "]");
	for (int again = 0; again < 3; again++) {
		mcp_post(&m, "", text, &a);
		expect_array(&a, 2);
		cr_expect(json_int_at(find(&a, "\"large\""), "error.code") == 503, "%.500s", a.body);
		cr_expect(json_at(find(&a, "2"), "result") != NULL);
		answer_fini(&a);
	}
	/* Nobody is told of a notification, whatever becomes of it. */
	n = 1 + put_large(text + 1, "", "notifications/x", 700000);
	strcpy(text + n, "]");
	mcp_post(&m, "", text, &a);
	EXPECT_STATUS(a, 202, "a large notification");
	answer_fini(&a);
	/* More messages at the same time than blocks for them. */
	n = 0;
	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(text + n, "%c" NOTE("notifications/x", ""), i == 0 ? '[' : ',');
	strcpy(text + n, "]");
	for (int again = 0; again < 3; again++) {
		mcp_post(&m, "", text, &a);
		EXPECT_STATUS(a, 202, "one hundred");
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .conf = "body_memory = 1MiB\n" });
	session(&m, &g, "/mcp/catalog", "anybody", INIT(BATCHES, "{}"));
	mcp_post(&m, "", text, &a);
	EXPECT_STATUS(a, 503, "no memory for one hundred");
	answer_fini(&a);
	mcp_post(&m, "", "[" PING("2") "]", &a);
	expect_array(&a, 1);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(batches, cost_as_much_as_their_messages)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	int		 well = 0, limited = 0;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS,
	    .rules = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}},"
	    "\"limits\":{\"agents\":{\"a\":{\"rate\":\"1/h\",\"burst\":3}}}}" });
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	mcp_post(&m, "", CALL("9", "clock__now", ""), &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_post(&m, "", "[" CALL("0", "clock__now", "") "," CALL("1", "clock__now", "") ","
	    CALL("2", "clock__now", "") "," CALL("3", "clock__now", "") "]", &a);
	expect_array(&a, 4);
	for (size_t i = 0; i < json_object_array_length(a.json); i++) {
		json_object *one = json_object_array_get_idx(a.json, i);

		well += json_at(one, "result") != NULL;
		limited += json_int_at(one, "error.code") == 429;
	}
	cr_expect(well == 2 && limited == 2, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
