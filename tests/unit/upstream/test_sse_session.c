/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sse_session.c - servers of HTTP+SSE, over real sockets
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "mcp/capability.h"
#include "server.h"

#define OK_TEXT	"\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"call 1\"}]}}"

static void
start(struct server *s, const char *words)
{
	server_start(s, words, NULL);
	s->target.transport = TRANSPORT_SSE;
}

static void
begin(struct server *s, struct outcome *o, const char *tool, unsigned a)
{
	*o = (struct outcome){ .tool = tool, .a = a, .capabilities = o->capabilities, .token = o->token };
	cr_assert(eq(int, server_call(s, 1, 8000, false, o), 0));
	cr_expect(not(o->done), "never inside the start");
}

static void
call(struct server *s, struct outcome *o, const char *tool)
{
	begin(s, o, tool, 1);
	server_wait(s, o);
}

Test(sse_session, carries_calls_to_the_endpoint_and_answers_back)
{
	static const char *const words[] = { "http+sse", "http+sse relative", "http+sse absolute", "http+sse query",
	    "http+sse comments", "http+sse early", "http+sse late" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		start(&s, words[i]);
		server_ask(&s, &o);
		cr_expect(eq(int, o.error, 0), "%s: %s", words[i], o.why);
		cr_expect(strstr(o.text, OK_TEXT) != NULL, "%s: %s", words[i], o.text);
		cr_expect(not(o.modern));
		/* Our headers, and none of another transport. */
		cr_expect(eq(uint, server_saw(&s, "GET s-0 hush - -\n"), 1), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\ninitialize s-1 hush - -\n"), 1), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\nnotifications/initialized s-1 hush - -\n"), 1), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 hush - -\n"), 1), "%s", words[i]);
		/* The second finds all that ready. */
		server_ask(&s, &o);
		cr_expect(o.error == 0 && strstr(o.text, "call 2") != NULL, "%s: %s", words[i], o.why);
		cr_expect(eq(uint, server_saw(&s, "GET "), 1));
		server_stop(&s);
	}
}

Test(sse_session, is_found_behind_a_url_that_takes_no_post)
{
	static const char *const words[] = { "http+sse", "http+sse 405", "http+sse 400" };
	static const enum server_era pins[] = { ERA_PIN_AUTO, ERA_PIN_LEGACY };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t k = 0; k < 2; k++) {
			server_start(&s, words[i], NULL);
			s.target.pin = pins[k];
			server_ask(&s, &o);
			cr_expect(o.error == 0 && strstr(o.text, OK_TEXT) != NULL, "%s: %s", words[i], o.why);
			cr_expect(eq(uint, server_saw(&s, "server/discover s-0"), pins[k] == ERA_PIN_AUTO ? 1 : 0));
			cr_expect(eq(uint, server_saw(&s, "initialize s-0"), 1));
			/* That is remembered, for other principals too. */
			o = (struct outcome){ .keep = false };
			cr_assert(eq(int, server_call(&s, 2, 8000, false, &o), 0));
			server_wait(&s, &o);
			cr_expect(o.error == 0 && server_saw(&s, "initialize s-0") == 1 && server_saw(&s, "GET ") == 2, "%s",
			    o.why);
			server_stop(&s);
		}
}

Test(sse_session, that_is_no_more_is_looked_for_anew)
{
	struct server	s;
	struct outcome	o = { 0 }, other = { .tool = "plain" };

	server_start(&s, "http+sse streamable", NULL);
	call(&s, &o, "cut");
	cr_expect(o.error == E_UPSTREAM && o.sent);
	/* Now it speaks Streamable HTTP.  Those that are told so at the same time do not wait for each other. */
	begin(&s, &o, "plain", 1);
	cr_assert(eq(int, server_call(&s, 2, 8000, false, &other), 0));
	server_wait(&s, &o);
	server_wait(&s, &other);
	cr_expect(o.error == E_UPSTREAM && other.error == E_UPSTREAM, "%s; %s", o.why, other.why);
	call(&s, &o, "plain");
	cr_expect(o.error == 0 && strstr(o.text, "streamed") != NULL, "%s", o.why);
	server_stop(&s);
}

struct row {
	const char	*words;
	bool		 pinned;
	int		 error;
	bool		 sent;
	const char	*why;		/* begins with */
};

static const struct row rows[] = {
	{ "http+sse foreign", true, E_UPSTREAM, false, "the server's endpoint is of another origin" },
	{ "http+sse foreign", false, E_UPSTREAM, false, "the server speaks no Streamable HTTP at this URL (HTTP 404), and "
	    "no HTTP+SSE: the server's endpoint is of another origin" },
	{ "http+sse host", true, E_UPSTREAM, false, "the server's endpoint is of another origin" },
	{ "http+sse long", true, E_UPSTREAM, false, "the server's endpoint is too long" },
	{ "http+sse bad", true, E_UPSTREAM, false, "the server's endpoint is no URI" },
	{ "http+sse message", true, E_UPSTREAM, false, "the server's stream does not begin with its endpoint" },
	{ "http+sse html", true, E_UPSTREAM, false, "the server answered HTTP 200 without" },
	{ "http+sse html", false, E_UPSTREAM, false, "the server speaks no Streamable HTTP at this URL (HTTP 404), and no "
	    "HTTP+SSE: the server answered HTTP 200 without" },
	{ "http+sse 500", true, E_UPSTREAM, false, "the server answered HTTP 500" },
	{ "http+sse refuse", true, E_UPSTREAM, true, "the server answered HTTP 400" },
	{ "http+sse wrongid", true, E_TIMEOUT, true, "no answer in time" },
	{ "http+sse garbage", true, E_UPSTREAM, true, "an event of the server's stream is not MCP" },
	{ NULL, true, E_SERVER, false, "connection refused" },
};

Test(sse_session, tells_what_became_of_a_call, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		server_start(&s, rows[i].words, NULL);
		if (rows[i].pinned)
			s.target.transport = TRANSPORT_SSE;
		o = (struct outcome){ .keep = false };
		cr_assert(eq(int, server_call(&s, 1, rows[i].error == E_TIMEOUT ? 1000 : 20000, false, &o), 0));
		server_wait(&s, &o);
		cr_expect(eq(int, o.error, rows[i].error), "row %zu: %s", i, o.why);
		cr_expect(o.sent == rows[i].sent, "row %zu: sent %d", i, o.sent);
		cr_expect(strncmp(o.why, rows[i].why, strlen(rows[i].why)) == 0, "row %zu: %s", i, o.why);
		server_stop(&s);
	}
}

#define MANY	64

Test(sse_session, gives_each_of_many_its_own_answer)
{
	struct outcome	o[MANY] = { 0 };
	struct server	s;
	char		want[128];

	start(&s, "http+sse");
	for (unsigned i = 0; i < MANY; i++)
		begin(&s, &o[i], "hold", MANY);
	for (unsigned i = 0; i < MANY; i++) {
		server_wait(&s, &o[i]);
		snprintf(want, sizeof(want), "\"held %s\"", o[i].id);
		cr_expect(o[i].error == 0 && strstr(o[i].text, want) != NULL, "%u: %s %s", i, o[i].why, o[i].text);
	}
	cr_expect(eq(uint, server_saw(&s, "GET "), 1));
	server_stop(&s);
}

Test(sse_session, ends_all_its_calls_with_its_stream_and_none_is_sent_again)
{
	static const char *const ends[][2] = { { "cut", "the server's stream ended" },
	    { "drop", "the server closed the connection" } };
	struct outcome	o[9] = { 0 };
	struct server	s;

	for (size_t k = 0; k < 2; k++) {
		start(&s, "http+sse");
		for (unsigned i = 0; i < 8; i++)
			begin(&s, &o[i], "silent", i);
		server_turn(&s, 200);
		begin(&s, &o[8], ends[k][0], 8);
		for (unsigned i = 0; i < 9; i++) {
			server_wait(&s, &o[i]);
			cr_expect(o[i].error == E_UPSTREAM && o[i].sent, "%u: %d %s", i, o[i].error, o[i].why);
			cr_expect(strcmp(o[i].why, ends[k][1]) == 0, "%s", o[i].why);
		}
		cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1"), 9));
		/* The next one makes a new session. */
		call(&s, &o[0], "plain");
		cr_expect(o[0].error == 0, "%s", o[0].why);
		cr_expect(server_saw(&s, "\ntools/call s-2") == 1 && server_saw(&s, "GET ") == 2);
		server_stop(&s);
	}
}

Test(sse_session, that_the_server_forgot_is_made_anew_and_the_others_in_it_go_on)
{
	struct outcome	first = { 0 }, o = { 0 };
	struct server	s;

	start(&s, "http+sse forget");
	begin(&s, &first, "ask", 7);
	server_turn(&s, 100);
	cr_expect(eq(uint, first.requests, 1));
	/* 404 says that it was not executed. */
	call(&s, &o, "plain");
	cr_expect(o.error == 0 && strstr(o.text, "call 2") != NULL, "%s", o.why);
	cr_expect(server_saw(&s, "\ntools/call s-1") == 2 && server_saw(&s, "\ntools/call s-2") == 1);
	server_wait(&s, &first);
	cr_expect(first.error == 0 && strstr(first.text, "7 got") != NULL, "%s", first.why);
	server_turn(&s, 100);
	cr_expect(eq(uint, server_saw(&s, "closed s-1"), 1), "nobody is left in it");
	cr_expect(eq(uint, server_saw(&s, "closed s-2"), 0));
	server_stop(&s);
}

Test(sse_session, is_left_when_a_message_is_refused)
{
	struct outcome	o = { 0 };
	struct server	s;

	start(&s, "http+sse refuse");
	call(&s, &o, "plain");
	call(&s, &o, "plain");
	cr_expect(o.error == E_UPSTREAM && server_saw(&s, "\ntools/call s-1") == 1 && server_saw(&s, "\ntools/call s-2") == 1);
	server_stop(&s);
}

Test(sse_session, is_made_anew_with_another_credential)
{
	struct outcome	o = { 0 };
	struct server	s;

	start(&s, "http+sse");
	call(&s, &o, "plain");
	s.secret.value = SPAN_LIT("shh");
	call(&s, &o, "plain");
	cr_expect(eq(int, o.error, 0), "%s", o.why);
	cr_expect(server_saw(&s, "\ntools/call s-1 hush") == 1 && server_saw(&s, "\ntools/call s-2 shh") == 1);
	cr_expect(server_saw(&s, "\nGET s-0 shh") == 1 && server_saw(&s, "closed s-1") == 1);
	server_stop(&s);
}

/* A stream may be cut where neither side is told. */
Test(sse_session, is_asked_for_a_sign_of_life_when_it_is_silent)
{
	static const struct {
		const char	*tool;
		bool		 ends;
	} silences[] = { { "silent", false }, { "mute", true } };
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 1000, .answer_memory = 64 << 20 };
	struct outcome		o = { 0 }, other = { 0 };
	struct server		s;

	for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
		start(&s, "http+sse");
		call(&s, &o, "plain");
		p.start_timeout_ms = 300;
		upstream_set_params(s.up, &p);
		begin(&s, &other, "silent", 2);
		server_turn(&s, 20);
		o = (struct outcome){ .tool = silences[i].tool };
		cr_assert(eq(int, server_call(&s, 1, 200, false, &o), 0));
		server_wait(&s, &o);
		cr_expect(eq(int, o.error, E_TIMEOUT));
		server_turn(&s, 600);
		cr_expect(eq(uint, server_saw(&s, "\nnotifications/cancelled s-1 hush - -\n"), 1));
		cr_expect(eq(uint, server_saw(&s, "\nping s-1 hush - -\n"), 1));
		cr_expect(eq(uint, server_saw(&s, "closed s-1"), silences[i].ends ? 1 : 0), "row %zu", i);
		cr_expect(other.done == silences[i].ends);
		p.start_timeout_ms = 5000;
		upstream_set_params(s.up, &p);
		call(&s, &o, "plain");
		cr_expect(eq(int, o.error, 0), "%s", o.why);
		cr_expect(eq(uint, server_saw(&s, "\ntools/call s-2"), silences[i].ends ? 1 : 0));
		if (!other.done)
			upstream_call_free(&other.call);
		server_stop(&s);
	}
}

Test(sse_session, brings_questions_to_the_call_that_is_alone_in_it)
{
	struct outcome	o[5] = { 0 };
	struct server	s;
	char		want[64];

	start(&s, "http+sse");
	for (unsigned i = 0; i < 5; i++) {
		o[i].capabilities = MCP_CAN_ELICIT_FORM;
		begin(&s, &o[i], "ask", i);
	}
	for (unsigned i = 0; i < 5; i++) {
		server_wait(&s, &o[i]);
		snprintf(want, sizeof(want), "\"%u got", i);
		cr_expect(o[i].error == 0 && strstr(o[i].text, want) != NULL, "%s %s", o[i].why, o[i].text);
		snprintf(want, sizeof(want), "'content':{'a':%u}", i);
		cr_expect(strstr(o[i].text, want) != NULL, "%s", o[i].text);
		snprintf(want, sizeof(want), "\"%u\"", i);
		cr_expect(eq(str, o[i].asked, want));
	}
	cr_expect(eq(uint, server_saw(&s, "GET "), 5));
	cr_expect(eq(uint, server_saw(&s, "\nresponse s-"), 5));
	server_stop(&s);
}

/* Those that cannot be asked share a session, where progress is for whom the token names. */
Test(sse_session, brings_progress_to_its_call_and_logs_to_one_alone)
{
	struct outcome	a = { .token = "11" }, b = { .token = "12" }, c = { .token = "13" };
	struct server	s;

	start(&s, "http+sse");
	begin(&s, &a, "silent", 1);
	server_turn(&s, 100);
	begin(&s, &b, "progress", 2);
	server_wait(&s, &b);
	cr_expect(eq(str, b.said, "progress "), "the log may be another's");
	cr_expect(eq(uint, a.notes, 0));
	upstream_call_free(&a.call);
	server_turn(&s, 1100);		/* for so long it may still speak */
	begin(&s, &c, "progress", 3);
	server_wait(&s, &c);
	cr_expect(eq(str, c.said, "progress message "));
	cr_expect(eq(uint, server_saw(&s, "GET "), 1));
	cr_expect(eq(uint, server_saw(&s, "\nnotifications/cancelled s-1 hush - -\n"), 1));
	server_stop(&s);
}

Test(sse_session, answers_what_nobody_is_asked_by_itself)
{
	struct outcome	o = { 0 };
	struct server	s;

	start(&s, "http+sse");
	call(&s, &o, "stray");
	server_turn(&s, 200);
	cr_expect(o.error == 0 && o.requests == 0);
	cr_expect(eq(uint, server_saw(&s, "\nresponse s-1 hush - -\n"), 1), "the ping");
	cr_expect(eq(uint, server_saw(&s, "\nrefusal s-1 hush - -\n"), 1), "the question");
	server_stop(&s);
}

Test(sse_session, takes_large_answers_and_bounds_larger_ones, .timeout = 60)
{
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 1000, .start_timeout_ms = 2000,
	    .answer_memory = 300000 };
	struct outcome		o = { 0 };
	struct server		s;

	start(&s, "http+sse");
	for (int i = 0; i < 3; i++) {
		call(&s, &o, "big");
		cr_expect(o.error == 0 && o.text_bytes > 1 << 20, "%s", o.why);
	}
	call(&s, &o, "huge");
	cr_expect(o.error == E_UPSTREAM && strcmp(o.why, "the server's answer is too large") == 0, "%s", o.why);
	call(&s, &o, "plain");
	cr_expect(o.error == 0, "%s", o.why);
	/* What a stream's reader holds counts. */
	upstream_set_params(s.up, &p);
	call(&s, &o, "huge");
	cr_expect(o.error == E_UPSTREAM && strstr(o.why, "too many large answers") != NULL, "%s", o.why);
	call(&s, &o, "plain");
	cr_expect(o.error == 0, "nothing of it is left counted: %s", o.why);
	server_stop(&s);
}

Test(sse_session, does_not_wait_for_the_end_of_a_post_that_is_answered)
{
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 1000, .start_timeout_ms = 3000,
	    .answer_memory = 64 << 20 };
	struct outcome		o = { 0 };
	struct server		s;

	start(&s, "http+sse open");
	upstream_set_params(s.up, &p);
	/* initialized has no other answer than the POST's, and what was begun is left. */
	call(&s, &o, "plain");
	cr_expect(o.error == E_TIMEOUT && !o.sent, "%s", o.why);
	cr_expect(eq(uint, server_saw(&s, "\nnotifications/initialized s-1"), 1));
	server_turn(&s, 50);
	cr_expect(eq(uint, server_saw(&s, "closed s-1"), 1));
	server_stop(&s);
}

Test(sse_session, uses_a_posts_connection_again)
{
	static const char *const words[] = { "http+sse", "http+sse early", "http+sse late" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < 3; i++) {
		start(&s, words[i]);
		for (int k = 0; k < 5; k++) {
			server_ask(&s, &o);
			cr_expect(eq(int, o.error, 0), "%s", o.why);
		}
		/* The stream's, one for all POSTs, and the one that asks here. */
		cr_expect(eq(uint, server_saw(&s, "\nconnections 3\n"), 1), "%s", words[i]);
		server_stop(&s);
	}
}

Test(sse_session, takes_one_answer_to_a_call)
{
	static const char *const words[] = { "http+sse twice", "http+sse twice late" };
	struct outcome	o = { 0 };
	struct server	s;

	for (size_t i = 0; i < 2; i++) {
		start(&s, words[i]);
		for (int k = 0; k < 3; k++) {
			call(&s, &o, "plain");
			cr_expect(o.error == 0 && strstr(o.text, "\"call ") != NULL, "%s: %s %s", words[i], o.why, o.text);
		}
		server_stop(&s);
	}
}

/* A call that was given up may still speak in its session, but not in the next one. */
Test(sse_session, that_ended_leaves_its_lane_free)
{
	struct outcome	o = { .capabilities = MCP_CAN_ELICIT_FORM };
	struct server	s;

	start(&s, "http+sse");
	call(&s, &o, "drop");
	cr_expect(eq(int, o.error, E_UPSTREAM));
	call(&s, &o, "ask");
	server_turn(&s, 1200);
	call(&s, &o, "ask");
	cr_expect(o.error == 0 && o.requests == 1, "%s", o.why);
	cr_expect(eq(uint, server_saw(&s, "GET "), 2));
	server_stop(&s);
}

Test(sse_session, ends_when_it_is_not_used)
{
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 1000, .start_timeout_ms = 2000,
	    .answer_memory = 64 << 20, .stream_idle_ms = 100, .session_idle_ms = 1000 };
	struct outcome		o = { 0 };
	struct server		s;

	start(&s, "http+sse");
	upstream_set_params(s.up, &p);
	call(&s, &o, "plain");
	server_turn(&s, 50);
	cr_expect(eq(uint, server_saw(&s, "closed s-1"), 0));
	server_turn(&s, 1500);
	cr_expect(eq(uint, server_saw(&s, "closed s-1"), 1));
	call(&s, &o, "plain");
	cr_expect(o.error == 0 && server_saw(&s, "\ntools/call s-2") == 1);
	server_stop(&s);
}

Test(sse_session, is_not_kept_open_for_too_many)
{
	struct outcome	o;
	struct server	s;

	start(&s, "http+sse");
	for (unsigned i = 0; i < 150; i++) {
		o = (struct outcome){ .tool = "plain" };
		cr_assert(eq(int, server_call(&s, i, 8000, false, &o), 0));
		server_wait(&s, &o);
		cr_expect(eq(int, o.error, 0), "%u: %s", i, o.why);
	}
	server_turn(&s, 100);
	cr_expect(ge(uint, server_saw(&s, "closed s-"), 150 - 128));
	cr_expect(eq(uint, server_saw(&s, "closed s-150"), 0));
	server_stop(&s);
}

Test(sse_session, is_made_once_for_each_of_many_at_once)
{
	static struct outcome	o[200];
	struct server		s;

	start(&s, "http+sse");
	for (unsigned i = 0; i < 200; i++) {
		o[i] = (struct outcome){ .tool = "ask", .a = i, .capabilities = MCP_CAN_ELICIT_FORM };
		cr_assert(eq(int, server_call(&s, i % 2, 15000, false, &o[i]), 0));
	}
	for (unsigned i = 0; i < 200; i++) {
		server_wait(&s, &o[i]);
		cr_expect(o[i].error == 0 && o[i].requests == 1, "%u: %s", i, o[i].why);
	}
	cr_expect(eq(uint, server_saw(&s, "GET "), 200));
	server_stop(&s);
}

Test(sse_session, is_not_shared_with_other_workers)
{
	struct region	r;
	struct server	s;
	struct outcome	o;
	int		fd;

	cr_assert(eq(int, region_create(REGION_UPSTREAM_SESSIONS, 2, &fd), 0));
	cr_assert(eq(int, region_map(fd, REGION_UPSTREAM_SESSIONS, &r), 0));
	close(fd);
	server_start(&s, "http+sse", &r);
	s.target.pin = ERA_PIN_LEGACY;
	server_ask(&s, &o);
	server_renew(&s, &r);
	server_ask(&s, &o);
	cr_expect(o.error == 0 && strstr(o.text, "call 2") != NULL);
	cr_expect(server_saw(&s, "\ntools/call s-1") == 1 && server_saw(&s, "\ntools/call s-2") == 1);
	cr_expect(server_saw(&s, "tools/call s-0") == 0 && server_saw(&s, "initialize s-0") == 2);
	server_stop(&s);
	region_unmap(&r);
}

Test(sse_session, may_lose_its_calls_at_any_moment, .timeout = 60)
{
	static const char *const tools[] = { "progress", "ask", "big", "drop" };
	struct server	s;
	struct outcome	o;

	for (unsigned turns = 0; turns < 48; turns++) {
		start(&s, turns % 3 == 0 ? "http+sse late" : "http+sse");
		o = (struct outcome){ .keep = true, .tool = tools[turns % 4], .capabilities = MCP_CAN_ELICIT_FORM,
		    .token = "5" };
		cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
		for (unsigned i = 0; i < turns; i++) {
			loop_turn(s.loop, false);
			usleep(200);
		}
		upstream_call_free(&o.call);
		server_turn(&s, 5);
		server_stop(&s);
	}
}

Test(sse_session, may_lose_its_server_at_any_moment, .timeout = 60)
{
	struct server	s;
	struct outcome	o[4];

	for (unsigned turns = 0; turns < 25; turns++) {
		start(&s, "http+sse");
		for (unsigned i = 0; i < 4; i++) {
			o[i] = (struct outcome){ .tool = i % 2 == 0 ? "silent" : "big", .capabilities = MCP_CAN_ELICIT_FORM };
			cr_assert(eq(int, server_call(&s, 1 + i / 2, 3000, false, &o[i]), 0));
		}
		for (unsigned i = 0; i < turns * 4; i++) {
			loop_turn(s.loop, false);
			usleep(200);
		}
		kill(s.pid, SIGKILL);
		for (unsigned i = 0; i < 4; i++) {
			server_wait(&s, &o[i]);
			cr_expect(o[i].error == 0 || o[i].error == E_UPSTREAM || o[i].error == E_SERVER, "%d %s", o[i].error,
			    o[i].why);
		}
		server_stop(&s);
	}
}

Test(sse_session, lets_a_call_be_freed_in_its_own_notification)
{
	struct outcome	o = { .free_in_note = true, .tool = "progress", .token = "5" };
	struct server	s;

	start(&s, "http+sse");
	cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
	server_turn(&s, 300);
	cr_expect(o.notes == 1 && !o.done);
	server_stop(&s);
}
