/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.h - a gateway before asking-server, or TALK_SERVER: over stdio and HTTP, of both eras, and over HTTP+SSE
 */
#ifndef TESTS_INTEGRATION_TALK_H
#define TESTS_INTEGRATION_TALK_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/hearing.h"
#include "tests/harness/program.h"
#include "tests/integration/common.h"

#ifndef TALK_SERVER
#define TALK_SERVER	"asking-server"
#endif

#define UNUSED	__attribute__((unused))

#define CAN_ALL	"{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{\"tools\":{},\"context\":{}},\"roots\":{}}"
#define CAN_FORM "{\"elicitation\":{}}"

#define ASKING_RULES(denied) "{\"agents\":{"						\
	"\"one\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}" denied "},"	\
	"\"other\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

/* Long enough for what comes, and for what must not come. */
#define SOON	patience(&g, 5000)
#define QUIET	patience(&g, 150)

enum { OLD_WEB, NEW_WEB, OLD_SSE, WEBS, OTHER_WEB = WEBS };	/* the last one is started by its test */

static struct gateway	g;
static pid_t		webs[WEBS + 1];
static unsigned		ports[WEBS + 1];
static char		keys[2][256];		/* of `one` and `other` */

static UNUSED void
start_web_that(int i, const char *era, const char *word)
{
	ports[i] = program_start((const char *const []){ TALK_SERVER, era, i == OLD_SSE ? "sse" : "http", word, NULL },
	    &webs[i]);
}

static UNUSED void
start_web(int i)
{
	start_web_that(i, i == OLD_WEB || i == OLD_SSE ? "legacy" : "modern", NULL);
}

/* Servers old and new over stdio, oldweb and newweb over HTTP, oldsse over HTTP+SSE. */
static UNUSED void
talk_begin(unsigned workers, const char *conf)
{
	char	*servers;

	for (int i = 0; i < WEBS; i++)
		start_web(i);
	cr_assert(asprintf(&servers, "{\"mcpServers\":{"
	    "\"old\":{\"command\":\"@TOOLS@/tests/" TALK_SERVER "\",\"args\":[\"legacy\"]},"
	    "\"new\":{\"command\":\"@TOOLS@/tests/" TALK_SERVER "\",\"args\":[\"modern\"]},"
	    "\"oldweb\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"},"
	    "\"newweb\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:%u/mcp\"},"
	    "\"oldsse\":{\"type\":\"sse\",\"url\":\"http://127.0.0.1:%u/sse\"}}}", ports[OLD_WEB], ports[NEW_WEB],
	    ports[OLD_SSE]) > 0);
	gateway_start(&g, &(struct gateway_setup){ .workers = workers, .servers = servers, .rules = ASKING_RULES(""),
	    .conf = conf });
	free(servers);
	snprintf(keys[0], sizeof(keys[0]), "%s", gateway_key(&g, "one"));
	snprintf(keys[1], sizeof(keys[1]), "%s", gateway_key(&g, "other"));
}

static UNUSED void
talk_end(void)
{
	gateway_stop(&g);
	for (int i = 0; i < WEBS; i++) {
		kill(webs[i], SIGKILL);
		waitpid(webs[i], NULL, 0);
	}
}

/* A client on this server's own URL; who: 0 is `one`, 1 `other`.  version NULL: a modern one. */
static UNUSED void
talk_client(struct mcp *m, const char *server, int who, const char *version, const char *capabilities)
{
	char	path[64];

	snprintf(path, sizeof(path), "/servers/%s/mcp", server);
	mcp_init(m, g.mcp, path, keys[who]);
	m->version = version;
	m->capabilities = capabilities;
	if (version != NULL)
		cr_assert(mcp_initialize(m) == 200);
}

/* tools/call of a tool: its answer will be heard. */
static UNUSED void
talk_call(struct hearing *h, const struct mcp *m, const char *id, const char *tool, const char *more)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\"%s}", tool, more) > 0);
	hearing_begin(h, m, id, "tools/call", params);
	free(params);
}

/* What of a question stands at this place: a message for people names the server first.  In a static buffer. */
static UNUSED const char *
talk_said(const char *server, const char *at, const char *text)
{
	static char	said[256];

	snprintf(said, sizeof(said), "%s%s%s", strcmp(at, "params.message") == 0 ? server : "",
	    strcmp(at, "params.message") == 0 ? ": " : "", text);
	return said;
}

/* A legacy client's response to a question: member is "result" or "error".  It is always 202. */
static UNUSED void
talk_answer(struct mcp *m, json_object *question, const char *member, const char *value)
{
	struct answer	 a;
	char		*body;

	cr_assert(asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}",
	    json_object_to_json_string_ext(json_at(question, "id"), JSON_C_TO_STRING_NOSLASHESCAPE), member, value) > 0);
	mcp_post(m, "MCP-Protocol-Version: " LEGACY_VERSION "\r\n", body, &a);
	EXPECT_STATUS(a, 202, "%s", body);
	answer_fini(&a);
	free(body);
}

static UNUSED void
talk_note(struct mcp *m, const char *method, const char *params)
{
	struct answer	 a;
	char		*body;

	cr_assert(asprintf(&body, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s}", method, params) > 0);
	mcp_post(m, "MCP-Protocol-Version: " LEGACY_VERSION "\r\n", body, &a);
	EXPECT_STATUS(a, 202, "%s", body);
	answer_fini(&a);
	free(body);
}

/* The next message, which must be there and have this text at this place; NULL: whatever. */
static UNUSED json_object *
talk_next(struct hearing *h, const char *at, const char *want)
{
	json_object	*o = hearing_next(h, SOON);

	cr_expect(o != NULL, "nothing came, where %s was to be %s; status %d, end %d", at, want, h->status, h->end);
	if (want != NULL)
		cr_expect(strcmp(json_text_at(o, at), want) == 0, "%s is not %s: %s", at, want,
		    json_object_to_json_string(o));
	return o;
}

/* The same, when nothing else of it matters. */
static UNUSED void
talk_expect(struct hearing *h, const char *at, const char *want)
{
	json_object_put(talk_next(h, at, want));
}

/* And it is the last one. */
static UNUSED void
talk_last(struct hearing *h, const char *at, const char *want)
{
	talk_expect(h, at, want);
	cr_expect(hearing_ends(h, SOON), "the answer does not end");
	hearing_fini(h);
}

static UNUSED void
talk_silence(struct hearing *h)
{
	json_object	*o = hearing_next(h, QUIET);

	cr_expect(o == NULL, "not nothing: %s", json_object_to_json_string(o));
	json_object_put(o);
}

/* How many messages that an HTTP server heard hold this text (both, when there are two). */
static UNUSED size_t
talk_heard(int web, const char *text, const char *also)
{
	char		 address[64];
	struct answer	 a;
	size_t		 n = 0;
	const char	*one;

	snprintf(address, sizeof(address), "127.0.0.1:%u", ports[web]);
	client_once(address, "GET", "/log", "", NULL, &a);
	for (size_t i = 0; a.json != NULL && i < json_object_array_length(a.json); i++) {
		one = json_object_to_json_string_ext(json_object_array_get_idx(a.json, i), JSON_C_TO_STRING_NOSLASHESCAPE);
		n += strstr(one, text) != NULL && (also == NULL || strstr(one, also) != NULL);
	}
	answer_fini(&a);
	return n;
}

struct heard {
	int		 web;
	const char	*text, *also;
	size_t		 count;
};

static UNUSED bool
has_heard(void *arg)
{
	struct heard	*h = arg;

	return talk_heard(h->web, h->text, h->also) >= h->count;
}

static UNUSED void
talk_wait_heard(int web, const char *text, const char *also, size_t count)
{
	struct heard	h = { web, text, also, count };

	cr_expect(wait_until(has_heard, &h, SOON), "not %zu messages with %s and %s, but %zu", count, text,
	    also == NULL ? "nothing else" : also, talk_heard(web, text, also));
}

/* Calls of this tool that came to an HTTP server. */
static UNUSED size_t
talk_calls(int web, const char *tool)
{
	char	name[64];

	snprintf(name, sizeof(name), "\"name\":\"%s\"", tool);
	return talk_heard(web, "\"tools/call\"", name);
}

#endif
