/* SPDX-License-Identifier: Apache-2.0
 *
 * private.h - mcpgw-stdio with a gateway of its own: the files, and what tests do with it
 */
#ifndef TESTS_INTEGRATION_PRIVATE_H
#define TESTS_INTEGRATION_PRIVATE_H

#include <dirent.h>
#include <sysexits.h>

#include "tests/harness/bridge.h"
#include "tests/integration/common.h"

#define HEAR_MS	30000

/* As the seed's users write them: rules of every kind it has. */
#define SEED_SERVERS_JSON								\
	"{\"mcpServers\":{"								\
	"\"clock\":{\"description\":\"Tells the time\",\"command\":\"@TOOLS@/demo/mcpgw-demo-clock\",\"args\":[]},"	\
	"\"notes\":{\"command\":\"@TOOLS@/demo/mcpgw-demo-notes\",\"env\":{\"LEVEL\":\"${NOTES_LEVEL}\"}},"	\
	"\"remote\":{\"url\":\"http://127.0.0.1:1/mcp\",\"headers\":{\"X-Key\":\"${NOTES_LEVEL}\"}}}}"
#define SEED_RULES_JSON									\
	"{\"agents\":{"									\
	"\"researcher\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"n*\"]}}},"		\
	"\"team.backend\":{\"allow\":{\"servers\":[\"notes\",\"clock\"],\"tools\":{\"notes\":[\"*\"],\"clock\":[\"add\"]}},"	\
	"\"deny\":{\"tools\":{\"notes\":[\"drop_*\"],\"*\":[\"now\"]}}},"			\
	"\"admin\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"servers\":[\"remote\"]}},"	\
	"\"default\":{\"deny\":{\"servers\":[\"*\"]}}},"					\
	"\"defaults\":{\"deny_on_missing_agent\":%s}}"

static char	level[] = "NOTES_LEVEL=1";
static char	*const plain_env[] = { level, NULL };

static inline void
files_write(struct gateway *g, const char *servers, const char *deny_missing)
{
	char	rules[4096];

	gateway_make(g);
	snprintf(rules, sizeof(rules), SEED_RULES_JSON, deny_missing);
	gateway_write(g, ".mcp.json", servers);
	gateway_write(g, ".mcp-gateway-rules.json", rules);
}

static inline void
start_at(struct bridge *b, const struct gateway *g, const char *below, char *const env[], char *const args[])
{
	char	folder[320];

	snprintf(folder, sizeof(folder), "%s%s", g->dir, below);
	bridge_start_in(b, g, folder, env, args);
}

/* A tool of the gateway's, and what it answered: the caller's. */
static inline json_object *
call(struct bridge *b, const char *tool, const char *arguments)
{
	char	params[1024];

	snprintf(params, sizeof(params), "{\"name\":\"%s\",\"arguments\":%s}", tool, arguments);
	bridge_ask(b, "7", "tools/call", params);
	return bridge_hear(b, HEAR_MS);
}

/* Its text content must be this very text. */
#define ANSWERS(b, tool, arguments, want) do {						\
	json_object *o_ = call((b), (tool), (arguments));				\
	cr_expect(strcmp(json_text_at(o_, "result.content[0].text"), (want)) == 0, "%s %s: %s", (tool), (arguments),	\
	    o_ == NULL ? "(nothing)" : json_object_to_json_string(o_));			\
	json_object_put(o_);								\
} while (0)

/* execute_tool as this agent: the code of its error, or "". */
static inline void
expect_code(struct bridge *b, const char *agent, const char *server, const char *tool, const char *code,
    const char *rule)
{
	char		 arguments[512];
	json_object	*o;

	snprintf(arguments, sizeof(arguments), "{\"agent_id\":\"%s\",\"server\":\"%s\",\"tool\":\"%s\",\"args\":{}}",
	    agent, server, tool);
	o = call(b, "execute_tool", arguments);
	cr_expect(o != NULL && strcmp(json_text_at(o, "result.structuredContent.error.code"), code) == 0,
	    "%s %s.%s: %s", agent, server, tool, o == NULL ? "(nothing)" : json_object_to_json_string(o));
	if (rule != NULL)
		cr_expect(strcmp(json_text_at(o, "result.structuredContent.error.rule"), rule) == 0, "%s %s.%s: %s", agent,
		    server, tool, json_object_to_json_string(o));
	json_object_put(o);
}

/* How many names in g->dir/NAME begin so. */
static inline size_t
count_in(const struct gateway *g, const char *name, const char *prefix)
{
	char		 path[320];
	struct dirent	*e;
	size_t		 n = 0;
	DIR		*d;

	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	if ((d = opendir(path)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static inline bool
nothing_left(void *arg)
{
	return count_in(arg, "rt", "mcpgw") == 0;
}

/* Ends it, and sees that nothing of its gateway is left. */
static inline void
end_well(struct bridge *b, struct gateway *g)
{
	struct procs	*procs = malloc(sizeof(*procs));
	char		*said;
	int		 code;

	procs_below(b->pid, procs);
	code = bridge_end(b, patience(g, 15000));
	said = bridge_stderr(b);
	cr_expect(code == 0, "exit %d: %s", code, said);
	cr_expect(strstr(said, "Sanitizer") == NULL && strstr(said, "runtime error") == NULL, "%s", said);
	cr_expect(procs_alive(procs) == 0, "processes are left");
	cr_expect(nothing_left(g), "a folder is left");
	free(said);
	free(procs);
	bridge_fini(b);
}

/* Starts one that is to refuse: its exit code, and a text on stderr. */
static inline void
expect_refusal(struct gateway *g, const char *below, char *const env[], int code, const char *text)
{
	struct bridge	b;
	char		*said;
	size_t		 before = count_in(g, "rt", "mcpgw");
	int		 got;

	start_at(&b, g, below, env, NULL);
	got = bridge_end(&b, patience(g, 15000));
	said = bridge_stderr(&b);
	cr_expect(got == code && strstr(said, text) != NULL, "exit %d, not %d with \"%s\": %s", got, code, text, said);
	cr_expect(count_in(g, "rt", "mcpgw") <= before, "a folder is left");
	free(said);
	bridge_fini(&b);
}

#endif
