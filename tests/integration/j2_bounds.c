/* SPDX-License-Identifier: Apache-2.0
 *
 * j2_bounds.c - what a tool may use of the machine, and what is said when it wants more
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sum.h"
#include "tests/integration/common.h"

static const char rules[] = "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}";

static char *
status_field(const struct gateway *g, const char *name)
{
	char		*text, *line, *save = NULL, *found = NULL;
	json_object	*o;

	gateway_ctl(g, &text, false, "status", "--json", NULL);
	for (line = strtok_r(text, "\n", &save); line != NULL && found == NULL; line = strtok_r(NULL, "\n", &save)) {
		o = json_tokener_parse(line);
		if (json_at(o, name) != NULL && strcmp(json_text_at(o, "kind"), "gateway") == 0)
			found = strdup(json_text_at(o, name));
		json_object_put(o);
	}
	free(text);
	cr_assert(found != NULL, "status says nothing of %s", name);
	return found;
}

/* This process's group of that controller, as of /proc/self/cgroup: "/" and the like; "" when there is none. */
static void
own_group(const char *controller, char path[256])
{
	char	line[512], names[128], at[256];
	FILE	*f = fopen("/proc/self/cgroup", "re");

	path[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*u:%127[^:]:%255s", names, at) == 2 && strcmp(names, controller) == 0)
			snprintf(path, 256, "%s", at);
	if (f != NULL)
		fclose(f);
}

/* How many groups this gateway has; they bear the sum of its state folder (master/cgroups.c), and others may run beside. */
static int
groups_of(const struct gateway *g)
{
	static const char *const	controllers[] = { "pids", "cpu", "freezer" };
	char				state[300], own[256], path[512];
	int				n = 0;

	snprintf(state, sizeof(state), "%s/state", g->dir);
	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		own_group(controllers[i], own);
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s/mcpgw-%016llx", controllers[i], own,
		    (unsigned long long)sum64(span_of(state)));
		n += access(path, F_OK) == 0;
	}
	return n;
}

Test(bounds, a_greedy_tool_is_ended_and_the_caller_told_why, .timeout = 120)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	char		*cgroup, *text;
	bool		 held;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = rules,
	    .servers = "{\"mcpServers\":{\"greedy\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"eats\",\"200\"],"
	    "\"limits\":{\"memory\":\"48MiB\"}},"
	    "\"modest\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"eats\",\"2\"]}}}" });
	cgroup = status_field(&g, "cgroup");
	held = strstr(cgroup, "memory") != NULL && strncmp(cgroup, "none", 4) != 0;
	cr_expect(held || strncmp(cgroup, "none: ", 6) == 0, "%s", cgroup);
	gateway_ctl(&g, &text, false, "status", "mcpgw", NULL);
	cr_expect(strstr(text, "\ncgroup    ") != NULL, "%s", text);
	free(text);
	gateway_ctl(&g, &text, false, "status", NULL);
	if (!held)
		cr_expect(strstr(text, "greedy: limits that need a cgroup") != NULL, "%s", text);
	free(text);

	mcp_init(&m, g.mcp, "/servers/greedy/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "anything", "{}", &a);
	if (held)
		cr_expect(strstr(a.body, "out of memory (limit 48MiB)") != NULL, "%s", a.body);
	else
		cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	snprintf(m.path, sizeof(m.path), "/servers/modest/mcp");
	mcp_call(&m, "anything", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	if (!held) {
		text = gateway_log(&g);
		cr_expect(strstr(text, "server greedy: its limits cannot be held without a cgroup: memory") != NULL, "%s",
		    text);
		cr_expect(strstr(text, "server modest: its limits") == NULL);
		free(text);
	}
	free(cgroup);
	gateway_stop(&g);
}

Test(bounds, a_gateway_leaves_no_group_behind, .timeout = 120)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = rules,
	    .servers = "{\"mcpServers\":{\"ok\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"ok\"]}}}" });
	mcp_init(&m, g.mcp, "/servers/ok/mcp", gateway_key(&g, "a"));
	mcp_call(&m, "anything", "{}", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
	if (groups_of(&g) == 0) {
		mcp_fini(&m);
		gateway_stop(&g);
		cr_skip_test("no cgroup of version 1 may be made here");
	}
	/* Killed, it leaves some; the next one removes them. */
	kill(g.pid, SIGKILL);
	waitpid(g.pid, NULL, 0);
	cr_expect(groups_of(&g) > 0, "its groups went with it");
	gateway_start_again(&g);
	mcp_call(&m, "anything", "{}", &a);
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
	cr_expect(groups_of(&g) == 0, "%d are left", groups_of(&g));
}

struct asked {
	struct mcp	*m;
	char		 body[1024];
};

static bool
is_refused(void *arg)
{
	struct asked	*asked = arg;
	struct answer	 a;
	bool		 refused;

	mcp_call(asked->m, "anything", "{}", &a);
	snprintf(asked->body, sizeof(asked->body), "%s", a.body == NULL ? "" : a.body);
	refused = json_at(a.json, "error") != NULL;
	answer_fini(&a);
	if (!refused)
		sleep_ms(200);
	return refused;
}

Test(bounds, a_tool_that_keeps_too_much_starts_no_more, .timeout = 120)
{
	struct gateway	g;
	struct mcp	m;
	struct asked	asked = { .m = &m };

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .rules = rules,
	    .servers = "{\"mcpServers\":{\"hoarder\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"fills\",\"6\"],"
	    "\"limits\":{\"state\":\"3MiB\"}},"
	    "\"once\":{\"command\":\"@TOOLS@/tests/lying-server\",\"args\":[\"fills\",\"6\"],\"isolation\":\"call\","
	    "\"limits\":{\"state\":\"3MiB\"}}}}" });
	mcp_init(&m, g.mcp, "/servers/hoarder/mcp", gateway_key(&g, "a"));
	cr_expect(wait_until(is_refused, &asked, 30000), "it goes on: %s", asked.body);
	/* As it was ended, and then as it does not start. */
	sleep_ms(1500);
	cr_expect(wait_until(is_refused, &asked, 5000));
	cr_expect(strstr(asked.body, "holds more than it may") != NULL && strstr(asked.body, "/hoarder/") != NULL &&
	    strstr(asked.body, "remove what is not needed") != NULL, "%s", asked.body);
	/* What is in memory ends at its size, and with the call. */
	snprintf(m.path, sizeof(m.path), "/servers/once/mcp");
	for (int i = 0; i < 3; i++)
		cr_expect(is_refused(&asked) == false, "%s", asked.body);
	mcp_fini(&m);
	gateway_stop(&g);
}
