/* SPDX-License-Identifier: Apache-2.0
 *
 * test_check.c - the checker of fault runs is not blind: each rule finds the lie that breaks it
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/fault/fault.h"

#define SECOND	INT64_C(1000000)

static const struct fault a_kill = { .number = 1, .name = "kill", .may = MAY_RESET, .where = WHERE_ALL };
static const struct fault a_hit = { .number = 2, .name = "hit", .may = MAY_ERROR, .where = WHERE_HIT };
static const struct fault an_end = { .number = 5, .name = "end", .may = MAY_RESET | MAY_CONNECT, .where = WHERE_ALL };

static struct asked *
ask(struct story *s, uint32_t address, unsigned tool, enum came came)
{
	struct asked	*a = log_more(&s->asked);

	*a = (struct asked){ .key = key_make(address, tool), .echo = key_make(address, tool), .place = 1, .came = (uint8_t)came,
	    .status = 200, .opened = 9 * SECOND, .begun = 10 * SECOND, .ended = 10 * SECOND + 500 };
	return a;
}

static struct seen *
see(struct story *s, uint32_t address, unsigned tool)
{
	struct seen	*seen = log_more(&s->seen);

	*seen = (struct seen){ .key = key_make(address, tool), .tool = (uint8_t)tool, .place = 1 };
	return seen;
}

static struct recorded *
record(struct story *s, uint32_t address, unsigned tool, const char *decision, const char *outcome)
{
	struct recorded	*r = log_more(&s->recorded);

	*r = (struct recorded){ .key = key_make(address, tool), .place = 1, .tool = (uint8_t)tool, .number = s->recorded.n,
	    .boot = 7, .seq = s->recorded.n, .generation = 1, .slot = 1, .incarnation = 1 };
	snprintf(r->decision, sizeof(r->decision), "%s", decision);
	snprintf(r->outcome, sizeof(r->outcome), "%s", outcome);
	snprintf(r->request, sizeof(r->request), "r-%zu", s->recorded.n);
	return r;
}

/* A call that went well, one that was denied, one whose worker died with it, and one that a dead tool failed. */
static void
tell_the_truth(struct story *s)
{
	struct asked	*a;

	*s = (struct story){ .asked = { NULL, 0, 0 } };
	(void)ask(s, 1, 0, CAME_RESULT);
	(void)see(s, 1, 0);
	(void)record(s, 1, 0, "allow", "ok");
	a = ask(s, 1, TOOL_A, CAME_ERROR);
	a->code = 403;
	snprintf(a->request, sizeof(a->request), "r-2");
	(void)record(s, 1, TOOL_A, "deny", "refused");
	(void)ask(s, 2, 1, CAME_RESET);
	(void)see(s, 2, 1);
	(void)record(s, 2, 1, "allow", "unknown");
	a = ask(s, 3, 2, CAME_ERROR);
	a->code = 503;
	(void)record(s, 3, 2, "allow", "died");
	*log_more(&s->windows) = (struct window){ &a_kill, 10 * SECOND, 10 * SECOND + 100, 11 * SECOND, PLACES_ALL };
	*log_more(&s->windows) = (struct window){ &a_hit, 10 * SECOND, 10 * SECOND + 100, 11 * SECOND, 1u << 1 };
	*log_more(&s->policies) = (struct policy){ 1, 0 };
}

/* Exactly this lie is found, and ends the story. */
static void
expect_lie(struct story *s, enum lie want, const char *what)
{
	struct verdict	v;

	(void)check_story(s, &v, NULL, NULL);
	for (int i = 0; i < LIE_LIMIT; i++)
		cr_expect((v.lies[i] > 0) == (i == (int)want), "%s: %zu times: %s", what, v.lies[i], lie_text((enum lie)i));
	story_fini(s);
}

/* What of the truth stands at this address for this tool. */
#define FIND(s, log, address, tool_, to) do {					\
	(to) = NULL;								\
	for (size_t i_ = 0; i_ < (s)->log.n; i_++)				\
		if ((s)->log.all[i_].key == key_make(address, tool_))		\
			(to) = &(s)->log.all[i_];				\
} while (0)

Test(check, finds_nothing_wrong_with_the_truth)
{
	struct story	s;
	struct verdict	v;

	tell_the_truth(&s);
	cr_expect(check_story(&s, &v, NULL, NULL) == 0);
	cr_expect(v.excused == 2 && v.came[CAME_RESULT] == 1);
	story_fini(&s);
}

Test(check, misses_records)
{
	struct story	s;

	tell_the_truth(&s);		/* of a call that was answered */
	s.recorded.all[0] = s.recorded.all[--s.recorded.n];
	s.recorded.all[0].number = 1;
	expect_lie(&s, LIE_UNRECORDED, "answered");
	tell_the_truth(&s);		/* of one that was executed, and not */
	s.recorded.all[2] = s.recorded.all[--s.recorded.n];
	s.recorded.all[2].number = 3;
	expect_lie(&s, LIE_UNRECORDED, "executed");
	tell_the_truth(&s);
	s.recorded.all[1].number = 9;
	s.recorded.all[3].number = 10;
	expect_lie(&s, LIE_NUMBERS, "a gap");
	tell_the_truth(&s);
	for (size_t i = 0; i < s.recorded.n; i++)
		s.recorded.all[i].number++;
	expect_lie(&s, LIE_NUMBERS, "without the first");
	tell_the_truth(&s);
	*record(&s, 0, 0, "", "") = (struct recorded){ .number = s.recorded.n, .place = PLACE_LIMIT, .gap = true };
	expect_lie(&s, LIE_NUMBERS, "a mark that some are missing");
	tell_the_truth(&s);
	s.recorded.all[1].seq = s.recorded.all[3].seq;
	expect_lie(&s, LIE_NUMBERS, "a sequence twice");
}

Test(check, sees_records_that_are_too_many)
{
	struct story	s;

	tell_the_truth(&s);
	(void)record(&s, 1, 0, "allow", "ok");
	expect_lie(&s, LIE_TWICE, "two");
	tell_the_truth(&s);
	(void)record(&s, 9, 0, "allow", "ok");
	expect_lie(&s, LIE_NOBODY, "a record");
	tell_the_truth(&s);
	(void)see(&s, 9, 0);
	expect_lie(&s, LIE_NOBODY, "a server");
	tell_the_truth(&s);
	s.recorded.all[2].outcome[0] = '\0';
	expect_lie(&s, LIE_OPEN, "no outcome");
}

Test(check, sees_calls_that_are_made_twice_or_never)
{
	struct story	s;

	tell_the_truth(&s);
	(void)see(&s, 2, 1);
	expect_lie(&s, LIE_AGAIN, "twice");
	tell_the_truth(&s);
	s.seen.all[0] = s.seen.all[--s.seen.n];
	expect_lie(&s, LIE_UNSEEN, "never");
	tell_the_truth(&s);
	(void)see(&s, 1, TOOL_A);
	expect_lie(&s, LIE_RAN, "denied, and done");
	tell_the_truth(&s);
	s.seen.all[0].place = 2;
	expect_lie(&s, LIE_ELSEWHERE, "another server");
	tell_the_truth(&s);
	s.seen.all[0].tool = 5;
	expect_lie(&s, LIE_ELSEWHERE, "another tool");
	tell_the_truth(&s);
	s.recorded.all[3].place = 2;
	expect_lie(&s, LIE_ELSEWHERE, "another server's record");
}

Test(check, sees_answers_that_are_of_other_calls)
{
	struct story	 s;
	struct asked	*a;

	tell_the_truth(&s);
	FIND(&s, asked, 1, 0, a);
	a->echo = key_make(2, 1);
	expect_lie(&s, LIE_ECHO, "echo");
	tell_the_truth(&s);
	FIND(&s, asked, 1, TOOL_A, a);
	snprintf(a->request, sizeof(a->request), "r-4");
	expect_lie(&s, LIE_OUTCOME, "another request's id");
	tell_the_truth(&s);
	snprintf(s.recorded.all[0].outcome, sizeof(s.recorded.all[0].outcome), "unknown");
	expect_lie(&s, LIE_OUTCOME, "a result, and unknown");
	tell_the_truth(&s);
	snprintf(s.recorded.all[3].outcome, sizeof(s.recorded.all[3].outcome), "ok");
	expect_lie(&s, LIE_OUTCOME, "an error, and ok");
}

Test(check, sees_two_policies_in_one_generation)
{
	struct story	 s;
	struct asked	*a;

	tell_the_truth(&s);		/* known to be the other one */
	s.policies.all[0].which = 1;
	expect_lie(&s, LIE_POLICY, "the other policy");
	tell_the_truth(&s);		/* nobody knows, and the second contradicts the first */
	s.policies.n = 0;
	a = ask(&s, 4, TOOL_B, CAME_ERROR);
	a->code = 403;
	(void)record(&s, 4, TOOL_B, "deny", "refused");
	expect_lie(&s, LIE_POLICY, "both policies");
	tell_the_truth(&s);		/* no policy says so */
	(void)ask(&s, 4, TOOL_NEVER, CAME_RESULT);
	(void)see(&s, 4, TOOL_NEVER);
	(void)record(&s, 4, TOOL_NEVER, "allow", "ok");
	expect_lie(&s, LIE_POLICY, "neither policy");
}

Test(check, excuses_what_a_fault_may_do_and_no_more)
{
	struct story	 s;
	struct asked	*a;

	tell_the_truth(&s);		/* the connection is younger than the kill */
	FIND(&s, asked, 2, 1, a);
	a->opened = 10 * SECOND + 200;
	expect_lie(&s, LIE_FAILED, "a young connection");
	tell_the_truth(&s);		/* it had failed before */
	FIND(&s, asked, 2, 1, a);
	a->ended = 10 * SECOND - 1;
	expect_lie(&s, LIE_FAILED, "too early");
	tell_the_truth(&s);		/* begun when all was well again */
	FIND(&s, asked, 3, 2, a);
	a->begun = 11 * SECOND + 1;
	a->ended = 12 * SECOND;
	expect_lie(&s, LIE_FAILED, "too late");
	tell_the_truth(&s);		/* another server was hit */
	s.windows.all[1].places = 1u << 2;
	expect_lie(&s, LIE_FAILED, "elsewhere");
	tell_the_truth(&s);		/* no answer is nothing any fault may do */
	FIND(&s, asked, 2, 1, a);
	a->came = CAME_NOTHING;
	expect_lie(&s, LIE_FAILED, "no answer");
	tell_the_truth(&s);
	FIND(&s, asked, 3, 2, a);
	a->came = CAME_HTTP;
	a->status = 503;
	expect_lie(&s, LIE_FAILED, "busy");
	tell_the_truth(&s);		/* there is nobody to connect to: only when the whole is away */
	(void)ask(&s, 5, TOOL_SESSION, CAME_UNCONNECTED);
	expect_lie(&s, LIE_FAILED, "no connection");
	tell_the_truth(&s);
	*log_more(&s.windows) = (struct window){ &an_end, 10 * SECOND, 10 * SECOND + 100, 11 * SECOND, PLACES_ALL };
	(void)ask(&s, 5, TOOL_SESSION, CAME_UNCONNECTED);
	a = ask(&s, 6, TOOL_SESSION, CAME_RESET);
	a->opened = 10 * SECOND + 200;
	expect_lie(&s, LIE_LIMIT, "the whole is away");
}

Test(check, reads_what_servers_and_the_audit_write)
{
	struct story	s = { .asked = { NULL, 0, 0 } };

	cr_assert(story_read_seen(&s, "17 \"t1\" 4711\n136 \"never\" 4711\n", 3));
	cr_expect(s.seen.n == 2 && s.seen.all[0].key == 17 && s.seen.all[0].tool == 1 && s.seen.all[1].tool == TOOL_NEVER &&
	    s.seen.all[1].place == 3);
	cr_expect(!story_read_seen(&s, "17 \"t1\" 47", 3), "a torn line");
	cr_expect(!story_read_seen(&s, "17 \"other\" 47\n", 3));
	cr_assert(story_read_audit(&s, "{\"number\":3,\"request_id\":\"r-0\",\"tenant\":\"acme\",\"server\":\"web\",\"kind\":\"tool\","
	    "\"object\":\"t1\",\"decision\":\"allow\",\"client\":\"127.0.0.1\",\"outcome\":\"ok\",\"generation\":9,"
	    "\"boot\":\"00ff\",\"slot\":2,\"incarnation\":4,\"seq\":6}\n{\"number\":4,\"kind\":\"meta\"}\n"
	    "{\"number\":5,\"mark\":\"the clock went back by 3 s\"}\n{\"number\":6,\"mark\":\"records 4 to 7 are missing\"}\n"));
	cr_assert(s.recorded.n == 4);
	cr_expect(!s.recorded.all[0].gap && !s.recorded.all[2].gap && s.recorded.all[3].gap);
	cr_expect(s.recorded.all[0].key == key_make(1, 1) && s.recorded.all[0].place == 5 && s.recorded.all[0].boot == 255 &&
	    s.recorded.all[0].generation == 9 && s.recorded.all[1].place == PLACE_LIMIT);
	cr_expect(!story_read_audit(&s, "{\"number\":3"), "a torn record");
	story_fini(&s);
}
