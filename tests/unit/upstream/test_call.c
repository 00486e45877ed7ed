/* SPDX-License-Identifier: Apache-2.0
 *
 * test_call.c - calls to a server that lies, over real sockets
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "server.h"

#define OK_TEXT	"\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"call 1\"}]}}"

Test(call, reaches_a_legacy_server_after_initialize)
{
	static const char *const words[] = { "legacy", "legacy sse", "legacy drip" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		server_start(&s, words[i], NULL);
		server_ask(&s, &o);
		cr_expect(eq(int, o.error, 0), "%s: %s", words[i], o.why);
		cr_expect(strstr(o.text, OK_TEXT) != NULL, "%s: %s", words[i], o.text);
		cr_expect(not(o.modern));
		cr_expect(eq(uint, server_saw(&s, "\nserver/discover - 2026-07-28 server/discover - hush\n"), 1));
		cr_expect(eq(uint, server_saw(&s, "\ninitialize - - - - hush\n"), 1), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "notifications/initialized s-1 2025-06-18 - - hush\n"), 1));
		cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 2025-06-18 - - hush\n"), 1), "%s", words[i]);
		/* The second finds all that ready. */
		server_ask(&s, &o);
		cr_expect(o.error == 0 && strstr(o.text, "call 2") != NULL, "%s: %s", words[i], o.why);
		cr_expect(eq(uint, server_saw(&s, "\ninitialize - "), 1));
		server_stop(&s);
	}
}

Test(call, reaches_a_modern_server_with_its_headers)
{
	static const char *const words[] = { "modern", "modern sse" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		server_start(&s, words[i], NULL);
		server_ask(&s, &o);
		cr_expect(o.error == 0 && strstr(o.text, OK_TEXT) != NULL, "%s: %s", words[i], o.why);
		cr_expect(o.modern);
		/* A name that is not ASCII goes as base64. */
		cr_expect(eq(uint, server_saw(&s, "\ntools/call - 2026-07-28 tools/call =?base64?dMO8cg==?= hush\n"), 1));
		server_ask(&s, &o);
		cr_expect(eq(uint, server_saw(&s, "\nserver/discover -"), 1));
		cr_expect(eq(uint, server_saw(&s, "\ninitialize"), 0));
		server_stop(&s);
	}
}

Test(call, cuts_the_modern_keys_out_for_a_legacy_server)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "legacy echo", NULL);
	server_ask(&s, &o);
	cr_expect(strstr(o.text, "\"method\":\"tools/call\",\"params\":{\"name\":\"t\xc3\xbcr\",\"arguments\":{\"a\":1}}}}}")
	    != NULL, "%s", o.text);
	cr_expect(strstr(o.text, "_meta") == NULL);
	server_stop(&s);
	server_start(&s, "modern echo", NULL);
	server_ask(&s, &o);
	cr_expect(strstr(o.text, "\"arguments\":{\"a\":1},\"_meta\":{\"io.model") != NULL, "%s", o.text);
	server_stop(&s);
}

Test(call, asks_for_no_era_that_is_pinned)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "modern", NULL);
	s.target.pin = ERA_PIN_MODERN;
	server_ask(&s, &o);
	cr_expect(o.error == 0 && server_saw(&s, "server/discover") == 0);
	server_stop(&s);
	server_start(&s, "legacy", NULL);
	s.target.pin = ERA_PIN_LEGACY;
	server_ask(&s, &o);
	cr_expect(o.error == 0 && server_saw(&s, "server/discover") == 0 && server_saw(&s, "\ninitialize -") == 1);
	server_stop(&s);
}

Test(call, passes_an_error_of_the_server_on)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "legacy refuse", NULL);
	server_ask(&s, &o);
	cr_expect(o.error == 0 && o.is_error && strstr(o.text, "no such tool") != NULL);
	server_stop(&s);
}

struct row {
	const char	*words;
	int		 error;
	bool		 sent;
	unsigned	 calls;		/* that the server saw */
	const char	*why;		/* begins with */
};

static const struct row rows[] = {
	{ "legacy reset", E_UPSTREAM, true, 1, "the server " },
	{ "modern reset", E_UPSTREAM, true, 1, "the server " },
	{ "legacy hang", E_TIMEOUT, true, 1, "no answer in time" },
	{ "legacy wrongid", E_UPSTREAM, true, 1, "the server answered another request" },
	{ "legacy sse wrongid", E_UPSTREAM, true, 1, "the server's stream ended before the answer" },
	{ "legacy garbage", E_UPSTREAM, true, 1, "the server's answer is not MCP" },
	{ "modern sse garbage", E_UPSTREAM, true, 1, "an event of the server's stream is not MCP" },
	{ "legacy badhttp", E_UPSTREAM, true, 1, "malformed answer" },
	{ "legacy 202", E_UPSTREAM, true, 1, "the server answered HTTP 202 without" },
	{ "legacy huge", E_TOOBIG, true, 1, "the server's answer is too large" },
	{ "legacy 401", E_UPSTREAM, false, 0, "the server does not accept the configured credential" },
	{ "modern 500", E_UPSTREAM, false, 0, "the server answered HTTP 500" },
	{ "legacy early", E_UPSTREAM, false, 0, "the server answered HTTP 500" },
	{ NULL, E_SERVER, false, 0, "connection refused" },
};

Test(call, tells_what_became_of_it, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = rows[i].words == NULL ? "nobody" : rows[i].words;

		server_start(&s, rows[i].words, NULL);
		o = (struct outcome){ .keep = false };
		cr_assert(eq(int, server_call(&s, 1, rows[i].error == E_TIMEOUT ? 300 : 20000, false, &o), 0));
		server_wait(&s, &o);
		cr_expect(eq(int, o.error, rows[i].error), "%s: %s", name, o.why);
		cr_expect(o.sent == rows[i].sent, "%s: sent %d", name, o.sent);
		cr_expect(strncmp(o.why, rows[i].why, strlen(rows[i].why)) == 0, "%s: %s", name, o.why);
		if (rows[i].words != NULL)
			cr_expect(eq(uint, server_saw(&s, "\ntools/call"), rows[i].calls), "%s", name);
		server_stop(&s);
	}
}

Test(call, answers_the_servers_requests_and_hands_notifications_on)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "legacy sse chatty", NULL);
	server_ask(&s, &o);
	cr_expect(o.error == 0 && o.notes == 1 && strstr(o.text, "call 1") != NULL, "%s", o.why);
	cr_expect(eq(uint, o.requests, 1), "a ping is answered without the caller");
	server_turn(&s, 200);
	cr_expect(eq(uint, server_saw(&s, "response s-1 2025-06-18"), 2));
	server_stop(&s);
	/* A modern server may not ask. */
	server_start(&s, "modern sse chatty", NULL);
	server_ask(&s, &o);
	server_turn(&s, 100);
	cr_expect(o.error == 0 && o.notes == 1 && server_saw(&s, "response") == 0);
	server_stop(&s);
}

Test(call, may_be_freed_in_its_own_notification)
{
	struct server	s;
	struct outcome	o = { .free_in_note = true };

	server_start(&s, "legacy sse chatty", NULL);
	cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
	server_turn(&s, 300);
	cr_expect(o.notes == 1 && !o.done);
	server_stop(&s);
}

Test(call, goes_on_with_a_stream_that_was_cut)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "legacy cut", NULL);
	server_ask(&s, &o);
	cr_expect(o.error == 0 && strstr(o.text, "\"resumed\":true") != NULL, "%s", o.why);
	cr_expect(server_saw(&s, "\ntools/call") == 1 && server_saw(&s, "GET s-1 2025-06-18") == 1);
	server_stop(&s);
}

Test(call, makes_a_new_session_when_the_server_forgot_it)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "legacy forget", NULL);
	for (int i = 1; i <= 3; i++) {
		char want[32];

		server_ask(&s, &o);
		sprintf(want, "call %d", i);
		cr_expect(o.error == 0 && strstr(o.text, want) != NULL, "%s", o.why);
		cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), (unsigned)i));
	}
	server_stop(&s);
}

Test(call, has_one_session_per_instance)
{
	struct server	s;
	struct outcome	a[6] = { 0 };

	server_start(&s, "legacy", NULL);
	for (size_t i = 0; i < 6; i++)
		cr_assert(eq(int, server_call(&s, i % 2, 8000, false, &a[i]), 0));
	for (size_t i = 0; i < 6; i++) {
		server_wait(&s, &a[i]);
		cr_expect(eq(int, a[i].error, 0));
		for (size_t k = 0; k < i; k++)
			cr_expect(ne(str, a[i].id, a[k].id));
	}
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 2));
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1"), 3));
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-2"), 3));
	server_stop(&s);
}

Test(call, shares_its_session_with_other_workers)
{
	struct region	r;
	struct server	s;
	struct outcome	o;
	int		fd;

	cr_assert(eq(int, region_create(REGION_UPSTREAM_SESSIONS, 2, &fd), 0));
	cr_assert(eq(int, region_map(fd, REGION_UPSTREAM_SESSIONS, &r), 0));
	close(fd);
	server_start(&s, "legacy", &r);
	s.target.pin = ERA_PIN_LEGACY;
	server_ask(&s, &o);
	server_renew(&s, &r);
	server_ask(&s, &o);
	cr_expect(o.error == 0 && strstr(o.text, "call 2") != NULL);
	cr_expect(server_saw(&s, "\ninitialize -") == 1 && server_saw(&s, "\ntools/call s-1") == 2);
	server_stop(&s);
	region_unmap(&r);
}

Test(call, tells_a_legacy_server_that_nobody_waits)
{
	struct server	s;
	struct outcome	o = { 0 };

	server_start(&s, "legacy hang", NULL);
	cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
	for (int i = 0; i < 1000 && !upstream_call_was_sent(o.call); i++)
		server_turn(&s, 5);
	cr_expect(upstream_call_was_sent(o.call));
	upstream_call_free(&o.call);
	server_turn(&s, 200);
	cr_expect(not(o.done));
	cr_expect(eq(uint, server_saw(&s, "notifications/cancelled s-1 2025-06-18"), 1));
	server_stop(&s);
}

/* A client that does not read its answer is asked meanwhile, and answers: the time that is left counts from when it
 * reads again, and not before. */
Test(call, has_its_time_after_its_client_was_asked_and_did_not_read, .timeout = 20)
{
	struct server	s;
	struct outcome	o = { 0 };

	server_start(&s, "legacy hang", NULL);
	cr_assert(eq(int, server_call(&s, 1, 300, false, &o), 0));
	for (int i = 0; i < 1000 && !upstream_call_was_sent(o.call); i++)
		server_turn(&s, 5);
	upstream_call_pause(o.call, true);
	upstream_call_wait(o.call, 60000);
	upstream_call_wait(o.call, 0);
	server_turn(&s, 600);
	cr_assert(not(o.done), "its time went on");
	upstream_call_pause(o.call, false);
	for (int i = 0; i < 200 && !o.done; i++)
		server_turn(&s, 10);
	cr_assert(o.done, "its time does not end");
	cr_expect(eq(int, o.error, E_TIMEOUT));
	server_stop(&s);
}

Test(call, may_be_freed_at_any_moment, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	for (unsigned turns = 0; turns < 40; turns++) {
		server_start(&s, "legacy sse chatty", NULL);
		o = (struct outcome){ .keep = true };
		cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
		for (unsigned i = 0; i < turns; i++) {
			loop_turn(s.loop, false);
			usleep(300);
		}
		upstream_call_free(&o.call);
		server_turn(&s, 5);
		server_stop(&s);
	}
}

/* P5.  A server that closes after each answer without saying so: whoever uses its connection again may
 * find it closed. */
Test(call, is_never_executed_twice, .timeout = 60)
{
	struct server	s;
	struct outcome	o;
	unsigned	ok = 0, unsure = 0;

	server_start(&s, "modern stale", NULL);
	for (int i = 0; i < 300; i++) {
		server_ask(&s, &o);
		ok += o.error == 0;
		unsure += o.error != 0 && o.sent;
		cr_expect(o.error == 0 || o.sent, "what was not sent was sent again");
	}
	/* Each is executed once; those of which we do not know at most once. */
	cr_expect(ge(uint, server_saw(&s, "\ntools/call -"), ok));
	cr_expect(le(uint, server_saw(&s, "\ntools/call -"), ok + unsure));
	/* Nearly always the closing can be told from an accident, and the request goes out again. */
	cr_expect(ge(uint, ok, 100), "%u unsure", unsure);
	server_stop(&s);
}

Test(call, uses_its_connection_again)
{
	static const char *const words[] = { "modern", "modern sse", "legacy", "legacy sse" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < 4; i++) {
		server_start(&s, words[i], NULL);
		for (int k = 0; k < 10; k++) {
			server_ask(&s, &o);
			cr_expect(eq(int, o.error, 0));
			server_turn(&s, 10);	/* the stream's end arrives */
		}
		/* One more at most: begun before the end of the stream that found the era was there. */
		cr_expect(le(sz, pool_open_count(upstream_pool(s.up)), 2), "%s", words[i]);
		server_stop(&s);
	}
}

Test(call, is_refused_when_too_much_is_held)
{
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 1000, .start_timeout_ms = 2000,
	    .answer_memory = 300000 };
	struct server		s;
	struct outcome		o;

	server_start(&s, "modern huge", NULL);
	upstream_set_params(s.up, &p);
	server_ask(&s, &o);
	cr_expect(eq(int, o.error, E_OVERLOAD), "%s", o.why);
	server_stop(&s);
}

Test(call, survives_the_death_of_the_server_at_any_moment, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	for (unsigned turns = 0; turns < 25; turns++) {
		server_start(&s, "legacy sse drip", NULL);
		o = (struct outcome){ 0 };
		cr_assert(eq(int, server_call(&s, 1, 3000, false, &o), 0));
		server_turn(&s, turns * 15);
		kill(s.pid, SIGKILL);
		server_wait(&s, &o);
		cr_expect(o.error == 0 || o.error == E_UPSTREAM || o.error == E_SERVER || o.error == E_TIMEOUT, "%d %s",
		    o.error, o.why);
		server_stop(&s);
	}
}
