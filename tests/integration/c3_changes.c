/* SPDX-License-Identifier: Apache-2.0
 *
 * c3_changes.c - what servers say outside of calls: lists that changed are seen at once, by every worker
 */
#include <time.h>

#include "tests/integration/common.h"

#define CLIENTS		24	/* each on a connection of its own, so that every worker has some */
#define SOON_MS		1000	/* over the other workers' streams; much less than list_fresh */

#define SERVERS "{\"mcpServers\":{\"legacy\":{\"command\":\"@TOOLS@/tests/changing-server\"},"	\
	"\"modern\":{\"command\":\"@TOOLS@/tests/changing-server\",\"args\":[\"modern\"]}}}"

#define RULES "{\"agents\":{\"all\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static bool
lists(struct mcp *m, const char *tool, struct answer *a)
{
	mcp_ask_modern(m, "tools/list", NULL, a);
	EXPECT_STATUS(*a, 200, "%s", m->path);
	return tools_have(a, tool);
}

static bool
soon_lists(const struct gateway *g, struct mcp *m, const char *tool)
{
	int	left = patience(g, SOON_MS);
	bool	has = false;

	for (; !has && left > 0; left -= 50) {
		struct answer	a;

		if (!(has = lists(m, tool, &a)))
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		answer_fini(&a);
	}
	return has;
}

Test(changes, of_a_list_are_seen_at_once_by_every_worker, .timeout = 60)
{
	static const char *const	servers[] = { "legacy", "modern" };
	struct gateway			g;
	struct mcp			m[CLIENTS];
	struct answer			a;
	char				path[64], tool[64], key[256];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES, .workers = 4 });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "all"));
	for (size_t s = 0; s < 2; s++) {
		snprintf(path, sizeof(path), "/servers/%s/mcp", servers[s]);
		for (int i = 0; i < CLIENTS; i++) {
			mcp_init(&m[i], g.mcp, i % 2 ? "/mcp/catalog" : path, key);
			snprintf(tool, sizeof(tool), "%s%stool1", i % 2 ? servers[s] : "", i % 2 ? "__" : "");
			cr_expect(!lists(&m[i], tool, &a), "%.400s", a.body);
			answer_fini(&a);
		}
		for (int round = 1; round <= 2; round++) {
			mcp_call(&m[0], "grow", "{}", &a);
			EXPECT_STATUS(a, 200, "%s", servers[s]);
			answer_fini(&a);
			/* Its worker had the event before the answer. */
			snprintf(tool, sizeof(tool), "tool%d", round);
			if (round == 1) {
				cr_expect(lists(&m[0], tool, &a), "%s: %.400s", servers[s], a.body);
				answer_fini(&a);
			}
			for (int i = 0; i < CLIENTS; i++) {
				snprintf(tool, sizeof(tool), "%s%stool%d", i % 2 ? servers[s] : "", i % 2 ? "__" : "", round);
				cr_assert(soon_lists(&g, &m[i], tool), "%s: client %d does not see %s", servers[s], i, tool);
			}
		}
		for (int i = 0; i < CLIENTS; i++)
			mcp_fini(&m[i]);
	}
	gateway_stop(&g);
}

Test(changes, of_resources_are_seen_too, .timeout = 30)
{
	static const char *const	servers[] = { "legacy", "modern" };
	struct gateway			g;
	struct mcp			m;
	struct answer			a;
	char				path[64];

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = SERVERS, .rules = RULES });
	for (size_t s = 0; s < 2; s++) {
		snprintf(path, sizeof(path), "/servers/%s/mcp", servers[s]);
		mcp_init(&m, g.mcp, path, gateway_key(&g, "all"));
		mcp_ask_modern(&m, "resources/list", NULL, &a);
		cr_expect(json_at(a.json, "result.resources[0]") != NULL, "%s", a.body);
		cr_expect(json_at(a.json, "result.resources[1]") == NULL, "%s", a.body);
		answer_fini(&a);
		mcp_call(&m, "grow", "{}", &a);
		answer_fini(&a);
		mcp_ask_modern(&m, "resources/list", NULL, &a);
		cr_expect(json_at(a.json, "result.resources[1]") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	gateway_stop(&g);
}
