/* SPDX-License-Identifier: Apache-2.0
 *
 * test_notes.c - to whom goes what a tool tells by itself
 */
#include <signal.h>
#include <stdlib.h>

#include "claim.h"
#include "mcp/level.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern", .era = ERA_PIN_MODERN },
	{ .name = "logging", .mode = "puppet", .n = "logging", .era = ERA_PIN_LEGACY },
	{ .name = NULL },
};

#define PROGRESS(token)	NOTE("progress", "{\"progressToken\":" token ",\"progress\":1}")
#define LOG(data)	NOTE("message", "{\"level\":\"info\",\"data\":\"" data "\"}")

Test(notes, progress_goes_to_the_call_whose_number_it_names, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 link;

	for (int server = 0; server < 2; server++) {
		puppet_begin(r, servers);
		link = rig_link(r);
		a = puppet_call(r, link, 1, server, "a", 0, 0, 5000);
		b = puppet_call(r, link, 2, server, "b", 0, 0, 5000);
		must(puppet_hears(r, server, 3000, "\"name\":\"b\""));
		puppet_says(r, server, "%s", PROGRESS("@b@"));
		claim(puppet_said(r, b, 1) && b->said[0].type == LINK_NOTE);
		claim(strstr(b->said[0].text, "\"progress\":1}}") != NULL, "%s", b->said[0].text);
		/* A text is no number of ours, and an answered call has none. */
		puppet_says(r, server, "%s", PROGRESS("\"@a@\""));
		puppet_says(r, server, "%s", ANSWER("b"));
		rig_run(r, 1000, &b->ended);
		claim(b->end == LINK_END_OK);
		puppet_says(r, server, "%s", PROGRESS("@b@"));
		puppet_says(r, server, "%s", PROGRESS("987654"));
		claim(a->said_count == 0 && b->said_count == 1);
		rig_end(r);
	}
	free(r);
}

Test(notes, may_be_long_but_not_too_long, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", LOG("@*200000@"));
	claim(puppet_said(r, a, 1) && a->said[0].frames == 4 && a->said[0].bytes > 200000);
	puppet_says(r, 0, "%s", LOG("@*1048577@"));
	puppet_says(r, 0, "%s", LOG("last"));
	claim(puppet_said(r, a, 2) && strstr(a->said[1].text, "last") != NULL, "%d", a->said_count);
	rig_end(r);
	free(r);
}

Test(notes, without_a_name_go_to_the_only_call_or_to_nobody, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 0, "%s", LOG("before any"));
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", LOG("alone"));
	claim(puppet_said(r, a, 1) && strstr(a->said[0].text, "alone") != NULL);
	puppet_says(r, 0, "%s", NOTE("tools/list_changed", "{}"));
	b = puppet_call(r, link, 2, 0, "b", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"b\""));
	puppet_says(r, 0, "%s", LOG("whose?"));
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 1000, &a->ended);
	puppet_says(r, 0, "%s", LOG("alone again"));
	claim(puppet_said(r, b, 1) && strstr(b->said[0].text, "alone again") != NULL);
	claim(a->said_count == 1);
	rig_end(r);
	free(r);
}

Test(notes, of_a_call_that_was_given_up_reach_no_other, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a, *b;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	rig_frame(r, link, 0, LINK_CANCEL, 0, 1, 0, NULL);
	rig_run(r, 1000, &a->ended);
	b = puppet_call(r, link, 2, 0, "b", 0, 0, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"b\""));
	puppet_says(r, 0, "%s", LOG("about a"));
	claim(b->said_count == 0);
	puppet_says(r, 0, "%s", ANSWER("a"));
	puppet_says(r, 0, "%s", LOG("about b"));
	claim(puppet_said(r, b, 1) && strstr(b->said[0].text, "about b") != NULL);
	rig_end(r);
	free(r);
}

Test(notes, are_dropped_when_the_worker_does_not_read, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link, got;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 20000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	/* The rig does not look at a link it takes for closed. */
	r->links[link].closed = true;
	for (int i = 0; i < 40; i++)
		puppet_says(r, 0, "%s", LOG("@*500000@"));
	r->links[link].closed = false;
	rig_run(r, 500, NULL);
	got = a->said_count;
	claim(got > 0 && got < 10, "%d of 40", got);
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 2000, &a->ended);
	claim(a->end == LINK_END_OK && a->said[got - 1].whole, "%s", a->text);
	rig_end(r);
	free(r);
}

static size_t
levels_set(struct rig *r, int server)
{
	const char	*at = puppet_says(r, server, "%s", "");
	size_t		 n = 0;

	while ((at = strstr(at, "logging/setLevel")) != NULL)
		at++, n++;
	return n;
}

Test(notes, a_tool_logs_as_much_as_the_most_curious_client_wants, .timeout = 20)
{
	static const struct { uint32_t level; size_t set; const char *said; } cases[] = {
		{ MCP_LEVEL_NONE, 0, NULL }, { MCP_LEVEL_ERROR, 1, "error" }, { MCP_LEVEL_ERROR, 1, NULL },
		{ MCP_LEVEL_EMERGENCY, 1, NULL }, { MCP_LEVEL_DEBUG, 2, "debug" }, { MCP_LEVEL_INFO, 2, NULL },
	};
	struct rig	*r = malloc(sizeof(*r));
	const char	*heard;
	char		 name[8] = "call0";
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name[4] = (char)('0' + i);
		puppet_call(r, link, i, 2, name, 0, cases[i].level, 9000);
		must(puppet_hears(r, 2, 3000, name));
		claim(levels_set(r, 2) == cases[i].set, "row %u", i);
		heard = puppet_says(r, 2, "%s", "");
		/* Before the call, so that it is in force for it. */
		claim(cases[i].said == NULL || (strstr(heard, cases[i].said) != NULL &&
		    strstr(heard, cases[i].said) < strstr(heard, name)), "row %u: %s", i, heard);
	}
	/* Who does not offer it is not told. */
	puppet_call(r, link, 20, 0, "a", 0, MCP_LEVEL_DEBUG, 9000);
	puppet_call(r, link, 21, 1, "a", 0, MCP_LEVEL_DEBUG, 9000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\"") && puppet_hears(r, 1, 3000, "\"name\":\"a\""));
	claim(levels_set(r, 0) == 0 && levels_set(r, 1) == 0);
	rig_end(r);
	free(r);
}
