/* SPDX-License-Identifier: Apache-2.0
 *
 * test_native.c - programs that speak no MCP: what the runner answers for them, and when they end
 */
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "rig.h"
#include "sandbox/jail.h"

#define CALL(arguments) "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{\"name\":\"run\"," \
	"\"arguments\":" arguments "}}"
#define ASK(method) "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"" method "\",\"params\":{}}"

static struct rig_call *
ask(struct rig *r, int link, uint32_t n, int server, uint32_t deadline_ms, const char *body)
{
	struct rig_call	*c = &r->links[link].calls[n];
	struct link_call lc = { .log_level = 0 };

	rig_body(r, link, n, server, 1, deadline_ms, &lc, 0, body);
	rig_run(r, deadline_ms + 3000, &c->ended);
	return c;
}

static bool
says(const struct rig_call *c, const char *text)
{
	return c->answered && c->answer != NULL && memmem(c->answer, c->answer_bytes, text, strlen(text)) != NULL;
}

static void
expect(const struct rig_call *c, const char *text)
{
	claim(says(c, text), "want %s: %.*s %s", text, c->answer == NULL ? 0 : (int)(c->answer_bytes % 2000),
	    c->answer == NULL ? "" : c->answer, c->text);
}

Test(native, lists_and_speaks_for_its_programs, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN },
					    { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 0, 3000, ASK("server/discover"));
	expect(c, "\"capabilities\":{\"tools\":{");
	claim((c->answer_flags & LINK_FLAG_MODERN) != 0 && (c->answer_flags & LINK_FLAG_ERROR) == 0);
	expect(ask(&r, link, 2, 0, 3000, ASK("tools/list")), "\"tools\":[{\"name\":\"run\",\"inputSchema\"");
	c = ask(&r, link, 3, 0, 3000, ASK("prompts/list"));
	expect(c, "-32601");
	claim((c->answer_flags & LINK_FLAG_ERROR) != 0);
	expect(ask(&r, link, 4, 0, 3000, ASK("tools/call")), "-32602");
	expect(ask(&r, link, 5, 0, 3000, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{\"name\":\"run\","
	    "\"arguments\":[]}}"), "-32602");
	claim(r.tool_count == 0, "nothing was started");
	expect(ask(&r, link, 6, 0, 3000, CALL("{\"what\":\"args\",\"arg\":\"a b\"}")), "\"text\":\"[a b]\\n\"");
	expect(ask(&r, link, 7, 0, 3000, CALL("{\"what\":\"cat\",\"text\":\"x\\ny\"}")), "\"text\":\"x\\ny\"");
	expect(ask(&r, link, 8, 0, 3000, CALL("{\"what\":\"cat\"}")), "\"text\":\"\"");
	expect(ask(&r, link, 9, 0, 3000, CALL("{\"what\":\"exit\",\"arg\":\"7\"}")),
	    "Exited with status 7.\\nerr\\nout\\n\"}],\"isError\":true");
	expect(ask(&r, link, 10, 0, 3000, CALL("{\"what\":\"signal\",\"arg\":\"9\"}")), "Ended by signal 9.\"}],\"isError\":true");
	claim(r.tool_count == 5, "each call one program: %d", r.tool_count);
	claim(rig_tools_running(&r, 0) == 0);
	rig_end(&r);
}

Test(native, refuses_arguments_before_anything_runs, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN },
					    { .name = NULL } };
	static const struct { const char *arguments, *says; } rows[] = {
		{ "{}", "argument \\\"what\\\" is missing" },
		{ "{\"what\":null}", "must be a string" },
		{ "{\"what\":\"a b\"}", "letters" },
		{ "{\"what\":\"args\",\"arg\":\"-x\"}", "must not begin" },
		{ "{\"what\":\"args\",\"\\u0061rg\":\"-x\"}", "\\\"arg\\\" must not begin" },
		{ "{\"what\":\"args\",\"what\":\"cat\"}", "is given twice" },
		{ "{\"what\":\"args\",\"wh\\u0061t\":\"cat\"}", "is given twice" },
		{ "{\"what\":\"args\",\"else\":1}", "there is no argument \\\"else\\\"" },
	};
	struct rig		r;
	struct rig_call		*c;
	char			body[512];
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(body, sizeof(body), CALL("%s"), rows[i].arguments);
		c = ask(&r, link, i, 0, 3000, body);
		expect(c, rows[i].says);
		expect(c, "\"isError\":true");
	}
	rig_end(&r);
}

/* A text of `n` letters, each as an escape. */
static char *
escaped(size_t n)
{
	char	*text = malloc(6 * n + 1), *body = NULL;

	claim(text != NULL);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 6 * i, "\\u0041", 6);
	text[6 * n] = '\0';
	claim(asprintf(&body, CALL("{\"what\":\"cat\",\"text\":\"%s\"}"), text) > 0);
	free(text);
	return body;
}

Test(native, escapes_do_not_count_but_what_they_stand_for, .timeout = 30)
{
	static const struct rig_server	servers[] = { { .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN },
					    { .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	char			*body;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 0, 9000, body = escaped(1 << 20));
	expect(c, "\"isError\":false");
	free(body);
	expect(ask(&r, link, 2, 0, 9000, body = escaped((1 << 20) + 1)), "must have at most 1048576 bytes");
	free(body);
	expect(ask(&r, link, 3, 0, 9000, body = escaped(2 << 20)), "must have at most 1048576 bytes");
	free(body);
	rig_end(&r);
}

Test(native, large_input_and_output_pass_and_too_much_ends_it, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .max_output = 600000 },
		{ .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	char			*body = NULL, *pad = malloc(500001);
	int			link;

	claim(pad != NULL);
	memset(pad, 'p', 500000);
	pad[500000] = '\0';
	claim(asprintf(&body, CALL("{\"what\":\"cat\",\"text\":\"%s\"}"), pad) > 0);
	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 0, 9000, body);
	claim(c->end == LINK_END_OK && c->answer_have > 500000, "%s %zu", c->text, c->answer_have);
	/* A program that reads nothing of it, and ends. */
	free(body);
	claim(asprintf(&body, CALL("{\"what\":\"say\",\"arg\":\"x\",\"text\":\"%s\"}"), pad) > 0);
	expect(ask(&r, link, 5, 0, 9000, body), "\"text\":\"x\"");
	expect(ask(&r, link, 2, 0, 9000, CALL("{\"what\":\"flood\",\"arg\":\"1000000000\"}")), "more than 600000 bytes");
	expect(ask(&r, link, 3, 0, 9000, CALL("{\"what\":\"flood\",\"arg\":\"600000\"}")), "\"isError\":false");
	expect(ask(&r, link, 4, 0, 9000, CALL("{\"what\":\"complain\",\"arg\":\"5000000\"}")), "\"text\":\"done\\n\"");
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 0);
	claim(rig_tools_running(&r, 0) == 0);
	free(body);
	free(pad);
	rig_end(&r);
}

Test(native, ends_when_its_time_is_over_or_its_client_gone, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .timeout_ms = 400 },
		{ .name = "m", .mode = "", .native = true, .era = ERA_PIN_MODERN },
		{ .name = NULL } };
	struct link_call	 lc = { .log_level = 0 };
	struct rig		 r;
	struct rig_call		*c;
	int			 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 0, 5000, CALL("{\"what\":\"ignore\",\"arg\":\"20000\"}"));
	expect(c, "Ended: it took longer than 0.4 s.");
	c = ask(&r, link, 2, 1, 600, CALL("{\"what\":\"ignore\",\"arg\":\"20000\"}"));
	expect(c, "Ended: it took longer than 0.6 s.");
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) + rig_tools_running(&r, 1) == 0);
	claim(rig_tools_running(&r, 0) + rig_tools_running(&r, 1) == 0);
	/* Cancelled while it runs, and before it is known to. */
	for (uint32_t n = 3; n <= 4; n++) {
		c = &r.links[link].calls[n];
		rig_body(&r, link, n, 1, 1, 9000, &lc, 0, CALL("{\"what\":\"ignore\",\"arg\":\"20000\"}"));
		if (n == 3)
			RIG_UNTIL(&r, 3000, rig_tools_running(&r, 1) == 1);
		rig_frame(&r, link, 0, LINK_CANCEL, 0, n, 0, NULL);
		rig_run(&r, 3000, &c->ended);
		claim(c->end == LINK_END_CANCELLED && !c->answered);
		RIG_UNTIL(&r, 3000, rig_tools_running(&r, 1) == 0);
		claim(rig_tools_running(&r, 1) == 0, "call %u left a program", n);
	}
	/* And when its worker goes. */
	rig_body(&r, link, 5, 1, 1, 9000, &lc, 0, CALL("{\"what\":\"ignore\",\"arg\":\"20000\"}"));
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 1) == 1);
	rig_unlink(&r, link);
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 1) == 0);
	claim(rig_tools_running(&r, 1) == 0);
	rig_end(&r);
}

Test(native, waits_for_a_place_in_order, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .max_instances = 2 },
		{ .name = NULL } };
	struct link_call	lc = { .log_level = 0 };
	struct rig		r;
	int			link, most = 0;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 8; n++)
		rig_body(&r, link, n, 0, n, 9000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"150\"}"));
	for (uint32_t n = 1; n <= 8; n++) {
		struct rig_call	*c = &r.links[link].calls[n];

		for (uint64_t until = now_ms() + 9000; !c->ended && now_ms() < until; rig_run(&r, 5, NULL))
			if (rig_tools_running(&r, 0) > most)
				most = rig_tools_running(&r, 0);
		expect(c, "slept");
	}
	claim(most == 2, "%d ran at once", most);
	/* A deadline that comes while it waits. */
	for (uint32_t n = 1; n <= 3; n++)
		rig_body(&r, link, n, 0, n, n == 3 ? 300 : 9000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"900\"}"));
	rig_run(&r, 5000, &r.links[link].calls[3].ended);
	claim(r.links[link].calls[3].end == LINK_END_BUSY && r.links[link].calls[3].end_flags == 0);
	claim(strstr(r.links[link].calls[3].text, "waits for a place") != NULL, "%s", r.links[link].calls[3].text);
	rig_run(&r, 5000, &r.links[link].calls[2].ended);
	rig_end(&r);
}

Test(native, one_at_a_time_writes_to_a_folder, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .writable = "/srv/a" },
		{ .name = "m", .mode = "", .native = true, .era = ERA_PIN_MODERN, .writable = "/srv/a/b" },
		{ .name = "mcp", .mode = "ok", .writable = "/srv/a" },
		{ .name = NULL } };
	struct link_call	lc = { .log_level = 0 };
	struct rig		r;
	struct rig_call		*c;
	int			link, most = 0;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 4; n++)
		rig_body(&r, link, n, n & 1, n, 9000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"150\"}"));
	rig_send(&r, link, 5, 2, 1, 9000, 0);
	for (uint32_t n = 1; n <= 5; n++) {
		c = &r.links[link].calls[n];
		for (uint64_t until = now_ms() + 9000; !c->ended && now_ms() < until; rig_run(&r, 5, NULL))
			if (rig_tools_running(&r, 0) + rig_tools_running(&r, 1) > most)
				most = rig_tools_running(&r, 0) + rig_tools_running(&r, 1);
		claim(c->end == LINK_END_OK || (n < 5 && c->end == LINK_END_UNAVAILABLE), "%u: %s", n, c->text);
	}
	claim(most == 1, "%d at once", most);
	/* Now the one that speaks MCP has it, and stays. */
	c = ask(&r, link, 6, 0, 3000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "an instance of mcp writes to /srv/a now") != NULL, "%s",
	    c->text);
	rig_end(&r);
}

Test(native, says_why_it_was_not_started, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "values", .mode = "", .native = true, .era = ERA_PIN_MODERN, .spawn_fails = JAIL_STEP_REQUEST,
		    .spawn_error = E_RANGE },
		{ .name = "stale", .mode = "", .native = true, .era = ERA_PIN_MODERN, .spawn_fails = JAIL_STEP_REQUEST },
		{ .name = "exec", .mode = "", .native = true, .era = ERA_PIN_MODERN, .spawn_fails = JAIL_STEP_EXEC },
		{ .name = "jail", .mode = "", .native = true, .era = ERA_PIN_MODERN, .spawn_fails = JAIL_STEP_CLONE },
		{ .name = NULL } };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 0, 3000, CALL("{\"what\":\"args\"}"));
	expect(c, "Refused: the rig refuses.\"}],\"isError\":true");
	/* Nothing was done, so that it may be asked again. */
	c = ask(&r, link, 2, 1, 3000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_STALE && (c->end_flags & LINK_FLAG_SENT) == 0, "%u", c->end_flags);
	claim(ask(&r, link, 3, 2, 3000, CALL("{\"what\":\"args\"}"))->end == LINK_END_UNAVAILABLE);
	c = ask(&r, link, 4, 3, 3000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_NO_JAIL && strstr(c->text, "jail: the rig refuses") != NULL, "%s", c->text);
	rig_run(&r, 50, NULL);
	claim(r.states[3].state == SERVER_STATE_NO_JAIL, "%u", r.states[3].state);
	/* It is left alone for a while; the others are not. */
	c = ask(&r, link, 5, 3, 3000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "next try in") != NULL, "%s", c->text);
	expect(ask(&r, link, 6, 0, 3000, CALL("{\"what\":\"args\"}")), "Refused");
	rig_end(&r);
}

Test(native, is_read_to_its_end_when_nobody_says_how_it_ended, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .ends_unsaid = true }, { .name = NULL } };
	struct link_call	 lc = { .log_level = 0 };
	struct rig		 r;
	struct rig_call		*c;
	int			 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = &r.links[link].calls[1];
	rig_body(&r, link, 1, 0, 1, 15000, &lc, 0, CALL("{\"what\":\"exit\",\"arg\":\"7\"}"));
	rig_run(&r, 1500, &c->ended);
	claim(!c->ended, "the spawner lives, and may be slow: %s", c->text);
	rig_run(&r, 9000, &c->ended);
	expect(c, "Ended, nobody knows how.\\nerr\\nout\\n");
	rig_end(&r);
}

Test(native, that_fail_together_are_one_failure, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "jail", .mode = "", .native = true, .era = ERA_PIN_MODERN, .spawn_fails = JAIL_STEP_CLONE,
		    .max_instances = 32 },
		{ .name = NULL } };
	struct link_call	 lc = { .log_level = 0 };
	struct rig		 r;
	struct rig_call		*c;
	int			 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 20; n++)
		rig_body(&r, link, n, 0, n, 9000, &lc, 0, CALL("{\"what\":\"args\"}"));
	for (uint32_t n = 1; n <= 20; n++) {
		rig_run(&r, 3000, &r.links[link].calls[n].ended);
		claim(r.links[link].calls[n].ended);
	}
	c = ask(&r, link, 21, 0, 3000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "next try in 1 s") != NULL, "%s", c->text);
	rig_end(&r);
}

Test(native, waits_for_a_folder_no_longer_than_for_a_place, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .writable = "/srv/a" },
		{ .name = NULL } };
	struct link_call	 lc = { .log_level = 0 };
	struct rig		 r;
	struct rig_call		*c;
	int			 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_body(&r, link, 1, 0, 1, 20000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"7000\"}"));
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 1);
	c = ask(&r, link, 2, 0, 15000, CALL("{\"what\":\"args\"}"));
	claim(c->end == LINK_END_BUSY && c->end_flags == 0 && strstr(c->text, "writes to its folder") != NULL, "%d %s",
	    (int)c->end, c->text);
	rig_run(&r, 9000, &r.links[link].calls[1].ended);
	expect(&r.links[link].calls[1], "slept");
	rig_end(&r);
}

Test(native, waits_for_memory_that_others_hold, .timeout = 60)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .max_output = 4 << 20, .runner_mib = 1,
		    .max_instances = 32, .timeout_ms = 15000 },
		{ .name = NULL } };
	struct link_call	 lc = { .log_level = 0 };
	struct rig		 r;
	struct rig_call		*c;
	int			 slow, link;

	rig_begin(&r, servers);
	slow = rig_link(&r);
	link = rig_link(&r);
	r.links[slow].stingy = true;
	/* Answers that a worker does not take, as many as there may be. */
	for (uint32_t n = 1; n <= 8; n++) {
		rig_body(&r, slow, n, 0, n, 20000, &lc, 0, CALL("{\"what\":\"flood\",\"arg\":\"3000000\"}"));
		RIG_UNTIL(&r, n < 6 ? 3000 : 300, r.links[slow].calls[n].answered);
	}
	claim(r.links[slow].calls[2].answered && !r.links[slow].calls[8].answered);
	/* A small one passes; a large one is not the server's fault. */
	expect(ask(&r, link, 1, 0, 3000, CALL("{\"what\":\"args\",\"arg\":\"small\"}")), "[small]");
	c = &r.links[link].calls[2];
	rig_body(&r, link, 2, 0, 2, 20000, &lc, 0, CALL("{\"what\":\"flood\",\"arg\":\"2000000\"}"));
	rig_run(&r, 300, &c->ended);
	claim(!c->ended, "%d %s", (int)c->end, c->text);
	rig_unlink(&r, slow);
	rig_run(&r, 10000, &c->ended);
	expect(c, "\"isError\":false");
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 0);
	rig_end(&r);
}

Test(native, that_floods_stderr_waits_and_loses_nothing, .timeout = 30)
{
	static const struct rig_server	servers[] = { { .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN },
					    { .name = NULL } };
	struct rig	r;
	uint64_t	began;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	began = now_ms();
	expect(ask(&r, link, 1, 0, 9000, CALL("{\"what\":\"complain\",\"arg\":\"4000000\"}")), "\"text\":\"done\\n\"");
	claim(now_ms() - began >= 500, "%llu ms", (unsigned long long)(now_ms() - began));
	rig_end(&r);
}

Test(native, of_an_old_configuration_runs_out, .timeout = 30)
{
	static const struct rig_server	servers[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .max_instances = 1 }, { .name = NULL } };
	static const struct rig_server	changed[] = {
		{ .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN, .max_instances = 1, .version = 1 },
		{ .name = NULL } };
	struct link_call	lc = { .log_level = 0 };
	struct rig		r;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_body(&r, link, 1, 0, 1, 9000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"700\"}"));
	rig_body(&r, link, 2, 0, 1, 9000, &lc, 0, CALL("{\"what\":\"args\"}"));
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 1);
	rig_offer(&r, changed);
	rig_run(&r, 3000, &r.links[link].calls[2].ended);
	claim(r.links[link].calls[2].end == LINK_END_STALE);
	rig_body(&r, link, 3, 0, 1, 9000, &lc, 0, CALL("{\"what\":\"args\",\"arg\":\"new\"}"));
	rig_run(&r, 3000, &r.links[link].calls[1].ended);
	expect(&r.links[link].calls[1], "slept");
	rig_run(&r, 3000, &r.links[link].calls[3].ended);
	expect(&r.links[link].calls[3], "[new]");
	rig_end(&r);
}

Test(native, drains_and_leaves_nothing, .timeout = 30)
{
	static const struct rig_server	servers[] = { { .name = "n", .mode = "", .native = true, .era = ERA_PIN_MODERN },
					    { .name = NULL } };
	struct link_call	lc = { .log_level = 0 };
	struct msg_DRAIN	drain = { .within_ms = 9000 };
	struct rig		r;
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = &r.links[link].calls[1];
	rig_body(&r, link, 1, 0, 1, 9000, &lc, 0, CALL("{\"what\":\"sleep\",\"arg\":\"600\"}"));
	RIG_UNTIL(&r, 3000, rig_tools_running(&r, 0) == 1);
	rig_say(&r, MSG_TYPE_DRAIN, 0, &drain);
	rig_run(&r, 5000, &c->ended);
	expect(c, "slept");
	rig_run(&r, 3000, &r.exited);
	claim(r.exited && r.status == 0);
	rig_end(&r);
}
