/* SPDX-License-Identifier: Apache-2.0
 *
 * test_subscribe.c - what workers subscribe to is what tools are told, over restarts and deaths
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "puppet.h"

static const struct rig_server servers[] = {
	{ .name = "puppet", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = "modern", .mode = "puppet", .n = "modern", .era = ERA_PIN_MODERN },
	{ .name = "deaf", .mode = "puppet", .n = "deaf", .era = ERA_PIN_LEGACY },
	{ .name = "quick", .mode = "puppet", .era = ERA_PIN_LEGACY, .idle_ms = 100 },
	{ .name = "other", .mode = "puppet", .era = ERA_PIN_LEGACY },
	{ .name = NULL },
};

#define ACK(id)		NOTE("subscriptions/acknowledged", "{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":" id \
	"},\"notifications\":{}}")
#define ERROR(id)	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32601,\"message\":\"no\"}}"

/* How often the puppet has heard this, as it stands quoted in what it heard. */
static int
heard(struct rig *r, int server, const char *text)
{
	const char	*at = puppet_says(r, server, "%s", "");
	int		 n = 0;

	for (; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* The id of the last subscriptions/listen it heard. */
static int
last_listen(struct rig *r, int server)
{
	const char	*at = puppet_says(r, server, "%s", ""), *last = at;

	while ((at = strstr(at, "\\\"subscriptions/listen\\\"")) != NULL)
		last = at++;
	while (strncmp(last, "\\\"id\\\":", 7) != 0)
		last--;
	return atoi(last + 7);
}

#define SUBSCRIBED	"\\\"resources/subscribe\\\""
#define UNSUBSCRIBED	"\\\"resources/unsubscribe\\\""
#define LISTENS		"\\\"subscriptions/listen\\\""
#define CANCELLED	"\\\"notifications/cancelled\\\""

static void
subscribe(struct rig *r, int link, int server, const char *uri)
{
	rig_subscribe(r, link, LINK_SUBSCRIBE, server, PUPPET_KEY, uri);
	rig_run(r, 20, NULL);
}

static void
unsubscribe(struct rig *r, int link, int server, const char *uri)
{
	rig_subscribe(r, link, LINK_UNSUBSCRIBE, server, PUPPET_KEY, uri);
	rig_run(r, 20, NULL);
}

Test(subscribe, a_legacy_tool_hears_of_the_first_and_the_last, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 one, two, three;

	puppet_begin(r, servers);
	one = rig_link(r);
	two = rig_link(r);
	three = rig_link(r);
	puppet_says(r, 0, "%s", "");
	subscribe(r, one, 0, "file:///a");
	claim(heard(r, 0, "\\\"method\\\":" SUBSCRIBED ",\\\"params\\\":{\\\"uri\\\":\\\"file:///a\\\"}}") == 1);
	subscribe(r, one, 0, "file:///a");
	subscribe(r, two, 0, "file:///a");
	subscribe(r, three, 0, "file:///a");
	claim(heard(r, 0, SUBSCRIBED) == 1);
	unsubscribe(r, one, 0, "file:///a");
	/* One that was never there, and one of another key. */
	unsubscribe(r, one, 0, "file:///b");
	rig_subscribe(r, two, LINK_UNSUBSCRIBE, 0, PUPPET_KEY + 1, "file:///a");
	unsubscribe(r, two, 0, "file:///a");
	claim(heard(r, 0, UNSUBSCRIBED) == 0);
	rig_unlink(r, three);
	rig_run(r, 50, NULL);
	claim(heard(r, 0, UNSUBSCRIBED) == 1);
	/* Both in one turn are as good as none. */
	rig_subscribe(r, one, LINK_SUBSCRIBE, 0, PUPPET_KEY, "file:///c");
	unsubscribe(r, one, 0, "file:///c");
	claim(heard(r, 0, SUBSCRIBED) - heard(r, 0, UNSUBSCRIBED) == 0);
	rig_end(r);
	free(r);
}

/* What it answers is nobody's, and no babble either. */
Test(subscribe, a_refusal_changes_nothing, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	struct rig_call	*a;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 0, "%s", "");
	subscribe(r, link, 0, "file:///a");
	/* initialize was 1, the first puppet/say 2. */
	puppet_says(r, 0, "%s", ERROR("3"));
	a = puppet_call(r, link, 1, 0, "a", 0, 0, 5000);
	must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
	puppet_says(r, 0, "%s", ANSWER("a"));
	rig_run(r, 1000, &a->ended);
	claim(a->end == LINK_END_OK);
	rig_end(r);
	free(r);
}

Test(subscribe, the_next_tool_is_told_before_its_first_call, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	const char	*text, *first, *call;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	/* Nobody runs yet. */
	subscribe(r, link, 0, "file:///a");
	subscribe(r, link, 0, "file:///b");
	claim(r->tool_count == 0);
	for (int round = 0; round < 2; round++) {
		puppet_call(r, link, 1, 0, "a", 0, 0, 5000);
		must(puppet_hears(r, 0, 3000, "\"name\":\"a\""));
		text = puppet_says(r, 0, "%s", "");
		first = strstr(text, SUBSCRIBED);
		call = strstr(text, "tools/call");
		claim(first != NULL && call != NULL && first < call, "%s", text);
		claim(heard(r, 0, SUBSCRIBED) == 2 && heard(r, 0, UNSUBSCRIBED) == 0);
		kill(r->tools[round].pid, SIGKILL);
		RIG_UNTIL(r, 3000, r->tools[round].gone);
		/* Who dies young is not started again at once. */
		rig_run(r, 1200u << round, NULL);
	}
	unsubscribe(r, link, 0, "file:///a");
	claim(heard(r, 0, SUBSCRIBED) == 1, "what is not wanted any more is not told the third one");
	rig_end(r);
	free(r);
}

Test(subscribe, it_keeps_no_tool_from_its_idle_stop, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	subscribe(r, link, 3, "file:///a");
	claim(heard(r, 3, SUBSCRIBED) == 1);
	RIG_UNTIL(r, 3000, r->tool_count == 1 && r->tools[0].gone);
	claim(r->tools[0].gone);
	claim(heard(r, 3, SUBSCRIBED) == 1 && r->tool_count == 2);
	rig_end(r);
	free(r);
}

Test(subscribe, what_is_over_the_bounds_is_passed_over, .timeout = 30)
{
	struct rig	*r = malloc(sizeof(*r));
	char		 uri[LINK_URI_MAX + 1];
	int		 link, big = LINK_URIS_BYTES / LINK_URI_MAX;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 0, "%s", "");
	for (int i = 0; i < LINK_URIS_MAX + 10; i++) {
		snprintf(uri, sizeof(uri), "file:///%d", i);
		rig_subscribe(r, link, LINK_SUBSCRIBE, 0, PUPPET_KEY, uri);
	}
	rig_run(r, 100, NULL);
	claim(heard(r, 0, SUBSCRIBED) == LINK_URIS_MAX, "%d", heard(r, 0, SUBSCRIBED));
	unsubscribe(r, link, 0, "file:///0");
	subscribe(r, link, 0, "file:///more");
	claim(heard(r, 0, SUBSCRIBED) == LINK_URIS_MAX + 1);
	/* So are bytes; another server has its own. */
	puppet_says(r, 4, "%s", "");
	memset(uri, 'u', LINK_URI_MAX);
	uri[LINK_URI_MAX] = '\0';
	for (int i = 0; i < big + 2; i++) {
		uri[0] = (char)('a' + i);
		rig_subscribe(r, link, LINK_SUBSCRIBE, 4, PUPPET_KEY, uri);
	}
	rig_run(r, 100, NULL);
	claim(heard(r, 4, SUBSCRIBED) == big, "%d", heard(r, 4, SUBSCRIBED));
	claim(!r->links[link].closed);
	rig_end(r);
	free(r);
}

static long
resident_kib(pid_t pid)
{
	char	 path[64], line[256];
	FILE	*f;
	long	 kib = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	must((f = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kib);
	fclose(f);
	return kib;
}

Test(subscribe, to_and_fro_before_a_deaf_tool_costs_no_memory, .timeout = 60)
{
	struct rig	*r = malloc(sizeof(*r));
	char		 uri[2048];
	long		 before;
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 2, "%s", "");
	memset(uri, 'u', sizeof(uri) - 1);
	uri[sizeof(uri) - 1] = '\0';
	before = resident_kib(r->runner);
	for (int i = 0; i < 10000; i++) {
		uri[0] = (char)('a' + i % 26);
		rig_subscribe(r, link, i / 26 % 2 ? LINK_UNSUBSCRIBE : LINK_SUBSCRIBE, 2, PUPPET_KEY, uri);
		if (i % 26 == 25)
			rig_run(r, 1, NULL);
	}
	rig_run(r, 100, NULL);
	claim(!r->links[link].closed && !r->exited);
	claim(resident_kib(r->runner) - before < 4096, "%ld KiB more", resident_kib(r->runner) - before);
	rig_end(r);
	free(r);
}

Test(subscribe, a_malformed_frame_ends_the_link, .timeout = 30)
{
	static const struct {
		const char	*what;
		size_t		 bytes;
		uint16_t	 type, flags;
		uint32_t	 call;
		const char	*uri;
		bool		 fine;
	} rows[] = {
		{ "what is right", 25, LINK_SUBSCRIBE, 0, 0, "u", true },
		{ "of a profile that is not there", 25, LINK_UNSUBSCRIBE, 0, 0, "u", true },
		{ "no URI", 24, LINK_SUBSCRIBE, 0, 0, "", false },
		{ "less than its head", 23, LINK_UNSUBSCRIBE, 0, 0, "", false },
		{ "a flag", 25, LINK_SUBSCRIBE, LINK_FLAG_MORE, 0, "u", false },
		{ "a call", 25, LINK_SUBSCRIBE, 0, 1, "u", false },
		{ "a line feed", 25, LINK_SUBSCRIBE, 0, 0, "\n", false },
		{ "no UTF-8", 25, LINK_SUBSCRIBE, 0, 0, "\xff", false },
		{ "too long a URI", 24 + LINK_URI_MAX + 1, LINK_SUBSCRIBE, 0, 0, "", false },
		{ "what only we may say", 25, LINK_EVENT, 0, 0, "u", false },
	};
	struct rig			*r = malloc(sizeof(*r));
	struct link_subscription	 sub = { .instance = PUPPET_KEY };
	char				*payload = malloc(2 * LINK_URI_MAX);
	int				 link;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_begin(r, servers);
		link = rig_link(r);
		sub.profile = i == 1 ? 1 : rig_hash(r, 0);
		memset(payload, 'u', 2 * LINK_URI_MAX);
		memcpy(payload, &sub, sizeof(sub));
		memcpy(payload + sizeof(sub), rows[i].uri, strlen(rows[i].uri));
		rig_frame(r, link, (uint32_t)rows[i].bytes, rows[i].type, rows[i].flags, rows[i].call, 0, payload);
		RIG_UNTIL(r, rows[i].fine ? 100 : 2000, r->links[link].closed);
		claim(r->links[link].closed == !rows[i].fine, "%s", rows[i].what);
		rig_end(r);
	}
	free(payload);
	free(r);
}

Test(subscribe, a_modern_tool_is_asked_to_tell_all_when_it_comes_up, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	const char	*text;

	puppet_begin(r, servers);
	text = puppet_says(r, 1, "%s", "");
	claim(strstr(text, "{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":1,\\\"method\\\":" LISTENS) != NULL, "%s", text);
	claim(strstr(text, "\\\"notifications\\\":{\\\"toolsListChanged\\\":true,\\\"promptsListChanged\\\":true,"
	    "\\\"resourcesListChanged\\\":true},") != NULL, "%s", text);
	claim(strstr(text, "io.modelcontextprotocol/protocolVersion\\\":\\\"2026-07-28") != NULL, "%s", text);
	claim(heard(r, 1, LISTENS) == 1);
	rig_end(r);
	free(r);
}

Test(subscribe, a_new_listen_is_acknowledged_before_the_old_one_ends, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 1, "%s", "");
	/* Until the first one is acknowledged there is no other. */
	subscribe(r, link, 1, "file:///a");
	claim(heard(r, 1, LISTENS) == 1);
	puppet_says(r, 1, "%s", ACK("7"));
	puppet_says(r, 1, "%s", ACK("\"1\""));
	claim(heard(r, 1, LISTENS) == 1);
	puppet_says(r, 1, "%s", ACK("1"));
	must(puppet_hears(r, 1, 2000, "\"resourceSubscriptions\":[\"file:///a\"]}"));
	claim(heard(r, 1, LISTENS) == 2 && heard(r, 1, CANCELLED) == 0);
	/* Several changes meanwhile are one, and what others want already is none. */
	subscribe(r, link, 1, "file:///b");
	subscribe(r, link, 1, "file:///c");
	subscribe(r, 0, 1, "file:///c");
	unsubscribe(r, link, 1, "file:///b");
	puppet_says(r, 1, NOTE("subscriptions/acknowledged",
	    "{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%d},\"notifications\":{}}"), last_listen(r, 1));
	must(puppet_hears(r, 1, 2000, "\"resourceSubscriptions\":[\"file:///a\",\"file:///c\"]}"));
	claim(heard(r, 1, LISTENS) == 3);
	claim(heard(r, 1, "\\\"method\\\":" CANCELLED ",\\\"params\\\":{\\\"requestId\\\":1}") == 1);
	claim(heard(r, 1, CANCELLED) == 1);
	claim(heard(r, 1, "resources/subscribe") == 0);
	rig_end(r);
	free(r);
}

Test(subscribe, a_tool_that_knows_no_listen_is_asked_once, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	puppet_says(r, 1, "%s", ERROR("1"));
	subscribe(r, link, 1, "file:///a");
	rig_run(r, 50, NULL);
	claim(heard(r, 1, LISTENS) == 1);
	/* What it says all the same is told. */
	puppet_says(r, 1, "%s", NOTE("tools/list_changed", "{}"));
	rig_run(r, 50, NULL);
	claim(r->links[link].event_count == 1);
	rig_end(r);
	free(r);
}

Test(subscribe, a_listen_that_ended_comes_again_with_the_next_change, .timeout = 20)
{
	static const char *const	ends[] = {
		REPLY("1", "{\"resultType\":\"complete\"}"), NOTE("cancelled", "{\"requestId\":1}"),
		NOTE("cancelled", "{\"requestId\":1}") "\n" REPLY("1", "{\"resultType\":\"complete\"}"),
	};
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		puppet_begin(r, servers);
		link = rig_link(r);
		puppet_says(r, 1, "%s", ACK("1"));
		puppet_says(r, 1, "%s", ends[i]);
		rig_run(r, 50, NULL);
		claim(heard(r, 1, LISTENS) == 1, "row %zu", i);
		subscribe(r, link, 1, "file:///a");
		claim(heard(r, 1, LISTENS) == 2 && heard(r, 1, CANCELLED) == 0, "row %zu", i);
		rig_end(r);
	}
	free(r);
}

Test(subscribe, the_next_modern_tool_is_asked_for_all_of_its_key, .timeout = 20)
{
	struct rig	*r = malloc(sizeof(*r));
	int		 link;

	puppet_begin(r, servers);
	link = rig_link(r);
	subscribe(r, link, 1, "file:///a");
	for (int round = 0; round < 2; round++) {
		puppet_says(r, 1, "%s", "");
		claim(heard(r, 1, LISTENS) == 1 && heard(r, 1, "resourceSubscriptions\\\":[\\\"file:///a\\\"]") == 1);
		kill(r->tools[round].pid, SIGKILL);
		RIG_UNTIL(r, 3000, r->tools[round].gone);
		/* Who dies young is not started again at once. */
		rig_run(r, 1200u << round, NULL);
	}
	rig_end(r);
	free(r);
}
