/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lease.c - calls that may ask their client are alone with the tool, and which those are is learnt
 */
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "mcp/capability.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern", .era = ERA_PIN_MODERN },
	{ .name = NULL },
};

#define CAN	MCP_CAN_ELICIT_FORM
#define ELICIT(id)	ASK(id, "elicitation/create", "{\"message\":\"?\"}")

static bool
came(struct rig *r, int server, const char *name)
{
	char	quoted[80];

	snprintf(quoted, sizeof(quoted), "\"name\":\"%s\"", name);
	return puppet_heard(r, server, quoted);
}

static void
answer(struct rig *r, struct rig_call *c, const char *name)
{
	RIG_UNTIL(r, 2000, came(r, 0, name));
	must(came(r, 0, name), "%s did not come: %s", name, c->text);
	puppet_says(r, 0, "{\"jsonrpc\":\"2.0\",\"id\":@%s@,\"result\":{}}", name);
	rig_run(r, 2000, &c->ended);
	claim(c->end == LINK_END_OK, "%s: %s", name, c->text);
}

Test(lease, calls_of_unknown_names_come_one_by_one_and_in_order, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b, *c;
	int		 x, y;

	puppet_begin(r, servers);
	x = rig_link(r);
	y = rig_link(r);
	a = puppet_call(r, x, 1, 0, "a", CAN, 0, 9000);
	b = puppet_call(r, y, 1, 0, "b", CAN, 0, 9000);
	c = puppet_call(r, x, 2, 0, "c", CAN, 0, 9000);
	RIG_UNTIL(r, 3000, came(r, 0, "a"));
	rig_run(r, 100, NULL);
	claim(came(r, 0, "a") && !came(r, 0, "b") && !came(r, 0, "c"));
	answer(r, a, "a");
	RIG_UNTIL(r, 1000, came(r, 0, "b"));
	claim(came(r, 0, "b") && !came(r, 0, "c"));
	/* One that leaves makes room as well; it was given up, so a moment later. */
	rig_unlink(r, y);
	answer(r, c, "c");
	(void)b;
	rig_end(r);
	free(r);
}

Test(lease, names_that_were_quiet_are_shared_and_nobody_overtakes, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c[6];
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	answer(r, puppet_call(r, x, 1, 0, "q", CAN, 0, 9000), "q");
	answer(r, puppet_call(r, x, 2, 0, "p", CAN, 0, 9000), "p");
	/* Quiet ones go together, under any id the puppet knows by the last of a name. */
	c[0] = puppet_call(r, x, 3, 0, "q", CAN, 0, 9000);
	c[1] = puppet_call(r, x, 4, 0, "p", CAN, 0, 9000);
	/* A new name waits for both, and a quiet one behind it waits as well. */
	c[2] = puppet_call(r, x, 5, 0, "new", CAN, 0, 9000);
	c[3] = puppet_call(r, x, 6, 0, "q", CAN, 0, 9000);
	rig_run(r, 100, NULL);
	claim(!came(r, 0, "new"));
	answer(r, c[0], "q");
	claim(!came(r, 0, "new") && !c[3]->ended);
	answer(r, c[1], "p");
	RIG_UNTIL(r, 1000, came(r, 0, "new"));
	claim(came(r, 0, "new"));
	/* If the quiet one had come with it, the puppet would answer it now. */
	puppet_says(r, 0, "%s", "{\"jsonrpc\":\"2.0\",\"id\":@q@,\"result\":{}}");
	rig_run(r, 100, NULL);
	claim(!c[3]->ended);
	answer(r, c[2], "new");
	rig_run(r, 50, NULL);
	answer(r, c[3], "q");
	rig_end(r);
	free(r);
}

Test(lease, an_error_teaches_nothing_and_a_modern_tool_needs_no_lease, .timeout = 30)
{
	static const char *const failures[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":@e@,\"error\":{\"code\":-32602,\"message\":\"no\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":@e@,\"result\":{\"isError\":true,\"content\":[]}}",
	};
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c, *f;
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	answer(r, puppet_call(r, x, 1, 0, "f", CAN, 0, 9000), "f");
	for (size_t i = 0; i < 2; i++) {
		c = puppet_call(r, x, 1, 0, "e", CAN, 0, 9000);
		RIG_UNTIL(r, 3000, came(r, 0, "e"));
		puppet_says(r, 0, "%s", failures[i]);
		rig_run(r, 1000, &c->ended);
		/* It is alone still, so that one of the quiet kind waits. */
		c = puppet_call(r, x, 2, 0, "e", CAN, 0, 9000);
		f = puppet_call(r, x, 3, 0, "f", CAN, 0, 9000);
		puppet_says(r, 0, "%s", ANSWER("f"));
		rig_run(r, 100, NULL);
		claim(!f->ended, "row %zu", i);
		puppet_says(r, 0, "%s", failures[i]);
		rig_run(r, 1000, &c->ended);
		rig_run(r, 50, NULL);
		answer(r, f, "f");
	}
	puppet_call(r, x, 4, 1, "e", CAN, 0, 9000);
	puppet_call(r, x, 5, 1, "f", CAN, 0, 9000);
	RIG_UNTIL(r, 3000, came(r, 1, "f"));
	claim(came(r, 1, "e") && came(r, 1, "f"));
	rig_end(r);
	free(r);
}

Test(lease, who_waits_keeps_its_deadline_and_is_told_why, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*b;
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	puppet_call(r, x, 1, 0, "a", CAN, 0, 9000);
	b = puppet_call(r, x, 2, 0, "b", CAN, 0, 600);
	rig_run(r, 2000, &b->ended);
	claim(b->end == LINK_END_DEADLINE && b->end_flags == 0, "%s", b->text);
	claim(strstr(b->text, "it waits for a call that may ask its client") != NULL, "%s", b->text);
	rig_end(r);
	free(r);
}

/* How long "bN" waits for "aN", which is given up, and answered late or not at all. */
static uint64_t
wait_for_lost(struct rig *r, int link, int n, bool late)
{
	struct rig_call	*c;
	uint64_t	 began;
	char		 lost[16], other[16];

	snprintf(lost, sizeof(lost), "a%d", n);
	snprintf(other, sizeof(other), "b%d", n);
	puppet_call(r, link, 1, 0, lost, CAN, 0, 9000);
	RIG_UNTIL(r, 5000, came(r, 0, lost));
	claim(came(r, 0, lost), "%s did not come", lost);
	began = now_ms();
	rig_frame(r, link, 0, LINK_CANCEL, 0, 1, 0, NULL);
	c = puppet_call(r, link, 2, 0, other, CAN, 0, 9000);
	if (late)
		puppet_says(r, 0, "{\"jsonrpc\":\"2.0\",\"id\":@%s@,\"result\":{}}", lost);
	RIG_UNTIL(r, 5000, came(r, 0, other));
	began = now_ms() - began;
	answer(r, c, other);
	return began;
}

Test(lease, a_call_given_up_keeps_others_away_until_its_late_answer_or_a_second, .timeout = 60)
{
	struct rig	*r = malloc(sizeof(*r));
	uint64_t	 ms;
	int		 x, n = 0;

	puppet_begin(r, servers);
	x = rig_link(r);
	/* The runner's clock and ours need not tick together. */
	ms = wait_for_lost(r, x, n++, false);
	claim(ms >= 950, "%llu ms", (unsigned long long)ms);
	/* A machine with much to do may need a second for anything, but not each time. */
	do
		ms = wait_for_lost(r, x, n, true);
	while (ms >= 900 && ++n < 6);
	claim(ms < 900, "%llu ms", (unsigned long long)ms);
	rig_end(r);
	free(r);
}

Test(lease, who_asks_is_alone_ever_after, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	answer(r, puppet_call(r, x, 1, 0, "a", CAN, 0, 9000), "a");
	answer(r, puppet_call(r, x, 2, 0, "b", CAN, 0, 9000), "b");
	/* Alone by chance: it is clear who asks, and the next one waits. */
	a = puppet_call(r, x, 3, 0, "a", CAN, 0, 9000);
	rig_run(r, 50, NULL);
	puppet_says(r, 0, "%s", ELICIT("1"));
	claim(puppet_said(r, a, 1) && a->said[0].type == LINK_ASK);
	b = puppet_call(r, x, 4, 0, "b", CAN, 0, 9000);
	puppet_says(r, 0, "%s", "{\"jsonrpc\":\"2.0\",\"id\":@b@,\"result\":{}}");
	rig_run(r, 100, NULL);
	claim(!b->ended);
	puppet_reply(r, x, 3, REPLY("1", "{\"action\":\"decline\"}"), 999);
	claim(puppet_hears(r, 0, 1000, REPLY("1", "{\"action\":\"decline\"}")));
	answer(r, a, "a");
	rig_run(r, 50, NULL);
	answer(r, b, "b");
	/* It asked once, so it is alone also when it does not. */
	for (int i = 0; i < 2; i++) {
		a = puppet_call(r, x, 5, 0, "a", CAN, 0, 9000);
		b = puppet_call(r, x, 6, 0, "b", CAN, 0, 9000);
		puppet_says(r, 0, "%s", "{\"jsonrpc\":\"2.0\",\"id\":@b@,\"result\":{}}");
		rig_run(r, 100, NULL);
		claim(!b->ended);
		answer(r, a, "a");
		rig_run(r, 50, NULL);
		answer(r, b, "b");
	}
	rig_end(r);
	free(r);
}

Test(lease, who_lent_it_may_ask_more_while_nobody_else_works, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	a = puppet_call(r, x, 1, 0, "a", CAN, 0, 9000);
	RIG_UNTIL(r, 3000, came(r, 0, "a"));
	puppet_says(r, 0, "%s", ELICIT("1"));
	claim(puppet_said(r, a, 1));
	rig_run(r, 400, NULL);
	puppet_says(r, 0, "%s", ELICIT("2"));
	claim(puppet_said(r, a, 2) && strstr(a->said[1].text, "\"id\":2,") != NULL);
	/* Now somebody does, and it is the one who asks. */
	b = puppet_call(r, x, 2, 0, "b", CAN, 0, 9000);
	RIG_UNTIL(r, 3000, came(r, 0, "b"));
	puppet_says(r, 0, "%s", ELICIT("3"));
	claim(puppet_said(r, b, 1) && a->said_count == 2);
	puppet_reply(r, x, 2, REPLY("3", "{\"is\":\"b\"}"), 999);
	claim(puppet_hears(r, 0, 1000, REPLY("3", "{\"is\":\"b\"}")));
	answer(r, b, "b");
	puppet_reply(r, x, 1, REPLY("2", "{\"is\":\"a\"}"), 999);
	claim(puppet_hears(r, 0, 1000, REPLY("2", "{\"is\":\"a\"}")));
	answer(r, a, "a");
	rig_end(r);
	free(r);
}

Test(lease, when_it_is_not_clear_who_asks_nobody_is_asked_and_all_are_remembered, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 x;

	puppet_begin(r, servers);
	x = rig_link(r);
	answer(r, puppet_call(r, x, 1, 0, "a", CAN, 0, 9000), "a");
	answer(r, puppet_call(r, x, 2, 0, "b", CAN, 0, 9000), "b");
	puppet_says(r, 0, "%s", ELICIT("0"));
	claim(puppet_hears(r, 0, 1000, "\"id\":0,\"error\":{\"code\":-32603"));
	a = puppet_call(r, x, 3, 0, "a", CAN, 0, 9000);
	b = puppet_call(r, x, 4, 0, "b", CAN, 0, 9000);
	rig_run(r, 50, NULL);
	puppet_says(r, 0, "%s", ELICIT("1"));
	claim(puppet_hears(r, 0, 1000, "\"id\":1,\"error\":{\"code\":-32603"));
	claim(a->said_count == 0 && b->said_count == 0);
	answer(r, a, "a");
	answer(r, b, "b");
	a = puppet_call(r, x, 5, 0, "a", CAN, 0, 9000);
	b = puppet_call(r, x, 6, 0, "b", CAN, 0, 9000);
	puppet_says(r, 0, "%s", "{\"jsonrpc\":\"2.0\",\"id\":@b@,\"result\":{}}");
	rig_run(r, 100, NULL);
	claim(!b->ended, "it came while the other was there");
	answer(r, a, "a");
	rig_run(r, 50, NULL);
	answer(r, b, "b");
	rig_end(r);
	free(r);
}
