/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_http.c - a Streamable HTTP MCP server that misbehaves as told: lying-http ERA [WORD...]
 *
 * ERA is legacy or modern.  Prints its port on the first line of stdout and serves until its parent
 * dies, one process per connection.  What no word changes is done properly.  Words:
 *   sse        answers are event streams          chatty  events before the answer: a notification,
 *   reset      resets instead of answering a call         a ping, and a request nobody can serve
 *   hang       reads a call and says nothing      cut     the stream ends after an event with an id;
 *   drip       answers a byte at a time                   the rest comes to whoever resumes by GET
 *   huge       an answer that does not end        wrongid an answer to another request
 *   garbage    a body that is not JSON            badhttp a head that is not HTTP
 *   401 500    that status, to everything         forget  each session serves one call, then 404
 *   202        accepts calls, answers none        stale   closes after each answer without saying so
 *   refuse     answers calls with an error        echo    a call's answer holds the request's body
 *   early      a notification is answered 500     params  (modern) lists a tool with x-mcp-header, and a
 *   moved      with params: the first list is        call's text is the Mcp-Param-* fields that came
 *              without, but they are demanded      stubborn  with params: none are right
 *   pages      with params: lists are in two, the first of which takes a second
 *   large      has a tool, fill, whose answer has the members that its argument "order" lists (c content, s and a structuredContent,
 *              an object or not, t and q resultType, m _meta, e isError), the large ones of "n" bytes; "end" is
 *              chunked, or how it goes wrong: cut, bad, other (id).  GET /written says how much went out
 * A legacy session has a stream for GET when one of these is there.  "a" is the call's argument of that name:
 *   getasks    a call of "ask" asks on that stream, of "post" on its own, of "maybe" as "ask" when a is odd;
 *              it is answered with a and the answer that came, and with how many calls of the session asked
 *              at that time at most
 *   getnotes   calls are followed there by progress, a log message and news of the session
 *   getorphan  a ping and a question stand there from the beginning, for nobody
 *   getcut     it is cut after each event        getslow   its head takes 300 ms
 *   gethang    its head never comes              get409    refused twice so, before it is there
 *   noget      none: 405                         get404    none: 404
 *   getlost    the session is over after its first call
 * heads: what came before the body of each request is noted too.
 * What it says of changes: lying_news.c.
 * GET /log answers what was asked so far: a line of method, session, version, Mcp-Method, Mcp-Name,
 * X-Secret and Last-Event-ID per request, "-" for what was not there; a response with an error is a refusal.
 * Of a stream "open" and "closed" with the session.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/servers/lying_http.h"
#include "tests/servers/loopback.h"

struct shared		*shared;
static int		 word_count;
static char		**words;
static bool		 modern;

bool
told(const char *word)
{
	for (int i = 0; i < word_count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* The value of a header, or "-". */
void
header(const struct request *q, const char *name, char *to, size_t room)
{
	size_t	n = strlen(name);

	snprintf(to, room, "-");
	for (const char *p = strstr(q->text, "\r\n"); p != NULL && p + 2 < q->body; p = strstr(p + 2, "\r\n"))
		if (strncasecmp(p + 2, name, n) == 0 && p[2 + n] == ':') {
			snprintf(to, room, "%.*s", (int)strcspn(p + 3 + n, "\r"), p + 3 + n);
			memmove(to, to + strspn(to, " "), strlen(to + strspn(to, " ")) + 1);
			return;
		}
}

/* The raw token behind "name": in the body, without quotes; enough for what our gateway writes. */
void
member(const struct request *q, const char *name, char *to, size_t room)
{
	char		 key[64];
	const char	*p;

	to[0] = '\0';
	snprintf(key, sizeof(key), "\"%s\":", name);
	if ((p = strstr(q->body, key)) == NULL)
		return;
	p += strlen(key);
	p += *p == '"';
	snprintf(to, room, "%.*s", (int)strcspn(p, "\",}"), p);
}

/* False at the end of the connection. */
static bool
read_request(int fd, struct request *q)
{
	char	length[32];
	ssize_t	n;
	char	*end;

	q->used = 0;
	q->text[0] = '\0';
	while ((end = strstr(q->text, "\r\n\r\n")) == NULL) {
		if (q->used == REQUEST_MAX - 1 || (n = read(fd, q->text + q->used, REQUEST_MAX - 1 - q->used)) <= 0)
			return false;
		q->used += (size_t)n;
		q->text[q->used] = '\0';
	}
	q->body = end + 4;
	header(q, "Content-Length", length, sizeof(length));
	q->body_bytes = (size_t)atol(length[0] == '-' ? "0" : length);
	while (q->used - (size_t)(q->body - q->text) < q->body_bytes) {
		if (q->used == REQUEST_MAX - 1 || (n = read(fd, q->text + q->used, REQUEST_MAX - 1 - q->used)) <= 0)
			return false;
		q->used += (size_t)n;
		q->text[q->used] = '\0';
	}
	sscanf(q->text, "%15s %255s", q->verb, q->path);
	member(q, "method", q->method, sizeof(q->method));
	member(q, "id", q->id, sizeof(q->id));
	return true;
}

void
log_line(const char *line, size_t n)
{
	unsigned	at = atomic_fetch_add(&shared->used, (unsigned)n);

	if (at + n < LOG_BYTES)
		memcpy(shared->log + at, line, n);
}

static const char *
kind_of(const struct request *q)
{
	if (q->verb[0] != 'P')
		return q->verb;
	if (q->method[0] != '\0')
		return q->method;
	return strstr(q->body, "\"error\":") != NULL ? "refusal" : "response";
}

static void
note(const struct request *q)
{
	char		session[256], version[64], method[128], name[256], secret[64], last[128], line[2048];
	int		n;

	header(q, "Mcp-Session-Id", session, sizeof(session));
	header(q, "MCP-Protocol-Version", version, sizeof(version));
	header(q, "Mcp-Method", method, sizeof(method));
	header(q, "Mcp-Name", name, sizeof(name));
	header(q, "X-Secret", secret, sizeof(secret));
	header(q, "Last-Event-ID", last, sizeof(last));
	n = snprintf(line, sizeof(line), "%s %s %s %s %s %s%s%s\n", kind_of(q), session, version, method, name, secret,
	    last[0] == '-' ? "" : " ", last[0] == '-' ? "" : last);
	log_line(line, (size_t)n);
	/* And the whole head, for who asks what of a client's comes here. */
	if (told("heads"))
		log_line(q->text, (size_t)(q->body - q->text));
}

/* ---- answers ----------------------------------------------------------------------------------- */

static void
send_all(int fd, const char *p, size_t n)
{
	ssize_t	r;

	while (n > 0) {
		if ((r = write(fd, p, told("drip") ? 1 : n)) <= 0)
			exit(0);
		p += r;
		n -= (size_t)r;
		if (told("drip"))
			usleep(1500);
	}
}

void
say(int fd, const char *fmt, ...)
{
	static char	text[REQUEST_MAX];
	va_list		ap;
	int		n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_all(fd, text, (size_t)n);
}

void
plain(int fd, const char *status, const char *fields, const char *body)
{
	say(fd, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields, strlen(body), body);
}

void
chunk(int fd, const char *text)
{
	say(fd, "%zx\r\n%s\r\n", strlen(text), text);
}

void
event(int fd, const char *json)
{
	static char	text[REQUEST_MAX + 64];

	snprintf(text, sizeof(text), "event: message\ndata: %s\n\n", json);
	chunk(fd, text);
}

void
answer(int fd, const char *fields, const char *json)
{
	char	head[512];

	if (!told("sse")) {
		snprintf(head, sizeof(head), "Content-Type: application/json\r\n%s", fields);
		plain(fd, "200 OK", head, json);
		return;
	}
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n%sTransfer-Encoding: chunked\r\n\r\n", fields);
	if (told("chatty")) {
		chunk(fd, ": hello\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
		    "\"params\":{\"level\":\"info\",\"data\":1}}\n\n");
		chunk(fd, "data: {\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\r\n\r\n");
		chunk(fd, "data: {\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n");
		chunk(fd, "data: {\"jsonrpc\":\"2.0\",\"id\":424242,\"result\":{\"of\":\"another\"}}\n\n");
	}
	event(fd, json);
	usleep(2000);
	say(fd, "0\r\n\r\n");
}

static void
answer_call(int fd, const struct request *q)
{
	static char	json[REQUEST_MAX];
	struct linger	hard = { 1, 0 };

	atomic_fetch_add(&shared->calls, 1);
	if (told("reset")) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
		exit(0);
	}
	if (told("hang"))
		for (;;)
			pause();
	if (told("badhttp")) {
		say(fd, "HTTP/1.1 200 OK\nContent-Length: 0\n\n");
		return;
	}
	if (told("large")) {
		large_answer(fd, q);
		return;
	}
	if (told("202")) {
		plain(fd, "202 Accepted", "", "");
		return;
	}
	if (told("garbage")) {
		answer(fd, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":}}");
		return;
	}
	if (told("huge")) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
		chunk(fd, "{\"jsonrpc\":\"2.0\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");
		memset(json, 'x', 100000);
		for (;;)
			chunk(fd, json);
	}
	if (told("cut")) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
		snprintf(json, sizeof(json), "retry: 10\nid: e-%s\ndata:\n\n", q->id);
		chunk(fd, json);
		say(fd, "0\r\n\r\n");
		return;
	}
	if (told("refuse"))
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32602,"
		    "\"message\":\"no such tool\"}}", q->id);
	else if (told("echo"))
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[],"
		    "\"structuredContent\":%s}}", q->id, q->body);
	else
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\","
		    "\"text\":\"call %u\"}]}}", told("wrongid") ? "777" : q->id, atomic_load(&shared->calls));
	answer(fd, "", json);
}

static void
resume(int fd, const struct request *q)
{
	char	last[128], event[512];

	header(q, "Last-Event-ID", last, sizeof(last));
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
	snprintf(event, sizeof(event), "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[],"
	    "\"resumed\":true}}\n\n", last + 2);
	chunk(fd, event);
	say(fd, "0\r\n\r\n");
}

static void
legacy(int fd, const struct request *q)
{
	static char	json[REQUEST_MAX];
	char		session[256], fields[300];
	unsigned	mine, live = atomic_load(&shared->sessions);

	if (strcmp(q->method, "server/discover") == 0) {
		plain(fd, "400 Bad Request", "Content-Type: application/json\r\n",
		    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Bad Request: Server not initialized\"},"
		    "\"id\":null}");
		return;
	}
	if (strcmp(q->method, "initialize") == 0) {
		snprintf(fields, sizeof(fields), "Mcp-Session-Id: s-%u\r\n", atomic_fetch_add(&shared->sessions, 1) + 1);
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"protocolVersion\":\"2025-06-18\","
		    "\"capabilities\":%s,\"serverInfo\":{\"name\":\"lying\",\"version\":\"1\"}}}", q->id, news_capabilities());
		answer(fd, fields, json);
		return;
	}
	header(q, "Mcp-Session-Id", session, sizeof(session));
	if (sscanf(session, "s-%u", &mine) != 1 || mine > live || atomic_load(&shared->session[mine].over) != 0 ||
	    (told("get404") && q->verb[0] == 'G') ||
	    (told("forget") && q->id[0] != '\0' && q->method[0] != '\0' && (mine < live || atomic_load(&shared->calls) >= mine))) {
		plain(fd, "404 Not Found", "Content-Type: application/json\r\n",
		    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"Session not found\"},\"id\":null}");
		return;
	}
	if (q->verb[0] == 'D') {
		atomic_store(&shared->session[mine].over, 1);
		plain(fd, "200 OK", "", "");
	} else if (q->verb[0] == 'G' && told("noget"))
		plain(fd, "405 Method Not Allowed", "Allow: POST\r\n", "");
	else if (q->verb[0] == 'G' && session_has_stream())
		session_stream(fd, mine);
	else if (q->verb[0] == 'G')
		resume(fd, q);
	else if (q->id[0] == '\0' || q->method[0] == '\0') {
		session_take_response(q);
		plain(fd, told("early") ? "500 Internal Server Error" : "202 Accepted", "", "");
	} else {
		if (!news_answer(fd, q, mine) && !session_answer_call(fd, q, mine))
			answer_call(fd, q);
		if (told("getlost") && mine == 1)
			atomic_store(&shared->session[mine].over, 1);
	}
}

#define PROPERTIES(region)	"{\"region\":{\"type\":\"string\"" region "},"				\
	"\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"					\
	"\"in\":{\"type\":\"object\",\"properties\":{\"deep\":{\"type\":\"boolean\",\"x-mcp-header\":\"Deep\"}}}}"

static void
list_params(int fd, const struct request *q)
{
	static char	json[REQUEST_MAX];
	bool		old = atomic_fetch_add(&shared->lists, 1) == 0 && told("moved");

	if (told("pages") && strstr(q->body, "\"cursor\"") == NULL) {
		sleep(1);
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\","
		    "\"tools\":[],\"nextCursor\":\"2\"}}", q->id);
		answer(fd, "", json);
		return;
	}
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\",\"tools\":["
	    "{\"name\":\"where\",\"inputSchema\":{\"type\":\"object\",\"properties\":%s}}]}}", q->id,
	    old ? PROPERTIES("") : PROPERTIES(",\"x-mcp-header\":\"Region\""));
	answer(fd, "", json);
}

/* The Mcp-Param-* fields as they came, a line each, inside a JSON string. */
static void
params_of(const struct request *q, char *to, size_t room)
{
	size_t	n = 0;

	for (const char *p = strstr(q->text, "\r\n"); p != NULL && p + 2 < q->body; p = strstr(p + 2, "\r\n")) {
		if (strncasecmp(p + 2, "Mcp-Param-", 10) != 0)
			continue;
		for (const char *c = p + 2; *c != '\r' && n + 8 < room; c++) {
			if (*c == '"' || *c == '\\')
				to[n++] = '\\';
			to[n++] = *c == '\t' ? '^' : *c;
		}
		to[n++] = '\\';
		to[n++] = 'n';
	}
	to[n] = '\0';
}

static void
call_params(int fd, const struct request *q)
{
	static char	json[REQUEST_MAX], fields[REQUEST_MAX / 2];
	char		region[128];

	atomic_fetch_add(&shared->calls, 1);
	header(q, "Mcp-Param-Region", region, sizeof(region));
	if (told("stubborn") || (told("moved") && region[0] == '-')) {
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32020,"
		    "\"message\":\"Mcp-Param-Region is missing\"}}", q->id);
		plain(fd, "400 Bad Request", "Content-Type: application/json\r\n", json);
		return;
	}
	params_of(q, fields, sizeof(fields));
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}}", q->id, fields);
	answer(fd, "", json);
}

static void
serve_modern(int fd, const struct request *q)
{
	static char	json[REQUEST_MAX];
	char		version[64], method[128];

	header(q, "MCP-Protocol-Version", version, sizeof(version));
	header(q, "Mcp-Method", method, sizeof(method));
	if (strcmp(version, "2026-07-28") != 0 || strcmp(method, q->method) != 0 ||
	    strstr(q->body, "io.modelcontextprotocol/protocolVersion") == NULL) {
		plain(fd, "400 Bad Request", "Content-Type: application/json\r\n",
		    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32020,\"message\":\"header mismatch\"}}");
		return;
	}
	if (strcmp(q->method, "server/discover") == 0) {
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\","
		    "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":%s,\"_meta\":{}}}", q->id, news_capabilities());
		answer(fd, "", json);
		return;
	}
	if (news_listen(fd, q) || news_answer(fd, q, 0))
		return;
	if (!told("params"))
		answer_call(fd, q);
	else if (strcmp(q->method, "tools/list") == 0)
		list_params(fd, q);
	else
		call_params(fd, q);
}

static void
serve(int fd)
{
	static struct request	q;

	while (read_request(fd, &q)) {
		if (strcmp(q.path, "/written") == 0) {
			char	bytes[32];

			snprintf(bytes, sizeof(bytes), "%u", atomic_load(&shared->written));
			plain(fd, "200 OK", "", bytes);
			continue;
		}
		if (strcmp(q.path, "/log") == 0) {
			plain(fd, "200 OK", "", shared->log);
			continue;
		}
		note(&q);
		if (told("401"))
			plain(fd, "401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "");
		else if (told("500"))
			plain(fd, "500 Internal Server Error", "", "");
		else if (modern)
			serve_modern(fd, &q);
		else
			legacy(fd, &q);
		if (told("stale"))
			return;
	}
}

int
main(int argc, char **argv)
{
	int	listener, fd;

	if (argc < 2)
		return 64;
	modern = strcmp(argv[1], "modern") == 0;
	words = argv + 2;
	word_count = argc - 2;
	signal(SIGCHLD, SIG_IGN);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 71;
	listener = loopback_begin(NULL);
	while ((fd = accept(listener, NULL, NULL)) != -1) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
	return 0;
}
