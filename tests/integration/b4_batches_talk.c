/* SPDX-License-Identifier: Apache-2.0
 *
 * b4_batches_talk.c - batches of calls whose servers talk, ask, are slow, or answer much
 */
#include <unistd.h>

#include "tests/integration/batches.h"

#define PROGRESS	",\"_meta\":{\"progressToken\":\"p\"}"
#define CANCEL	NOTE("notifications/cancelled", "\"requestId\":\"c\"")
#define LIARS "{\"mcpServers\":{"							\
	"\"talks\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"progress\",\"200\"]},"	\
	"\"slow\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"slow\",\"1000\"]},"	\
	"\"asks\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"asks\"]},"		\
	"\"big\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"big\",\"1500000\"]},"	\
	"\"tells\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"tells\",\"60\"]},"	\
	"\"clock\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\"}}}"
#define LIARS_RULES "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

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

static void
liars_start(struct gateway *g, const char *conf)
{
	gateway_start(g, &(struct gateway_setup){ .workers = 1, .servers = LIARS, .rules = LIARS_RULES,
	    .conf = conf });
}

Test(batches_talk, are_answered_in_a_stream_when_one_of_them_has_events)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 text[16];
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
	cr_expect(events_with(&a, "\"id\":") == 5, "%s", a.body);
	cr_expect(a.events == 5 + events_with(&a, "notifications/progress"), "%s", a.body);
	for (int id = 1; id <= 5; id++) {
		snprintf(text, sizeof(text), "\"id\":%d,", id);
		cr_expect(events_with(&a, text) == 1, "%s: %s", text, a.body);
	}
	cr_expect(events_with(&a, "-32601") == 1);
	answer_fini(&a);
	/* Who cannot read events gets none. */
	mcp_post(&m, JSON_ONLY, body, &a);
	expect_array(&a, 5);
	answer_fini(&a);
	/* And who reads nothing else gets all as events. */
	mcp_post(&m, EVENTS_ONLY, "[" PING("1") "," PING("2") "]",
	    &a);
	EXPECT_STATUS(a, 200, "events only");
	cr_expect(a.events == 2 && events_with(&a, "\"id\":1,") == 1 && events_with(&a, "\"id\":2,") == 1, "%s",
	    a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* More than what may be on its way before the client reads. */
Test(batches_talk, go_on_as_the_client_reads)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	mcp_post(&m, "", "[" CALL("1", "tells__anything", "") "]", &a);
	cr_expect(a.status == 200 && events_with(&a, "\"id\":1,\"result\"") == 1);
	cr_expect(a.events == 61 && a.body_bytes > 60 * 16384, "%zu events of 61, %zu bytes", a.events, a.body_bytes);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

/* The batch is on its way; the answer is to be read. */
static void
post_and_go_on(struct mcp *m, const char *batch)
{
	char	*text;

	cr_assert(asprintf(&text, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Mcp-Session-Id: %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	    "Content-Length: %zu\r\n\r\n%s", m->path, m->key, m->session, strlen(batch), batch) > 0);
	cr_assert(client_send(&m->conn, text, strlen(text)));
	free(text);
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

Test(batches_talk, of_responses_answer_what_calls_of_a_batch_ask)
{
	struct gateway	 g;
	struct mcp	 m, other;
	struct answer	 a;
	char		 body[4096], one[64], two[64];
	const char	*batch = "[" CALL("1", "asks__anything", "") "," PING("2") "]";
	size_t		 at = 0;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{\"sampling\":{},\"roots\":{}}"));
	mcp_init(&other, g.mcp, "/mcp/catalog", m.key);
	snprintf(other.session, sizeof(other.session), "%s", m.session);
	post_and_go_on(&m, batch);
	cr_assert(next_ask(&m.conn, &at, one) && next_ask(&m.conn, &at, two), "%s", m.conn.in);
	cr_expect(strstr(m.conn.in, "sampling/createMessage") != NULL &&
	    strstr(m.conn.in, "roots/list") != NULL);
	snprintf(body, sizeof(body), "[{" RPC ",\"id\":\"%s\",\"result\":{\"first\":\"answered\"}},"
	    "{" RPC ",\"id\":\"%s\",\"error\":{\"code\":-1,\"message\":\"second refused\"}}]", one, two);
	mcp_post(&other, "", body, &a);
	EXPECT_STATUS(a, 202, "responses");
	answer_fini(&a);
	client_read(&m.conn, patience(&g, 10000), &a);
	EXPECT_STATUS(a, 200, "the batch that asked");
	cr_expect(events_with(&a, "\"id\":1,\"result\"") == 1 && events_with(&a, "\"id\":2,\"result\"") == 1, "%s",
	    a.body);
	cr_expect(strstr(a.body, "answered") != NULL && strstr(a.body, "second refused") != NULL, "%s",
	    a.body);
	answer_fini(&a);
	mcp_fini(&other);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(batches_talk, answer_nothing_for_what_the_same_batch_cancels)
{
	static char	 text[128 * 1024];
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	size_t		 n;

	NEEDS_JAILS();
	liars_start(&g, NULL);
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	/* A call whose server was not listed yet is not there to be cancelled. */
	mcp_post(&m, "", "[" ASK("1", "tools/list", "") "]", &a);
	expect_array(&a, 1);
	answer_fini(&a);
	mcp_post(&m, "", "[" CALL("\"c\"", "slow__anything", "") "," CANCEL "," PING("2") "]", &a);
	expect_array(&a, 1);
	cr_expect(find(&a, "2") != NULL);
	answer_fini(&a);
	mcp_post(&m, "", "[" CALL("\"c\"", "slow__anything", "") "," CANCEL "]", &a);
	EXPECT_STATUS(a, 202, "nothing left to answer");
	answer_fini(&a);
	/* Also when they are too large to be begun at once. */
	n = (size_t)snprintf(text, sizeof(text), "[{" RPC ",\"id\":\"c\",\"method\":\"tools/call\",\"params\":"
	    "{\"name\":\"slow__anything\",\"arguments\":{\"x\":\"");
	memset(text + n, 'x', 100000);
	snprintf(text + n + 100000, 200, "\"}}}," CANCEL "]");
	mcp_post(&m, "", text, &a);
	EXPECT_STATUS(a, 202, "a large one");
	answer_fini(&a);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "cancelled") == 3, "%s", json_object_to_json_string(records));
	json_object_put(records);
	mcp_fini(&m);
	gateway_stop(&g);
}

static struct {
	const struct gateway	*g;
	size_t			 want;
} calls_ok;

static bool
all_ended(void *arg)
{
	json_object	*records = gateway_audit(calls_ok.g);
	bool		 yes = audit_count(records, "outcome", "ok") == calls_ok.want;

	(void)arg;
	json_object_put(records);
	return yes;
}

Test(batches_talk, run_to_their_end_when_the_client_hangs_up)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	struct procs	*before = malloc(sizeof(*before));
	char		 id[64];
	size_t		 at = 0;
	const char	*batch = "[" CALL("1", "slow__anything", "") "," CALL("2", "talks__anything", PROGRESS) ","
			    PING("3") "]";

	NEEDS_JAILS();
	liars_start(&g, "resume_memory = 0\n");
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	gateway_procs(&g, before);
	post_and_go_on(&m, batch);
	sleep_ms(patience(&g, 300));
	client_close(&m.conn);
	calls_ok.g = &g;
	calls_ok.want = 2;
	cr_expect(wait_until(all_ended, NULL, patience(&g, 10000)));
	/* What a server asks then is answered for the client. */
	m.session[0] = '\0';
	mcp_post(&m, "", INIT(BATCHES, "{\"sampling\":{},\"roots\":{}}"), &a);
	snprintf(m.session, sizeof(m.session), "%s", answer_header(&a, "Mcp-Session-Id"));
	answer_fini(&a);
	post_and_go_on(&m, "[" CALL("1", "asks__anything", "") "," PING("2") "]");
	cr_expect(next_ask(&m.conn, &at, id));
	client_close(&m.conn);
	calls_ok.want = 3;
	cr_expect(wait_until(all_ended, NULL, patience(&g, 10000)));
	mcp_post(&m, "", "[" PING("4") "]", &a);
	expect_array(&a, 1);
	answer_fini(&a);
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(batches_talk, of_large_answers_come_whole)
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
		mcp_post(&m, stream ? EVENTS_ONLY : "", text, &a);
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
Test(batches_talk, say_which_answers_found_no_room)
{
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	int		well = 0;

	NEEDS_JAILS();
	liars_start(&g, "body_memory = 4MiB\n");
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	for (int again = 0; again < 3; again++) {
		mcp_post(&m, "", "[" CALL("1", "big__anything", "") "," CALL("2", "big__anything", "") ","
		    PING("3") "]", &a);
		expect_array(&a, 3);
		for (int i = 1; i <= 2; i++) {
			json_object *one = find(&a, i == 1 ? "1" : "2");

			well += json_at(one, "result") != NULL;
			cr_expect(json_at(one, "result") != NULL || json_int_at(one, "error.code") == 503,
			    "%.300s", a.body);
		}
		cr_expect(well <= 1 + again, "both at once do not fit");
		cr_expect(json_at(find(&a, "3"), "result") != NULL);
		answer_fini(&a);
	}
	mcp_post(&m, EVENTS_ONLY, "[" CALL("1", "big__anything", "") ","
	    CALL("2", "big__anything", "") "]", &a);
	cr_expect(a.status == 200 && a.events == 2 && events_with(&a, "\"id\":1,") == 1 &&
	    events_with(&a, "\"id\":2,") == 1, "to one who reads events only: %.500s", a.body);
	answer_fini(&a);
	/* It all came back. */
	mcp_post(&m, "", "[" CALL("1", "big__anything", "") "]", &a);
	expect_array(&a, 1);
	cr_expect(json_at(find(&a, "1"), "result") != NULL, "%.300s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
	/* Nor for one alone. */
	liars_start(&g, "body_memory = 1MiB\n");
	session(&m, &g, "/mcp/catalog", "a", INIT(BATCHES, "{}"));
	mcp_post(&m, "", "[" CALL("1", "big__anything", "") "]", &a);
	expect_array(&a, 1);
	cr_expect(json_int_at(find(&a, "1"), "error.code") == 503, "%.300s", a.body);
	answer_fini(&a);
	mcp_post(&m, EVENTS_ONLY, "[" CALL("1", "big__anything", "")
	    "]", &a);
	cr_expect(a.status == 200 && a.events == 1 && json_int_at(a.json, "error.code") == 503 &&
	    json_int_at(a.json, "id") == 1, "%d %.300s", a.status, a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
