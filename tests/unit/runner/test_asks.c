/* SPDX-License-Identifier: Apache-2.0
 *
 * test_asks.c - what tools ask of clients, and what comes back
 */
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "mcp/capability.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern", .era = ERA_PIN_MODERN },
	{ .name = "deaf", .mode = "puppet", .n = "deaf", .era = ERA_PIN_LEGACY },
	{ .name = "deaf2", .mode = "puppet", .n = "deaf", .era = ERA_PIN_LEGACY },
	{ .name = NULL },
};

#define ALL		0x7fu
#define ROOTS(id)	ASK(id, "roots/list", "{}")
#define ELICIT(id)	ASK(id, "elicitation/create", "{\"message\":\"?\"}")
#define CANCELLED(id)	NOTE("cancelled", "{\"requestId\":" id "}")
#define CANCEL_RESULT(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"action\":\"cancel\"}}"
#define REFUSED(id, code) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code
#define HAS(r, text)	claim(puppet_hears((r), 0, 1500, (text)), "%s not in %.2000s", (text), \
			    puppet_says((r), 0, "%s", ""))

/* A call that the puppet has. */
static struct rig_call *
begin(struct rig *r, int server, uint32_t can, uint32_t deadline_ms, int *link)
{
	struct rig_call	*c;

	puppet_begin(r, servers);
	*link = rig_link(r);
	c = puppet_call(r, *link, 1, server, "a", can, 0, deadline_ms);
	if (server < 2)
		must(puppet_hears(r, server, 3000, "\"name\":\"a\""));
	return c;
}

Test(asks, go_to_the_client_and_replies_come_back_as_they_are, .timeout = 20)
{
	static const char *const ids[] = { "1", "\"1\"", "-9007199254740993000", "\"\\u00e4\\n\"" };
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	char		 text[200];
	int		 link;

	c = begin(r, 0, ALL, 9000, &link);
	for (int i = 0; i < 4; i++) {
		puppet_says(r, 0, ASK("%s", "sampling/createMessage", "{\"x\":\"@*150000@\"}"), ids[i]);
		must(puppet_said(r, c, i + 1));
		claim(c->said[i].type == LINK_ASK && c->said[i].frames == 3);
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"sampling/createMessage\",", ids[i]);
		claim(strstr(c->said[i].text, text) == c->said[i].text, "%.100s", c->said[i].text);
	}
	for (int i = 3; i >= 0; i--) {
		snprintf(text, sizeof(text), " {\"result\":{\"n\":%d},\"id\":%s,\"jsonrpc\":\"2.0\"}", i, ids[i]);
		puppet_reply(r, link, 1, text, i == 2 ? 1 : 1000);
		HAS(r, text);
	}
	/* Once only. */
	puppet_reply(r, link, 1, REPLY("1", "{\"n\":\"again\"}"), 1000);
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 1000, &c->ended);
	claim(c->end == LINK_END_OK && !r->links[link].closed && !puppet_heard(r, 0, "again"));
	rig_end(r);
	free(r);
}

Test(asks, are_those_the_client_declared, .timeout = 60)
{
	static const struct { uint32_t can; const char *ask, *code; } cases[] = {
		{ 0, ROOTS("7"), "-32601" },
		{ MCP_CAN_ELICIT_FORM, ROOTS("7"), "-32601" },
		{ MCP_CAN_ROOTS, ROOTS("7"), NULL },
		{ MCP_CAN_ROOTS, ASK("7", "ping", "{}"), "ping" },
		{ MCP_CAN_ROOTS, ELICIT("7"), "-32601" },
		{ MCP_CAN_ROOTS, ASK("7", "tools/call", "{}"), "-32601" },
		{ MCP_CAN_ROOTS, ASK("7", "vendor/thing", "{}"), "-32601" },
		{ MCP_CAN_ELICIT_FORM, ELICIT("7"), NULL },
		{ MCP_CAN_ELICIT_FORM, ASK("7", "elicitation/create", "{\"mode\":\"form\"}"), NULL },
		{ MCP_CAN_ELICIT_FORM, ASK("7", "elicitation/create", "{\"mode\":\"url\"}"), "-32602" },
		{ MCP_CAN_ELICIT_URL, ASK("7", "elicitation/create", "{\"mode\":\"url\"}"), NULL },
		{ MCP_CAN_ELICIT_URL, ASK("7", "elicitation/create", "{\"mode\":\"form\"}"), "-32602" },
		{ MCP_CAN_ELICIT_URL, ELICIT("7"), "-32602" },
		{ MCP_CAN_ELICIT_URL, ASK("7", "elicitation/create", "{\"mode\":\"mind\"}"), "-32602" },
		{ MCP_CAN_ELICIT_URL, ASK("7", "sampling/createMessage", "{}"), "-32601" },
		{ MCP_CAN_SAMPLING, ASK("7", "sampling/createMessage", "{}"), NULL },
		{ MCP_CAN_SAMPLING, ASK("7", "sampling/createMessage", "{\"tools\":[]}"), "-32602" },
		{ MCP_CAN_SAMPLING, ASK("7", "sampling/createMessage", "{\"toolChoice\":{}}"), "-32602" },
		{ MCP_CAN_SAMPLING | MCP_CAN_SAMPLING_TOOLS, ASK("7", "sampling/createMessage", "{\"tools\":[]}"), NULL },
	};
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	char		 want[80];
	int		 link;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = begin(r, 0, cases[i].can, 9000, &link);
		puppet_says(r, 0, "%s", cases[i].ask);
		if (cases[i].code == NULL) {
			claim(puppet_said(r, c, 1) && strcmp(c->said[0].text, cases[i].ask) == 0, "row %zu", i);
		} else {
			snprintf(want, sizeof(want), REFUSED("7", "%s"), cases[i].code);
			if (strcmp(cases[i].code, "ping") == 0)
				snprintf(want, sizeof(want), "%s", REPLY("7", "{}"));
			claim(puppet_hears(r, 0, 1000, want), "row %zu: %s", i, puppet_says(r, 0, "%s", ""));
			claim(c->said_count == 0, "row %zu", i);
		}
		rig_end(r);
	}
	c = begin(r, 1, ALL, 9000, &link);
	puppet_says(r, 1, "%s", ROOTS("7"));
	claim(puppet_hears(r, 1, 1000, REFUSED("7", "-32601")) && c->said_count == 0, "a modern server asks nothing");
	rig_end(r);
	free(r);
}

Test(asks, may_be_withdrawn, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	int		 link;

	c = begin(r, 0, ALL, 700, &link);
	puppet_says(r, 0, "%s", ROOTS("\"x\""));
	must(puppet_said(r, c, 1));
	/* Not one of ours, and not this one: 1 is not "1". */
	puppet_says(r, 0, "%s", CANCELLED("1"));
	puppet_says(r, 0, "%s", CANCELLED("\"x\""));
	claim(puppet_said(r, c, 2) && c->said[1].type == LINK_NOTE);
	claim(strcmp(c->said[1].text, CANCELLED("\"x\"")) == 0, "%s", c->said[1].text);
	puppet_reply(r, link, 1, REPLY("\"x\"", "{\"too\":\"late\"}"), 5);
	claim(!puppet_heard(r, 0, "late"));
	rig_run(r, 2000, &c->ended);
	claim(c->end == LINK_END_DEADLINE, "the deadline runs again");
	claim(!r->links[link].closed);
	rig_end(r);
	free(r);
}

Test(asks, of_a_call_that_ends_are_answered_in_its_clients_place, .timeout = 40)
{
	enum { CANCEL, WORKER_DIES, WAYS };
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	const char	*heard, *cancelled;
	int		 link;

	for (int way = 0; way < WAYS; way++) {
		c = begin(r, 0, ALL, 9000, &link);
		puppet_says(r, 0, "%s\n%s\n%s", ROOTS("1"), ELICIT("2"), ASK("3", "sampling/createMessage", "{}"));
		must(puppet_said(r, c, 3));
		puppet_reply(r, link, 1, REPLY("1", "{\"roots\":[]}"), 1000);
		HAS(r, REPLY("1", "{\"roots\":[]}"));
		if (way == CANCEL) {
			/* Half of a reply is none. */
			rig_frame(r, link, 20, LINK_REPLY, LINK_FLAG_MORE, 1, 0, REPLY("2", "{}"));
			rig_frame(r, link, 0, LINK_CANCEL, 0, 1, 0, NULL);
			rig_run(r, 1000, &c->ended);
			claim(c->end == LINK_END_CANCELLED);
			rig_frame(r, link, 10, LINK_REPLY, 0, 1, 0, REPLY("2", "{}") + 20);
		} else {
			rig_unlink(r, link);
		}
		HAS(r, "notifications/cancelled");
		HAS(r, CANCEL_RESULT("2"));
		HAS(r, REFUSED("3", "-32603,\"message\":\"The client is gone\"}}"));
		heard = puppet_says(r, 0, "%s", "");
		cancelled = strstr(heard, "notifications/cancelled");
		claim(strstr(heard, "\\\"cancel\\\"") < cancelled && strstr(heard, "is gone") < cancelled, "%s", heard);
		claim(strstr(strstr(heard, "is gone") + 1, "is gone") == NULL, "once each: %s", heard);
		rig_end(r);
	}
	free(r);
}

Test(asks, are_forgotten_when_the_tool_answers_without_them, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	int		 link;

	c = begin(r, 0, ALL, 9000, &link);
	puppet_says(r, 0, "%s", ELICIT("2"));
	must(puppet_said(r, c, 1));
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 1000, &c->ended);
	claim(c->end == LINK_END_OK);
	puppet_reply(r, link, 1, REPLY("2", "{\"action\":\"accept\"}"), 7);
	claim(!puppet_heard(r, 0, "accept") && !puppet_heard(r, 0, "cancel") && !r->links[link].closed);
	/* Its number is free for the next. */
	c = puppet_call(r, link, 2, 0, "b", ALL, 0, 9000);
	must(puppet_hears(r, 0, 2000, "\"name\":\"b\""));
	puppet_says(r, 0, "%s", ELICIT("2"));
	claim(puppet_said(r, c, 1));
	rig_end(r);
	free(r);
}

Test(asks, have_limits, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	int		 link;

	c = begin(r, 0, ALL, 20000, &link);
	puppet_says(r, 0, "%s", ASK("1", "roots/list", "{\"x\":\"@*4194304@\"}"));
	HAS(r, REFUSED("1", "-32603"));
	claim(c->said_count == 0);
	puppet_says(r, 0, "%s", ASK("2", "roots/list", "{\"x\":\"@*4194000@\"}"));
	claim(puppet_said(r, c, 1) && c->said[0].bytes > 4194000);
	/* One id is one request. */
	puppet_says(r, 0, "%s", ELICIT("2"));
	rig_run(r, 50, NULL);
	claim(c->said_count == 1);
	for (int i = 3; i < 18; i++)
		puppet_says(r, 0, ROOTS("%d"), i);
	claim(puppet_said(r, c, LINK_ASKS_MAX));
	puppet_says(r, 0, "%s", ROOTS("18"));
	HAS(r, REFUSED("18", "-32603"));
	claim(c->said_count == LINK_ASKS_MAX && !puppet_heard(r, 0, "\"id\":2,\"error\""));
	puppet_reply(r, link, 1, REPLY("3", "{}"), 1000);
	HAS(r, REPLY("3", "{}"));
	puppet_says(r, 0, "%s", ROOTS("19"));
	claim(puppet_said(r, c, LINK_ASKS_MAX + 1));
	rig_end(r);
	free(r);
}

Test(asks, of_one_call_are_not_answered_by_another, .timeout = 20)
{
	static const struct rig_server	two[] = {
		{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
		{ .name = "other", .mode = "puppet", .era = ERA_PIN_LEGACY }, { .name = NULL },
	};
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c, *d;
	int		 link, liar;

	puppet_begin(r, two);
	link = rig_link(r);
	liar = rig_link(r);
	c = puppet_call(r, link, 1, 0, "a", ALL, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", ELICIT("\"secret\""));
	must(puppet_said(r, c, 1));
	/* A call that waits in the same instance, and one that is asked something else. */
	puppet_call(r, liar, 1, 0, "b", ALL, 0, 9000);
	d = puppet_call(r, liar, 2, 1, "c", ALL, 0, 9000);
	must(puppet_hears(r, 1, 3000, "\"name\":\"c\""));
	puppet_says(r, 1, "%s", ELICIT("5"));
	must(puppet_said(r, d, 1));
	puppet_reply(r, liar, 1, REPLY("\"secret\"", "{\"action\":\"stolen\"}"), 1000);
	puppet_reply(r, liar, 2, REPLY("\"secret\"", "{\"action\":\"stolen\"}"), 1000);
	rig_run(r, 100, NULL);
	claim(!puppet_heard(r, 0, "stolen") && !puppet_heard(r, 1, "stolen") && !r->links[liar].closed);
	puppet_reply(r, link, 1, REPLY("\"secret\"", "{\"action\":\"mine\"}"), 1000);
	HAS(r, "mine");
	rig_end(r);
	free(r);
}

Test(asks, end_the_link_of_a_worker_whose_reply_is_none, .timeout = 60)
{
	static const char *const bad[] = {
		"", "{", "[]", "{\"jsonrpc\":\"2.0\",\"id\":2}", "{\"jsonrpc\":\"2.0\",\"id\":2,\n\"result\":{}}",
		REPLY("2", "{}") "\n" REPLY("2", "{}"), REPLY("2", "[]"), REPLY("2", "{},\"error\":{}"),
		"{\"jsonrpc\":\"2.0\",\"result\":{}}", "{\"jsonrpc\":\"2.0\",\"id\":2,\"id\":2,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"\"}}", ELICIT("2"),
		"{\"jsonrpc\":\"1.0\",\"id\":2,\"result\":{}}", "long",
	};
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	char		*text;
	int		 link;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = begin(r, 0, ALL, 9000, &link);
		puppet_says(r, 0, "%s", ELICIT("2"));
		must(puppet_said(r, c, 1));
		if (bad[i][0] == '\0') {
			rig_frame(r, link, 0, LINK_REPLY, LINK_FLAG_MORE, 1, 0, NULL);
		} else if (strcmp(bad[i], "long") == 0) {
			text = calloc(1, LINK_ASK_MAX + 2);
			memset(text, ' ', LINK_ASK_MAX + 1);
			puppet_reply(r, link, 1, text, LINK_PAYLOAD_MAX);
			free(text);
		} else {
			puppet_reply(r, link, 1, bad[i], 9);
		}
		rig_run(r, 1000, &r->links[link].closed);
		claim(r->links[link].closed, "row %zu", i);
		HAS(r, CANCEL_RESULT("2"));
		rig_end(r);
	}
	free(r);
}

Test(asks, stop_the_clock_until_the_last_is_answered, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	uint64_t	 began;
	int		 link;

	c = begin(r, 0, ALL, 800, &link);
	puppet_says(r, 0, "%s\n%s", ELICIT("1"), ELICIT("2"));
	must(puppet_said(r, c, 2));
	puppet_says(r, 0, "%s", NOTE("progress", "{\"progressToken\":@a@,\"progress\":1}"));
	rig_run(r, 1500, &c->ended);
	claim(!c->ended, "%s", c->text);
	puppet_reply(r, link, 1, REPLY("2", "{}"), 1000);
	rig_run(r, 1200, &c->ended);
	claim(!c->ended, "%s", c->text);
	began = now_ms();
	puppet_reply(r, link, 1, REPLY("1", "{}"), 1000);
	rig_run(r, 3000, &c->ended);
	claim(c->end == LINK_END_DEADLINE && c->ended_ms - began >= 700 && c->ended_ms - began < 2500,
	    "%d after %llu ms",
	    c->end, (unsigned long long)(c->ended_ms - began));
	rig_end(r);
	free(r);
}

/* The rest of `text` is blanks, so that it has these bytes. */
static void
long_reply(struct rig *r, int link, uint32_t call, int id, size_t bytes)
{
	char	*text = malloc(bytes + 1);
	int	 n = snprintf(text, bytes, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"long\":%d}}", id, id);

	memset(text + n, ' ', bytes - (size_t)n);
	text[bytes] = '\0';
	puppet_reply(r, link, call, text, LINK_PAYLOAD_MAX);
	free(text);
}

Test(asks, with_long_replies_do_not_stop_the_tool, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	int		 link;

	c = begin(r, 0, ALL, 20000, &link);
	puppet_says(r, 0, "%s\n%s", ROOTS("1"), ROOTS("2"));
	must(puppet_said(r, c, 2));
	long_reply(r, link, 1, 1, LINK_ASK_MAX);
	long_reply(r, link, 1, 2, LINK_ASK_MAX);
	HAS(r, "{\"long\":1}");
	HAS(r, "{\"long\":2}");
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 1000, &c->ended);
	claim(c->end == LINK_END_OK);
	rig_end(r);
	free(r);
}

Test(asks, with_replies_that_no_tool_reads_cost_their_calls_only, .timeout = 60)
{
	static const char	 all[] = ROOTS("1") "\n" ROOTS("2") "\n" ROOTS("3") "\n" ROOTS("4") "\n" ROOTS("5");
	struct rig		*r = malloc(sizeof(*r));
	struct rig_call		*c[3];
	int			 link, other;

	puppet_begin(r, servers);
	link = rig_link(r);
	other = rig_link(r);
	for (int k = 0; k < 2; k++) {
		c[k] = puppet_call(r, link, (uint32_t)k, 2 + k, "a", ALL, 0, 2500);
		RIG_UNTIL(r, 3000, r->states[2 + k].state == SERVER_STATE_UP);
		rig_run(r, 50, NULL);
		/* What it is told first is what it reads last. */
		puppet_says(r, 2 + k, "%s", all);
		must(puppet_said(r, c[k], 5));
	}
	for (int id = 1; id <= 5; id++)
		long_reply(r, link, 0, id, LINK_ASK_MAX - 1000);
	/* With these it is 32 MiB in all, and no room for another's. */
	for (int id = 1; id <= 4; id++)
		long_reply(r, link, 1, id, LINK_ASK_MAX - 1000);
	puppet_reply(r, link, 1, REPLY("5", "{}"), 1000);
	c[2] = puppet_call(r, other, 9, 0, "a", ALL, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", ROOTS("1"));
	must(puppet_said(r, c[2], 1));
	long_reply(r, other, 9, 1, 200000);
	rig_run(r, 2000, &c[2]->ended);
	claim(c[2]->end == LINK_END_BUSY && (c[2]->end_flags & LINK_FLAG_SENT), "%d %s", c[2]->end, c[2]->text);
	HAS(r, REFUSED("1", "-32603"));
	HAS(r, "notifications/cancelled");
	for (int k = 0; k < 2; k++) {
		rig_run(r, 6000, &c[k]->ended);
		claim(c[k]->end == LINK_END_DEADLINE, "%d %s", c[k]->end, c[k]->text);
	}
	rig_end(r);
	free(r);
}

Test(asks, are_refused_while_the_worker_reads_nothing, .timeout = 60)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c;
	int		 link;

	c = begin(r, 0, ALL, 30000, &link);
	/* The rig does not look at a link it takes for closed. */
	r->links[link].closed = true;
	for (int i = 0; i < 12; i++)
		puppet_says(r, 0, ASK("%d", "roots/list", "{\"x\":\"@*4000000@\"}"), 100 + i);
	HAS(r, REFUSED("111", "-32603"));
	r->links[link].closed = false;
	RIG_UNTIL(r, 5000, c->said_count >= 2 && c->said[1].whole);
	rig_run(r, 100, NULL);
	claim(c->said_count >= 1 && c->said_count <= 3, "%d", c->said_count);
	puppet_reply(r, link, 1, REPLY("100", "{}"), 1000);
	HAS(r, REPLY("100", "{}"));
	rig_end(r);
	free(r);
}
