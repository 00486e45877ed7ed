/* SPDX-License-Identifier: Apache-2.0
 *
 * c9_approvals.c - calls that somebody approves: what is seen of them, when a reload wants it, and in rounds
 */
#include <pthread.h>

#include "tests/harness/program.h"
#include "tests/integration/park.h"

#define ALLOW(server, tool)	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"" server "\":[" tool "]}}}},"	\
	"\"limits\":{\"tools\":{\"s.hold\":{\"max_concurrent\":1}}}}"
#define ASKS(tool)	"{\"tool\":\"" tool "\",\"require_approval\":true}"

static struct mcp	client;

/* The server of t4 or holding-server, called s; one worker. */
static void
begin(const char *servers, const char *rules)
{
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = rules,
	    .conf = "max_wait = 20s\n" });
	mcp_init(&client, g.mcp, "/servers/s/mcp", gateway_key(&g, "one"));
	client.capabilities = CAN_ALL;
}

static void
begin_holding(const char *rules)
{
	char		servers[256];
	pid_t		pid;
	unsigned	port = program_start((const char *const[]){ "holding-server", NULL }, &pid);

	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"s\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"}}}",
	    port);
	begin(servers, rules);
}

static void
end(void)
{
	mcp_fini(&client);
	gateway_stop(&g);
}

/* It has to be approved; the id for that, in a static buffer, "" when there is none. */
static const char *
expect_waits(struct answer *a)
{
	static char	id[64];

	expect(a, "error.data.code", "APPROVAL_REQUIRED");
	snprintf(id, sizeof(id), "%s", json_text_at(a->json, "error.data.approval"));
	answer_fini(a);
	return id;
}

static void
expect_called(const char *tool, const char *arguments)
{
	struct answer	a;

	mcp_call(&client, tool, arguments, &a);
	cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
	answer_fini(&a);
}

#define TRACE(n)	",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319" n "-b7ad6b7169203331-01\""

/* ---- what is seen ---------------------------------------------------------------------------------- */

/* Arguments of so many bytes, with what matters last; malloc'ed. */
static char *
padded(int bytes)
{
	char	*text;
	int	 n = bytes - (int)strlen("{\"a\":\"\",\"z\":\"harm\"}");

	cr_assert(asprintf(&text, "{\"a\":\"%0*d\",\"z\":\"harm\"}", n, 0) == bytes);
	return text;
}

Test(approvals, what_cannot_be_shown_whole_cannot_be_approved, .timeout = 60)
{
	struct answer	 a;
	char		*arguments = padded(4001), id[64];

	begin_holding(ALLOW("s", ASKS("other")));
	mcp_call(&client, "other", arguments, &a);
	cr_expect(strstr(json_text_at(a.json, "error.message"), "more than the 4000 bytes that can be shown") != NULL, "%s",
	    a.body);
	cr_expect(expect_waits(&a)[0] == '\0');
	EXPECT_CTL(&g, 0, "no call waits for approval", "approval", "list");
	free(arguments);
	arguments = padded(4000);
	mcp_call(&client, "other", arguments, &a);
	snprintf(id, sizeof(id), "%s", expect_waits(&a));
	EXPECT_CTL(&g, 0, "\"z\":\"harm\"}\n", "approval", "list", id);
	EXPECT_CTL(&g, 0, "\\\"z\\\":\\\"harm\\\"}\"", "approval", "list", "--json");
	free(arguments);
	end();
}

Test(approvals, what_the_list_cuts_is_approved_by_the_id_of_the_whole, .timeout = 60)
{
	struct answer	 a;
	char		*arguments = padded(300), *out, id[64], whole[64] = "";

	begin_holding(ALLOW("s", ASKS("other")));
	mcp_call(&client, "other", arguments, &a);
	snprintf(id, sizeof(id), "%s", expect_waits(&a));
	EXPECT_CTL(&g, 0, "{\"a\":\"0000000000... 300 bytes", "approval", "list");
	EXPECT_CTL(&g, 65, "the list does not show all of this call", "approval", "approve", id);
	mcp_call(&client, "other", arguments, &a);
	(void)expect_waits(&a);
	cr_assert(gateway_ctl(&g, &out, true, "approval", "list", id, NULL) == 0 && strstr(out, "\"z\":\"harm\"}\n") != NULL, "%s",
	    out);
	cr_expect(sscanf(out, "approval %63s", whole) == 1 && strlen(whole) > strlen(id), "%s", out);
	free(out);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", whole);
	expect_called("other", arguments);
	mcp_call(&client, "other", arguments, &a);
	(void)expect_waits(&a);
	/* What the list shows whole needs no more than its id, and nothing is needed to reject. */
	EXPECT_CTL(&g, 0, "is refused", "approval", "reject", id);
	mcp_call(&client, "other", "{\"b\":1}", &a);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&a));
	expect_called("other", "{\"b\":1}");
	/* Who traces calls gives each another id. */
	client.meta = TRACE("1");
	mcp_call(&client, "other", "{\"b\":2}", &a);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&a));
	client.meta = TRACE("2");
	expect_called("other", "{\"b\":2}");
	client.meta = NULL;
	free(arguments);
	end();
}

/* As one that died is replaced, and by another master. */
Test(approvals, workers_that_start_later_know_what_was_said, .timeout = 120)
{
	struct answer	 a;
	struct procs	*p = malloc(sizeof(*p));
	json_object	*records;
	char		 id[64], said[128];
	pid_t		 before;

	begin_holding(ALLOW("s", ASKS("other")));
	mcp_call(&client, "other", "{\"n\":1}", &a);
	snprintf(id, sizeof(id), "%s", expect_waits(&a));
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", id);
	mcp_call(&client, "other", "{\"n\":2}", &a);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&a));
	mcp_call(&client, "other", "{\"n\":3}", &a);
	EXPECT_CTL(&g, 0, "is refused", "approval", "reject", expect_waits(&a));
	gateway_procs(&g, p);
	before = procs_find(p, "mcpgw-worker", 0)->pid;
	cr_assert(kill(before, SIGKILL) == 0);
	mcp_fini(&client);
	for (int i = 0; i < 100; i++) {
		sleep_ms(50);
		gateway_procs(&g, p);
		if (procs_find(p, "mcpgw-worker", 0) != NULL && procs_find(p, "mcpgw-worker", 0)->pid != before)
			break;
	}
	free(p);
	expect_called("other", "{\"n\":1}");
	mcp_call(&client, "other", "{\"n\":1}", &a);
	(void)expect_waits(&a);
	mcp_fini(&client);
	EXPECT_CTL(&g, 0, "handed over", "upgrade");
	expect_called("other", "{\"n\":2}");
	mcp_call(&client, "other", "{\"n\":3}", &a);
	expect(&a, "error.data.code", "APPROVAL_REJECTED");
	answer_fini(&a);
	records = gateway_audit_admin(&g);
	snprintf(said, sizeof(said), "%s, s.other of one, tenant default", id);
	cr_expect(audit_count(records, "method", "approval approve") == 2 && audit_count(records, "object", said) == 1 &&
	    audit_count(records, "method", "approval reject") == 1, "%s", json_object_to_json_string(records));
	json_object_put(records);
	end();
}

Test(approvals, nothing_hides_in_what_is_shown, .timeout = 60)
{
	static const struct {
		const char	*arguments, *shown;
	} rows[] = {
		{ "{ \"a\" :\n [ 1 ,\t2 ] }", "{\"a\":[1,2]}\n" },
		{ "{\"a\":\"x\xe2\x80\xaey\"}", "{\"a\":\"x\\u202ey\"}\n" },
		{ "{\"a\":\"x\xe2\x80\x8b\xc2\x85y\"}", "{\"a\":\"x\\u200b\\u0085y\"}\n" },
		{ "{\"a\":\"\xf3\xa0\x81\x81\"}", "{\"a\":\"\\udb40\\udc41\"}\n" },
		{ "{\"a\":\" \\\"  \xc3\xa9\"}", "{\"a\":\" \\\"  \xc3\xa9\"}\n" },
		{ "{\"a\":\"          z\"}", "{\"a\":\"        \\u0020\\u0020z\"}\n" },
	};
	struct answer	 a;

	begin_holding(ALLOW("s", ASKS("other")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mcp_call(&client, "other", rows[i].arguments, &a);
		EXPECT_CTL(&g, 0, rows[i].shown, "approval", "list", expect_waits(&a));
	}
	end();
}

/* ---- a reload that wants it ------------------------------------------------------------------------- */

struct caller {
	pthread_t	 thread;
	struct mcp	 m;
	const char	*tool, *arguments;
	struct answer	 got;
};

static void *
call_it(void *arg)
{
	struct caller	*c = arg;

	mcp_call(&c->m, c->tool, c->arguments, &c->got);
	return NULL;
}

static void
caller_begin(struct caller *c, const char *tool, const char *arguments)
{
	c->tool = tool;
	c->arguments = arguments;
	mcp_init(&c->m, client.address, client.path, client.key);
	cr_assert(pthread_create(&c->thread, NULL, call_it, c) == 0);
	usleep(300000);
}

static void
caller_end(struct caller *c)
{
	pthread_join(c->thread, NULL);
	mcp_fini(&c->m);
}

Test(approvals, a_call_that_waited_for_its_turn_needs_what_a_reload_wants, .timeout = 60)
{
	struct caller	first, second;

	begin_holding(ALLOW("s", "\"*\""));
	expect_called("other", "{}");
	caller_begin(&first, "hold", "{\"ms\":3000}");
	caller_begin(&second, "hold", "{\"ms\":1}");
	gateway_write(&g, "rules.json", ALLOW("s", ASKS("hold")));
	EXPECT_CTL(&g, 0, "in force", "reload");
	caller_end(&first);
	caller_end(&second);
	cr_expect(json_at(first.got.json, "result") != NULL, "what had begun goes on: %s", first.got.body);
	answer_fini(&first.got);
	expect(&second.got, "error.data.rule", "agents.one.allow.tools.s[0]");
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&second.got));
	expect_called("hold", "{\"ms\":1}");
	end();
}

/* A request alone. */
static void
send_call(struct mcp *m, const char *params)
{
	char	*headers, *all, *body, *whole;

	mcp_write(m, "1", "tools/call", params, &headers, &body);
	all = mcp_headers(m, headers);
	cr_assert(asprintf(&whole, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s", m->path, all,
	    strlen(body), body) > 0);
	cr_assert(client_open(&m->conn, m->address) && client_send(&m->conn, whole, strlen(whole)));
	free(headers);
	free(all);
	free(body);
	free(whole);
}

/* It waited for the answer of an equal call, which its client gave up; so it begins, under the policy of now. */
Test(approvals, a_call_that_begins_anew_needs_what_a_reload_wants, .timeout = 60)
{
	static const char	servers[] = "{\"mcpServers\":{\"s\":{\"command\":\"@TOOLS@/tests/counting-server\","
	    "\"tools\":{\"tick\":{\"cache\":\"60s\"}}}}}";
	struct caller	second;
	struct mcp	first;

	NEEDS_JAILS();
	begin(servers, ALLOW("s", "\"*\""));
	expect_called("tock", "{}");
	mcp_init(&first, client.address, client.path, client.key);
	send_call(&first, "{\"name\":\"tick\",\"arguments\":{\"ms\":5000}}");
	usleep(300000);
	caller_begin(&second, "tick", "{\"ms\":5000}");
	gateway_write(&g, "rules.json", ALLOW("s", ASKS("tick") ",\"tock\""));
	EXPECT_CTL(&g, 0, "in force", "reload");
	mcp_fini(&first);
	caller_end(&second);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&second.got));
	expect_called("tick", "{\"ms\":5000}");
	end();
}

/* ---- rounds ------------------------------------------------------------------------------------------ */

#define ASKING(era)	"{\"mcpServers\":{\"s\":{\"command\":\"@TOOLS@/tests/asking-server\",\"args\":[\"" era "\"]}}}"
#define ANSWERS		"{\"a\":{\"action\":\"accept\",\"content\":{\"is\":\"mine\"}}}"

static char *
approve_and_begin(const char *tool, const char *more)
{
	struct answer	a;

	call(&client, tool, more, NULL, NULL, &a);
	EXPECT_CTL(&g, 0, "passes once", "approval", "approve", expect_waits(&a));
	call(&client, tool, more, NULL, NULL, &a);
	return expect_asked(&a, 1);
}

Test(approvals, each_round_of_an_approved_call_passes_once, .timeout = 60)
{
	struct answer	 a;
	char		*state[2];

	NEEDS_JAILS();
	begin(ASKING("modern"), ALLOW("*", ASKS("*")));
	state[0] = approve_and_begin("ask_twice", "");
	/* Its state is no other call's. */
	expect_refused(&client, "ask_twice", ",\"arguments\":{\"tag\":\"U\"}", state[0], "-32602", "other arguments");
	expect_refused(&client, "ask_two", "", state[0], "-32602", "another tool");
	call(&client, "ask_twice", "", ANSWERS, state[0], &a);
	state[1] = expect_asked(&a, 1);
	call(&client, "ask_twice", "", ANSWERS, state[0], &a);
	cr_expect(strncmp(expect_waits(&a), "a-", 2) == 0, "the same round again is another call");
	call(&client, "ask_twice", "", ANSWERS, state[1], &a);
	expect(&a, "result.structuredContent.got.a.content.is", "mine");
	answer_fini(&a);
	call(&client, "ask_twice", "", ANSWERS, state[1], &a);
	(void)expect_waits(&a);
	call(&client, "ask_twice", "", NULL, NULL, &a);
	(void)expect_waits(&a);
	free(state[0]);
	free(state[1]);
	end();
}

/* A call that nobody approved has rounds that nobody approved. */
Test(approvals, a_retry_needs_what_a_reload_wants, .timeout = 60)
{
	static const char *const	servers[] = { ASKING("modern"), ASKING("legacy") };
	struct answer			a;
	char				*state;

	NEEDS_JAILS();
	for (size_t i = 0; i < 2; i++) {
		begin(servers[i], ALLOW("*", "\"*\""));
		state = begin_asked(&client, "ask_form", "");
		gateway_write(&g, "rules.json", ALLOW("*", ASKS("*")));
		EXPECT_CTL(&g, 0, "in force", "reload");
		call(&client, "ask_form", "", i == 0 ? ANSWERS : ACCEPT("mine"), state, &a);
		cr_expect(strncmp(expect_waits(&a), "a-", 2) == 0);
		free(state);
		end();
	}
}

Test(approvals, an_approved_call_that_a_legacy_server_asks_in_goes_on, .timeout = 60)
{
	char	*state;

	NEEDS_JAILS();
	begin(ASKING("legacy"), ALLOW("*", ASKS("*")));
	state = approve_and_begin("ask_form", "");
	expect_got(&client, "ask_form", "", state);
	free(state);
	end();
}
