/* SPDX-License-Identifier: Apache-2.0
 *
 * test_share.c - clients of one key who can do different things take turns with their tools
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "mcp/capability.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "legacy", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern" },
	{ .name = NULL },
};

#define ALL	511u

/* The answer the puppet gives to a call that has come. */
static void
answer(struct rig *r, int server, struct rig_call *c, const char *name)
{
	char	quoted[80];

	snprintf(quoted, sizeof(quoted), "\"name\":\"%s\"", name);
	must(puppet_hears(r, server, 3000, quoted), "%s", name);
	puppet_says(r, server, "{\"jsonrpc\":\"2.0\",\"id\":@%s@,\"result\":{}}", name);
	rig_run(r, 2000, &c->ended);
	claim(c->end == LINK_END_OK, "%s: %s", name, c->text);
}

Test(share, a_tool_is_told_what_its_client_can_do_and_nothing_else, .timeout = 20)
{
	static const struct { uint32_t can; const char *declared; } cases[] = {
		{ 0, "\"capabilities\":{}," },
		{ MCP_CAN_ELICIT_URL, "\"capabilities\":{\"elicitation\":{\"url\":{}}}," },
		{ MCP_CAN_SAMPLING_TOOLS | MCP_CAN_ROOTS_CHANGED | MCP_CAN_UI, "\"capabilities\":{}," },
		{ ALL | 0xfffff000u, "\"capabilities\":{\"roots\":{\"listChanged\":true},"
		    "\"sampling\":{\"tools\":{},\"context\":{}},\"elicitation\":{\"form\":{},\"url\":{}}}," },
	};
	struct rig	*r = malloc(sizeof(*r));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		puppet_begin(r, servers);
		puppet_call(r, rig_link(r), 1, 0, "a", cases[i].can, 0, 5000);
		claim(puppet_hears(r, 0, 3000, cases[i].declared), "row %zu: %s", i, puppet_says(r, 0, "%s", ""));
		rig_end(r);
	}
	free(r);
}

Test(share, an_idle_tool_makes_room_for_another_client_of_its_key, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	answer(r, 0, puppet_call(r, link, 1, 0, "a", 0, 0, 5000), "a");
	answer(r, 0, puppet_call(r, link, 2, 0, "b", MCP_CAN_ROOTS, 0, 5000), "b");
	claim(r->tool_count == 2 && r->tools[0].gone && r->tools[0].life_closed_ms == 0, "it left when asked");
	/* Bits no tool is told of make no difference. */
	answer(r, 0, puppet_call(r, link, 3, 0, "c", MCP_CAN_ROOTS | MCP_CAN_TASKS, 0, 5000), "c");
	claim(r->tool_count == 2);
	rig_end(r);
	free(r);
}

Test(share, who_waits_for_a_busy_tool_is_served_before_who_comes_later, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b, *c;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	b = puppet_call(r, link, 2, 0, "b", MCP_CAN_ROOTS, 0, 9000);
	rig_run(r, 50, NULL);
	/* The tool that runs would do for it, but then b might wait for ever. */
	c = puppet_call(r, link, 3, 0, "c", 0, 0, 9000);
	rig_run(r, 100, NULL);
	claim(r->tool_count == 1);
	answer(r, 0, a, "a");
	/* Nothing more needs to happen for that. */
	RIG_UNTIL(r, 2000, r->tool_count == 2);
	claim(r->tool_count == 2);
	must(puppet_hears(r, 0, 3000, "\"name\":\"b\""));
	claim(!puppet_heard(r, 0, "\"name\":\"c\"") && !c->ended && r->tool_count == 2);
	answer(r, 0, b, "b");
	answer(r, 0, c, "c");
	claim(r->tool_count == 3);
	rig_end(r);
	free(r);
}

Test(share, a_call_that_comes_just_when_the_tool_has_left_is_not_first, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*b, *c;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_call(r, link, 1, 0, "a", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	b = puppet_call(r, link, 2, 0, "b", MCP_CAN_ROOTS, 0, 9000);
	rig_frame(r, link, 0, LINK_CANCEL, 0, 1, 0, NULL);
	rig_run(r, 1000, &r->links[link].calls[1].ended);
	/* The runner hears of both at once. */
	kill(r->runner, SIGSTOP);
	RIG_UNTIL(r, 2000, r->tools[0].gone);
	c = puppet_call(r, link, 3, 0, "c", 0, 0, 9000);
	kill(r->runner, SIGCONT);
	RIG_UNTIL(r, 2000, r->tool_count == 2);
	answer(r, 0, b, "b");
	claim(!c->ended && puppet_hears(r, 0, 2000, "\"name\":\"c\"") && r->tool_count == 3);
	rig_end(r);
	free(r);
}

Test(share, lists_are_no_reason_to_end_a_tool, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));

	puppet_begin(r, servers);
	answer(r, 0, puppet_call(r, rig_link(r), 1, 0, "a", MCP_CAN_ROOTS, 0, 5000), "a");
	puppet_says(r, 0, "%s", "");
	claim(r->tool_count == 1);
	rig_end(r);
	free(r);
}

Test(share, a_modern_tool_serves_all_clients_of_its_key_at_once, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*c[4];
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	/* They come before it is known what it is. */
	kill(r->runner, SIGSTOP);
	c[0] = puppet_call(r, link, 1, 1, "a", 0, 0, 9000);
	c[1] = puppet_call(r, link, 2, 1, "b", MCP_CAN_ROOTS, 0, 9000);
	c[2] = puppet_call(r, link, 3, 1, "c", MCP_CAN_SAMPLING, 0, 9000);
	kill(r->runner, SIGCONT);
	must(puppet_hears(r, 1, 5000, "\"name\":\"a\""));
	c[3] = puppet_call(r, link, 4, 1, "d", MCP_CAN_ELICIT_FORM, 0, 9000);
	for (int i = 3; i >= 0; i--)
		answer(r, 1, c[i], (const char *[]){ "a", "b", "c", "d" }[i]);
	claim(r->tool_count == 2, "the probe's and one: %d", r->tool_count);
	rig_end(r);
	free(r);
}
