/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lane.c - legacy servers that ask on their session's stream
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "mcp/capability.h"
#include "server.h"

#define CALL(name, arg) \
	{ .tool = (name), .a = (arg), .capabilities = MCP_CAN_ELICIT_FORM }

static void
begin_n(struct server *s, struct outcome *o, size_t n, const char *tool, unsigned first)
{
	for (size_t i = 0; i < n; i++) {
		o[i] = (struct outcome)CALL(tool, first + (unsigned)i);
		cr_assert(eq(int, server_call(s, 1, 15000, false, &o[i]), 0));
		cr_expect(not(o[i].done), "never inside the start");
	}
}

/* Each of them was asked its own question and answered for itself. */
static void
expect_own(struct server *s, struct outcome *o, size_t n)
{
	char	want[64];

	for (size_t i = 0; i < n; i++) {
		server_wait(s, &o[i]);
		cr_expect(eq(int, o[i].error, 0), "%s", o[i].why);
		snprintf(want, sizeof(want), "\"%u got {", o[i].a);
		cr_expect(strstr(o[i].text, want) != NULL, "%s", o[i].text);
		snprintf(want, sizeof(want), "'content':{'a':%u}}} most 1", o[i].a);
		cr_expect(strstr(o[i].text, want) != NULL, "%u: %s", o[i].a, o[i].text);
		snprintf(want, sizeof(want), "\"%u\"", o[i].a);
		cr_expect(eq(str, o[i].asked, want));
		cr_expect(eq(uint, o[i].requests, 1));
	}
}

static void
expect_answered(struct server *s, struct outcome *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		server_wait(s, &o[i]);
		cr_expect(o[i].error == 0 && o[i].requests == 0, "%s", o[i].why);
	}
}

static void
ask_one(struct server *s, const char *tool, unsigned a)
{
	struct outcome	o;

	begin_n(s, &o, 1, tool, a);
	expect_own(s, &o, 1);
}

static void
call_one(struct server *s, const char *tool, unsigned a)
{
	struct outcome	o;

	begin_n(s, &o, 1, tool, a);
	expect_answered(s, &o, 1);
}

static unsigned
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

Test(lane, brings_a_question_of_the_sessions_stream_to_its_call)
{
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	ask_one(&s, "ask", 5);
	cr_expect(eq(uint, server_saw(&s, "\nGET s-1 2025-06-18 - - hush\n"), 1));
	cr_expect(eq(uint, server_saw(&s, "\nresponse s-1 2025-06-18"), 1));
	/* One after the other share the session and the stream. */
	ask_one(&s, "ask", 6);
	call_one(&s, "quiet", 7);
	ask_one(&s, "ask", 8);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 1));
	cr_expect(eq(uint, server_saw(&s, "\nGET "), 1));
	server_stop(&s);
}

Test(lane, opens_no_stream_for_who_cannot_be_asked)
{
	struct outcome	o = { .tool = "quiet", .capabilities = MCP_CAN_UI };
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
	server_wait(&s, &o);
	cr_expect(o.error == 0 && server_saw(&s, "\nGET ") == 0);
	server_stop(&s);
	server_start(&s, "modern", NULL);
	call_one(&s, NULL, 1);
	cr_expect(eq(uint, server_saw(&s, "GET "), 0));
	server_stop(&s);
}

Test(lane, gives_each_of_many_at_once_its_own_question, .timeout = 60)
{
	struct outcome	o[20];
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	begin_n(&s, o, 20, "ask", 100);
	expect_own(&s, o, 20);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 20));
	/* The sessions are used again. */
	begin_n(&s, o, 20, "ask", 200);
	expect_own(&s, o, 20);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 20));
	cr_expect(eq(uint, server_saw(&s, "\nGET "), 20));
	server_stop(&s);
}

Test(lane, learns_who_is_quiet)
{
	struct outcome	o[8];
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	begin_n(&s, o, 4, "slow", 0);
	expect_answered(&s, o, 4);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 4), "who is not known is alone");
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 1));
	begin_n(&s, o, 8, "slow", 0);
	expect_answered(&s, o, 8);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 9), "the quiet ones are together");
	/* One that asks beside them is not. */
	begin_n(&s, o, 4, "slow", 0);
	begin_n(&s, o + 4, 2, "ask", 50);
	expect_own(&s, o + 4, 2);
	expect_answered(&s, o, 4);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 13));
	/* Nor are they beside one that asks. */
	begin_n(&s, o + 4, 1, "ask", 60);
	begin_n(&s, o, 4, "slow", 0);
	expect_own(&s, o + 4, 1);
	expect_answered(&s, o, 4);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 14));
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-2 "), 1 + 1 + 4));
	server_stop(&s);
}

Test(lane, refuses_what_may_be_anybodys_and_learns_from_it)
{
	struct outcome	o[3];
	struct server	s;
	unsigned	asked = 0, refused;

	server_start(&s, "legacy getasks", NULL);
	call_one(&s, "maybe", 2);
	begin_n(&s, o, 3, "maybe", 1);
	for (size_t i = 0; i < 3; i++) {
		server_wait(&s, &o[i]);
		cr_expect(eq(int, o[i].error, 0), "%s", o[i].why);
		asked += o[i].requests;
		if (o[i].a % 2 == 1 && o[i].requests == 0)
			cr_expect(strstr(o[i].text, "-32603,'message':'no client request to ask for'") != NULL, "%s",
			    o[i].text);
	}
	/* When one was refused and over before the other asked, that one was the only one. */
	refused = server_saw(&s, "\nrefusal s-1 ");
	cr_expect(ge(uint, refused, 1));
	cr_expect(eq(uint, refused + asked, 2));
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 1));
	/* From now on it is alone; no quiet call makes that forgotten. */
	call_one(&s, "maybe", 2);
	for (unsigned k = 0; k < 3; k++) {
		o[k] = (struct outcome)CALL("maybe", 2 * k + 1);
		cr_assert(eq(int, server_call(&s, 1, 15000, false, &o[k]), 0));
	}
	expect_own(&s, o, 3);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 3));
	server_stop(&s);
}

Test(lane, takes_the_only_quiet_one_for_who_asks)
{
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	call_one(&s, "maybe", 2);
	ask_one(&s, "maybe", 1);
	server_stop(&s);
}

Test(lane, knows_who_asked_on_its_own_stream)
{
	struct outcome	o[2];
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	ask_one(&s, "post", 1);
	begin_n(&s, o, 2, "post", 2);
	expect_own(&s, o, 2);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 2));
	server_stop(&s);
}

Test(lane, needs_no_other_where_there_is_no_stream)
{
	static const char *const words[] = { "legacy getasks noget", "legacy getasks get404" };
	struct outcome	o[6];
	struct server	s;
	unsigned	sessions;

	for (size_t i = 0; i < 2; i++) {
		server_start(&s, words[i], NULL);
		begin_n(&s, o, 1, "post", 1);
		server_wait(&s, o);
		cr_expect(eq(int, o->error, 0), "%s", o->why);
		sessions = server_saw(&s, "\ninitialize -");
		cr_expect(eq(uint, sessions, i == 0 ? 1 : 2), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\nGET "), sessions), "%s", words[i]);
		begin_n(&s, o, 6, "post", 10);
		for (size_t k = 0; k < 6; k++) {
			server_wait(&s, &o[k]);
			cr_expect(o[k].error == 0 && o[k].requests == 1, "%s", o[k].why);
		}
		cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), sessions), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\nGET "), sessions), "%s", words[i]);
		server_stop(&s);
	}
}

Test(lane, waits_for_the_streams_head_but_not_for_ever, .timeout = 60)
{
	struct server	s;
	unsigned	began;

	server_start(&s, "legacy getasks getslow", NULL);
	began = now_ms();
	ask_one(&s, "ask", 1);
	cr_expect(ge(uint, now_ms() - began, 300));
	server_stop(&s);
	server_start(&s, "legacy getasks gethang", NULL);
	began = now_ms();
	call_one(&s, "quiet", 1);
	cr_expect(ge(uint, now_ms() - began, 1900));
	cr_expect(lt(uint, now_ms() - began, 6000));
	server_stop(&s);
}

Test(lane, tries_again_when_the_stream_is_refused_for_now, .timeout = 60)
{
	struct server	s;

	server_start(&s, "legacy getasks get409", NULL);
	ask_one(&s, "ask", 1);
	cr_expect(eq(uint, server_saw(&s, "\nGET s-1"), 3));
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 1));
	server_stop(&s);
}

Test(lane, goes_on_with_a_stream_that_was_cut)
{
	struct outcome	o = CALL("ask", 9);
	struct server	s;

	server_start(&s, "legacy getasks getcut", NULL);
	o.hold = true;
	cr_assert(eq(int, server_call(&s, 1, 15000, false, &o), 0));
	for (int i = 0; i < 1000 && o.requests == 0; i++)
		server_turn(&s, 5);
	server_turn(&s, 300);
	cr_expect(eq(uint, server_saw(&s, "\nGET s-1 2025-06-18 - - hush g-0\n"), 1));
	server_reply(&o);
	expect_own(&s, &o, 1);
	ask_one(&s, "ask", 10);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 1));
	server_stop(&s);
}

Test(lane, makes_a_new_session_and_stream_when_the_server_forgot_it)
{
	static const char *const words[] = { "legacy getasks getlost", "legacy getasks forget" };
	struct server	s;

	for (size_t i = 0; i < 2; i++) {
		server_start(&s, words[i], NULL);
		ask_one(&s, "ask", 1);
		server_turn(&s, 50);
		ask_one(&s, "ask", 2);
		cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 2), "%s", words[i]);
		cr_expect(eq(uint, server_saw(&s, "\nGET s-2"), 1), "%s", words[i]);
		server_stop(&s);
	}
}

Test(lane, answers_for_who_is_not_there)
{
	struct server	s;

	server_start(&s, "legacy getorphan", NULL);
	call_one(&s, "quiet", 1);
	server_turn(&s, 200);
	cr_expect(eq(uint, server_saw(&s, "\nresponse s-1"), 1), "the ping");
	cr_expect(eq(uint, server_saw(&s, "\nrefusal s-1"), 1), "the question");
	server_stop(&s);
}

Test(lane, gives_a_note_to_whom_it_belongs)
{
	struct outcome	o[2];
	struct server	s;

	server_start(&s, "legacy getnotes", NULL);
	o[0] = (struct outcome)CALL("quiet", 1);
	o[0].token = "1234";
	cr_assert(eq(int, server_call(&s, 1, 8000, false, &o[0]), 0));
	server_wait(&s, &o[0]);
	cr_expect(eq(str, o[0].said, "progress message "));
	/* Two at once, quiet by now: a log message may be of either. */
	for (unsigned i = 0; i < 2; i++) {
		o[i] = (struct outcome)CALL("quiet", 2 + i);
		o[i].token = i == 0 ? "77" : "78";
		cr_assert(eq(int, server_call(&s, 1, 8000, false, &o[i]), 0));
	}
	for (unsigned i = 0; i < 2; i++) {
		server_wait(&s, &o[i]);
		cr_expect(eq(str, o[i].said, "progress "));
	}
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 3));
	server_stop(&s);
}

Test(lane, is_left_alone_for_a_while_by_a_call_that_was_given_up)
{
	struct outcome	o = CALL("ask", 1);
	struct server	s;

	server_start(&s, "legacy getasks", NULL);
	o.hold = true;
	cr_assert(eq(int, server_call(&s, 1, 15000, false, &o), 0));
	for (int i = 0; i < 1000 && o.requests == 0; i++)
		server_turn(&s, 5);
	upstream_call_free(&o.call);
	ask_one(&s, "ask", 2);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-2 "), 1));
	cr_expect(eq(uint, server_saw(&s, "\nnotifications/cancelled s-1"), 1));
	server_turn(&s, 1100);
	ask_one(&s, "ask", 3);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 2));
	server_stop(&s);
}

Test(lane, is_given_back_when_nobody_needs_it)
{
	struct upstream_params	p = { .connect_timeout_ms = 2000, .idle_ms = 10000, .start_timeout_ms = 5000,
	    .answer_memory = 64 << 20, .stream_idle_ms = 100, .session_idle_ms = 200 };
	struct outcome		o[3];
	struct server		s;

	server_start(&s, "legacy getasks", NULL);
	upstream_set_params(s.up, &p);
	begin_n(&s, o, 3, "ask", 1);
	expect_own(&s, o, 3);
	cr_expect(eq(uint, server_saw(&s, "\nclosed "), 0));
	server_turn(&s, 150);
	cr_expect(eq(uint, server_saw(&s, "\nclosed "), 3));
	cr_expect(eq(uint, server_saw(&s, "\nDELETE "), 0));
	server_turn(&s, 300);
	cr_expect(eq(uint, server_saw(&s, "\nDELETE s-"), 2));
	cr_expect(eq(uint, server_saw(&s, "\nDELETE s-1 "), 0), "the first stays");
	begin_n(&s, o, 3, "ask", 11);
	expect_own(&s, o, 3);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 5));
	server_stop(&s);
}

Test(lane, is_not_shared_with_other_workers)
{
	struct region	r;
	struct server	s;
	int		fd;

	cr_assert(eq(int, region_create(REGION_UPSTREAM_SESSIONS, 2, &fd), 0));
	cr_assert(eq(int, region_map(fd, REGION_UPSTREAM_SESSIONS, &r), 0));
	close(fd);
	server_start(&s, "legacy getasks", &r);
	s.target.pin = ERA_PIN_LEGACY;
	ask_one(&s, "ask", 1);
	server_renew(&s, &r);
	ask_one(&s, "ask", 2);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 2));
	server_stop(&s);
	region_unmap(&r);
}

Test(lane, lets_its_call_be_freed_at_any_moment, .timeout = 60)
{
	struct server	s;
	struct outcome	o[2];

	for (unsigned turns = 0; turns < 40; turns++) {
		server_start(&s, "legacy getasks getnotes", NULL);
		begin_n(&s, o, 2, "ask", 1);
		o[0].free_in_note = turns % 2 == 0;
		o[0].keep = o[1].keep = true;
		for (unsigned i = 0; i < turns * 2; i++) {
			loop_turn(s.loop, false);
			usleep(400);
		}
		upstream_call_free(&o[0].call);
		server_turn(&s, turns % 4);
		upstream_call_free(&o[1].call);
		server_turn(&s, turns % 3);
		server_stop(&s);
	}
}

Test(lane, survives_the_death_of_the_server_at_any_moment, .timeout = 60)
{
	struct outcome	o[2];
	struct server	s;

	for (unsigned turns = 0; turns < 20; turns++) {
		server_start(&s, "legacy getasks", NULL);
		for (unsigned i = 0; i < 2; i++) {
			o[i] = (struct outcome)CALL("ask", i);
			o[i].hold = turns % 2 == 0;
			cr_assert(eq(int, server_call(&s, 1, 1000, false, &o[i]), 0));
		}
		server_turn(&s, turns * 2);
		kill(s.pid, SIGKILL);
		for (unsigned i = 0; i < 2; i++) {
			server_wait(&s, &o[i]);
			cr_expect(o[i].error == 0 || o[i].error == E_UPSTREAM || o[i].error == E_SERVER ||
			    o[i].error == E_TIMEOUT, "%d %s", o[i].error, o[i].why);
		}
		server_stop(&s);
	}
}
