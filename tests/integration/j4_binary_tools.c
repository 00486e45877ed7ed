/* SPDX-License-Identifier: Apache-2.0
 *
 * j4_binary_tools.c - programs of this machine as tools: arguments, output, and what may go wrong with them
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}," \
	"\"b\":{\"allow\":{\"servers\":[\"native\"],\"tools\":{\"native\":[\"args\"]}}}}}"

#define COMMAND	"    command: \"@TOOLS@/tests/native-tool\"\n"

static const char tools[] =
	"description: A program that shows what it got\n"
	"read: [\"@DIR@/files\"]\n"
	"workdir: \"@DIR@/files\"\n"
	"env: {COLOR: blue}\n"
	"timeout_ms: 20000\n"
	"tools:\n"
	"  - name: args\n"
	"    title: Arguments\n"
	"    description: Shows its arguments\n"
	COMMAND
	"    args: [args, \"--max={max}\", [\"--author\", \"{author}\"], [\"{all}\", --all], \"{word}\", \"{{}}\", --,\n"
	"      \"{paths}\"]\n"
	"    risk: low\n"
	"    slots:\n"
	"      max: {type: integer, min: 1, max: 100, default: 10, description: How many}\n"
	"      author: {class: line, max_length: 20}\n"
	"      all: {type: boolean}\n"
	"      word: {class: name}\n"
	"      paths: {type: path, array: true, max_items: 3, required: false}\n"
	"  - name: cat\n"
	COMMAND
	"    args: [cat]\n"
	"    stdin: \"<{text}>\"\n"
	"    slots: {text: {class: text}}\n"
	"  - name: json\n"
	COMMAND
	"    args: [say, \"{what}\"]\n"
	"    output: json\n"
	"    slots: {what: {class: text, dash: true}}\n"
	"  - name: structured\n"
	COMMAND
	"    args: [say, \"{what}\"]\n"
	"    output: structured\n"
	"    output_schema: {type: object, properties: {n: {type: integer}}}\n"
	"    slots: {what: {class: text}}\n"
	"  - name: exit\n"
	COMMAND
	"    args: [exit, \"{n}\"]\n"
	"    ok_status: [0, 1, 130]\n"
	"    slots: {n: {type: integer}}\n"
	"  - name: signal\n"
	COMMAND
	"    args: [signal, \"{n}\"]\n"
	"    slots: {n: {type: integer}}\n"
	"  - name: sleep\n"
	COMMAND
	"    args: [\"{how}\", \"{ms}\"]\n"
	"    timeout_ms: 10000\n"
	"    slots: {ms: {type: integer}, how: {choices: [sleep, ignore], default: sleep}}\n"
	"  - name: brief\n"
	COMMAND
	"    args: [ignore, \"60000\"]\n"
	"    timeout_ms: 500\n"
	"  - name: flood\n"
	COMMAND
	"    args: [flood, \"{n}\"]\n"
	"    max_output: 100KiB\n"
	"    slots: {n: {type: integer}}\n"
	"  - name: complain\n"
	COMMAND
	"    args: [complain, \"{n}\"]\n"
	"    slots: {n: {type: integer}}\n"
	"  - name: odd\n"
	COMMAND
	"    args: [odd]\n"
	"  - name: env\n"
	COMMAND
	"    args: [env, \"{name}\"]\n"
	"    slots: {name: {class: word}}\n"
	"  - name: where\n"
	COMMAND
	"    args: [where]\n";

static void
start(struct gateway *g, struct mcp *modern, struct mcp *legacy)
{
	char	path[320];

	gateway_start(g, &(struct gateway_setup){ .rules = RULES });
	snprintf(path, sizeof(path), "%s/files", g->dir);
	cr_assert(mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/files/sub", g->dir);
	cr_assert(mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/files/out", g->dir);
	cr_assert(symlink("/etc", path) == 0);
	gateway_write(g, "tools.d/native.yaml", tools);
	cr_assert(gateway_ctl(g, NULL, true, "reload", NULL) == 0);
	mcp_init(modern, g->mcp, "/servers/native/mcp", gateway_key(g, "a"));
	if (legacy == NULL)
		return;
	mcp_init(legacy, g->mcp, "/servers/native/mcp", modern->key);
	cr_assert(mcp_initialize(legacy) == 200);
}

static void
stop(struct gateway *g, struct mcp *modern, struct mcp *legacy)
{
	mcp_fini(modern);
	if (legacy != NULL)
		mcp_fini(legacy);
	gateway_stop(g);
}

/* The text of a result; fails when there is none, or it is not the error it should be. */
static void
expect(struct mcp *m, const char *tool, const char *arguments, bool is_error, const char *text)
{
	struct answer	a;
	const char	*got;

	mcp_call(m, tool, arguments, &a);
	EXPECT_STATUS(a, 200, "%s %s", tool, arguments);
	got = json_text_at(a.json, "result.content[0].text");
	cr_expect(json_at(a.json, "result") != NULL &&
	    json_object_get_boolean(json_at(a.json, "result.isError")) == is_error, "%s %s: %.600s", tool, arguments,
	    a.body);
	if (is_error)
		cr_expect(strstr(got, text) != NULL, "%s %s: %.600s", tool, arguments, got);
	else
		cr_expect(strcmp(got, text) == 0, "%s %s: %.600s", tool, arguments, got);
	answer_fini(&a);
}

Test(binary_tools, fill_in_a_template_for_clients_of_both_eras)
{
	static const struct { const char *arguments, *text; } rows[] = {
		{ "{\"word\":\"HEAD~2\"}", "[--max=10]\n[HEAD~2]\n[{}]\n[--]\n" },
		{ "{\"word\":\"x\",\"max\":7,\"author\":\"a b; $(c) 'd'\",\"all\":true,\"paths\":[\"sub\",\".\"]}",
		    "[--max=7]\n[--author]\n[a b; $(c) 'd']\n[--all]\n[x]\n[{}]\n[--]\n[sub]\n[.]\n" },
		{ "{\"word\":\"x\",\"all\":false,\"paths\":[]}", "[--max=10]\n[x]\n[{}]\n[--]\n" },
	};
	struct gateway	g;
	struct mcp	modern, legacy;

	NEEDS_JAILS();
	start(&g, &modern, &legacy);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(&modern, "args", rows[i].arguments, false, rows[i].text);
		expect(&legacy, "args", rows[i].arguments, false, rows[i].text);
	}
	expect(&modern, "cat", "{\"text\":\"a\\n{\\t}ä\"}", false, "<a\n{\t}ä>");
	expect(&modern, "env", "{\"name\":\"COLOR\"}", false, "blue\n");
	expect(&modern, "env", "{\"name\":\"MCPGW_ANY\"}", false, "(none)\n");
	expect(&modern, "odd", "{}", false, "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd(\x1b[31m\n");
	stop(&g, &modern, &legacy);
}

Test(binary_tools, are_listed_with_a_schema_of_their_slots)
{
	struct gateway	g;
	struct mcp	modern, legacy, *both[] = { &modern, &legacy };
	struct answer	a;
	json_object	*tool;

	NEEDS_JAILS();
	start(&g, &modern, &legacy);
	for (size_t i = 0; i < 2; i++) {
		mcp_ask_either(both[i], "tools/list", NULL, &a);
		EXPECT_STATUS(a, 200, "tools/list");
		tool = json_at(a.json, "result.tools[0]");
		cr_expect(strcmp(json_text_at(tool, "name"), "args") == 0, "%s", a.body);
		cr_expect(strcmp(json_text_at(tool, "title"), "Arguments") == 0);
		cr_expect(json_object_get_boolean(json_at(tool, "annotations.readOnlyHint")));
		cr_expect(!json_object_get_boolean(json_at(tool, "annotations.openWorldHint")));
		cr_expect(strcmp(json_text_at(tool, "inputSchema.type"), "object") == 0);
		cr_expect(!json_object_get_boolean(json_at(tool, "inputSchema.additionalProperties")));
		cr_expect(strcmp(json_text_at(tool, "inputSchema.required[0]"), "word") == 0);
		cr_expect(json_at(tool, "inputSchema.required[1]") == NULL);
		cr_expect(json_int_at(tool, "inputSchema.properties.max.maximum") == 100);
		cr_expect(json_int_at(tool, "inputSchema.properties.max.default") == 10);
		cr_expect(json_int_at(tool, "inputSchema.properties.paths.maxItems") == 3);
		cr_expect(strcmp(json_text_at(a.json, "result.tools[6].inputSchema.properties.how.enum[1]"),
		    "ignore") == 0, "%s", a.body);
		cr_expect(strcmp(json_text_at(a.json, "result.tools[3].outputSchema.type"), "object") == 0);
		answer_fini(&a);
	}
	stop(&g, &modern, &legacy);
}

Test(binary_tools, refuse_what_their_slots_do_not_allow)
{
	static const struct { const char *arguments, *says; } rows[] = {
		{ "{\"word\":\"-x\"}", "must not begin with" },
		{ "{\"word\":\"--output=/etc/x\"}", "must not begin with" },
		{ "{\"word\":\"a b\"}", "letters" },
		{ "{\"word\":\"a\\nb\"}", "letters" },
		{ "{\"word\":\"\"}", "empty" },
		{ "{\"word\":7}", "string" },
		{ "{}", "is missing" },
		{ "{\"word\":\"x\",\"max\":101}", "at most 100" },
		{ "{\"word\":\"x\",\"max\":\"7\"}", "number" },
		{ "{\"word\":\"x\",\"max\":1.5}", "whole" },
		{ "{\"word\":\"x\",\"author\":\"-a\"}", "must not begin with" },
		{ "{\"word\":\"x\",\"author\":\"a\\nb\"}", "one line" },
		{ "{\"word\":\"x\",\"author\":\"123456789012345678901\"}", "at most 20" },
		{ "{\"word\":\"x\",\"all\":1}", "true or false" },
		{ "{\"word\":\"x\",\"paths\":\"sub\"}", "array" },
		{ "{\"word\":\"x\",\"paths\":[\"/etc/passwd\"]}", "relative" },
		{ "{\"word\":\"x\",\"paths\":[\"sub/../../etc\"]}", ".." },
		{ "{\"word\":\"x\",\"paths\":[\"out/passwd\"]}", "leads out" },
		{ "{\"word\":\"x\",\"paths\":[\"absent\"]}", "nothing that is there" },
		{ "{\"word\":\"x\",\"paths\":[\"a\",\"b\",\"c\",\"d\"]}", "more than 3" },
		{ "{\"word\":\"x\",\"command\":\"sh\"}", "no argument \\\"command\\\"" },
		{ "{\"word\":\"x\",\"Word\":\"y\"}", "no argument" },
	};
	struct gateway	g;
	struct mcp	m, b;
	struct answer	a;
	struct procs	*p = malloc(sizeof(*p));

	NEEDS_JAILS();
	start(&g, &m, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mcp_call(&m, "args", rows[i].arguments, &a);
		EXPECT_STATUS(a, 200, "%s", rows[i].arguments);
		cr_expect(json_object_get_boolean(json_at(a.json, "result.isError")), "%s: %s", rows[i].arguments, a.body);
		cr_expect(a.body != NULL && strstr(a.body, rows[i].says) != NULL, "%s: %s", rows[i].arguments, a.body);
		answer_fini(&a);
	}
	mcp_call(&m, "args", "{\"word\":\"x\",\"word\":\"y\"}", &a);
	cr_expect(json_at(a.json, "error") != NULL || json_object_get_boolean(json_at(a.json, "result.isError")), "%s",
	    a.body);
	answer_fini(&a);
	/* Policy decides as for any server. */
	mcp_init(&b, g.mcp, "/servers/native/mcp", gateway_key(&g, "b"));
	expect(&b, "args", "{\"word\":\"x\"}", false, "[--max=10]\n[x]\n[{}]\n[--]\n");
	mcp_call(&b, "where", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&b);
	gateway_procs(&g, p);
	cr_expect(procs_count(p, "native-tool") == 0);
	free(p);
	stop(&g, &m, NULL);
}

Test(binary_tools, say_how_they_ended_and_what_they_wrote)
{
	struct gateway	g;
	struct mcp	m, legacy;
	struct answer	a;
	char		text[400];

	NEEDS_JAILS();
	start(&g, &m, &legacy);
	expect(&m, "exit", "{\"n\":0}", false, "out\n");
	expect(&m, "exit", "{\"n\":1}", false, "out\n");
	expect(&m, "exit", "{\"n\":2}", true, "Exited with status 2.\nerr\nout\n");
	expect(&m, "exit", "{\"n\":130}", false, "out\n");
	expect(&m, "signal", "{\"n\":11}", true, "signal 11");
	expect(&m, "brief", "{}", true, "longer than 0.5 s");
	expect(&m, "flood", "{\"n\":1000000000}", true, "more than 102400 bytes");
	expect(&m, "complain", "{\"n\":4000000}", false, "done\n");
	expect(&m, "json", "{\"what\":\" [1,\\n2] \\n\"}", false, "[1,\n2]");
	expect(&m, "json", "{\"what\":\"-5\"}", false, "-5");
	expect(&m, "json", "{\"what\":\"[1] [2]\"}", true, "not one JSON value");
	expect(&m, "json", "{\"what\":\"no\"}", true, "not one JSON value");
	expect(&m, "structured", "{\"what\":\"[1]\"}", true, "no object");
	expect(&m, "structured", "{\"what\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}", true, "doubled");
	snprintf(text, sizeof(text), "%s/files /home/tool\n", g.dir);
	expect(&m, "where", "{}", false, text);
	for (int i = 0; i < 2; i++) {
		mcp_call(i == 0 ? &m : &legacy, "structured", "{\"what\":\"{\\n\\\"n\\\": 7,\\t\\\"s\\\":\\\"ä\\\"}\\n\"}", &a);
		cr_expect(json_int_at(a.json, "result.structuredContent.n") == 7, "%s", a.body);
		cr_expect(strcmp(json_text_at(a.json, "result.structuredContent.s"), "ä") == 0);
		answer_fini(&a);
	}
	mcp_ask_modern(&m, "prompts/list", NULL, &a);
	cr_expect(json_int_at(a.json, "error.code") == -32601 || json_at(a.json, "result.prompts") != NULL, "%s", a.body);
	answer_fini(&a);
	stop(&g, &m, &legacy);
}

struct waiting {
	struct gateway	*g;
	size_t		 want;
};

static bool
run_so_many(void *arg)
{
	struct waiting	*w = arg;
	struct procs	*p = malloc(sizeof(*p));
	size_t		 n;

	gateway_procs(w->g, p);
	n = procs_count(p, "native-tool");
	free(p);
	return n == w->want;
}

Test(binary_tools, end_with_the_client_that_cancels)
{
	struct gateway	g;
	struct mcp	m;
	struct waiting	w = { &g, 1 };
	struct client	c;
	char		*headers, *body, *all, *request;

	NEEDS_JAILS();
	start(&g, &m, NULL);
	mcp_write(&m, "5", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":9000,\"how\":\"ignore\"}}", &headers, &body);
	all = mcp_headers(&m, headers);
	cr_assert(asprintf(&request, "POST /servers/native/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n%s",
	    strlen(body), all, body) > 0);
	cr_assert(client_open(&c, g.mcp));
	cr_assert(client_send(&c, request, strlen(request)));
	cr_expect(wait_until(run_so_many, &w, patience(&g, 3000)), "it did not begin");
	client_close(&c);
	w.want = 0;
	cr_expect(wait_until(run_so_many, &w, patience(&g, 3000)), "it did not end with its client");
	expect(&m, "args", "{\"word\":\"x\"}", false, "[--max=10]\n[x]\n[{}]\n[--]\n");
	free(headers);
	free(body);
	free(all);
	free(request);
	stop(&g, &m, NULL);
}

Test(binary_tools, end_with_the_time_of_a_call)
{
	struct gateway	g;
	struct mcp	m;
	struct waiting	w = { &g, 0 };

	NEEDS_JAILS();
	start(&g, &m, NULL);
	gateway_write(&g, "tools.d/slow.yaml", "timeout_ms: 700\ntools:\n  - name: t\n" COMMAND
	    "    args: [ignore, \"60000\"]\n");
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	snprintf(m.path, sizeof(m.path), "/servers/slow/mcp");
	expect(&m, "t", "{}", true, "longer than 0.7 s");
	/* It is no fault of the server: nobody is kept from it. */
	for (int i = 0; i < 6; i++)
		expect(&m, "t", "{}", true, "longer than 0.7 s");
	cr_expect(wait_until(run_so_many, &w, patience(&g, 3000)));
	stop(&g, &m, NULL);
}

Test(binary_tools, are_many_at_once)
{
	struct gateway	g;
	struct mcp	m[50];
	struct answer	a;
	struct waiting	w = { &g, 0 };
	char		*headers, *body, *all, *request;
	int		ok = 0;

	NEEDS_JAILS();
	start(&g, &m[0], NULL);
	for (int i = 0; i < 50; i++) {
		if (i > 0)
			mcp_init(&m[i], g.mcp, "/servers/native/mcp", m[0].key);
		mcp_write(&m[i], "1", "tools/call", "{\"name\":\"sleep\",\"arguments\":{\"ms\":200}}", &headers, &body);
		all = mcp_headers(&m[i], headers);
		cr_assert(asprintf(&request, "POST /servers/native/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
		    "%s\r\n%s", strlen(body), all, body) > 0);
		cr_assert(client_open(&m[i].conn, g.mcp));
		cr_assert(client_send(&m[i].conn, request, strlen(request)));
		free(headers);
		free(body);
		free(all);
		free(request);
	}
	for (int i = 0; i < 50; i++) {
		client_read(&m[i].conn, patience(&g, 20000), &a);
		if (strcmp(json_text_at(a.json, "result.content[0].text"), "slept\n") == 0)
			ok++;
		else
			cr_log_warn("%d: %d %s", i, a.status, a.body);
		answer_fini(&a);
	}
	cr_expect(ok == 50, "%d of 50", ok);
	cr_expect(wait_until(run_so_many, &w, patience(&g, 3000)));
	for (int i = 1; i < 50; i++)
		mcp_fini(&m[i]);
	stop(&g, &m[0], NULL);
}

Test(binary_tools, come_and_change_with_a_reload)
{
	static const char	second[] =
		"{\"tools\": [{\"name\": \"hello\", \"command\": \"@TOOLS@/tests/native-tool\", // JSON too\n"
		"\"args\": [\"say\", \"hello {who}\"], \"slots\": {\"who\": {\"class\": \"word\"}}}]}";
	struct gateway	g;
	struct mcp	m;
	struct answer	a;
	char		*out, path[320];

	NEEDS_JAILS();
	start(&g, &m, NULL);
	expect(&m, "exit", "{\"n\":0}", false, "out\n");
	gateway_write(&g, "tools.d/more.json", second);
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	snprintf(m.path, sizeof(m.path), "/servers/more/mcp");
	expect(&m, "hello", "{\"who\":\"you\"}", false, "hello you");
	gateway_write(&g, "tools.d/more.json", "{\"tools\": [{\"name\": \"hallo\", \"command\": "
	    "\"@TOOLS@/tests/native-tool\", \"args\": [\"say\", \"hallo {who}\"], \"slots\": {\"who\": {}}}]}");
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	expect(&m, "hallo", "{\"who\":\"a b\"}", false, "hallo a b");
	mcp_call(&m, "hello", "{\"who\":\"you\"}", &a);
	cr_expect(json_at(a.json, "error") != NULL, "%s", a.body);
	answer_fini(&a);
	/* One that is wrong changes nothing. */
	gateway_write(&g, "tools.d/more.json", "{\"tools\": [{\"name\": \"x\", \"command\": \"true\", \"args\": [\"{y}\"]}]}");
	cr_expect(gateway_ctl(&g, &out, true, "reload", NULL) != 0);
	cr_expect(strstr(out, "tools.d/more.json:1:54: error: tools[0].args[0]: no slot \"y\"") != NULL, "%s", out);
	free(out);
	expect(&m, "hallo", "{\"who\":\"b\"}", false, "hallo b");
	snprintf(path, sizeof(path), "%s/etc/tools.d/more.json", g.dir);
	cr_assert(unlink(path) == 0);
	cr_expect(gateway_ctl(&g, NULL, true, "reload", NULL) == 0);
	mcp_call(&m, "hallo", "{\"who\":\"b\"}", &a);
	cr_expect(json_at(a.json, "result") == NULL, "%s", a.body);
	answer_fini(&a);
	stop(&g, &m, NULL);
}

struct wanted {
	struct mcp	*m;
	const char	*tool, *text;
};

static bool
answers(void *arg)
{
	struct wanted	*w = arg;
	struct answer	 a;
	bool		 yes;

	mcp_call(w->m, w->tool, "{}", &a);
	yes = strcmp(json_text_at(a.json, "result.content[0].text"), w->text) == 0;
	answer_fini(&a);
	return yes;
}

Test(binary_tools, come_by_themselves_when_their_folder_is_watched)
{
	static const char	say[] = "tools: [{name: t, command: \"@TOOLS@/tests/native-tool\", args: [say, %s]}]\n";
	struct gateway		g;
	struct mcp		m;
	struct wanted		w = { &m, "t", "one" };
	char			text[200];

	NEEDS_JAILS();
	/* The last of two lines for one parameter counts. */
	gateway_start(&g, &(struct gateway_setup){ .rules = RULES, .conf = "watch = yes\n" });
	mcp_init(&m, g.mcp, "/servers/w/mcp", gateway_key(&g, "a"));
	snprintf(text, sizeof(text), say, "one");
	gateway_write(&g, "tools.d/w.yaml", text);
	cr_expect(wait_until(answers, &w, patience(&g, 5000)), "a new folder is not seen");
	w.text = "two";
	gateway_write(&g, "tools.d/w.yaml", "tools: [{name: t, command: \"@TOO");
	sleep_ms(400);
	snprintf(text, sizeof(text), say, "two");
	gateway_write(&g, "tools.d/w.yaml", text);
	cr_expect(wait_until(answers, &w, patience(&g, 5000)), "a change is not seen");
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(binary_tools, are_recorded_and_shown_as_every_tool)
{
	struct gateway	 g;
	struct mcp	 m;
	json_object	*records;
	char		*out;

	NEEDS_JAILS();
	start(&g, &m, NULL);
	expect(&m, "args", "{\"word\":\"x\"}", false, "[--max=10]\n[x]\n[{}]\n[--]\n");
	expect(&m, "args", "{\"word\":\"-x\"}", true, "begin");
	cr_expect(gateway_ctl(&g, &out, true, "explain", "--agent", "b", "--server", "native", "--tool", "args", NULL) == 0);
	cr_expect(strstr(out, "allow") != NULL, "%s", out);
	free(out);
	cr_expect(gateway_ctl(&g, &out, true, "status", NULL) == 0);
	cr_expect(strstr(out, "native") != NULL, "%s", out);
	free(out);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "server", "native") >= 2);
	cr_expect(audit_count(records, "jail", "strict") >= 2 || audit_count(records, "jail", "strict/none") >= 2, "%s",
	    json_object_to_json_string(records));
	json_object_put(records);
	stop(&g, &m, NULL);
}
