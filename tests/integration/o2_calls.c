/* SPDX-License-Identifier: Apache-2.0
 *
 * o2_calls.c - calls in flight, seen and ended by an operator; and followed as they pass
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/load.h"

#define RULES "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},"	\
	"\"deny\":{\"tools\":{\"clock\":[\"add\"]}}},\"other\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway	g;
static char		key[256];

static void
begin(void)
{
	gateway_start(&g, &(struct gateway_setup){ .servers = "{\"mcpServers\":{\"clock\":{\"command\":"
	    "\"@TOOLS@/demo/mcpgw-demo-clock\",\"isolation\":\"tenant\"}}}", .rules = RULES });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "me"));
}

/* A tools/call that is not waited for. */
static void
send_sleep(struct client *c, unsigned ms)
{
	char	body[512], *request;

	snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sleep\","
	    "\"arguments\":{\"ms\":%u},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}", ms);
	cr_assert(asprintf(&request, "POST /servers/clock/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nAccept: application/json\r\nMCP-Protocol-Version: " MODERN_VERSION "\r\n"
	    "Mcp-Method: tools/call\r\nMcp-Name: sleep\r\nContent-Length: %zu\r\n\r\n%s", key, strlen(body), body) > 0);
	cr_assert(client_open(c, g.mcp));
	client_send(c, request, strlen(request));
	free(request);
}

/* Waits until so many calls run; the oldest one's id. */
static bool
runs(size_t count, char id[32])
{
	char	*said, *at;
	size_t	 lines = 0;

	for (int i = 0; i < 100; i++) {
		cr_assert(gateway_ctl(&g, &said, false, "ps", "--json", NULL) == 0);
		lines = 0;
		for (at = said; (at = strchr(at, '\n')) != NULL; at++)
			lines++;
		if (lines == count) {
			if (count > 0)
				cr_assert(sscanf(said, "{\"request_id\":\"%31[^\"]", id) == 1, "%s", said);
			free(said);
			return true;
		}
		free(said);
		sleep_ms(50);
	}
	return false;
}

Test(calls, are_ended_by_an_operator_and_their_clients_are_told, .timeout = 60)
{
	struct client	 c[3];
	struct answer	 a;
	char		 id[32], other[32], *said;

	NEEDS_JAILS();
	begin();
	for (int i = 0; i < 3; i++) {
		send_sleep(&c[i], 20000);
		sleep_ms(20);
	}
	cr_assert(runs(3, id));
	cr_expect(gateway_ctl(&g, &said, true, "kill", id, NULL) == 0, "%s", said);
	cr_expect(strstr(said, ": clock.sleep of me ends, after ") != NULL, "%s", said);
	free(said);
	client_read(&c[0], 10000, &a);
	cr_expect(strcmp(json_text_at(a.json, "error.data.code"), "ENDED_BY_OPERATOR") == 0 &&
	    strcmp(json_text_at(a.json, "error.data.request_id"), id) == 0, "%s", a.body);
	answer_fini(&a);
	cr_assert(runs(2, other) && strcmp(id, other) != 0);
	/* What is gone is gone; small letters are letters. */
	cr_expect(gateway_ctl(&g, NULL, true, "kill", id, NULL) == 65);
	for (char *p = other + 2; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	cr_expect(gateway_ctl(&g, &said, true, "--json", "kill", other, NULL) == 0, "%s", said);
	cr_expect(strstr(said, "\"object\":\"sleep\"") != NULL, "%s", said);
	free(said);
	cr_assert(runs(1, id));
	/* The others went on. */
	cr_expect(gateway_ctl(&g, NULL, true, "call", "clock", "now", "--as", "me", NULL) == 0);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	cr_expect(runs(0, id), "their clients are gone");
	gateway_stop(&g);
}

/* mcpgwctl trace in the background; its output goes to a file. */
static pid_t
trace(const char *path, const char *option, const char *value)
{
	char	program[400], conf[400];
	pid_t	pid;

	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", g.build);
	snprintf(conf, sizeof(conf), "%s/etc", g.dir);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		if (freopen(path, "w", stdout) == NULL || dup2(1, 2) == -1)
			_exit(126);
		execl(program, "mcpgwctl", "-c", conf, "--json", "trace", option, value, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static size_t
count_in(const char *path, const char *what)
{
	static char	text[1 << 20];
	FILE		*f = fopen(path, "r");
	size_t		 n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f), found = 0;

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	for (char *at = text; (at = strstr(at, what)) != NULL; at++)
		found++;
	return found;
}

Test(calls, are_followed_after_many_who_saw_none_and_went, .timeout = 60)
{
	char		mine[400];
	struct mcp	m;
	struct answer	a;
	pid_t		pid[12];
	int		status;

	NEEDS_JAILS();
	begin();
	snprintf(mine, sizeof(mine), "%s/mine", g.dir);
	for (int i = 0; i < 12; i++)
		pid[i] = trace(mine, "--agent", "nobody");
	sleep_ms(2000);
	for (int i = 0; i < 12; i++) {
		kill(pid[i], SIGTERM);
		cr_assert(waitpid(pid[i], &status, 0) == pid[i]);
	}
	pid[0] = trace(mine, "--agent", "me");
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	for (int i = 0; i < 50 && count_in(mine, "\"stage\":\"end\"") == 0; i++) {
		mcp_call(&m, "now", "{}", &a);
		answer_fini(&a);
		sleep_ms(100);
	}
	cr_expect(count_in(mine, "\"stage\":\"end\"") > 0);
	kill(pid[0], SIGTERM);
	cr_assert(waitpid(pid[0], &status, 0) == pid[0]);
	mcp_fini(&m);
	gateway_stop(&g);
}

Test(calls, are_followed_by_who_asks_for_them_and_wait_for_nobody, .timeout = 60)
{
	char		mine[400], others[400];
	pid_t		pid[2];
	struct mcp	m;
	struct answer	a;
	int		status;

	NEEDS_JAILS();
	begin();
	snprintf(mine, sizeof(mine), "%s/mine", g.dir);
	snprintf(others, sizeof(others), "%s/others", g.dir);
	pid[0] = trace(mine, "--agent", "me");
	pid[1] = trace(others, "--agent", "other");
	sleep_ms(1000);
	mcp_init(&m, g.mcp, "/servers/clock/mcp", key);
	mcp_call(&m, "now", "{}", &a);
	EXPECT_STATUS(a, 200, "followed");
	answer_fini(&a);
	mcp_call(&m, "add", "{}", &a);
	answer_fini(&a);
	for (int i = 0; i < 50 && count_in(mine, "\"stage\":\"refused\"") == 0; i++)
		sleep_ms(100);
	cr_expect(count_in(mine, "\"stage\":\"begin\"") == 1 && count_in(mine, "\"stage\":\"sent\"") == 1 &&
	    count_in(mine, "\"stage\":\"end\"") == 1 && count_in(mine, "\"stage\":\"refused\"") == 1);
	cr_expect(count_in(mine, "\"decision\":\"deny\",\"rule\":\"agents.me.deny.tools.clock[0]\",\"file\":\"rules.json\"") == 1);
	cr_expect(count_in(others, "request_id") == 0);
	/* One that does not read any more, and many calls: none of them waits. */
	kill(pid[0], SIGSTOP);
	for (int i = 0; i < 300; i++) {
		mcp_call(&m, "now", "{}", &a);
		cr_assert(a.status == 200, "%d", a.status);
		answer_fini(&a);
	}
	kill(pid[0], SIGCONT);
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGTERM);
		cr_assert(waitpid(pid[i], &status, 0) == pid[i]);
	}
	/* And when they are gone, as before. */
	mcp_call(&m, "now", "{}", &a);
	EXPECT_STATUS(a, 200, "not followed any more");
	answer_fini(&a);
	mcp_fini(&m);
	gateway_stop(&g);
}
