/* SPDX-License-Identifier: Apache-2.0
 *
 * c2_store_waits.c - calls that wait for the store to move the mark of their quota: each tenant has half of the room
 */
#include <signal.h>

#include "tests/harness/hearing.h"
#include "tests/harness/program.h"
#include "tests/integration/common.h"

#define ROOM	256		/* for them, where nobody may wait for others */
#define RULES	"{\"agents\":{\"bot\":{\"allow\":{\"servers\":[\"s\"],\"tools\":{\"s\":[\"*\"]}}}},"	\
	"\"limits\":{\"agents\":{\"bot\":{\"quota\":\"calls=100000/day\"}}}}"
#define HOLD	"{\"name\":\"hold\",\"arguments\":{\"ms\":1}}"

static struct gateway	g;

static void
client(struct mcp *m, const char *tenant)
{
	char	*out, key[256];
	int	 r = gateway_ctl(&g, &out, false, "key", "add", "--agent", "bot", "--tenant", tenant, NULL);
	struct answer	a;

	cr_assert(r == 0, "key add: exit %d: %s", r, out);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	mcp_init(m, g.mcp, "/servers/s/mcp", key);
	/* The list is there, so that nothing but the store is waited for. */
	mcp_ask_modern(m, "tools/list", NULL, &a);
	EXPECT_STATUS(a, 200, "list");
	answer_fini(&a);
}

static void
start(void)
{
	char		servers[256];
	pid_t		pid;
	unsigned	port = program_start((const char *const[]){ "holding-server", NULL }, &pid);

	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"s\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    port);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = RULES,
	    .conf = "max_waiting = 0\ntenant_uid_range = 70000-70099\n" });
	gateway_write(&g, "tenants.d/acme/servers.json", servers);
	gateway_write(&g, "tenants.d/acme/rules.json", RULES);
	EXPECT_CTL(&g, 0, "in force", "reload");
}

Test(store_waits, leave_room_for_other_tenants, .timeout = 60)
{
	static struct hearing	 many[ROOM + 20], other;
	struct procs		*procs = malloc(sizeof(*procs));
	struct mcp		 mine, acme;
	json_object		*o;
	pid_t			 store;
	unsigned		 refused = 0;

	start();
	client(&mine, "default");
	client(&acme, "acme");
	gateway_procs(&g, procs);
	cr_assert(procs_find(procs, "mcpgw-store", 0) != NULL);
	store = procs_find(procs, "mcpgw-store", 0)->pid;
	cr_assert(kill(store, SIGSTOP) == 0);
	for (unsigned i = 0; i < ROOM + 20; i++)
		hearing_begin(&many[i], &mine, "1", "tools/call", HOLD);
	sleep_ms(300);
	hearing_begin(&other, &acme, "1", "tools/call", HOLD);
	sleep_ms(100);
	cr_assert(kill(store, SIGCONT) == 0);
	o = hearing_next(&other, 5000);
	cr_expect(json_at(o, "result") != NULL, "another tenant's: %s", json_object_to_json_string(o));
	json_object_put(o);
	for (unsigned i = 0; i < ROOM + 20; i++) {
		o = hearing_next(&many[i], 5000);
		refused += strcmp(json_text_at(o, "error.data.code"), "QUOTA_UNAVAILABLE") == 0;
		json_object_put(o);
		hearing_fini(&many[i]);
	}
	cr_expect(refused == ROOM / 2 + 20, "%u were refused", refused);
	hearing_fini(&other);
	mcp_fini(&mine);
	mcp_fini(&acme);
	free(procs);
	gateway_stop(&g);
}
