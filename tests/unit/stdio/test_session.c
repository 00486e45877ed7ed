/* SPDX-License-Identifier: Apache-2.0
 *
 * test_session.c - a legacy client: its session, its streams, and both after a break
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/unit/stdio/fake.h"

#define NEXT(f, a)	cr_assert(fake_next((f), (a), FAKE_WAIT_MS), "the gateway was asked nothing")
#define HEARS(f, want)	do {								\
	const char *line_ = fake_hear((f), FAKE_WAIT_MS);					\
	cr_assert(line_ != NULL && strcmp(line_, (want)) == 0, "heard %s", line_);		\
} while (0)
#define HEARS_PART(f, want) do {								\
	const char *line_ = fake_hear((f), FAKE_WAIT_MS);					\
	cr_assert(line_ != NULL && strstr(line_, (want)) != NULL, "heard %s", line_);		\
} while (0)

#define ASKS	"{\"jsonrpc\":\"2.0\",\"id\":\"g-1\",\"method\":\"elicitation/create\",\"params\":{}}"
#define ANSWERS	"{\"jsonrpc\":\"2.0\",\"id\":\"g-1\",\"result\":{\"action\":\"accept\"}}"
#define CHANGED	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"

Test(session, is_named_in_everything_after_the_handshake_and_ended)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	cr_expect(asked_has(&a, "Mcp-Session-Id: s1") && asked_has(&a, "MCP-Protocol-Version: 2025-11-25"), "%s", a.head);
	cr_expect(strstr(a.head, "Mcp-Method") == NULL);
	fake_answer(&f, &a, 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	/* There is no stream, and it was asked for once. */
	cr_expect(not(fake_next(&f, &a, 1300)), "%s", a.line);
	/* A second initialize is for the gateway to refuse. */
	fake_say(&f, INITIALIZE);
	NEXT(&f, &a);
	cr_expect(asked_has(&a, "Mcp-Session-Id: s1"));
	fake_answer(&f, &a, 400, "", "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32600,\"message\":\"again\"}}");
	HEARS_PART(&f, "again");
	close(f.in);
	f.in = -1;
	NEXT(&f, &a);
	cr_expect(strcmp(a.line, "DELETE /mcp HTTP/1.1") == 0, "%s", a.line);
	cr_expect(asked_has(&a, "Mcp-Session-Id: s1") && asked_has(&a, "MCP-Protocol-Version: 2025-11-25"));
	fake_answer(&f, &a, 405, "", "");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, lines_that_do_not_wait_for_the_handshake_are_held_back)
{
	struct fake	f;
	struct asked	a, b;

	fake_start(&f, false);
	fake_say(&f, INITIALIZE "\n" INITIALIZED "\n" LIST(1));
	NEXT(&f, &a);
	cr_expect(asked_says(&a, "\"initialize\""));
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s1\r\n", INITIALIZE_RESULT);
	NEXT(&f, &a);
	cr_expect(asked_says(&a, "initialized") && asked_has(&a, "Mcp-Session-Id: s1"));
	cr_expect(not(fake_next(&f, &b, 100)), "%s", b.body);
	fake_answer(&f, &a, 202, "", "");
	for (int i = 0; i < 2; i++) {
		NEXT(&f, &a);
		cr_expect(asked_has(&a, "Mcp-Session-Id: s1"));
		if (strncmp(a.line, "GET", 3) == 0)
			fake_answer(&f, &a, 405, "", "");
		else
			fake_answer(&f, &a, 200, "", RESULT(1));
	}
	HEARS(&f, INITIALIZE_RESULT);
	HEARS(&f, RESULT(1));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, a_refused_handshake_may_be_tried_again)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, INITIALIZE);
	NEXT(&f, &a);
	fake_answer(&f, &a, 401, "", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"who?\"}}");
	HEARS(&f, "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32600,\"message\":\"who?\"}}");
	fake_handshake(&f, "s1");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, a_stream_carries_questions_and_the_client_answers_by_post)
{
	struct fake	f;
	struct asked	a, b;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, ": hello\n\nevent: message\ndata: " ASKS "\n\n");
	HEARS(&f, ASKS);
	fake_say(&f, ANSWERS);
	NEXT(&f, &b);
	cr_expect(strcmp(b.body, ANSWERS) == 0 && asked_has(&b, "Mcp-Session-Id: s1"));
	fake_answer(&f, &b, 202, "", "");
	fake_write(&a, "event: message\ndata: " RESULT(9) "\n\ndata: junk\n\ndata: " RESULT(1) "\n\n");
	HEARS(&f, RESULT(1));		/* and not that of another, nor junk */
	fake_hang_up(&a);
	cr_expect(fake_hear(&f, 100) == NULL);
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, a_cancelled_request_is_told_and_goes_on)
{
	struct fake	f;
	struct asked	a, b;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_say(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
	NEXT(&f, &b);
	cr_expect(asked_says(&b, "cancelled") && asked_has(&b, "Mcp-Session-Id: s1"));
	fake_answer(&f, &b, 202, "", "");
	cr_expect(not(fake_is_hung_up(&a, 50)));
	fake_answer(&f, &a, 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, a_broken_stream_is_resumed_where_it_was)
{
	struct fake	f;
	struct asked	a;
	uint64_t	broke;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, "id: e-1\nretry: 300\ndata:\n\nid: e-2\ndata: " CHANGED "\n\n");
	HEARS(&f, CHANGED);
	broke = clock_mono_ms();
	fake_hang_up(&a);
	NEXT(&f, &a);
	cr_expect(clock_mono_ms() - broke >= 250, "after %lu ms", (unsigned long)(clock_mono_ms() - broke));
	cr_expect(strcmp(a.line, "GET /mcp HTTP/1.1") == 0, "%s", a.line);
	cr_expect(asked_has(&a, "Last-Event-ID: e-2") && asked_has(&a, "Mcp-Session-Id: s1") &&
	    asked_has(&a, "Accept: text/event-stream"), "%s", a.head);
	fake_stream(&a);
	fake_write(&a, "id: e-3\ndata: " RESULT(1) "\n\n");
	HEARS(&f, RESULT(1));
	fake_hang_up(&a);
	/* One that cannot be had any more is an error, and so is one without an id. */
	fake_say(&f, LIST(2));
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, "id: e-9\nretry: 10\ndata:\n\n");
	fake_hang_up(&a);
	NEXT(&f, &a);
	fake_answer(&f, &a, 400, "", "");
	HEARS_PART(&f, "\"id\":2,\"error\":{\"code\":-32603,\"message\":\"the answer broke off");
	fake_say(&f, LIST(3));
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, "data: " CHANGED "\n\n");
	fake_hang_up(&a);
	HEARS(&f, CHANGED);
	HEARS_PART(&f, "\"id\":3,\"error\":{\"code\":-32603,\"message\":\"the answer broke off");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, resuming_that_brings_nothing_ends)
{
	struct fake	f;
	struct asked	a;
	int		times = 0;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, "id: e-1\nretry: 10\ndata:\n\n");
	fake_hang_up(&a);
	while (fake_next(&f, &a, 500)) {
		times++;
		fake_stream(&a);
		fake_hang_up(&a);
	}
	cr_expect(times >= 2 && times <= 10, "%d times", times);
	HEARS_PART(&f, "\"id\":1,\"error\"");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, forgotten_by_the_gateway_is_made_again_and_the_message_sent_once_more)
{
	struct fake	f;
	struct asked	a, b;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_say(&f, LIST(2));
	NEXT(&f, &b);
	fake_answer(&f, &a, 404, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"gone\"}}");
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, INITIALIZE) == 0, "%s", a.body);
	cr_expect(strstr(a.head, "Mcp-Session-Id") == NULL);
	/* What comes meanwhile waits. */
	fake_answer(&f, &b, 404, "", "");
	fake_say(&f, LIST(3));
	cr_expect(not(fake_next(&f, &b, 100)));
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s2\r\n", INITIALIZE_RESULT);
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, INITIALIZED) == 0 && asked_has(&a, "Mcp-Session-Id: s2"), "%s", a.body);
	fake_answer(&f, &a, 202, "", "");
	for (int i = 0, seen = 0; i < 4; i++) {
		NEXT(&f, &a);
		cr_expect(asked_has(&a, "Mcp-Session-Id: s2"), "%s", a.head);
		if (strncmp(a.line, "GET", 3) == 0) {
			fake_answer(&f, &a, 405, "", "");
			continue;
		}
		seen |= 1 << (strstr(a.body, "\"id\":")[5] - '0');
		if (asked_says(&a, "\"id\":1"))
			fake_answer(&f, &a, 200, "", RESULT(1));
		else if (asked_says(&a, "\"id\":2"))	/* once more, and no more */
			fake_answer(&f, &a, 404, "", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"gone\"}}");
		else
			fake_answer(&f, &a, 200, "", RESULT(3));
		cr_expect(i < 3 || seen == 14, "%x", (unsigned)seen);
	}
	for (int i = 0; i < 3; i++) {
		const char *heard = fake_hear(&f, FAKE_WAIT_MS);

		cr_assert(heard != NULL);
		if (strstr(heard, "\"id\":2") != NULL)
			cr_expect(strcmp(heard, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32001,\"message\":\"gone\"}}") == 0,
			    "%s", heard);
		else
			cr_expect(strcmp(heard, RESULT(1)) == 0 || strcmp(heard, RESULT(3)) == 0, "%s", heard);
	}
	cr_expect(fake_hear(&f, 50) == NULL);
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, that_cannot_be_made_again_is_an_error_until_it_can)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_answer(&f, &a, 404, "", "");
	NEXT(&f, &a);
	fake_answer(&f, &a, 401, "", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"who?\"}}");
	HEARS_PART(&f, "\"id\":1,\"error\":{\"code\":-32603,\"message\":\"the gateway has forgotten this session");
	fake_say(&f, LIST(2));
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, INITIALIZE) == 0, "%s", a.body);
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s2\r\n", INITIALIZE_RESULT);
	NEXT(&f, &a);
	fake_answer(&f, &a, 202, "", "");
	for (int i = 0; i < 2; i++) {
		NEXT(&f, &a);
		fake_answer(&f, &a, a.line[0] == 'G' ? 405 : 200, "", a.line[0] == 'G' ? "" : RESULT(2));
	}
	HEARS(&f, RESULT(2));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, the_gateways_own_stream_is_opened_again_where_it_was)
{
	struct fake	f;
	struct asked	a;
	uint64_t	broke;

	fake_start(&f, false);
	fake_say(&f, INITIALIZE);
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s1\r\n", INITIALIZE_RESULT);
	HEARS(&f, INITIALIZE_RESULT);
	fake_say(&f, INITIALIZED);
	NEXT(&f, &a);
	fake_answer(&f, &a, 202, "", "");
	NEXT(&f, &a);
	cr_assert(a.line[0] == 'G');
	cr_expect(strstr(a.head, "Last-Event-ID") == NULL && asked_has(&a, "Mcp-Session-Id: s1"));
	fake_stream(&a);
	fake_write(&a, "id: 7\nretry: 200\ndata: " CHANGED "\n\n");
	HEARS(&f, CHANGED);
	broke = clock_mono_ms();
	fake_hang_up(&a);
	NEXT(&f, &a);
	cr_expect(clock_mono_ms() - broke >= 150 && asked_has(&a, "Last-Event-ID: 7"), "%s", a.head);
	fake_stream(&a);
	fake_write(&a, "data: " ASKS "\n\n");
	HEARS(&f, ASKS);
	fake_hang_up(&a);
	/* The session is gone: a new one, and its stream. */
	NEXT(&f, &a);
	cr_assert(a.line[0] == 'G');
	fake_answer(&f, &a, 404, "", "");
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, INITIALIZE) == 0);
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s2\r\n", INITIALIZE_RESULT);
	NEXT(&f, &a);
	fake_answer(&f, &a, 202, "", "");
	NEXT(&f, &a);
	cr_expect(a.line[0] == 'G' && asked_has(&a, "Mcp-Session-Id: s2") && strstr(a.head, "Last-Event-ID") == NULL);
	fake_stream(&a);
	fake_write(&a, "data: " CHANGED "\n\n");
	HEARS(&f, CHANGED);
	fake_hang_up(&a);
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, a_stream_that_waits_goes_at_once_in_a_new_session_and_from_its_beginning)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, INITIALIZE);
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s1\r\n", INITIALIZE_RESULT);
	HEARS(&f, INITIALIZE_RESULT);
	fake_say(&f, INITIALIZED);
	NEXT(&f, &a);
	fake_answer(&f, &a, 202, "", "");
	NEXT(&f, &a);
	fake_stream(&a);
	fake_write(&a, "id: 7\nretry: 50000\ndata: " CHANGED "\n\n");
	HEARS(&f, CHANGED);
	fake_hang_up(&a);
	fake_say(&f, LIST(1));
	NEXT(&f, &a);
	fake_answer(&f, &a, 404, "", "");
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "Mcp-Session-Id: s2\r\n", INITIALIZE_RESULT);
	NEXT(&f, &a);
	fake_answer(&f, &a, 202, "", "");
	for (int i = 0; i < 2; i++) {
		NEXT(&f, &a);
		cr_expect(asked_has(&a, "Mcp-Session-Id: s2") && strstr(a.head, "Last-Event-ID") == NULL, "%s", a.head);
		fake_answer(&f, &a, a.line[0] == 'G' ? 405 : 200, "", a.line[0] == 'G' ? "" : RESULT(1));
	}
	HEARS(&f, RESULT(1));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, notes_go_in_their_order)
{
	struct fake	f;
	struct asked	a;
	char		line[128];

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	for (int i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/n%d\"}", i);
		fake_say(&f, line);
	}
	for (int i = 0; i < 10; i++) {
		NEXT(&f, &a);
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/n%d\"}", i);
		cr_expect(strcmp(a.body, line) == 0, "%s", a.body);
		fake_answer(&f, &a, i == 4 ? 400 : 202, "", "");
	}
	cr_expect(fake_hear(&f, 50) == NULL, "a note was answered");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(session, an_array_goes_as_it_is)
{
	static const char	batch[] = "[" LIST(1) "," LIST(2) "]", answers[] = "[" RESULT(1) "," RESULT(2) "]";
	struct fake		f;
	struct asked		a;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	fake_say(&f, batch);
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, batch) == 0);
	fake_answer(&f, &a, 200, "", answers);
	HEARS(&f, answers);
	fake_say(&f, batch);
	NEXT(&f, &a);
	fake_answer(&f, &a, 400, "", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"no\"}}");
	HEARS(&f, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"no\"}}");
	cr_expect(eq(int, fake_end(&f), 0));
}
