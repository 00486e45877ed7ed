/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_news.c - clients of both eras hear of what changed on HTTP servers of both eras
 */
#include <signal.h>

#include "tests/harness/lying.h"
#include "tests/integration/listening.h"

#define LISTEN	"{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"	\
	"\"resourceSubscriptions\":[\"told://a\"]}}"
#define TOOLS	"{\"notifications\":{\"toolsListChanged\":true}}"
#define RULES	"{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}},"	\
	"\"none\":{\"allow\":{\"servers\":[\"other\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define NO_RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"other\"],\"tools\":{\"*\":[\"*\"]}}}}}"

enum { LEGACY, MODERN, ERAS };

static struct lying	server;
static const char *const words[ERAS] = { "legacy tells", "modern tells" };

static void
begin(const char *what, unsigned workers)
{
	char	servers[256];

	lying_start(&server, what);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:%u/mcp\"},"
	    "\"other\":{\"url\":\"http://127.0.0.1:1/mcp\"}}}", server.port);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .workers = workers });
}

static void
end(void)
{
	gateway_stop(&g);
	lying_stop(&server);
}

static void
client(struct mcp *m, const char *path, const char *agent, bool modern)
{
	mcp_init(m, g.mcp, path, gateway_key(&g, agent));
	cr_assert(modern || mcp_initialize(m) == 200);
}

/* How many tools of this name the client is listed. */
static size_t
listed(struct mcp *m, const char *name)
{
	struct answer	 a;
	json_object	*tools;
	size_t		 n = 0;

	mcp_ask_either(m, "tools/list", "{}", &a);
	tools = json_at(a.json, "result.tools");
	for (size_t i = 0; tools != NULL && i < json_object_array_length(tools); i++)
		n += strcmp(json_text_at(json_object_array_get_idx(tools, i), "name"), name) == 0;
	answer_fini(&a);
	return n;
}

static bool
was_seen(void *arg)
{
	const char	*text = arg;

	return lying_saw(&server, text) > 0;
}

static void
hear_all(int era, unsigned workers)
{
	struct mcp	old, new, none;
	struct hearing	h, listen, quiet;

	begin(words[era], workers);
	client(&old, "/servers/web/mcp", "all", false);
	client(&new, "/servers/web/mcp", "all", true);
	client(&none, "/mcp/catalog", "none", false);
	hearing_begin(&h, &old, "", NULL, NULL);
	hearing_begin(&quiet, &none, "", NULL, NULL);
	hearing_begin(&listen, &new, "\"L\"", "subscriptions/listen", LISTEN);
	expect_ack(&listen, "{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"told://a\"]}");
	cr_assert(hearing_begins(&h, SOON) && h.status == 200);
	for (int k = 0; k < 4; k++) {
		client_close(&old.conn);
		expect_done(&old, "resources/subscribe", "{\"uri\":\"told://a\"}");
	}
	/* Each is its own principal, with its own instance: both are told by the server. */
	call(&old, "touch", "{\"uri\":\"told://a/below\"}");
	expect_next(&h, "notifications/resources/updated", "told://a");
	expect_next(&listen, "notifications/resources/updated", "told://a");
	for (unsigned k = 0; k < 4 * workers; k++) {
		client_close(&old.conn);
		cr_expect(listed(&old, "tool0") == 1);
	}
	call(&new, "grow", "{}");
	expect_next(&h, "notifications/tools/list_changed", "");
	expect_next(&h, "notifications/resources/list_changed", "");
	expect_next(&listen, "notifications/tools/list_changed", "");
	/* No worker lists what was. */
	for (unsigned k = 0; k < 4 * workers; k++) {
		client_close(&old.conn);
		cr_expect(listed(&old, "tool1") == 1, "%u", k);
	}
	client_close(&old.conn);
	expect_done(&old, "resources/unsubscribe", "{\"uri\":\"told://a\"}");
	if (era == LEGACY)
		cr_expect(wait_until(was_seen, "\nresources/unsubscribe s-", SOON));
	call(&old, "touch", "{\"uri\":\"told://a\"}");
	expect_next(&listen, "notifications/resources/updated", "told://a");
	expect_quiet(&h);
	expect_quiet(&quiet);
	expect_quiet(&listen);
	hearing_fini(&h);
	hearing_fini(&listen);
	hearing_fini(&quiet);
	mcp_fini(&old);
	mcp_fini(&new);
	mcp_fini(&none);
	end();
}

Test(news, of_legacy_servers_are_heard, .timeout = 60)
{
	hear_all(LEGACY, 1);
}

Test(news, of_legacy_servers_are_heard_on_any_worker, .timeout = 60)
{
	hear_all(LEGACY, 4);
}

Test(news, of_modern_servers_are_heard, .timeout = 60)
{
	hear_all(MODERN, 1);
}

Test(news, of_modern_servers_are_heard_on_any_worker, .timeout = 60)
{
	hear_all(MODERN, 4);
}

Test(news, of_a_principal_come_on_one_session_and_stream_in_a_worker, .timeout = 60)
{
	struct mcp	m[6];
	struct hearing	h[6];
	const char	*key;

	begin(words[LEGACY], 1);
	key = gateway_key(&g, "all");
	for (int i = 0; i < 6; i++) {
		mcp_init(&m[i], g.mcp, i % 2 == 0 ? "/servers/web/mcp" : "/mcp/catalog", key);
		cr_assert(mcp_initialize(&m[i]) == 200);
		hearing_begin(&h[i], &m[i], "", NULL, NULL);
		cr_assert(hearing_begins(&h[i], SOON));
		expect_done(&m[i], "resources/subscribe", "{\"uri\":\"told://a\"}");
	}
	cr_expect(lying_saw(&server, "\nGET s-") == 1);
	cr_expect(lying_saw(&server, "\nresources/subscribe s-") == 1);
	call(&m[0], "grow", "{}");
	for (int i = 0; i < 6; i++) {
		expect_next(&h[i], "notifications/tools/list_changed", "");
		expect_next(&h[i], "notifications/resources/list_changed", "");
		hearing_fini(&h[i]);
		mcp_fini(&m[i]);
	}
	end();
}

Test(news, of_a_slow_server_are_heard_from_the_beginning_of_the_stream, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h;

	begin("legacy tells getslow", 1);
	client(&m, "/servers/web/mcp", "all", false);
	hearing_begin(&h, &m, "", NULL, NULL);
	cr_assert(hearing_begins(&h, SOON));
	call(&m, "grow", "{}");
	expect_next(&h, "notifications/tools/list_changed", "");
	hearing_fini(&h);
	mcp_fini(&m);
	end();
}

Test(news, are_promised_only_where_they_come, .timeout = 60)
{
	static const struct { const char *words, *tools, *resources; } rows[] = {
		{ "legacy tells", "{\"listChanged\":true}", "{\"subscribe\":true,\"listChanged\":true}" },
		{ "legacy tells noget", "{}", "{}" },
		{ "modern tells", "{\"listChanged\":true}", "{\"subscribe\":true,\"listChanged\":true}" },
		{ "legacy tells get404", "{}", "{}" },
		{ "legacy getasks", "{}", "null" },
	};
	struct mcp	m;
	struct answer	a;
	struct hearing	h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].words, 1);
		client(&m, "/servers/web/mcp", "all", false);
		hearing_begin(&h, &m, "", NULL, NULL);
		cr_assert(hearing_begins(&h, SOON), "%s", rows[i].words);
		/* By now it is known. */
		mcp_ask(&m, "initialize", "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":"
		    "{\"name\":\"t\",\"version\":\"1\"}}", &a);
		answer_fini(&a);
		mcp_fini(&m);
		mcp_init(&m, g.mcp, "/servers/web/mcp", gateway_key(&g, "all"));
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		cr_expect_str_eq(json_object_to_json_string_ext(json_at(a.json, "result.capabilities.tools"),
		    JSON_C_TO_STRING_PLAIN), rows[i].tools, "%s: %s", rows[i].words, a.body);
		cr_expect_str_eq(json_object_to_json_string_ext(json_at(a.json, "result.capabilities.resources"),
		    JSON_C_TO_STRING_PLAIN), rows[i].resources, "%s: %s", rows[i].words, a.body);
		answer_fini(&a);
		hearing_fini(&h);
		if (strcmp(rows[i].tools, "{}") == 0) {
			cr_expect(lying_saw(&server, "\nGET s-") <= 2, "%s", rows[i].words);
			hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", LISTEN);
			expect_ack(&h, "{}");
			hearing_fini(&h);
			cr_assert(mcp_initialize(&m) == 200);
			mcp_ask(&m, "resources/subscribe", "{\"uri\":\"told://a\"}", &a);
			cr_expect(json_at(a.json, "error") != NULL, "%s", a.body);
			answer_fini(&a);
		}
		mcp_fini(&m);
		end();
	}
}

Test(news, are_not_acknowledged_when_it_turns_out_that_there_are_none, .timeout = 60)
{
	struct mcp	m;
	struct answer	a;
	struct hearing	h;

	for (int modern = 0; modern < 2; modern++) {
		/* Nobody has listened there yet. */
		begin("legacy tells noget", 1);
		client(&m, "/servers/web/mcp", "all", modern);
		if (modern) {
			hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", LISTEN);
			expect_ack(&h, "{}");
			hearing_fini(&h);
		} else {
			mcp_ask(&m, "resources/subscribe", "{\"uri\":\"told://a\"}", &a);
			cr_expect(json_int_at(a.json, "error.code") == -32601, "%s", a.body);
			answer_fini(&a);
		}
		mcp_fini(&m);
		end();
	}
}

Test(news, end_with_what_granted_them, .timeout = 120)
{
	struct mcp	m;
	struct hearing	h;
	json_object	*o;
	char		id[13];

	for (int era = 0; era < ERAS; era++)
		for (int keys = 0; keys < 2; keys++) {
			begin(words[era], 2);
			client(&m, "/servers/web/mcp", "all", true);
			hearing_begin(&h, &m, "\"L\"", "subscriptions/listen", TOOLS);
			json_object_put(hearing_next(&h, SOON));
			cr_expect(lying_saw(&server, "\nclosed ") == 0);
			snprintf(id, sizeof(id), "%.12s", m.key);
			if (keys) {
				cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", id, NULL) == 0);
			} else {
				gateway_write(&g, "rules.json", NO_RULES);
				cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
			}
			/* Long before it would be let go because nobody wishes it. */
			cr_expect(wait_until(was_seen, era == MODERN ? "\nclosed " : "\nDELETE ", SOON));
			while ((o = hearing_next(&h, SOON)) != NULL)
				json_object_put(o);
			cr_expect(h.end);
			hearing_fini(&h);
			mcp_fini(&m);
			end();
		}
}

/* Its key is revoked between its listen and the server's answer to that. */
static void
be_turned_out(struct hearing *h, struct mcp *m)
{
	char	id[13];

	hearing_begin(h, m, "\"L\"", "subscriptions/listen", TOOLS);
	cr_assert(wait_until(was_seen, "\nsubscriptions/listen ", SOON));
	snprintf(id, sizeof(id), "%.12s", m->key);
	cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", id, NULL) == 0);
	for (json_object *o; (o = hearing_next(h, SOON)) != NULL;)
		json_object_put(o);
	cr_expect(h->end);
}

Test(news, do_not_begin_for_who_was_turned_out_meanwhile, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h;

	begin("modern tells tellslow", 1);
	client(&m, "/servers/web/mcp", "all", true);
	expect_done(&m, "server/discover", NULL);
	be_turned_out(&h, &m);
	hearing_fini(&h);
	mcp_fini(&m);
	end();
}

static bool
has_link(void *arg)
{
	struct answer	a;
	bool		has;

	(void)arg;
	client_once(g.admin, "GET", "/metrics", "", NULL, &a);
	has = strstr(a.body, "\nmcpgw_runner_links 1\n") != NULL;
	answer_fini(&a);
	return has;
}

/* Who was turned out before it heard of anything takes nothing with it of what others hear by. */
Test(news, are_heard_on_by_others_when_somebody_is_turned_out, .timeout = 60)
{
	struct mcp	m, other;
	struct hearing	h, stays;
	struct procs	*procs = malloc(sizeof(*procs));
	char		servers[512];

	NEEDS_JAILS();
	lying_start(&server, "modern tells tellslow");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:%u/mcp\"},"
	    "\"tool\":{\"command\":\"@TOOLS@/tests/changing-server\"}}}", server.port);
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = RULES, .workers = 1 });
	client(&m, "/servers/web/mcp", "all", true);
	client(&other, "/servers/tool/mcp", "all", true);
	snprintf(other.key, sizeof(other.key), "%s", gateway_key(&g, "all"));
	expect_done(&m, "server/discover", NULL);
	hearing_begin(&stays, &other, "\"L\"", "subscriptions/listen", TOOLS);
	cr_assert(hearing_begins(&stays, SOON) && stays.status == 200);
	be_turned_out(&h, &m);
	cr_expect(wait_until(has_link, NULL, SOON));
	gateway_procs(&g, procs);
	cr_assert(procs_find(procs, "mcpgw-runner", 0) != NULL);
	kill(procs_find(procs, "mcpgw-runner", 0)->pid, SIGKILL);
	sleep_ms(patience(&g, 500));
	cr_expect(wait_until(has_link, NULL, SOON), "nobody asks for its stream again");
	hearing_fini(&stays);
	hearing_fini(&h);
	mcp_fini(&other);
	mcp_fini(&m);
	free(procs);
	end();
}

Test(news, of_a_flood_reach_clients_as_a_few, .timeout = 60)
{
	struct mcp	m;
	struct hearing	h;
	json_object	*o;
	unsigned	told = 0;

	begin("legacy tells tellflood", 1);
	client(&m, "/servers/web/mcp", "all", false);
	hearing_begin(&h, &m, "", NULL, NULL);
	cr_assert(hearing_begins(&h, SOON));
	while ((o = hearing_next(&h, QUIET)) != NULL) {
		json_object_put(o);
		told++;
	}
	cr_expect(told >= 1 && told < 40, "%u", told);
	/* It serves calls as ever. */
	call(&m, "subscribed", "{}");
	hearing_fini(&h);
	mcp_fini(&m);
	end();
}
