/* SPDX-License-Identifier: Apache-2.0
 *
 * t6_streams.c - clients of both eras hear of lists and resources that changed, on whichever worker they are
 */
#include "tests/integration/listening.h"

#define LISTEN	"{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"	\
	"\"resourceSubscriptions\":[\"changing://0\"]}}"

#define SERVERS "{\"mcpServers\":{\"legacy\":{\"command\":\"@TOOLS@/tests/changing-server\"},"	\
	"\"modern\":{\"command\":\"@TOOLS@/tests/changing-server\",\"args\":[\"modern\"]}}}"
#define RULES	"{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"part\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"grow\"]}}}}}"

static const char *const	paths[] = { "/servers/legacy/mcp", "/servers/modern/mcp" };

static void
client(struct mcp *m, const char *path, bool modern)
{
	mcp_init(m, g.mcp, path, gateway_key(&g, "all"));
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

Test(streams, tell_sessions_what_changed_and_what_they_subscribed_to, .timeout = 60)
{
	struct mcp	m, other;
	struct hearing	h, quiet;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 4 });
	for (size_t i = 0; i < 2; i++) {
		client(&m, paths[i], false);
		client(&other, paths[1 - i], false);
		hearing_begin(&h, &m, "", NULL, NULL);
		hearing_begin(&quiet, &other, "", NULL, NULL);
		/* Each on a connection of its own, so on some worker. */
		for (int k = 0; k < 8; k++) {
			client_close(&m.conn);
			expect_done(&m, "resources/subscribe", "{\"uri\":\"changing://0\"}");
		}
		call(&m, "touch", "{\"uri\":\"changing://0\"}");
		expect_next(&h, "notifications/resources/updated", "changing://0");
		cr_expect(h.status == 200 && h.stream);
		call(&m, "grow", "{}");
		expect_next(&h, "notifications/tools/list_changed", "");
		expect_next(&h, "notifications/resources/list_changed", "");
		/* Subscribed to eight times, and once no more. */
		client_close(&m.conn);
		expect_done(&m, "resources/unsubscribe", "{\"uri\":\"changing://0\"}");
		call(&m, "touch", "{\"uri\":\"changing://0\"}");
		expect_quiet(&h);
		expect_quiet(&quiet);
		hearing_fini(&h);
		hearing_fini(&quiet);
		mcp_fini(&m);
		mcp_fini(&other);
	}
	gateway_stop(&g);
}

/* Over stdio the acknowledgement may be there before what it promises: touched until that is heard of. */
static void
touch_until_told(struct hearing *h, struct mcp *m)
{
	json_object	*o = NULL;
	size_t		 told = 0;

	for (int i = 0; i < 20 && o == NULL; i++) {
		call(m, "touch", "{\"uri\":\"changing://0\"}");
		o = hearing_next(h, 500);
	}
	for (; o != NULL; o = hearing_next(h, 500)) {
		cr_expect_str_eq(json_text_at(o, "method"), "notifications/resources/updated");
		cr_expect_str_eq(json_text_at(o, "params.uri"), "changing://0");
		json_object_put(o);
		told++;
	}
	cr_expect(told > 0);
}

Test(streams, of_modern_clients_tell_what_was_asked_for, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h, none;
	json_object	*o;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 4 });
	for (size_t i = 0; i < 2; i++) {
		client(&m, paths[i], true);
		/* What it is, is known from here on: no prompts. */
		expect_done(&m, "server/discover", NULL);
		hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", LISTEN);
		o = hearing_next(&h, SOON);
		cr_assert(o != NULL && h.stream, "%d", h.status);
		cr_expect_str_eq(json_text_at(o, "method"), "notifications/subscriptions/acknowledged");
		cr_expect(json_at(o, "params.notifications.toolsListChanged") != NULL);
		json_object_put(o);
		touch_until_told(&h, &m);
		call(&m, "grow", "{}");
		expect_next(&h, "notifications/tools/list_changed", "");
		/* That resources changed was not asked for. */
		expect_quiet(&h);
		hearing_begin(&none, &m, "\"L\"", "subscriptions/listen", "{\"notifications\":{}}");
		expect_ack(&none, "{}");
		o = hearing_next(&none, SOON);
		cr_expect_str_eq(json_text_at(o, "result.resultType"), "complete");
		cr_expect_str_eq(json_text_at(o, "id"), "L");
		json_object_put(o);
		cr_expect(hearing_ends(&none, SOON));
		hearing_fini(&none);
		/* A new policy: told that all may be another, and over, without a result. */
		cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
		expect_next(&h, "notifications/tools/list_changed", "");
		while ((o = hearing_next(&h, SOON)) != NULL) {
			cr_expect(json_at(o, "result") == NULL, "%s", json_object_to_json_string(o));
			json_object_put(o);
		}
		cr_expect(h.end);
		hearing_fini(&h);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}

Test(streams, end_with_their_gateway, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h;
	json_object	*o;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 1 });
	client(&m, paths[0], true);
	hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	expect_ack(&h, "{\"toolsListChanged\":true}");
	gateway_stop(&g);
	o = hearing_next(&h, 5000);
	cr_assert(o != NULL);
	cr_expect_str_eq(json_text_at(o, "id"), "L");
	cr_expect_str_eq(json_text_at(o, "result.resultType"), "complete");
	json_object_put(o);
	hearing_fini(&h);
	mcp_fini(&m);
}

Test(streams, are_refused_to_whoever_may_not_have_them, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	struct hearing	h;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 1 });
	client(&m, paths[0], true);
	mcp_ask_modern(&m, "subscriptions/listen", "{\"notifications\":[]}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
	answer_fini(&a);
	mcp_ask_modern(&m, "subscriptions/listen", "{\"notifications\":{\"resourceSubscriptions\":[7]}}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32602, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);

	/* Who may not have all of a server has none of its resources: none is subscribed to. */
	mcp_init(&m, g.mcp, paths[0], gateway_key(&g, "part"));
	expect_done(&m, "server/discover", NULL);
	hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", LISTEN);
	expect_ack(&h, "{\"toolsListChanged\":true}");
	hearing_fini(&h);
	cr_assert(mcp_initialize(&m) == 200);
	mcp_ask(&m, "resources/subscribe", "{\"uri\":\"changing://0\"}", &a);
	cr_expect(json_int_at(a.json, "error.code") == -32002, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(streams, end_with_the_key_they_were_opened_by, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h, again;
	json_object	*o;
	char		id[13];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 2 });
	client(&m, paths[0], true);
	hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	expect_ack(&h, "{\"toolsListChanged\":true}");
	snprintf(id, sizeof(id), "%.12s", m.key);
	cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", id, NULL) == 0, "%s", id);
	while ((o = hearing_next(&h, SOON)) != NULL)
		json_object_put(o);
	cr_expect(h.end);
	hearing_begin(&again, &m, "\"L\"", "subscriptions/listen", "{\"notifications\":{}}");
	json_object_put(hearing_next(&again, SOON));
	cr_expect(again.status == 401, "%d", again.status);
	hearing_fini(&h);
	hearing_fini(&again);
	mcp_fini(&m);
	gateway_stop(&g);
}
