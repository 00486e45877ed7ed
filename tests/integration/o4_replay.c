/* SPDX-License-Identifier: Apache-2.0
 *
 * o4_replay.c - recorded calls against files that are not in force: what would change, and that diff says the same
 */
#include <sys/stat.h>

#include "tests/integration/common.h"

#define RULES									\
	"{\"agents\":{"								\
	"\"writer\":{\"allow\":{\"servers\":[\"clock\",\"notes\"],\"tools\":{\"clock\":[\"*\"],\"notes\":[\"*\"]}}},"	\
	"\"reader\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}"	\
	"}}"
/* The writer loses clock.now, the reader gains clock.add; the writer's notes hang on an argument. */
#define NEW_RULES								\
	"{\"agents\":{"								\
	"\"writer\":{\"allow\":{\"servers\":[\"clock\",\"notes\"],\"tools\":{\"clock\":[\"*\"],"	\
	"\"notes\":[{\"tool\":\"*\",\"when\":{\"StringEquals\":{\"arguments/title\":\"plan\"}}}]}},"	\
	"\"deny\":{\"tools\":{\"clock\":[\"now\"]}}},"				\
	"\"reader\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\",\"add\"]}}}"	\
	"}}"

static struct gateway	g;
static char		folder[320];

static void
call(const char *key, const char *server, const char *tool, const char *args, unsigned times)
{
	char		path[64];
	struct answer	a;
	struct mcp	m;

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(&m, g.mcp, path, key);
	for (unsigned i = 0; i < times; i++) {
		mcp_call(&m, tool, args, &a);
		answer_fini(&a);
	}
	mcp_fini(&m);
}

/* The gateway's own files, with other rules. */
static void
write_folder(const char *rules)
{
	static const char *const	same[] = { "mcpgw.conf", "servers.json" };
	char				name[64], *text;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		text = gateway_file(&g, same[i]);
		snprintf(name, sizeof(name), "new/%s", same[i]);
		gateway_write(&g, name, text);
		free(text);
	}
	gateway_write(&g, "new/rules.json", rules);
	snprintf(folder, sizeof(folder), "%s/etc/new", g.dir);
}

static void
begin(void)
{
	char	writer[256], reader[256];

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES });
	snprintf(writer, sizeof(writer), "%s", gateway_key(&g, "writer"));
	snprintf(reader, sizeof(reader), "%s", gateway_key(&g, "reader"));
	call(writer, "clock", "now", "{}", 7);
	call(writer, "clock", "add", "{\"a\":1,\"b\":2}", 2);
	call(reader, "clock", "now", "{}", 3);
	call(reader, "clock", "add", "{\"a\":1,\"b\":2}", 5);
	call(reader, "clock", "sleep", "{}", 1);
	call(writer, "notes", "add_note", "{}", 4);
}

/* The JSON lines of a command, as an array. */
static json_object *
lines_of(const char *command, const char *more, const char *value, int want)
{
	json_object	*all = json_object_new_array();
	char		*out, *save = NULL;
	int		 code = more == NULL ? gateway_ctl(&g, &out, false, "--json", command, folder, NULL) :
			    gateway_ctl(&g, &out, false, "--json", command, folder, more, value, NULL);

	cr_expect(code == want, "%s: exit %d: %s", command, code, out);
	for (char *line = strtok_r(out, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		json_object_array_add(all, json_tokener_parse(line));
	free(out);
	return all;
}

/* The line about this, or NULL. */
static json_object *
about(json_object *all, const char *member, const char *agent, const char *server, const char *tool)
{
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object	*o = json_object_array_get_idx(all, i);

		if (strcmp(json_text_at(o, "agent"), agent) == 0 && strcmp(json_text_at(o, "server"), server) == 0 &&
		    strcmp(json_text_at(o, member), tool) == 0)
			return o;
	}
	return NULL;
}

static void
expect_change(json_object *replayed, json_object *diffed, const char *agent, const char *tool, const char *after,
    int calls)
{
	json_object	*r = about(replayed, "object", agent, "clock", tool);
	json_object	*d = about(diffed, "tool", agent, "clock", tool);

	cr_assert(r != NULL && d != NULL, "%s clock.%s: %s", agent, tool, json_object_to_json_string(replayed));
	cr_expect_str_eq(json_text_at(r, "change"), "decision");
	cr_expect_str_eq(json_text_at(r, "after"), after);
	cr_expect_str_eq(json_text_at(d, "after"), after);
	cr_expect_str_eq(json_text_at(r, "rule"), json_text_at(d, "rule"));
	cr_expect(json_int_at(r, "line") == json_int_at(d, "line"));
	cr_expect(json_int_at(r, "calls") == calls, "%s", json_object_to_json_string(r));
	cr_expect(strncmp(json_text_at(r, "first"), "20", 2) == 0 && strncmp(json_text_at(r, "last"), "20", 2) == 0);
}

Test(replay, says_of_recorded_calls_what_diff_says_of_all, .timeout = 60)
{
	json_object	*replayed, *diffed, *o, *sum;

	NEEDS_JAILS();
	begin();
	write_folder(NEW_RULES);
	replayed = lines_of("replay", NULL, NULL, 1);
	diffed = lines_of("diff", NULL, NULL, 1);
	expect_change(replayed, diffed, "writer", "now", "deny", 7);
	expect_change(replayed, diffed, "reader", "add", "allow", 5);
	cr_expect(about(replayed, "object", "writer", "clock", "add") == NULL);
	cr_expect(about(replayed, "object", "reader", "clock", "now") == NULL);
	cr_expect(about(replayed, "object", "reader", "clock", "sleep") == NULL);
	o = about(replayed, "object", "writer", "notes", "add_note");
	cr_assert(o != NULL);
	cr_expect_str_eq(json_text_at(o, "change"), "unknown");
	cr_expect(json_int_at(o, "calls") == 4);
	sum = json_object_array_get_idx(replayed, json_object_array_length(replayed) - 1);
	cr_expect(json_int_at(sum, "calls") == 22 && json_int_at(sum, "changing") == 12 && json_int_at(sum, "unknown") == 4,
	    "%s", json_object_to_json_string(sum));
	json_object_put(replayed);
	json_object_put(diffed);
	EXPECT_CTL(&g, 1, "allow -> DENY", "replay", folder);
	EXPECT_CTL(&g, 1, "Conditions ask for what is not recorded", "replay", folder);
	EXPECT_CTL(&g, 1, "12 of 22 calls would be decided otherwise; of 4 more it is not known.", "replay", folder,
	    "--since", "1h");
	EXPECT_CTL(&g, 1, "5 of 9 calls would be decided otherwise.", "replay", folder, "--agent", "reader");
	EXPECT_CTL(&g, 0, "0 of 0 calls would be decided otherwise.", "replay", folder, "--tenant", "other");
	gateway_stop(&g);
}

Test(replay, of_the_same_files_changes_nothing_and_of_broken_ones_says_where, .timeout = 60)
{
	NEEDS_JAILS();
	begin();
	write_folder(RULES);
	EXPECT_CTL(&g, 0, "0 of 22 calls would be decided otherwise.", "replay", folder);
	write_folder("{\"agents\":{\"writer\":{\"allwo\":{}}}}");
	EXPECT_CTL(&g, 78, "rules.json:1:", "replay", folder);
	/* A server that is gone refuses whatever is asked of it. */
	write_folder(RULES);
	gateway_write(&g, "new/servers.json", "{\"mcpServers\":{}}");
	EXPECT_CTL(&g, 1, "no such server", "replay", folder);
	gateway_stop(&g);
}
