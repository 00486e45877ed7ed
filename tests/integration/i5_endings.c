/* SPDX-License-Identifier: Apache-2.0
 *
 * i5_endings.c - what was begun with a credential ends when that is taken away: streams, and calls that run
 */
#include <unistd.h>

#include "tests/integration/httpsse.h"

#define WORKERS	4
#define LISTEN	"{\"notifications\":{\"toolsListChanged\":true}}"
#define SLOW	"{\"name\":\"slow\",\"arguments\":{\"ms\":60000}}"

/* Everything that can be open, of one client. */
struct all_open {
	struct mcp	modern, legacy, call;
	struct hearing	listen, get, running;
	struct old	old;
};

static void
open_all(struct all_open *o, const char *address, const char *key, int who)
{
	json_object	*m;

	mcp_init(&o->modern, address, "/mcp", key);
	hearing_begin(&o->listen, &o->modern, "7", "subscriptions/listen", LISTEN);
	m = hearing_next(&o->listen, SOON);
	cr_assert(m != NULL, "no listen: %d", o->listen.status);
	json_object_put(m);
	mcp_init(&o->legacy, address, "/servers/old/mcp", key);
	cr_assert(mcp_initialize(&o->legacy) == 200);
	hearing_begin(&o->get, &o->legacy, "", NULL, NULL);
	cr_assert(hearing_begins(&o->get, SOON));
	mcp_init(&o->call, address, "/servers/old/mcp", key);
	o->call.meta = ",\"progressToken\":\"p\"";
	hearing_begin(&o->running, &o->call, "9", "tools/call", SLOW);
	if (who >= 0) {
		open_stream(&o->old, "", who);
		initialize(&o->old, "2024-11-05", "{}");
	}
	/* It has reached its tool by now, or waits for it: either is to end. */
	sleep_ms(patience(&g, 700));
}

/* Milliseconds until all of it has ended, since then. */
static long
ended_after(struct all_open *o, long since, int who)
{
	json_object	*m;
	bool		 told = false;

	while ((m = hearing_next(&o->listen, SOON)) != NULL)
		json_object_put(m);
	cr_expect(o->listen.end, "the listen goes on");
	while ((m = hearing_next(&o->get, SOON)) != NULL)
		json_object_put(m);
	cr_expect(o->get.end, "the GET stream goes on");
	while ((m = hearing_next(&o->running, SOON)) != NULL) {
		told |= strcmp(json_text_at(m, "error.data.code"), "CREDENTIAL_REVOKED") == 0;
		json_object_put(m);
	}
	cr_expect(o->running.end && told, "the call goes on, or its client is not told");
	if (who >= 0)
		expect_ended(&o->old);
	return now_ms() - since;
}

static void
close_all(struct all_open *o, int who)
{
	hearing_fini(&o->listen);
	hearing_fini(&o->get);
	hearing_fini(&o->running);
	mcp_fini(&o->modern);
	mcp_fini(&o->legacy);
	mcp_fini(&o->call);
	if (who >= 0)
		close_stream(&o->old);
}

Test(endings, whatever_a_revoked_key_had_open_ends_within_a_second_and_what_others_have_goes_on, .timeout = 120)
{
	struct all_open	 one, other;
	json_object	*records, *m;
	long		 since, took;

	NEEDS_JAILS();
	start(WORKERS, NULL);
	open_all(&one, g.mcp, keys[0], 0);
	open_all(&other, g.mcp, keys[1], 1);
	cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", "--all", "--agent", "one", NULL) == 0);
	since = now_ms();
	took = ended_after(&one, since, 0);
	cr_expect(took < patience(&g, 1000), "after %ld ms", took);
	/* Not even a new stream is asked of the others. */
	cr_expect((m = hearing_next(&other.listen, QUIET)) == NULL && !other.listen.end);
	json_object_put(m);
	cr_expect((m = hearing_next(&other.get, QUIET)) == NULL && !other.get.end);
	json_object_put(m);
	cr_expect((m = hearing_next(&other.running, QUIET)) == NULL && !other.running.end);
	json_object_put(m);
	expect_quiet(&other.old);
	close_all(&one, 0);
	close_all(&other, 1);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "error", "CREDENTIAL_REVOKED") == 1, "%s", json_object_to_json_string(records));
	json_object_put(records);
	gateway_stop(&g);
}

/* Streams go on over changes of keys, so they learn of an end that was set after they began. */
Test(endings, streams_end_when_the_overlap_of_their_key_is_over, .timeout = 120)
{
	struct hearing	 h;
	struct mcp	 m;
	struct old	 o;
	json_object	*one;
	long		 since;
	char		 name[16];

	start(WORKERS, NULL);
	snprintf(name, sizeof(name), "%.12s", keys[0]);
	mcp_init(&m, g.mcp, "/mcp", keys[0]);
	hearing_begin(&h, &m, "7", "subscriptions/listen", LISTEN);
	cr_assert((one = hearing_next(&h, SOON)) != NULL);
	json_object_put(one);
	open_stream(&o, "", 0);
	initialize(&o, "2024-11-05", "{}");
	since = now_ms();
	EXPECT_CTL(&g, 0, "mgk_", "key", "rotate", name, "--overlap", "2s");
	while ((one = hearing_next(&h, SOON)) != NULL)
		json_object_put(one);
	cr_expect(h.end && now_ms() - since >= 1900, "%d after %ld ms", h.end, now_ms() - since);
	expect_ended(&o);
	cr_expect(now_ms() - since < patience(&g, 4000), "after %ld ms", now_ms() - since);
	hearing_fini(&h);
	mcp_fini(&m);
	close_stream(&o);
	gateway_stop(&g);
}

/* The policy takes a unix user's agent away. */
Test(endings, what_a_peer_had_open_ends_when_nobody_stands_for_it_any_more, .timeout = 120)
{
	struct all_open	 one;
	char		 rules[600];
	long		 took;

	NEEDS_JAILS();
	start(WORKERS, NULL);
	snprintf(rules, sizeof(rules), "%.*s,\"peers\":{\"user:%u\":\"one\"}}", (int)(strlen(RULES) - 1), RULES, getuid());
	gateway_write(&g, "rules.json", rules);
	EXPECT_CTL(&g, 0, "in force", "reload");
	open_all(&one, g.local, "", -1);
	gateway_write(&g, "rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
	took = ended_after(&one, now_ms(), -1);
	cr_expect(took < patience(&g, 1000), "after %ld ms", took);
	close_all(&one, -1);
	gateway_stop(&g);
}

/* Who is refused can be found in the log and the audit by what the answer says. */
Test(endings, who_is_refused_is_told_the_request_id_that_the_audit_has, .timeout = 60)
{
	struct answer	 a;
	struct mcp	 m;
	json_object	*records;
	char		 id[64], *log;

	start(WORKERS, NULL);
	mcp_init(&m, g.mcp, "/mcp", "mgk_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	EXPECT_STATUS(a, 401, "an unknown key");
	snprintf(id, sizeof(id), "%s", json_text_at(a.json, "error.data.request_id"));
	cr_expect(id[0] != '\0', "%s", a.body);
	cr_expect(strcmp(json_text_at(a.json, "error.data.code"), "UNAUTHENTICATED") == 0, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "request_id", id) == 1, "%s: %s", id, json_object_to_json_string(records));
	json_object_put(records);
	log = gateway_log(&g);
	cr_expect(strstr(log, id) != NULL, "%s is not in the log", id);
	free(log);
	gateway_stop(&g);
}

/* Neither of two tenants takes the other's clients, and both can be reached by their paths. */
Test(endings, a_peer_that_two_tenants_name_is_nobody_until_the_path_says_whose, .timeout = 60)
{
	static const struct { const char *path; int status; } rows[] = {
		{ "/mcp", 401 }, { "/t/acme/mcp", 200 }, { "/t/default/mcp", 200 }, { "/t/none/mcp", 401 },
	};
	struct answer	a;
	struct mcp	m;
	char		rules[600];

	start(WORKERS, "tenant_uid_range = 70000-70099\n");
	snprintf(rules, sizeof(rules), "%.*s,\"peers\":{\"user:%u\":\"one\"}}", (int)(strlen(RULES) - 1), RULES, getuid());
	gateway_write(&g, "rules.json", rules);
	gateway_write(&g, "tenants.d/acme/rules.json", rules);
	EXPECT_CTL(&g, 0, "is named by", "reload");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mcp_init(&m, g.local, rows[i].path, "");
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, rows[i].status, "%s", rows[i].path);
		cr_expect((strstr(a.body, "/t/TENANT/mcp") != NULL) == (i == 0), "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}
