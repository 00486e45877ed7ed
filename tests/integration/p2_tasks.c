/* SPDX-License-Identifier: Apache-2.0
 *
 * p2_tasks.c - over random policies: a task may be asked about, updated and cancelled if and only if the tool that made
 *              it is listed, on every route and in both eras; to anybody else it is none, in the same words as one that never was
 *
 * SEED=n for other policies.
 */
#define TALK_SERVER	"tasking-server"
#include "tests/integration/talk.h"

#define POLICIES	24
#define CAN_TASKS	"{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"
#define TOOLS		2

static const char *const	servers[] = { "old", "new", "oldweb", "newweb" };
static const char *const	tools[TOOLS] = { "forever", "may" };
static char			rules[4096];
static unsigned			seen[2];	/* not listed and listed: that both came up */

static unsigned
dice(unsigned *state, unsigned sides)
{
	*state = *state * 1103515245 + 12345;
	return *state / 65536 % sides;
}

static void
put(const char *text)
{
	cr_assert(strlen(rules) + strlen(text) < sizeof(rules));
	strcat(rules, text);
}

static void
put_tool(unsigned *state)
{
	static const char *const	names[] = { "*", "forever", "may", "m*", "for*" };
	static const char *const	whens[] = {
		"\"IpAddress\":{\"client_address\":\"127.0.0.0/8\"}", "\"NotIpAddress\":{\"client_address\":\"127.0.0.0/8\"}",
		"\"StringEquals\":{\"credential\":\"key\"}", "\"StringEquals\":{\"agent\":\"nobody\"}",
		"\"DateLessThan\":{\"time\":\"2020-01-01T00:00:00Z\"}",
	};
	char				text[256];

	snprintf(text, sizeof(text), dice(state, 3) == 0 ? "{\"tool\":\"%s\",\"when\":{%s}}" : "\"%s\"", names[dice(state, 5)],
	    whens[dice(state, 5)]);
	put(text);
}

/* Each server's own, and those of all: one entry or two each. */
static void
put_section(unsigned *state, const char *name, unsigned often)
{
	static const char *const	whose[] = { "old", "new", "oldweb", "newweb", "*" };
	bool				first = true;

	put("\"");
	put(name);
	put(often > 5 ? "\":{\"servers\":[\"*\"],\"tools\":{" : "\":{\"tools\":{");
	for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
		if (dice(state, 10) >= often)
			continue;
		put(first ? "\"" : ",\"");
		put(whose[i]);
		put("\":[");
		put_tool(state);
		if (dice(state, 2) == 0) {
			put(",");
			put_tool(state);
		}
		put("]");
		first = false;
	}
	put("}}");
}

static void
enforce(const char *text)
{
	char	*out;

	gateway_write(&g, "rules.json", text);
	cr_assert(gateway_ctl(&g, &out, true, "reload", NULL) == 0, "%s\n%s", out, text);
	free(out);
}

/* A task of the server's era, by a client of it. */
static void
client(struct mcp *m, size_t server, int who, const char *path)
{
	const bool	modern = strncmp(servers[server], "new", 3) == 0;
	char		own[64];

	snprintf(own, sizeof(own), "/servers/%s/mcp", servers[server]);
	mcp_init(m, g.mcp, path == NULL ? own : path, keys[who]);
	m->version = modern ? NULL : LEGACY_VERSION;
	m->capabilities = modern ? CAN_TASKS : NULL;
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

static char *
make(struct mcp *m, const char *tool)
{
	struct answer	 a;
	const char	*id;
	char		*params, *copy;

	cr_assert(asprintf(&params, "{\"name\":\"%s\",\"arguments\":{}%s}", tool, m->version != NULL ? ",\"task\":{\"ttl\":600000}" :
	    "") > 0);
	mcp_ask_either(m, "tools/call", params, &a);
	id = json_text_at(a.json, m->version != NULL ? "result.task.taskId" : "result.taskId");
	cr_assert(strlen(id) > 20, "%s", a.body);
	copy = strdup(id);
	answer_fini(&a);
	free(params);
	return copy;
}

static bool
is_listed(struct mcp *m, const char *name)
{
	struct answer	 a;
	json_object	*list;
	bool		 found = false;

	mcp_ask_either(m, "tools/list", NULL, &a);
	list = json_at(a.json, "result.tools");
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		found |= strcmp(json_text_at(json_object_array_get_idx(list, i), "name"), name) == 0;
	answer_fini(&a);
	return found;
}

/* What is answered of this task: 1 an answer, 0 that it is refused; its words, without the request's id. */
static bool
may_ask(struct mcp *m, const char *method, const char *id, char *words, size_t room)
{
	struct answer	a;
	char		params[1024], *request;
	bool		yes;

	snprintf(params, sizeof(params), "{\"taskId\":\"%s\"%s}", id,
	    strcmp(method, "tasks/update") == 0 ? ",\"inputResponses\":{}" : "");
	mcp_ask_either(m, method, params, &a);
	yes = json_at(a.json, "result") != NULL;
	snprintf(words, room, "%d %s", a.status, a.body == NULL ? "" : a.body);
	if ((request = strstr(words, "\"request_id\":\"r-")) != NULL)
		memset(request + 14, 'x', strcspn(request + 14, "\""));
	if ((request = strstr(words, "\"id\":")) != NULL)
		memset(request + 5, 'x', strcspn(request + 5, ",}"));
	answer_fini(&a);
	return yes;
}

static void
check(struct mcp *m, const char *name, const char *id, const char *route)
{
	char	words[2048];
	bool	listed = is_listed(m, name), may;

	may = may_ask(m, "tasks/get", id, words, sizeof(words));
	cr_expect(listed == may, "%s %s: %slisted, and its task: %s\n%s", route, name, listed ? "" : "not ", words, rules);
	if (m->version == NULL) {
		may = may_ask(m, "tasks/update", id, words, sizeof(words));
		cr_expect(listed == may, "%s %s: %slisted, and its update: %s\n%s", route, name, listed ? "" : "not ", words, rules);
	}
	seen[listed]++;
}

/* Who did not make it learns nothing: not that it is, nor whose tool it is of. */
static void
check_other(size_t server, const char *id)
{
	struct mcp	other;
	char		theirs[2048], nothing[2048];
	const char	*methods[] = { "tasks/get", "tasks/cancel" };

	client(&other, server, 1, NULL);
	for (size_t i = 0; i < 2; i++) {
		cr_expect(!may_ask(&other, methods[i], id, theirs, sizeof(theirs)));
		cr_expect(!may_ask(&other, methods[i], "never-was", nothing, sizeof(nothing)));
		cr_expect(strcmp(theirs, nothing) == 0, "%s\n%s", theirs, nothing);
	}
	mcp_fini(&other);
}

Test(tasks, may_be_asked_about_where_their_tool_is_listed_and_nowhere_else, .timeout = 240)
{
	unsigned	state = env_number("SEED", 11);
	char		*ids[4][TOOLS], *merged[4][TOOLS], name[64];
	struct mcp	m;

	NEEDS_JAILS();
	talk_begin(2, NULL);
	/* A task is asked about where it was made. */
	for (size_t s = 0; s < 4; s++)
		for (size_t t = 0; t < TOOLS; t++) {
			client(&m, s, 0, NULL);
			ids[s][t] = make(&m, tools[t]);
			mcp_fini(&m);
			client(&m, s, 0, "/mcp/catalog");
			snprintf(name, sizeof(name), "%s__%s", servers[s], tools[t]);
			merged[s][t] = make(&m, name);
			mcp_fini(&m);
		}
	for (int i = 0; i < POLICIES; i++) {
		snprintf(rules, sizeof(rules), "{\"agents\":{\"one\":{");
		put_section(&state, "allow", 7);
		put(",");
		put_section(&state, "deny", 3);
		put("},\"other\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}");
		enforce(rules);
		for (size_t s = 0; s < 4; s++)
			for (size_t t = 0; t < TOOLS; t++) {
				client(&m, s, 0, NULL);
				check(&m, tools[t], ids[s][t], servers[s]);
				mcp_fini(&m);
				client(&m, s, 0, "/mcp/catalog");
				snprintf(name, sizeof(name), "%s__%s", servers[s], tools[t]);
				check(&m, name, merged[s][t], "/mcp/catalog");
				mcp_fini(&m);
				if (i % 8 == 0)
					check_other(s, ids[s][t]);
			}
	}
	cr_expect(seen[0] > 20 && seen[1] > 20, "%u not listed, %u listed", seen[0], seen[1]);
	/* Cancelled by who may, at the very end. */
	enforce(ASKING_RULES(""));
	for (size_t s = 0; s < 4; s++)
		for (size_t t = 0; t < TOOLS; t++) {
			char	words[2048];

			client(&m, s, 0, NULL);
			if (t == 0)
				cr_expect(may_ask(&m, "tasks/cancel", ids[s][t], words, sizeof(words)), "%s", words);
			mcp_fini(&m);
			free(ids[s][t]);
			free(merged[s][t]);
		}
	talk_end();
}
