/* SPDX-License-Identifier: Apache-2.0
 *
 * test_relay.c - requests, answers and what becomes of them when the other side misbehaves
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/unit/stdio/fake.h"

#define BIG	(1024 * 1024)
#define NEXT(f, a)	cr_assert(fake_next((f), (a), FAKE_WAIT_MS), "the gateway was asked nothing")
#define HEARS(f, want)	do {								\
	const char *line_ = fake_hear((f), FAKE_WAIT_MS);					\
	cr_assert(line_ != NULL && strcmp(line_, (want)) == 0, "heard %s", line_);		\
} while (0)
#define HEARS_PART(f, want) do {								\
	const char *line_ = fake_hear((f), FAKE_WAIT_MS);					\
	cr_assert(line_ != NULL && strstr(line_, (want)) != NULL, "heard %s", line_);		\
} while (0)
#define MODERN(id, method)	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":{" MODERN_META "}}"

Test(relay, modern_requests_have_their_fields_and_no_session)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, MODERN(1, "tools/list"));
	NEXT(&f, &a);
	cr_expect(strcmp(a.line, "POST /mcp HTTP/1.1") == 0, "%s", a.line);
	cr_expect(asked_has(&a, "MCP-Protocol-Version: 2026-07-28") && asked_has(&a, "Mcp-Method: tools/list") &&
	    asked_has(&a, "Content-Type: application/json") &&
	    asked_has(&a, "Accept: application/json, text/event-stream") && asked_has(&a, "Host: localhost"));
	cr_expect(strcmp(a.body, MODERN(1, "tools/list")) == 0);
	/* A body of several lines is one line for the client. */
	fake_answer(&f, &a, 200, "Mcp-Session-Id: nonsense\r\n", "{\"jsonrpc\":\"2.0\",\n\"id\":1,\r\n\"result\":{}}");
	HEARS(&f, "{\"jsonrpc\":\"2.0\", \"id\":1,  \"result\":{}}");
	fake_say(&f, MODERN(2, "tools/list"));
	NEXT(&f, &a);
	cr_expect(strstr(a.head, "Mcp-Session-Id") == NULL);
	fake_answer(&f, &a, 200, "", RESULT(2));
	HEARS(&f, RESULT(2));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, a_cancelled_modern_request_is_hung_up_on)
{
	struct fake	f;
	struct asked	a, b;

	fake_start(&f, false);
	fake_say(&f, MODERN("x", "tools/list"));
	NEXT(&f, &a);
	fake_say(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"x\"}}");
	cr_expect(fake_is_hung_up(&a, FAKE_WAIT_MS));
	cr_expect(not(fake_next(&f, &b, 100)), "it was posted too");
	fake_hang_up(&a);
	cr_expect(fake_hear(&f, 50) == NULL);
	/* Any other is posted, under the revision of those before. */
	fake_say(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/other\"}");
	NEXT(&f, &a);
	cr_expect(asked_has(&a, "MCP-Protocol-Version: 2026-07-28"));
	fake_answer(&f, &a, 202, "", "");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, many_requests_run_at_once_and_their_answers_do_not_mix)
{
	struct fake	f;
	struct asked	a[20];
	char		line[256], seen[20] = "";
	const char	*heard;

	fake_start(&f, false);
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\",\"params\":{" MODERN_META "}}",
		    i);
		fake_say(&f, line);
	}
	for (int i = 0; i < 20; i++)
		NEXT(&f, &a[i]);
	for (int i = 19; i >= 0; i--) {
		int id = atoi(strstr(a[i].body, "\"id\":") + 5);

		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{}}", id);
		fake_answer(&f, &a[i], 200, "", line);
	}
	for (int i = 0; i < 20; i++) {
		int id = -1;

		heard = fake_hear(&f, FAKE_WAIT_MS);
		cr_assert(heard != NULL && sscanf(heard, "{\"jsonrpc\":\"2.0\",\"id\":%d,", &id) == 1, "%s", heard);
		cr_assert(id >= 0 && id < 20 && seen[id]++ == 0);
	}
	cr_expect(eq(int, fake_end(&f), 0));
}

static const struct {
	const char	*what;
	int		 status;
	const char	*fields, *body, *heard;	/* a part of the answer to id 5 */
} refusals[] = {
	{ "error with id", 400, "", "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32600,\"message\":\"m\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32600,\"message\":\"m\"}}" },
	{ "error without id", 401, "", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"who?\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32600,\"message\":\"who?\"}}" },
	{ "error with id null", 403, "", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":1,\"message\":\"m\"}}" },
	{ "no body", 503, "", "", "\"id\":5,\"error\":{\"code\":-32603,\"message\":\"HTTP 503" },
	{ "404 without a session", 404, "", "", "\"id\":5,\"error\":{\"code\":-32603,\"message\":\"HTTP 404" },
	{ "html", 401, "Content-Type: text/html\r\n", "<html>", "HTTP 401: you are no agent" },
	{ "accepted", 202, "", "", "\"id\":5,\"error\":{\"code\":-32603,\"message\":\"HTTP 202" },
	{ "no JSON", 200, "", "{\"jsonrpc\"", "\"id\":5,\"error\":{\"code\":-32603" },
	{ "another's answer", 200, "", RESULT(6), "\"id\":5,\"error\":{\"code\":-32603" },
	{ "a request", 200, "", "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}", "\"id\":5,\"error\":{\"code\":-32603" },
};

Test(relay, every_refusal_reaches_the_client_under_its_id)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const char *heard;

		fake_say(&f, MODERN(5, "tools/list"));
		NEXT(&f, &a);
		fake_answer(&f, &a, refusals[i].status, refusals[i].fields, refusals[i].body);
		heard = fake_hear(&f, FAKE_WAIT_MS);
		cr_expect(heard != NULL && strstr(heard, refusals[i].heard) != NULL, "%s: %s", refusals[i].what, heard);
	}
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, junk_is_answered_without_an_id_and_forgotten)
{
	static const struct {
		const char	*line, *heard;
	} rows[] = {
		{ "junk", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700" },
		{ "7", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600" },
		{ "{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"x\"}", "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32600" },
	};
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, "");
	fake_say(&f, "  \r");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_say(&f, rows[i].line);
		HEARS_PART(&f, rows[i].heard);
	}
	fake_say(&f, MODERN(1, "tools/list"));
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, what_may_have_been_executed_is_not_sent_again)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, MODERN(1, "tools/call"));
	NEXT(&f, &a);
	fake_hang_up(&a);
	HEARS_PART(&f, "\"id\":1,\"error\":{\"code\":-32603,\"message\":\"the gateway went away before it had answered");
	cr_expect(not(fake_next(&f, &a, 100)), "it was sent again");
	/* An answer that breaks off is none. */
	fake_say(&f, MODERN(2, "tools/call"));
	NEXT(&f, &a);
	fake_write(&a, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\"");
	fake_hang_up(&a);
	HEARS_PART(&f, "\"id\":2,\"error\":{\"code\":-32603");
	fake_say(&f, MODERN(3, "tools/call"));
	NEXT(&f, &a);
	fake_write(&a, "SSH-2.0-x\r\n");
	fake_hang_up(&a);
	HEARS_PART(&f, "\"id\":3,\"error\":{\"code\":-32603");
	cr_expect(not(fake_next(&f, &a, 100)), "it was sent again");
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, what_was_not_read_is_sent_again)
{
	struct fake	f;
	struct asked	a;
	char		*line = malloc(BIG + 1000);
	int		at;

	fake_start(&f, false);
	fake_bite(&f, 0);
	/* An idle connection that was closed. */
	fake_say(&f, MODERN(1, "tools/list"));
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	fake_unlisten(&f);
	fake_listen(&f);
	/* Nothing of it was read; a little was. */
	fake_say(&f, MODERN(2, "tools/list"));
	fake_bite(&f, 0);
	NEXT(&f, &a);
	cr_expect(asked_says(&a, "\"id\":2"));
	fake_hang_up(&a);		/* now it may have been executed */
	HEARS_PART(&f, "\"id\":2,\"error\"");
	at = snprintf(line, 1000, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"m\",\"params\":{" MODERN_META ",\"x\":\"");
	memset(line + at, 'x', BIG);
	strcpy(line + at + BIG, "\"}}");
	fake_say(&f, line);
	fake_bite(&f, 1);
	NEXT(&f, &a);
	cr_expect(strcmp(a.body, line) == 0);
	fake_answer(&f, &a, 200, "", RESULT(3));
	HEARS(&f, RESULT(3));
	/* Not for ever. */
	fake_unlisten(&f);
	fake_listen(&f);
	fake_say(&f, MODERN(4, "tools/list"));
	for (int i = 0; i < 4; i++)
		fake_bite(&f, 0);
	HEARS_PART(&f, "\"id\":4,\"error\"");
	free(line);
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, no_gateway_is_one_error_for_each_request_and_an_exit_code)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, true);
	fake_say(&f, INITIALIZE);
	HEARS_PART(&f, "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32603,\"message\":\"mcpgw is not running (no ");
	fake_say(&f, MODERN(1, "tools/list"));
	HEARS_PART(&f, "Start it: mcpgwctl start\"");
	cr_expect(eq(int, fake_end(&f), EX_UNAVAILABLE));
	/* It may come later. */
	fake_start(&f, true);
	fake_say(&f, MODERN(1, "tools/list"));
	HEARS_PART(&f, "Start it: mcpgwctl start\"");
	fake_listen(&f);
	fake_say(&f, MODERN(2, "tools/list"));
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "", RESULT(2));
	HEARS(&f, RESULT(2));
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, a_gateway_that_is_away_for_a_moment_is_waited_for)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_say(&f, MODERN(1, "tools/list"));
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	fake_unlisten(&f);
	fake_say(&f, MODERN(2, "tools/list"));
	cr_expect(fake_hear(&f, 200) == NULL);
	fake_listen(&f);
	NEXT(&f, &a);
	fake_answer(&f, &a, 200, "", RESULT(2));
	HEARS(&f, RESULT(2));
	cr_expect(eq(int, fake_end(&f), 0));
}

static size_t
peak_kib(pid_t pid)
{
	char	path[64], line[256];
	size_t	kib = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %zu kB", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

#define COUNT	48

/* The gateway's answers, from a process of their own: it blocks when they are not read. */
static pid_t
answer_big(struct fake *f)
{
	pid_t	pid = fork();

	if (pid == 0) {
		char	*body = malloc(BIG + 100);

		for (int i = 0; i < COUNT; i++) {
			struct asked a;
			int	at;

			if (!fake_next(f, &a, 20000))
				_exit(1);
			at = snprintf(body, 100, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"t\":\"",
			    atoi(strstr(a.body, "\"id\":") + 5));
			memset(body + at, 'b', BIG - (size_t)at);
			strcpy(body + BIG, "\"}}");
			fake_answer(f, &a, 200, "", body);
		}
		_exit(0);
	}
	return pid;
}

Test(relay, a_client_that_does_not_read_stops_the_rest_and_costs_no_memory, .timeout = 60)
{
	struct fake	f;
	char		line[256];
	pid_t		gateway;
	size_t		before, peak;

	fake_start(&f, false);
	gateway = answer_big(&f);
	usleep(100000);
	before = peak_kib(f.pid);
	for (int i = 0; i < COUNT; i++) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\",\"params\":{" MODERN_META "}}",
		    i);
		fake_say(&f, line);
	}
	sleep(1);
	peak = peak_kib(f.pid);
#ifdef MCPGW_SANITIZED
	peak = before;			/* what is freed is kept for a while: it says nothing */
#endif
	cr_expect(peak < before + 16 * 1024, "%zu KiB", peak - before);
	for (int i = 0; i < COUNT; i++) {
		const char *heard = fake_hear(&f, 20000);

		cr_assert(heard != NULL && strlen(heard) == BIG + 3 && strcmp(heard + BIG, "\"}}") == 0, "answer %d", i);
	}
	cr_expect(eq(int, fake_end(&f), 0));
	kill(gateway, SIGKILL);
}

Test(relay, a_gateway_that_does_not_read_stops_stdin_and_costs_no_memory, .timeout = 60)
{
	struct fake	f;
	char		*line = malloc(BIG + 1000);
	size_t		total = 0, n;
	ssize_t		w;
	int		at;

	fake_start(&f, false);
	fcntl(f.in, F_SETFL, O_NONBLOCK);
	at = snprintf(line, 1000, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{" MODERN_META ",\"x\":\"");
	memset(line + at, 'x', BIG);
	strcpy(line + at + BIG, "\"}}\n");
	n = strlen(line);
	for (int quiet = 0; quiet < 50 && total < 100 * n;) {
		if ((w = write(f.in, line + total % n, n - total % n)) > 0) {
			total += (size_t)w;
			quiet = 0;
		} else {
			usleep(10000);
			quiet++;
		}
	}
	cr_expect(total > 8 * n && total < 24 * n, "%zu bytes were taken", total);
	free(line);
	kill(f.pid, SIGTERM);
	(void)fake_end(&f);
}

Test(relay, more_requests_than_it_takes_are_refused_and_notes_still_go, .timeout = 60)
{
	struct fake	f;
	struct asked	a;
	char		line[256];

	fake_start(&f, false);
	for (int i = 0; i < 600; i++) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\",\"params\":{" MODERN_META "}}",
		    i);
		fake_say(&f, line);
		if (i < 496)
			fake_take(&f);
	}
	for (int i = 496; i < 600; i++)
		HEARS_PART(&f, "requests under way already");
	fake_say(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/other\"}");
	NEXT(&f, &a);
	cr_expect(asked_says(&a, "notifications/other"));
	fake_answer(&f, &a, 202, "", "");
	kill(f.pid, SIGTERM);
	(void)fake_end(&f);
}

Test(relay, a_client_that_went_away_is_the_end)
{
	struct fake	f;
	struct asked	a;

	fake_start(&f, false);
	fake_handshake(&f, "s1");
	close(f.out);
	NEXT(&f, &a);
	cr_expect(strncmp(a.line, "DELETE ", 7) == 0, "%s", a.line);
	cr_expect(asked_has(&a, "Mcp-Session-Id: s1"));
	fake_answer(&f, &a, 200, "", "");
	f.out = -1;
	cr_expect(eq(int, fake_end(&f), 0));
}

Test(relay, stdin_closed_in_the_middle_lets_requests_end_and_then_gives_up, .timeout = 30)
{
	struct fake	f;
	struct asked	a[4], one;
	const char	*heard;

	fake_start(&f, false);
	fake_say(&f, MODERN(1, "tools/call"));
	fake_say(&f, MODERN(2, "tools/call"));
	fake_say(&f, MODERN(3, "subscriptions/listen"));
	for (int i = 1; i <= 3; i++) {
		NEXT(&f, &one);
		a[atoi(strstr(one.body, "\"id\":") + 5)] = one;
	}
	close(f.in);
	f.in = -1;
	cr_expect(fake_is_hung_up(&a[3], 1000));	/* nobody waits for its end */
	fake_answer(&f, &a[1], 200, "", RESULT(1));
	HEARS(&f, RESULT(1));
	heard = fake_hear(&f, 3 * FAKE_WAIT_MS);
	cr_expect(heard != NULL && strstr(heard,
	    "\"id\":2,\"error\":{\"code\":-32603,\"message\":\"stdin was closed") != NULL, "%s", heard);
	fake_hang_up(&a[2]);
	fake_hang_up(&a[3]);
	cr_expect(eq(int, fake_end(&f), 0));
}
