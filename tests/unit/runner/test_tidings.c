/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tidings.c - what tools say of no call reaches every worker, and not too often
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "mcp/level.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern", .era = ERA_PIN_MODERN },
	{ .name = "percall", .mode = "puppet", .era = ERA_PIN_LEGACY, .isolation = ISOLATION_CALL,
	  .idle_ms = 60000 },
	{ .name = NULL },
};

#define CHANGED(kind)	NOTE(kind "/list_changed", "{}")
#define UPDATED(uri)	NOTE("resources/updated", "{\"uri\":\"" uri "\"}")

static int
count(const struct rig *r, int link, uint32_t kind)
{
	int	n = 0;

	for (int i = 0; i < r->links[link].event_count; i++)
		n += r->links[link].events[i].what.what == kind;
	return n;
}

static bool
has_uri(const struct rig *r, int link, const char *uri)
{
	for (int i = 0; i < r->links[link].event_count; i++)
		if (strcmp(r->links[link].events[i].uri, uri) == 0)
			return true;
	return false;
}

Test(tidings, reach_every_worker_of_the_tenant, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));

	for (int server = 0; server < 2; server++) {
		puppet_begin(r, servers);
		rig_link(r);
		rig_link(r);
		puppet_says(r, server, "%s", CHANGED("tools"));
		puppet_says(r, server, "%s", CHANGED("prompts"));
		puppet_says(r, server, "%s", CHANGED("resources"));
		rig_run(r, 50, NULL);
		for (int link = 0; link < 3; link++) {
			claim(r->links[link].event_count == 3, "link %d: %d", link, r->links[link].event_count);
			for (uint32_t k = 0; k < 3; k++) {
				const struct link_event	*e = &r->links[link].events[k].what;

				claim(e->what == k && e->profile == rig_hash(r, server) && e->capabilities == 0);
				claim(e->instance == PUPPET_KEY && r->links[link].events[k].uri[0] == '\0');
			}
		}
		rig_end(r);
	}
	free(r);
}

/* The answer is on its way when the client asks for the list that changed. */
Test(tidings, come_before_the_answer_that_follows_them, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 5000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", CHANGED("tools") "\n" ANSWER("a"));
	/* Until its end, and no longer. */
	rig_run(r, 2000, &a->ended);
	claim(a->ended && r->links[link].event_count == 1);
	rig_end(r);
	free(r);
}

Test(tidings, that_come_again_are_told_at_once_and_then_once_more, .timeout = 20)
{
	struct rig		*r = malloc(sizeof(*r));
	const struct rig_event	*e;
	uint64_t		 begin;

	puppet_begin(r, servers);
	puppet_says(r, 0, "%s", "");
	begin = now_ms();
	for (int i = 0; i < 20; i++)
		puppet_says(r, 0, "%s", CHANGED("tools") "\n" CHANGED("tools"));
	must(now_ms() - begin < LINK_EVENT_QUIET_MS, "too slow a machine");
	claim(r->links[0].event_count == 1, "%d", r->links[0].event_count);
	rig_run(r, 2 * LINK_EVENT_QUIET_MS, NULL);
	e = r->links[0].events;
	claim(r->links[0].event_count == 2 && e[1].at_ms - e[0].at_ms + 5 >= LINK_EVENT_QUIET_MS, "%d",
	    r->links[0].event_count);
	/* It was quiet since. */
	rig_run(r, 2 * LINK_EVENT_QUIET_MS, NULL);
	claim(r->links[0].event_count == 2);
	puppet_says(r, 0, "%s", CHANGED("tools"));
	rig_run(r, 20, NULL);
	claim(r->links[0].event_count == 3);
	rig_end(r);
	free(r);
}

Test(tidings, are_told_when_the_tool_is_gone_meanwhile, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));

	puppet_begin(r, servers);
	puppet_says(r, 0, "%s", CHANGED("tools") "\n" CHANGED("tools"));
	kill(r->tools[0].pid, SIGKILL);
	RIG_UNTIL(r, 2000, r->tools[0].gone);
	rig_run(r, 2 * LINK_EVENT_QUIET_MS, NULL);
	claim(count(r, 0, LINK_EVENT_TOOLS) == 2, "%d", r->links[0].event_count);
	rig_end(r);
	free(r);
}

Test(tidings, of_resources_are_for_those_who_want_them, .timeout = 20)
{
	static const struct { const char *line, *uri; } rows[] = {
		{ UPDATED("file:///a"), "file:///a" },
		{ UPDATED("file:///a/b"), "file:///a/b" },
		{ UPDATED("file:///d/b"), "file:///d/b" },
		{ UPDATED("file:///\\u00e4"), "file:///\xc3\xa4" },
		{ UPDATED("file:///ab"), NULL },
		{ UPDATED("file:///"), NULL },
		{ UPDATED("file:///a/\\n"), NULL },
		{ NOTE("resources/updated", "{\"uri\":7}"), NULL },
		{ NOTE("resources/updated", "{}"), NULL },
	};
	struct rig	*r = malloc(sizeof(*r));
	int		 link, want = 0;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 0, "%s", UPDATED("file:///a"));
	rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///a");
	rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///d/");
	rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///\xc3\xa4");
	rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY + 1, "file:///");
	rig_run(r, 20, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		puppet_says(r, 0, "%s", rows[i].line);
		rig_run(r, 10, NULL);
		want += rows[i].uri != NULL;
		claim(r->links[0].event_count == want && r->links[link].event_count == want, "row %zu: %d", i,
		    r->links[0].event_count);
		claim(rows[i].uri == NULL || has_uri(r, 0, rows[i].uri), "row %zu", i);
	}
	claim(count(r, 0, LINK_EVENT_UPDATED) == want);
	rig_end(r);
	free(r);
}

Test(tidings, of_more_resources_than_are_remembered_are_dropped, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	char		*text = malloc(1 << 20), *at = text;

	puppet_begin(r, servers);
	puppet_says(r, 0, "%s", "");
	rig_subscribe(r, 0, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///d");
	for (int i = 0; i < 300; i++)
		at += sprintf(at, "%s" UPDATED("file:///d/%d"), i > 0 ? "\n" : "", i);
	puppet_says(r, 0, "%s", text);
	rig_run(r, 50, NULL);
	claim(r->links[0].event_count == 256, "%d", r->links[0].event_count);
	/* Lists have their own room. */
	puppet_says(r, 0, "%s", CHANGED("resources"));
	rig_run(r, 50, NULL);
	claim(count(r, 0, LINK_EVENT_RESOURCES) == 1);
	rig_run(r, 2 * LINK_EVENT_QUIET_MS, NULL);
	puppet_says(r, 0, "%s", UPDATED("file:///d/299"));
	rig_run(r, 50, NULL);
	claim(has_uri(r, 0, "file:///d/299"));
	rig_end(r);
	free(text);
	free(r);
}

Test(tidings, wait_for_a_worker_that_does_not_read_and_are_told_once, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 20000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///d");
	/* The rig does not look at a link it takes for closed. */
	r->links[link].closed = true;
	for (int i = 0; i < 8; i++)
		puppet_says(r, 0, "%s", NOTE("message", "{\"level\":\"info\",\"data\":\"@*500000@\"}"));
	for (int i = 0; i < 5; i++) {
		puppet_says(r, 0, "%s", CHANGED("tools") "\n" UPDATED("file:///d/1"));
		rig_run(r, LINK_EVENT_QUIET_MS + 20, NULL);
	}
	puppet_says(r, 0, "%s", CHANGED("prompts") "\n" UPDATED("file:///d/2"));
	rig_run(r, 20, NULL);
	claim(r->links[0].event_count == 12, "%d", r->links[0].event_count);
	claim(r->links[link].event_count == 0);
	/* More than is queued for a link at a time. */
	for (int i = 0; i < 200; i++)
		puppet_says(r, 0, UPDATED("file:///d/%d/@*8000@"), i);
	rig_run(r, 20, NULL);
	r->links[link].closed = false;
	rig_run(r, 500, NULL);
	claim(r->links[link].event_count == 204, "%d", r->links[link].event_count);
	claim(count(r, link, LINK_EVENT_TOOLS) == 1 && count(r, link, LINK_EVENT_PROMPTS) == 1);
	claim(has_uri(r, link, "file:///d/1") && has_uri(r, link, "file:///d/2"));
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 2000, &a->ended);
	claim(a->end == LINK_END_OK, "%s", a->text);
	rig_end(r);
	free(r);
}

Test(tidings, of_an_instance_of_one_call_are_for_nobody, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	a = puppet_call(r, link, 1, 2, "a", 0, 0, 5000);
	must(puppet_hears(r, 2, 3000, "\"name\":\"a\""));
	puppet_says(r, 2, "%s", CHANGED("tools"));
	puppet_says(r, 2, "%s", ANSWER("a"));
	rig_run(r, 2000, &a->ended);
	claim(a->end == LINK_END_OK && r->links[link].event_count == 0 && r->links[0].event_count == 0);
	rig_end(r);
	free(r);
}
