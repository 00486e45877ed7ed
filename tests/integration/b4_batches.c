/* SPDX-License-Identifier: Apache-2.0
 *
 * b4_batches.c - arrays of messages, which 2025-03-26 has and no other revision
 */
#include <unistd.h>

#include "tests/integration/common.h"

#define RPC		"\"jsonrpc\":\"2.0\""
#define ASK(id, method, params) "{" RPC ",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define NOTE(method, params) "{" RPC ",\"method\":\"" method "\",\"params\":{" params "}}"
#define PING(id)	ASK(id, "ping", "")
#define CALL(id, tool, more) ASK(id, "tools/call", "\"name\":\"" tool "\"" more)
#define PROGRESS	",\"_meta\":{\"progressToken\":\"p\"}"
#define INIT(version, capabilities) ASK("0", "initialize", "\"protocolVersion\":\"" version "\",\"capabilities\":" \
	capabilities ",\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}")
#define BATCHES		"2025-03-26"

static void
session(struct mcp *m, const struct gateway *g, const char *path, const char *agent, const char *init)
{
	struct answer	a;

	mcp_init(m, g->mcp, path, gateway_key(g, agent));
	mcp_post(m, "", init, &a);
	EXPECT_STATUS(a, 200, "initialize");
	snprintf(m->session, sizeof(m->session), "%s", answer_header(&a, "Mcp-Session-Id"));
	answer_fini(&a);
	mcp_post(m, "", NOTE("notifications/initialized", ""), &a);
	EXPECT_STATUS(a, 202, "initialized");
	answer_fini(&a);
}

/* The one response in the array with this id, as it is written; NULL, and a failure, when there is another
 * number of them. */
static json_object *
find(const struct answer *a, const char *id)
{
	json_object	*found = NULL;
	size_t		 n = 0;

	for (size_t i = 0; a->json != NULL && i < json_object_array_length(a->json); i++) {
		json_object *o = json_object_array_get_idx(a->json, i);

		if (strcmp(json_object_to_json_string_ext(json_at(o, "id"), JSON_C_TO_STRING_PLAIN), id) != 0)
			continue;
		found = o;
		n++;
	}
	cr_expect(n == 1, "%zu responses with id %s: %s", n, id, a->body);
	return found;
}

static void
expect_array(const struct answer *a, size_t n)
{
	EXPECT_STATUS(*a, 200, "a batch");
	cr_expect(a->json != NULL && json_object_is_type(a->json, json_type_array) &&
	    json_object_array_length(a->json) == n, "an array of %zu: %s", n, a->body);
}

/* How many messages of the event stream have this in them. */
static size_t
events_with(const struct answer *a, const char *text)
{
	size_t	n = 0;

	for (const char *line = a->body; (line = strstr(line, "data: ")) != NULL; line += 6) {
		const char *hit = strstr(line, text), *end = strchr(line, '\n');

		n += hit != NULL && hit < end;
	}
	return n;
}

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
	    CALL("3", "notes__drop_all", "") "," PING("\"1\"") "," CALL("12345678901234567890123", "no__such", "") ","
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
	{ "responses", "", "[{" RPC ",\"id\":1,\"result\":{}},{" RPC ",\"id\":2,\"error\":{\"code\":1,\"message\":\"\"}}]",
	    202, 0 },
	{ "responses and notifications", "", "[{" RPC ",\"id\":1,\"result\":{}}," NOTE("notifications/x", "") "]", 202, 0 },
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
	cr_expect(r->code == 0 ? a.body_bytes == 0 : json_int_at(a.json, "error.code") == r->code, "%s: %s", r->what,
	    a.body);
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

#define LIARS "{\"mcpServers\":{"							\
	"\"talks\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"progress\",\"200\"]},"	\
	"\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"1000\"]},"	\
	"\"asks\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"asks\"]},"		\
	"\"big\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"big\",\"1500000\"]},"	\
	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}}}"
#define LIARS_RULES "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static void
liars_start(struct gateway *g, const char *conf)
{
	gateway_start(g, &(struct gateway_setup){ .workers = 1, .servers = LIARS, .rules = LIARS_RULES,
	    .conf = conf });
}

Test(batches, are_answered_in_a_stream_when_one_of_them_has_events)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	const char	*body = "[" CALL("1", "talks__anything", PROGRESS) "," PING("2") ","
			    CALL("3", "clock__add", ",\"arguments\":{\"a\":1,\"b\":1}") ","
			    NOTE("notifications/x", "") "," CALL("4", "talks__anything", PROGRESS) ","
			    ASK("5", "no/such", "") "]";

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	mcp_post(&m, "", body, &a);
	EXPECT_STATUS(a, 200, "with progress");
	cr_expect(strncmp(answer_header(&a, "Content-Type"), "text/event-stream", 17) == 0);
	cr_expect(events_with(&a, "notifications/progress") >= 4, "%s", a.body);
	cr_expect(events_with(&a, "\"id\":") == 5 && a.events == 5 + events_with(&a, "notifications/progress"), "%s",
	    a.body);
	cr_expect(events_with(&a, "\"id\":1,") == 1 && events_with(&a, "\"id\":2,") == 1 &&
	    events_with(&a, "\"id\":3,") == 1 && events_with(&a, "\"id\":4,") == 1 && events_with(&a, "\"id\":5,") == 1,
	    "%s", a.body);
	cr_expect(events_with(&a, "-32601") == 1);
	answer_fini(&a);
	/* Who cannot read events gets none. */
	mcp_post(&m, "Content-Type: application/json\r\nAccept: application/json\r\n", body, &a);
	expect_array(&a, 5);
	answer_fini(&a);
	/* And who reads nothing else gets all as events. */
	mcp_post(&m, "Content-Type: application/json\r\nAccept: text/event-stream\r\n", "[" PING("1") "," PING("2") "]",
	    &a);
	EXPECT_STATUS(a, 200, "events only");
	cr_expect(a.events == 2 && events_with(&a, "\"id\":1,") == 1 && events_with(&a, "\"id\":2,") == 1, "%s",
	    a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* The next request of the server's in the stream, at *at; its id goes to `id`. */
static bool
next_ask(struct client *c, size_t *at, char id[64])
{
	char	*hit, *end;

	for (int i = 0; i < 2000; i++) {
		if (c->in != NULL && (hit = strstr(c->in + *at, "\"id\":\"g-")) != NULL &&
		    (end = strchr(hit + 6, '"')) != NULL) {
			snprintf(id, 64, "%.*s", (int)(end - hit - 6), hit + 6);
			*at = (size_t)(end - c->in);
			return true;
		}
		c->in = realloc(c->in, c->in_used + 4096 + 1);
		ssize_t n = read(c->fd, c->in + c->in_used, 4096);
		if (n <= 0)
			return false;
		c->in_used += (size_t)n;
		c->in[c->in_used] = '\0';
	}
	return false;
}

Test(batches, of_responses_answer_what_calls_of_a_batch_ask)
{
	struct gateway	 g;
	struct mcp	 m, other;
	struct answer	 a;
	char		 body[4096], one[64], two[64], *text;
	const char	*batch = "[" CALL("1", "asks__anything", "") "," PING("2") "]";
	size_t		 at = 0;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{\"sampling\":{},\"roots\":{}}"));
	mcp_init(&other, g.mcp, "/mcp/catalog", m.key);
	snprintf(other.session, sizeof(other.session), "%s", m.session);
	cr_assert(asprintf(&text, "POST /mcp/catalog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Mcp-Session-Id: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "Content-Length: %zu\r\n\r\n%s", m.key, m.session, strlen(batch), batch) > 0);
	cr_assert(client_send(&m.conn, text, strlen(text)));
	free(text);
	cr_assert(next_ask(&m.conn, &at, one) && next_ask(&m.conn, &at, two), "%s", m.conn.in);
	cr_expect(strstr(m.conn.in, "sampling/createMessage") != NULL && strstr(m.conn.in, "roots/list") != NULL);
	snprintf(body, sizeof(body), "[{" RPC ",\"id\":\"%s\",\"result\":{\"first\":\"answered\"}},{" RPC ",\"id\":\"%s\","
	    "\"error\":{\"code\":-1,\"message\":\"second refused\"}}]", one, two);
	mcp_post(&other, "", body, &a);
	EXPECT_STATUS(a, 202, "responses");
	answer_fini(&a);
	client_read(&m.conn, patience(&g, 10000), &a);
	EXPECT_STATUS(a, 200, "the batch that asked");
	cr_expect(events_with(&a, "\"id\":1,\"result\"") == 1 && events_with(&a, "\"id\":2,\"result\"") == 1, "%s", a.body);
	cr_expect(strstr(a.body, "answered") != NULL && strstr(a.body, "second refused") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&other);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(batches, answer_nothing_for_what_the_same_batch_cancels)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	/* A call whose server was not listed yet is not there to be cancelled. */
	mcp_post(&m, "", "[" ASK("1", "tools/list", "") "]", &a);
	expect_array(&a, 1);
	answer_fini(&a);
	mcp_post(&m, "", "[" CALL("\"c\"", "slow__anything", "") "," NOTE("notifications/cancelled", "\"requestId\":\"c\"")
	    "," PING("2") "]", &a);
	expect_array(&a, 1);
	cr_expect(find(&a, "2") != NULL);
	answer_fini(&a);
	mcp_post(&m, "", "[" CALL("\"c\"", "slow__anything", "") "," NOTE("notifications/cancelled", "\"requestId\":\"c\"")
	    "]", &a);
	EXPECT_STATUS(a, 202, "nothing left to answer");
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "cancelled") == 2, "%s", json_object_to_json_string(records));
	json_object_put(records);
	mcp_fini(&m);
	gateway_stop(&g);
}

static bool
both_ended(void *arg)
{
	json_object	*records = gateway_audit(arg);
	bool		 yes = audit_count(records, "outcome", "ok") == 2;

	json_object_put(records);
	return yes;
}

Test(batches, run_to_their_end_when_the_client_hangs_up)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	struct procs	*before = malloc(sizeof(*before));
	char		*text;
	const char	*batch = "[" CALL("1", "slow__anything", "") "," CALL("2", "talks__anything", PROGRESS) ","
			    PING("3") "]";

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	gateway_procs(&g, before);
	cr_assert(asprintf(&text, "POST /mcp/catalog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Mcp-Session-Id: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "Content-Length: %zu\r\n\r\n%s", m.key, m.session, strlen(batch), batch) > 0);
	cr_assert(client_send(&m.conn, text, strlen(text)));
	free(text);
	sleep_ms(patience(&g, 300));
	client_close(&m.conn);
	cr_expect(wait_until(both_ended, &g, patience(&g, 10000)));
	mcp_post(&m, "", "[" PING("4") "]", &a);
	expect_array(&a, 1);
	answer_fini(&a);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(batches, of_large_answers_come_whole)
{
	static char	text[32 * 1024];
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		id[16];
	size_t		n = 0;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	for (int i = 0; i < 8; i++)
		n += (size_t)sprintf(text + n, "%c{" RPC ",\"id\":%d,\"method\":\"tools/call\",\"params\":"
		    "{\"name\":\"big__anything\"}}", i == 0 ? '[' : ',', i);
	strcpy(text + n, "]");
	for (int stream = 0; stream < 2; stream++) {
		mcp_post(&m, stream ? "Content-Type: application/json\r\nAccept: text/event-stream\r\n" : "", text, &a);
		EXPECT_STATUS(a, 200, "8 of 1.5 MB");
		cr_expect(a.body_bytes > 8 * 1500000, "%zu bytes", a.body_bytes);
		for (int i = 0; i < 8 && !stream; i++) {
			snprintf(id, sizeof(id), "%d", i);
			cr_expect(strlen(json_text_at(find(&a, id), "result.content[0].text")) == 1500000, "%d", i);
		}
		cr_expect(!stream || a.events == 8, "%zu events", a.events);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop(&g);
}

/* body_memory is what a worker keeps of answers, too. */
Test(batches, say_which_answers_found_no_room)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	int		well = 0;

	NEEDS_JAILS();
	liars_start(&g, "body_memory = 4MiB\n");
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	for (int again = 0; again < 3; again++) {
		mcp_post(&m, "", "[" CALL("1", "big__anything", "") "," CALL("2", "big__anything", "") "," PING("3") "]",
		    &a);
		expect_array(&a, 3);
		for (int i = 1; i <= 2; i++) {
			json_object *one = find(&a, i == 1 ? "1" : "2");

			well += json_at(one, "result") != NULL;
			cr_expect(json_at(one, "result") != NULL || json_int_at(one, "error.code") == 503, "%.300s", a.body);
		}
		cr_expect(well <= 1 + again, "both at once do not fit");
		cr_expect(json_at(find(&a, "3"), "result") != NULL);
		answer_fini(&a);
	}
	/* It all came back. */
	mcp_post(&m, "", "[" CALL("1", "big__anything", "") "]", &a);
	expect_array(&a, 1);
	cr_expect(json_at(find(&a, "1"), "result") != NULL, "%.300s", a.body);
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
	mcp_post(&m, "", "[" CALL("0", "clock__now", "") "," CALL("1", "clock__now", "") "," CALL("2", "clock__now", "") ","
	    CALL("3", "clock__now", "") "]", &a);
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
