/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lies.c - what becomes of a call when its tool lies (threats-and-jail, rows 26 to 34)
 */
#include <signal.h>
#include <stdlib.h>

#include "claim.h"
#include "rig.h"

static const struct {
	const char	*mode, *n;
	uint32_t	 deadline_ms, start_ms;
	enum link_end	 end;
	bool		 sent;
	const char	*text;		/* part of END's text */
	const char	*answer;	/* part of the answer */
} cases[] = {
	{ "ok", NULL, 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "silent", NULL, 5000, 600, LINK_END_UNAVAILABLE, false, "did not answer initialize within 0.6 s", NULL },
	{ "mute", NULL, 400, 0, LINK_END_DEADLINE, true, "no answer after ", NULL },
	{ "garbage", "10", 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "garbage", "200", 5000, 0, LINK_END_BABBLE, true, "more than 100 lines in a row", NULL },
	{ "controls", "10", 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "controls", "200", 5000, 0, LINK_END_BABBLE, true, "more than 100 lines in a row", NULL },
	{ "dies-at-once", NULL, 5000, 0, LINK_END_UNAVAILABLE, false, "exit 1 after ", NULL },
	{ "leaves-at-once", NULL, 5000, 0, LINK_END_UNAVAILABLE, false, "exit 0 after ", NULL },
	{ "runs-itself", NULL, 5000, 600, LINK_END_UNAVAILABLE, false, "did not answer initialize within 0.6 s", NULL },
	{ "dies-at-once", NULL, 5000, 0, LINK_END_UNAVAILABLE, false, "last stderr line: no reason to live", NULL },
	{ "dies-on-call", NULL, 5000, 0, LINK_END_DIED, true, "exit 3 after ", NULL },
	{ "dies-on-call", NULL, 5000, 0, LINK_END_DIED, true, "last stderr line: out of luck", NULL },
	{ "exits-on-discover", NULL, 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "future", NULL, 5000, 0, LINK_END_UNAVAILABLE, false, "newer than any known here", NULL },
	{ "refuses", NULL, 5000, 0, LINK_END_UNAVAILABLE, false, "refused initialize: not today", NULL },
	{ "wrong-id", NULL, 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "twice", NULL, 5000, 0, LINK_END_OK, true, "", "\"content\":[]" },
	{ "bad-answer", NULL, 5000, 0, LINK_END_BABBLE, true, "not a JSON-RPC response", NULL },
	{ "flood-stdout", NULL, 9000, 0, LINK_END_BABBLE, true, "nobody asked for", NULL },
	{ "flood-stderr", "3000000", 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "no-newline", NULL, 5000, 0, LINK_END_BABBLE, true, "more than 1 MiB that is not MCP", NULL },
	{ "no-newline-json", NULL, 9000, 0, LINK_END_TOO_BIG, true, "a line of more than 16 MiB", NULL },
	{ "slow", "300", 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "slow", "900", 300, 0, LINK_END_DEADLINE, true, "no answer after ", NULL },
	{ "progress", "2000", 1000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "progress", "9000", 700, 0, LINK_END_DEADLINE, true, "no answer after 2.", NULL },
	{ "big", "5000000", 5000, 0, LINK_END_OK, true, "", "bbbbbbbb" },
	{ "asks", NULL, 5000, 0, LINK_END_OK, true, "", "{\"jsonrpc\":\"2.0\",\"id\":\"ask-0\",\"result\":{}}" },
	{ "asks", NULL, 5000, 0, LINK_END_OK, true, "", "\"id\":\"ask-1\",\"error\":{\"code\":-32601" },
	{ "asks", NULL, 5000, 0, LINK_END_OK, true, "", "\"id\":\"ask-3\",\"error\":{\"code\":-32601" },
	{ "asks-much", "8000", 8000, 0, LINK_END_OK, true, "", "all replies" },
	{ "daemonise", NULL, 5000, 0, LINK_END_OK, true, "", "\"grandchild\":" },
	{ "ignores-term", NULL, 5000, 0, LINK_END_OK, true, "", "\"heard\":" },
	{ "clings", NULL, 9000, 0, LINK_END_DIED, true, "closed its output", NULL },
};

Test(lies, end_calls_with_their_exact_reason, .timeout = 120)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_server	 servers[] = {
			{ .name = "liar", .mode = cases[i].mode, .n = cases[i].n,
			    .start_timeout_ms = cases[i].start_ms },
			{ .name = NULL },
		};
		struct rig		*r = malloc(sizeof(*r));
		struct rig_call		*c;
		int			 link;

		rig_begin(r, servers);
		link = rig_link(r);
		c = rig_call(r, link, 1, 0, 1, cases[i].deadline_ms);
		cr_expect(eq(int, (int)c->end, (int)cases[i].end), "row %zu, %s: %s", i, cases[i].mode, c->text);
		claim(strstr(c->text, cases[i].text) != NULL, "row %zu: %s", i, c->text);
		claim(((c->end_flags & LINK_FLAG_SENT) != 0) == cases[i].sent, "row %zu", i);
		claim(c->answered == (cases[i].answer != NULL), "row %zu", i);
		if (cases[i].answer != NULL && c->answered)
			claim(c->answer_have == c->answer_bytes && strstr(c->answer, cases[i].answer) != NULL,
			    "row %zu: %s", i, c->answer);
		claim(!r->links[link].closed, "row %zu", i);
		rig_end(r);
		free(r);
	}
}

Test(lies, leave_no_descriptor_and_no_process_behind, .timeout = 60)
{
	static const char *const modes[] = { "ok", "dies-at-once", "dies-on-call", "no-newline", "daemonise",
	    "ignores-term", "clings", "exits-on-discover", NULL };

	for (int i = 0; modes[i] != NULL; i++) {
		struct rig_server	servers[] = {
			{ .name = "liar", .mode = modes[i], .idle_ms = 100, .stop_ms = 200 },
			{ .name = NULL },
		};
		struct rig		r;
		int			link, fds;

		rig_begin(&r, servers);
		fds = rig_fds(&r);
		link = rig_link(&r);
		rig_call(&r, link, 1, 0, 1, 5000);
		rig_unlink(&r, link);
		RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 0 && rig_fds(&r) == fds);
		cr_expect(eq(int, rig_tools_running(&r, 0), 0), "%s", modes[i]);
		cr_expect(eq(int, rig_fds(&r), fds), "%s", modes[i]);
		rig_end(&r);
	}
}

Test(lies, about_ids_never_reach_another_call, .timeout = 20)
{
	struct rig_server	servers[] = { { .name = "liar", .mode = "wrong-id" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n < 6; n++) {
		c = rig_call(&r, link, n, 0, 1, 3000);
		cr_expect(eq(int, (int)c->end, LINK_END_OK), "call %u", n);
		claim(c->answered && strstr(c->answer, "stolen") == NULL, "call %u: %s", n, c->answer);
	}
	rig_end(&r);
}

Test(lies, an_answer_before_the_question_is_none, .timeout = 20)
{
	struct rig_server	servers[] = { { .name = "liar", .mode = "early" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	/* More than a pipe takes, so it is begun and not whole while the answers come. */
	rig_send(&r, link, 1, 0, 1, 5000, 200000);
	c = &r.links[link].calls[1];
	rig_run(&r, 5000, &c->ended);
	claim(c->end == LINK_END_OK && c->answered && strstr(c->answer, "stolen") == NULL, "%.80s", c->answer);
	rig_end(&r);
}

Test(lies, the_last_word_is_heard_after_death, .timeout = 20)
{
	struct rig_server	servers[] = { { .name = "loud", .mode = "dies-loudly", .n = "400" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_send(&r, link, 1, 0, 1, 9000, 0);
	RIG_UNTIL(&r, 3000, r.states[0].state == SERVER_STATE_UP);
	rig_run(&r, 50, NULL);
	/* So that it finds the death and more than one read of last words at once. */
	kill(r.runner, SIGSTOP);
	RIG_UNTIL(&r, 5000, rig_tools_running(&r, 0) == 0);
	rig_run(&r, 20, NULL);
	kill(r.runner, SIGCONT);
	c = &r.links[link].calls[1];
	rig_run(&r, 5000, &c->ended);
	claim(c->end == LINK_END_DIED && strstr(c->text, "exit 4") != NULL, "%s", c->text);
	claim(strstr(c->text, "the last word") != NULL, "%s", c->text);
	rig_end(&r);
}

Test(lies, a_tool_that_reads_nothing_costs_its_calls_only, .timeout = 30)
{
	struct rig_server	servers[] = { { .name = "deaf", .mode = "reads-nothing" },
				    { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*deaf, *fine;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_send(&r, link, 1, 0, 1, 1500, 300000);
	deaf = &r.links[link].calls[1];
	for (uint32_t n = 2; n < 8; n++) {
		fine = rig_call(&r, link, n, 1, 1, 1000);
		cr_expect(eq(int, (int)fine->end, LINK_END_OK), "%s", fine->text);
	}
	rig_run(&r, 3000, &deaf->ended);
	cr_expect(eq(int, (int)deaf->end, LINK_END_DEADLINE), "%s", deaf->text);
	claim(strstr(deaf->text, "does not read its input") != NULL, "%s", deaf->text);
	claim((deaf->end_flags & LINK_FLAG_SENT) != 0);
	RIG_UNTIL(&r, 2000, rig_tools_running(&r, 0) == 0);
	cr_expect(eq(int, rig_tools_running(&r, 0), 0), "a deaf tool is ended");
	rig_end(&r);
}

Test(lies, a_refused_socket_is_told_to_the_operator, .timeout = 20)
{
	struct rig_server	servers[] = { { .name = "online", .mode = "wants-network", .watched = true },
				    { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = rig_call(&r, link, 1, 0, 1, 3000);
	claim(c->end == LINK_END_OK && strstr(c->answer, "socket: Permission denied") != NULL, "%s", c->answer);
	RIG_UNTIL(&r, 500, r.states[0].error[0] != '\0');
	claim(strncmp(r.states[0].error, "wanted the network; allow with \"net\"", 36) == 0, "%s",
	    r.states[0].error);
	for (uint32_t i = 2; i <= 10; i++)
		(void)rig_call(&r, link, i, 0, 1, 3000);
	RIG_UNTIL(&r, 500, strstr(r.states[0].error, "10 times") != NULL);
	claim(strncmp(r.states[0].error, "wanted the network 10 times or more; allow with \"net\"", 53) == 0, "%s",
	    r.states[0].error);
	rig_end(&r);
}

/* 256 KiB in 50 ms are taken: the rest waits in the tool, and the runner has time for others. */
Test(lies, on_stderr_are_taken_no_faster_than_they_need_be, .timeout = 20)
{
	struct rig_server	servers[] = { { .name = "loud", .mode = "flood-stderr", .n = "2000000" },
				    { .name = "endless", .mode = "flood-stderr", .n = "0" },
				    { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	uint64_t		from;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	from = now_ms();
	c = rig_call(&r, link, 1, 0, 1, 5000);
	claim(c->end == LINK_END_OK && now_ms() - from >= 300, "%s after %u ms", c->text, (unsigned)(now_ms() - from));
	rig_send(&r, link, 2, 1, 1, 4000, 0);
	rig_run(&r, 300, NULL);
	for (uint32_t n = 3; n < 20; n++)
		claim(rig_call(&r, link, n, 2, 1, 3000)->end == LINK_END_OK, "a call beside a flood");
	rig_run(&r, 5000, &r.links[link].calls[2].ended);
	claim(r.links[link].calls[2].end == LINK_END_DEADLINE, "%s", r.links[link].calls[2].text);
	rig_end(&r);
}

Test(lies, answers_to_calls_that_were_given_up_are_no_flood, .timeout = 60)
{
	struct rig_server	servers[] = { { .name = "large", .mode = "big", .n = "7000000" }, { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link, tools;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = rig_call(&r, link, 1, 0, 1, 10000);
	cr_expect(eq(int, (int)c->end, LINK_END_OK));
	tools = r.tool_count;
	/* Together over what a tool may say unasked. */
	for (uint32_t n = 2; n < 14; n++) {
		rig_send(&r, link, n, 0, 1, 10000, 0);
		rig_run(&r, 20, NULL);
		rig_frame(&r, link, 0, LINK_CANCEL, 0, n, 0, NULL);
		rig_run(&r, 10000, &r.links[link].calls[n].ended);
	}
	c = rig_call(&r, link, 14, 0, 1, 10000);
	cr_expect(eq(int, (int)c->end, LINK_END_OK), "%s", c->text);
	cr_expect(eq(int, r.tool_count, tools), "the tool was ended for what others gave up");
	rig_end(&r);
}
