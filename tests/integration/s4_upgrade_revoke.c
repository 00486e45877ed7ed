/* SPDX-License-Identifier: Apache-2.0
 *
 * s4_upgrade_revoke.c - what is taken away after an upgrade, from those whom the workers of before still serve
 */
#include <signal.h>

#include "tests/harness/hearing.h"
#include "tests/integration/installed.h"
#include "tests/integration/steadyload.h"

struct served {
	struct gateway	g;
	struct hearing	call;		/* it runs, at an old worker */
	struct mcp	idle, other;	/* and these have a connection there */
	char		key[256], id[32];
};

static void
begin(struct served *s)
{
	struct mcp	*const	all[] = { &s->idle, &s->other };
	struct answer		 a;

	gateway_start(&s->g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = STEADY_RULES,
	    .conf = "drain_timeout = 20s\n" });
	mcp_init(&s->idle, s->g.mcp, "/servers/clock/mcp", gateway_key(&s->g, "a"));
	mcp_init(&s->other, s->g.mcp, "/servers/clock/mcp", gateway_key(&s->g, "a"));
	snprintf(s->id, sizeof(s->id), "%.12s", s->idle.key);
	for (size_t i = 0; i < 2; i++) {
		mcp_call(all[i], "add", "{\"a\":1,\"b\":2}", &a);
		EXPECT_STATUS(a, 200, "before");
		answer_fini(&a);
	}
	hearing_begin(&s->call, &s->idle, "7", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":8000}}");
	sleep_ms(300);
	EXPECT_CTL(&s->g, 0, "Workers handed over", "upgrade");
}

static void
end(struct served *s)
{
	hearing_fini(&s->call);
	mcp_fini(&s->idle);
	mcp_fini(&s->other);
	gateway_stop(&s->g);
}

Test(upgrade_revoke, a_key_that_is_revoked_counts_nowhere, .timeout = 60)
{
	struct served	 s;
	struct answer	 a;
	json_object	*o;

	NEEDS_JAILS();
	begin(&s);
	EXPECT_CTL(&s.g, 0, "ended, in every worker", "key", "revoke", s.id);
	mcp_call(&s.idle, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 401, "a connection of before");
	answer_fini(&a);
	o = hearing_next(&s.call, 2000);
	cr_expect(o != NULL && json_at(o, "error") != NULL, "the call runs on: %s", json_object_to_json_string(o));
	json_object_put(o);
	mcp_call(&s.other, "add", "{\"a\":1,\"b\":2}", &a);
	EXPECT_STATUS(a, 200, "another key, at a connection of before");
	answer_fini(&a);
	end(&s);
}

Test(upgrade_revoke, a_policy_that_changes_counts_everywhere, .timeout = 60)
{
	struct served	 s;
	struct answer	 a;

	NEEDS_JAILS();
	begin(&s);
	gateway_write(&s.g, "rules.json", "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],"
	    "\"tools\":{\"clock\":[\"sleep\"]}}}}}");
	EXPECT_CTL(&s.g, 0, "", "reload");
	mcp_call(&s.other, "add", "{\"a\":1,\"b\":2}", &a);
	cr_expect(strcmp(json_text_at(a.json, "result.content[0].text"), "3") != 0, "%s", a.body);
	answer_fini(&a);
	end(&s);
}

static bool
is_refused(void *arg)
{
	struct mcp	*m = arg;
	struct answer	 a;
	bool		 refused;

	mcp_ask_modern(m, "tools/list", NULL, &a);
	refused = a.status == 401;
	answer_fini(&a);
	return refused;
}

/* What is revoked while the new master starts is to be in force with it; when it does not come to serve, here. */
Test(upgrade_revoke, a_key_counts_nowhere_either_when_the_upgrade_comes_to_nothing, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		 dir[64], id[32], *out;

	installed_make(dir);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1 });
	mcp_init(&m, g.mcp, "/mcp", gateway_key(&g, "a"));
	snprintf(id, sizeof(id), "%.12s", m.key);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "before");
	answer_fini(&a);
	installed_exchange(dir, "bin/mcpgw", "case \"$1\" in -t) exec \"$0.real\" \"$@\" ;; esac; sleep 3; exit 71");
	cr_assert(kill(g.pid, SIGUSR2) == 0);
	sleep_ms(patience(&g, 1000));
	EXPECT_CTL(&g, 0, "\"state\":\"starts\"", "upgrade", "--status", "--json");
	(void)gateway_ctl(&g, &out, true, "key", "revoke", id, NULL);
	cr_log_info("%s", out);
	free(out);
	cr_expect(wait_until(is_refused, &m, 10000), "the key is good still");
	EXPECT_CTL(&g, 0, "\"state\":\"refused\"", "upgrade", "--status", "--json");
	mcp_fini(&m);
	gateway_stop(&g);
	installed_remove(dir);
}
