/* SPDX-License-Identifier: Apache-2.0
 *
 * j6_official_servers.c - official servers as they are published, in tier runtime and without a network: what they
 *                         are for works, and what they were not given they cannot reach
 *
 * They come from npm and PyPI by lock files (tests/peers/fetch); where those cannot be reached the tests say so.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/integration/talk.h"

#define FETCH_MS	180
#define ALLOWED		"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"
#define JAILED		"\"tier\":\"runtime\",\"net\":\"none\""

static char	peers[512];		/* where they are */
static char	copy[64];		/* a copy of them, or "" */

static int
run(const char *command, char *out, size_t bytes)
{
	FILE	*f = popen(command, "r");
	size_t	 n;

	cr_assert(f != NULL);
	n = fread(out, 1, bytes - 1, f);
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return pclose(f);
}

/* Skips the test where they cannot be had. */
static void
fetch(const char *what)
{
	char	command[128], why[600];
	int	status;

	if (!jails_possible())
		cr_skip_test("no user namespaces on this machine");
	snprintf(copy, sizeof(copy), "/tmp/mcpgw-official.XXXXXX");
	cr_assert(mkdtemp(copy) != NULL);
	snprintf(command, sizeof(command), "tests/peers/fetch %s %s", what, copy);
	status = run(command, peers, sizeof(peers));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		snprintf(why, sizeof(why), "%.500s", peers);
		rmdir(copy);
		cr_skip_test("%s", why);
	}
	cr_assert(status == 0, "%s", peers);
}

static const char *
node(void)
{
	static char	path[512];

	cr_assert(run("command -v node", path, sizeof(path)) == 0);
	return path;
}

static const char *
module(const char *name)
{
	static char	path[1024];

	snprintf(path, sizeof(path), "%s/node_modules/@modelcontextprotocol/server-%s/dist/index.js", peers, name);
	return path;
}

/* A gateway with these servers, and a legacy client's key. */
static void
begin(const char *servers)
{
	gateway_start(&g, &(struct gateway_setup){ .servers = servers, .rules = ALLOWED, .conf = "idle_stop = 1s\n" });
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
}

static void
end(void)
{
	char	command[128];

	gateway_stop(&g);
	snprintf(command, sizeof(command), "rm -rf '%s'", copy);
	cr_expect(system(command) == 0);
}

/* One call, of a client of either era; its answer's text has `want` in it, and is an error or not. */
static void
expect_call(const char *server, const char *tool, const char *arguments, bool error, const char *want)
{
	struct mcp	 m;
	struct answer	 a;
	json_object	*is_error;
	char		 filled[2048];
	const char	*at = strstr(arguments, "@DIR@");

	snprintf(filled, sizeof(filled), "%.*s%s%s", (int)(at == NULL ? 0 : at - arguments), arguments,
	    at == NULL ? "" : g.dir, at == NULL ? arguments : at + 5);
	for (int modern = 0; modern < 2; modern++) {
		talk_client(&m, server, 0, modern ? NULL : LEGACY_VERSION, NULL);
		mcp_call(&m, tool, filled, &a);
		is_error = json_at(a.json, "result.isError");
		cr_expect(a.status == 200 && json_at(a.json, "result") != NULL, "%s %s: %s", server, tool, a.body);
		cr_expect(error == (is_error != NULL && json_object_get_boolean(is_error)), "%s %s: %s", server, tool,
		    a.body);
		cr_expect(a.body != NULL && strstr(a.body, want) != NULL, "%s %s, no %s in: %s", server, tool, want,
		    a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
}

/* ---- node ---------------------------------------------------------------------------------------------- */

static void
answer_sampling(struct mcp *m)
{
	struct hearing	 h;
	json_object	*question;

	talk_call(&h, m, "1", "trigger-sampling-request", ",\"arguments\":{\"prompt\":\"who is there\",\"maxTokens\":9}");
	question = talk_next(&h, "method", "sampling/createMessage");
	cr_expect(strstr(json_object_to_json_string(question), "who is there") != NULL, "%s",
	    json_object_to_json_string(question));
	talk_answer(m, question, "result", "{\"model\":\"m\",\"role\":\"assistant\",\"content\":{\"type\":\"text\","
	    "\"text\":\"a-model-said\"}}");
	json_object_put(question);
	question = talk_next(&h, "method", NULL);
	cr_expect(strstr(json_object_to_json_string(question), "a-model-said") != NULL, "%s",
	    json_object_to_json_string(question));
	json_object_put(question);
	hearing_fini(&h);
}

static void
answer_elicitation(struct mcp *m)
{
	struct hearing	 h;
	json_object	*question;

	talk_call(&h, m, "2", "trigger-elicitation-request", ",\"arguments\":{}");
	question = talk_next(&h, "method", "elicitation/create");
	cr_expect(strncmp(json_text_at(question, "params.message"), "everything: ", 12) == 0, "%s",
	    json_object_to_json_string(question));
	talk_answer(m, question, "result", "{\"action\":\"accept\",\"content\":{\"name\":\"Ada-of-the-test\"}}");
	json_object_put(question);
	question = talk_next(&h, "method", NULL);
	cr_expect(strstr(json_object_to_json_string(question), "Ada-of-the-test") != NULL, "%s",
	    json_object_to_json_string(question));
	json_object_put(question);
	hearing_fini(&h);
}

Test(official, server_everything_answers_tells_and_asks, .timeout = FETCH_MS)
{
	struct mcp	 m;
	struct hearing	 h;
	char		*servers;

	fetch("node");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"everything\":{\"command\":\"%s\",\"args\":[\"%s\"],\"read\":[\"%s\"],"
	    JAILED "}}}", node(), module("everything"), peers) > 0);
	begin(servers);
	/* This server lists its tools that ask only to who can be asked, and lists are shared: such a client comes first. */
	talk_client(&m, "everything", 0, LEGACY_VERSION, "{\"sampling\":{},\"elicitation\":{}}");
	answer_sampling(&m);
	answer_elicitation(&m);
	mcp_fini(&m);

	expect_call("everything", "echo", "{\"message\":\"good day\"}", false, "Echo: good day");
	expect_call("everything", "get-sum", "{\"a\":19,\"b\":23}", false, "42");

	talk_client(&m, "everything", 0, LEGACY_VERSION, NULL);
	talk_call(&h, &m, "1", "trigger-long-running-operation", ",\"arguments\":{\"duration\":0.6,\"steps\":3},"
	    "\"_meta\":{\"progressToken\":\"p\"}");
	for (int i = 1; i <= 3; i++) {
		json_object	*o = talk_next(&h, "method", "notifications/progress");

		cr_expect(json_int_at(o, "params.progress") == i && json_int_at(o, "params.total") == 3, "%s",
		    json_object_to_json_string(o));
		json_object_put(o);
	}
	talk_last(&h, "jsonrpc", "2.0");
	mcp_fini(&m);
	free(servers);
	end();
}

static void
make_file(const char *name, const char *text)
{
	char	path[512];
	int	fd;

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void
make_folder(const char *name)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	/* The user tools run as is another one when root runs this. */
	cr_assert((mkdir(path, 0777) == 0 || access(path, F_OK) == 0) && chmod(path, 0777) == 0, "%s", path);
}

Test(official, server_filesystem_reads_and_writes_what_it_was_given, .timeout = FETCH_MS)
{
	char	*servers, path[512], target[512];

	fetch("node");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{"
	    "\"reads\":{\"command\":\"%s\",\"args\":[\"%s\",\"@DIR@/docs\"],\"read\":[\"%s\",\"@DIR@/docs\"]," JAILED "},"
	    "\"writes\":{\"command\":\"%s\",\"args\":[\"%s\",\"@DIR@/drop\"],\"read\":[\"%s\"],\"write\":[\"@DIR@/drop\"],"
	    "\"isolation\":\"tenant\"," JAILED "}}}", node(), module("filesystem"), peers, node(), module("filesystem"),
	    peers) > 0);
	begin("{\"mcpServers\":{}}");
	make_folder("docs");
	make_folder("drop");
	make_folder("secret");
	make_file("docs/a.txt", "a text in a file\n");
	make_file("secret/s.txt", "not for the tool\n");
	snprintf(path, sizeof(path), "%s/docs/link.txt", g.dir);
	snprintf(target, sizeof(target), "%s/secret/s.txt", g.dir);
	cr_assert(symlink(target, path) == 0);
	gateway_write(&g, "servers.json", servers);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);

	expect_call("reads", "read_text_file", "{\"path\":\"@DIR@/docs/a.txt\"}", false, "a text in a file");
	expect_call("reads", "list_directory", "{\"path\":\"@DIR@/docs\"}", false, "a.txt");
	expect_call("reads", "write_file", "{\"path\":\"@DIR@/docs/b.txt\",\"content\":\"x\"}", true, "EROFS");
	expect_call("reads", "read_text_file", "{\"path\":\"@DIR@/secret/s.txt\"}", true, "denied");
	expect_call("reads", "read_text_file", "{\"path\":\"/etc/shadow\"}", true, "denied");
	expect_call("reads", "read_text_file", "{\"path\":\"@DIR@/docs/link.txt\"}", true, "");
	expect_call("writes", "write_file", "{\"path\":\"@DIR@/drop/b.txt\",\"content\":\"left here\"}", false, "b.txt");
	expect_call("writes", "read_text_file", "{\"path\":\"@DIR@/drop/b.txt\"}", false, "left here");
	expect_call("writes", "write_file", "{\"path\":\"@DIR@/docs/b.txt\",\"content\":\"x\"}", true, "denied");
	snprintf(path, sizeof(path), "%s/docs/b.txt", g.dir);
	cr_expect(access(path, F_OK) == -1, "it wrote where it may only read");
	snprintf(path, sizeof(path), "%s/drop/b.txt", g.dir);
	cr_expect(access(path, F_OK) == 0, "it said that it wrote, and did not");
	free(servers);
	end();
}

static bool
no_node_runs(void *arg)
{
	struct procs	*p = malloc(sizeof(*p));
	size_t		 n;

	gateway_procs(arg, p);
	n = procs_count(p, "node");
	free(p);
	return n == 0;
}

Test(official, server_memory_keeps_what_it_was_told_when_it_is_stopped, .timeout = FETCH_MS)
{
	char	*servers;

	fetch("node");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"memory\":{\"command\":\"%s\",\"args\":[\"%s\"],\"read\":[\"%s\"],"
	    "\"env\":{\"MEMORY_FILE_PATH\":\"/home/tool/memory.jsonl\"},\"isolation\":\"tenant\"," JAILED "}}}", node(),
	    module("memory"), peers) > 0);
	begin(servers);
	expect_call("memory", "create_entities", "{\"entities\":[{\"name\":\"Ada\",\"entityType\":\"person\","
	    "\"observations\":[\"wrote the first program\"]}]}", false, "");
	expect_call("memory", "read_graph", "{}", false, "wrote the first program");
	cr_expect(wait_until(no_node_runs, &g, patience(&g, 15000)), "it is not stopped when it is not used");
	expect_call("memory", "search_nodes", "{\"query\":\"Ada\"}", false, "wrote the first program");
	free(servers);
	end();
}

Test(official, server_sequential_thinking_takes_a_thought, .timeout = FETCH_MS)
{
	char	*servers;

	fetch("node");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"thinking\":{\"command\":\"%s\",\"args\":[\"%s\"],\"read\":[\"%s\"],"
	    JAILED "}}}", node(), module("sequential-thinking"), peers) > 0);
	begin(servers);
	expect_call("thinking", "sequentialthinking", "{\"thought\":\"a jail is not a cage\",\"nextThoughtNeeded\":false,"
	    "\"thoughtNumber\":1,\"totalThoughts\":1}", false, "thoughtHistoryLength");
	free(servers);
	end();
}

/* ---- Python --------------------------------------------------------------------------------------------- */

Test(official, mcp_server_time_tells_it, .timeout = FETCH_MS)
{
	char	*servers;

	fetch("python");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"time\":{\"command\":\"%s/venv/bin/python\","
	    "\"args\":[\"-m\",\"mcp_server_time\"],\"read\":[\"%s/venv\"]," JAILED "}}}", peers, peers) > 0);
	begin(servers);
	expect_call("time", "get_current_time", "{\"timezone\":\"Europe/Zurich\"}", false, "Europe/Zurich");
	expect_call("time", "convert_time", "{\"source_timezone\":\"UTC\",\"time\":\"12:00\","
	    "\"target_timezone\":\"Asia/Tokyo\"}", false, "21:00");
	expect_call("time", "get_current_time", "{\"timezone\":\"Nowhere/None\"}", true, "Nowhere");
	free(servers);
	end();
}

Test(official, mcp_server_git_reads_the_repository_it_was_given, .timeout = FETCH_MS)
{
	char	*servers, command[1024], none[8];

	if (run("command -v git", command, sizeof(command)) != 0)
		cr_skip_test("no git");
	fetch("python");
	cr_assert(asprintf(&servers, "{\"mcpServers\":{\"git\":{\"command\":\"%s/venv/bin/python\","
	    "\"args\":[\"-m\",\"mcp_server_git\",\"--repository\",\"@DIR@/repo\"],\"read\":[\"%s/venv\",\"@DIR@/repo\"],"
	    /* Root made it, and another user reads it. */
	    "\"env\":{\"GIT_CONFIG_COUNT\":\"1\",\"GIT_CONFIG_KEY_0\":\"safe.directory\",\"GIT_CONFIG_VALUE_0\":\"*\"},"
	    JAILED "}}}", peers, peers) > 0);
	begin("{\"mcpServers\":{}}");
	make_folder("repo");
	snprintf(command, sizeof(command), "cd '%s/repo' && git init -q && echo one > a && git add a && "
	    "git -c user.name=t -c user.email=t@t.example commit -qm 'The first of all' && echo two > a", g.dir);
	cr_assert(run(command, none, sizeof(none)) == 0);
	gateway_write(&g, "servers.json", servers);
	cr_assert(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	expect_call("git", "git_log", "{\"repo_path\":\"@DIR@/repo\"}", false, "The first of all");
	expect_call("git", "git_diff_unstaged", "{\"repo_path\":\"@DIR@/repo\"}", false, "+two");
	expect_call("git", "git_commit", "{\"repo_path\":\"@DIR@/repo\",\"message\":\"no\"}", true, "");
	expect_call("git", "git_status", "{\"repo_path\":\"/etc\"}", true, "");
	free(servers);
	end();
}
