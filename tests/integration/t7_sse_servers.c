/* SPDX-License-Identifier: Apache-2.0
 *
 * t7_sse_servers.c - servers of HTTP+SSE (2024-11-05): found, called, lost; what they ask is in t1_talk.c to
 *                    t5_many.c
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define MANY	64
#define RULES	"{\"agents\":{\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static struct gateway	g;
static pid_t		lying;
static char		address[64], key[256];

static void
start_lying(const char *word)
{
	char	self[512], line[32] = "";
	int	fds[2];
	ssize_t	n = readlink("/proc/self/exe", self, sizeof(self) - 32);

	cr_assert(n > 0 && pipe(fds) == 0);
	self[n] = '\0';
	for (int k = 0; k < 2; k++)
		*strrchr(self, '/') = '\0';
	strcat(self, "/lying-sse");
	if ((lying = fork()) == 0) {
		dup2(fds[1], 1);
		execl(self, self, word, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	cr_assert(read(fds[0], line, sizeof(line) - 1) > 0);
	close(fds[0]);
	snprintf(address, sizeof(address), "127.0.0.1:%d", atoi(line));
}

/* Servers pinned and found: the same one, by its type and without. */
static void
begin(unsigned workers, const char *word)
{
	char	*servers;

	start_lying(word);
	cr_assert(asprintf(&servers, "{\"mcpServers\":{"
	    "\"pinned\":{\"type\":\"sse\",\"url\":\"http://%s/sse\",\"headers\":{\"X-Secret\":\"hush\"}},"
	    "\"found\":{\"type\":\"http\",\"url\":\"http://%s/sse\",\"headers\":{\"X-Secret\":\"hush\"}}}}", address, address) > 0);
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = servers, .rules = RULES });
	free(servers);
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	kill(lying, SIGKILL);
	waitpid(lying, NULL, 0);
}

static void
client(struct mcp *m, const char *server, bool modern)
{
	char	path[64];

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(m, g.mcp, path, key);
	if (!modern)
		cr_assert(mcp_initialize(m) == 200);
}

/* How often this stands in the server's log. */
static size_t
saw(const char *text)
{
	struct answer	a;
	size_t		n = 0;

	client_once(address, "GET", "/log", "", NULL, &a);
	for (const char *p = a.body; (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	answer_fini(&a);
	return n;
}

static const char *const names[] = { "pinned", "found" };

Test(sse_servers, are_listed_and_called, .timeout = 60)
{
	struct answer	a;
	struct mcp	m;

	begin(2, NULL);
	for (size_t i = 0; i < 2; i++)
		for (int modern = 0; modern < 2; modern++) {
			client(&m, names[i], modern);
			mcp_ask_either(&m, "tools/list", NULL, &a);
			cr_expect(tools_have(&a, "plain"), "%s: %s", names[i], a.body);
			answer_fini(&a);
			for (int k = 0; k < 3; k++) {
				mcp_call(&m, "plain", "{}", &a);
				cr_expect(strncmp(json_text_at(a.json, "result.content[0].text"), "call ", 5) == 0, "%s: %s",
				    names[i], a.body);
				answer_fini(&a);
			}
			mcp_fini(&m);
		}
	/* The headers configured, none of ours for another transport, none of the client's. */
	cr_expect(saw("tools/call s-") == 12);
	cr_expect(saw(" hush - -\n") + saw("server/discover s-0 hush - 2026-07-28\n") + saw("closed s-") + saw("connections") ==
	    saw("\n"));
	finish();
}

Test(sse_servers, are_shown_with_their_transport, .timeout = 30)
{
	struct answer	a;
	struct mcp	m;

	begin(1, NULL);
	mcp_init(&m, g.mcp, "/mcp/discovery", key);
	mcp_call(&m, "list_servers", "{}", &a);
	cr_expect(strstr(a.body, "\\\"transport\\\":\\\"sse\\\"") != NULL && strstr(a.body, "\\\"transport\\\":\\\"http\\\"") != NULL,
	    "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	finish();
}

static struct mcp	clients[MANY];
static atomic_uint	well;

static void *
call_held(void *arg)
{
	struct answer	a;

	mcp_call(arg, "hold", "{\"a\":" "64" "}", &a);
	if (strncmp(json_text_at(a.json, "result.content[0].text"), "held ", 5) == 0)
		atomic_fetch_add(&well, 1);
	answer_fini(&a);
	return NULL;
}

/* The server answers when all are there, the last one first. */
Test(sse_servers, answer_many_at_once_in_any_order, .timeout = 60)
{
	pthread_t	threads[MANY];

	begin(1, NULL);
	for (int i = 0; i < MANY; i++)
		client(&clients[i], "found", i % 2);
	for (int i = 0; i < MANY; i++)
		cr_assert(pthread_create(&threads[i], NULL, call_held, &clients[i]) == 0);
	for (int i = 0; i < MANY; i++) {
		pthread_join(threads[i], NULL);
		mcp_fini(&clients[i]);
	}
	cr_expect(atomic_load(&well) == MANY, "%u", atomic_load(&well));
	cr_expect(saw("tools/call s-") == MANY);
	finish();
}

Test(sse_servers, answer_at_length, .timeout = 60)
{
	struct answer	a;
	struct mcp	m;

	begin(1, "comments");
	for (int modern = 0; modern < 2; modern++) {
		client(&m, "pinned", modern);
		mcp_call(&m, "big", "{}", &a);
		cr_expect(a.status == 200 && strlen(json_text_at(a.json, "result.content[0].text")) == 1 << 20, "status %d, %zu",
		    a.status, a.body_bytes);
		answer_fini(&a);
		mcp_fini(&m);
	}
	finish();
}

Test(sse_servers, that_lose_a_stream_lose_its_calls_and_no_more, .timeout = 60)
{
	static const char *const ends[] = { "cut", "drop" };
	struct answer	a;
	struct mcp	m;

	begin(1, NULL);
	for (size_t i = 0; i < 2; i++) {
		client(&m, names[i], i == 0);
		mcp_call(&m, ends[i], "{}", &a);
		cr_expect(json_at(a.json, "error") != NULL, "%s", a.body);
		answer_fini(&a);
		cr_expect(saw("tools/call") == 1 + 2 * i, "it is not sent again");
		mcp_call(&m, "plain", "{}", &a);
		cr_expect(json_at(a.json, "result") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	finish();
}

Test(sse_servers, send_nobody_elsewhere, .timeout = 60)
{
	struct answer	 a;
	struct mcp	 m;
	char		*log;

	begin(1, "foreign");
	for (size_t i = 0; i < 2; i++) {
		client(&m, names[i], true);
		mcp_call(&m, "plain", "{}", &a);
		cr_expect(json_at(a.json, "error") != NULL, "%s", a.body);
		answer_fini(&a);
		mcp_fini(&m);
	}
	log = gateway_log(&g);
	cr_expect(strstr(log, "the server's endpoint is of another origin than its url") != NULL, "%s", log);
	free(log);
	cr_expect(saw("initialize") == saw("initialize s-0") && saw("tools/call") == 0, "nothing goes there");
	finish();
}
