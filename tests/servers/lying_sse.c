/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_sse.c - an MCP server of HTTP+SSE (2024-11-05) that misbehaves as told: lying-sse [WORD...]
 *
 * Prints its port on the first line of stdout and serves until its parent dies, all in one process.  The stream
 * is GET /sse; each is a session, s-1 and so on.  A POST to /sse is 404.  What no word changes is done properly:
 *   absolute relative query   how the endpoint is told
 *   foreign host long bad     an endpoint of another port, another host, too long a one, none at all
 *   message                   the stream begins with something else     html    it is none
 *   405 400                   that status to a POST to /sse             500     and to GET of it
 *   streamable                /sse speaks Streamable HTTP from the second initialize on
 *   early                     initialize is answered before its POST    late    and calls 50 ms before theirs
 *   open                      a POST is never answered
 *   forget                    a session serves one call, then 404       wrongid an answer to another request
 *   comments                  between all that is said                  refuse  calls are answered 400
 *   garbage                   an event that is no message, instead of a call's answer
 *   twice                     each answer to a call is followed by another one to it
 * The tool that is called says the rest; "a" is its argument of that name:
 *   hold      answered with its id when a of them are there, the last one first
 *   cut       the stream ends                      drop     and so does its connection, without a word
 *   big       1 MiB                                huge     without an end
 *   silent    nothing comes                        mute     nor to anything else on that stream from now on
 *   ask      asks, then answers with a and what it got
 *   progress  progress, a log message and news, then the answer          stray    a question when nobody calls
 *   grow      every stream is told that tools are others                   touch    and those that subscribed to
 *                                                                          anything that x://1 is another
 *   end       the streams of all other sessions end
 * GET /log answers what came so far: a line of method, session, X-Secret, Mcp-Session-Id and MCP-Protocol-Version
 * each, "-" for what was not there; and "closed" with the session when a stream ended.  At the end "connections"
 * and how many there were, this one among them.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/json.h"
#include "tests/servers/loopback.h"

#define CONNS_MAX	1024
#define HELD_MAX	1024
#define SESSIONS_MAX	4096
#define REQUEST_MAX	(1 << 16)
#define TEXT_MAX	(1 << 21)

static struct conn {
	int		 fd;
	unsigned	 session;	/* of a stream; 0: none */
	size_t		 used;
	char		 text[REQUEST_MAX];
} *conns[CONNS_MAX];
static size_t	 conn_count;

static struct held {
	unsigned	 session;
	char		 id[64], a[64];
} held[HELD_MAX];
static size_t	 held_count;

static struct conn *streams[SESSIONS_MAX];
static unsigned	 calls_of[SESSIONS_MAX];
static bool	 is_mute[SESSIONS_MAX], subscribed[SESSIONS_MAX];
static unsigned	 sessions, calls, initialized, port, connections;
static int	 word_count;
static char	**words;
static char	 seen[1 << 20];
static size_t	 seen_bytes;

static bool
told(const char *word)
{
	for (int i = 0; i < word_count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static void
note(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	seen_bytes += (size_t)vsnprintf(seen + seen_bytes, sizeof(seen) - seen_bytes, fmt, ap);
	va_end(ap);
	if (seen_bytes >= sizeof(seen))
		exit(70);
}

static void
send_all(int fd, const char *p, size_t n)
{
	ssize_t	r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return;
}

static void
say(int fd, const char *fmt, ...)
{
	static char	text[TEXT_MAX];
	va_list		ap;

	va_start(ap, fmt);
	send_all(fd, text, (size_t)vsnprintf(text, sizeof(text), fmt, ap));
	va_end(ap);
}

static void
plain(int fd, const char *status, const char *fields, const char *body)
{
	say(fd, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields, strlen(body), body);
}

/* ---- streams ------------------------------------------------------------------------------------ */

static void
chunk(unsigned session, const char *text)
{
	if (streams[session] != NULL && !is_mute[session])
		say(streams[session]->fd, "%zx\r\n%s\r\n", strlen(text), text);
}

static void
event(unsigned session, const char *fmt, ...)
{
	static char	text[TEXT_MAX];
	size_t		n = (size_t)snprintf(text, sizeof(text), "%sevent: message\ndata: {\"jsonrpc\":\"2.0\",",
	    told("comments") ? ": alive\n\n" : "");
	va_list		ap;

	va_start(ap, fmt);
	n += (size_t)vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	snprintf(text + n, sizeof(text) - n, "}\n\n");
	chunk(session, text);
}

static void
answer_text(unsigned session, const char *id, const char *text)
{
	event(session, "\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
	    told("wrongid") ? "777" : id, text);
	if (told("twice"))
		event(session, "\"id\":%s,\"result\":{\"content\":[]}", id);
}

static void
stream_end(unsigned session)
{
	struct conn	*c = streams[session];

	if (c == NULL)
		return;
	note("closed s-%u\n", session);
	streams[session] = NULL;
	c->session = 0;
	shutdown(c->fd, SHUT_RDWR);
}

static void
stream_begin(struct conn *c)
{
	char		 uri[4096], filler[3000];
	unsigned	 s = ++sessions;
	const char	*name = "/message";

	if (s >= SESSIONS_MAX)
		exit(70);
	if (told("500") || told("html")) {
		plain(c->fd, told("500") ? "500 No" : "200 OK", "Content-Type: text/html\r\n", "<html>");
		return;
	}
	c->session = s;
	streams[s] = c;
	say(c->fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
	if (told("message")) {
		event(s, "\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}");
		return;
	}
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	if (told("relative"))
		name = "message";
	else if (told("query"))
		name = "";
	if (told("absolute"))
		snprintf(uri, sizeof(uri), "http://127.0.0.1:%u/message?sessionId=%u", port, s);
	else if (told("foreign"))
		snprintf(uri, sizeof(uri), "http://127.0.0.1:%u/message?sessionId=%u", port ^ 1, s);
	else if (told("host"))
		snprintf(uri, sizeof(uri), "//localhost:%u/message?sessionId=%u", port, s);
	else if (told("bad"))
		snprintf(uri, sizeof(uri), "/mess age");
	else
		snprintf(uri, sizeof(uri), "%s?sessionId=%u%s", name, s, told("long") ? filler : "");
	say(c->fd, "%zx\r\n%sevent: endpoint\ndata: %s\n\n\r\n", strlen(uri) + 24 + (told("comments") ? 9u : 0u),
	    told("comments") ? ": hello\n\n" : "", uri);
}

/* ---- messages ------------------------------------------------------------------------------------ */

static void
text_of(struct json_value v, char *to, size_t room)
{
	struct span	s = v.type == JSON_STRING ? span_part(v.raw, 1, v.raw.n - 2) : v.raw;

	snprintf(to, room, "%.*s", SPAN_FMT(s));
}

static void
answer_big(unsigned session, const char *id)
{
	static char	text[(1 << 20) + 1];

	memset(text, 'x', 1 << 20);
	answer_text(session, id, text);
}

/* In a process of its own: it never ends. */
static void
answer_huge(unsigned session)
{
	static char	text[65536];

	if (streams[session] == NULL || fork() != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "data: {\"jsonrpc\":\"2.0\",\"result\":\"", 33);
	for (;;) {
		say(streams[session]->fd, "%zx\r\n%s\r\n", strlen(text), text);
		memset(text, 'x', 64);
	}
}

static void
hold(unsigned session, const char *id, const char *a)
{
	if (held_count == HELD_MAX)
		exit(70);
	held[held_count] = (struct held){ .session = session };
	snprintf(held[held_count].a, sizeof(held->a), "held %.32s", id);
	snprintf(held[held_count++].id, sizeof(held->id), "%s", id);
	if (held_count < strtoul(a, NULL, 10))
		return;
	while (held_count > 0) {
		held_count--;
		answer_text(held[held_count].session, held[held_count].id, held[held_count].a);
	}
}

/* To all streams, what this tool says. */
static void
tell_all(unsigned mine, const char *tool)
{
	for (unsigned s = 1; s <= sessions; s++) {
		if (strcmp(tool, "grow") == 0)
			event(s, "\"method\":\"notifications/tools/list_changed\"");
		else if (strcmp(tool, "end") == 0 && s != mine)
			stream_end(s);
		else if (strcmp(tool, "touch") == 0 && subscribed[s])
			event(s, "\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"x://1\"}");
	}
}

static void
call(unsigned session, struct json_value message)
{
	struct json_value	params = json_get(message, "params");
	char			id[64], tool[64], a[64], token[64], text[128];

	text_of(json_get(message, "id"), id, sizeof(id));
	text_of(json_get(params, "name"), tool, sizeof(tool));
	text_of(json_get(json_get(params, "arguments"), "a"), a, sizeof(a));
	text_of(json_get(json_get(params, "_meta"), "progressToken"), token, sizeof(token));
	calls++;
	calls_of[session]++;
	if (told("garbage")) {
		chunk(session, "data: {\"jsonrpc\":\"2.0\",\"id\":\n\n");
	} else if (strcmp(tool, "hold") == 0) {
		hold(session, id, a);
	} else if (strcmp(tool, "cut") == 0 || strcmp(tool, "drop") == 0) {
		if (tool[0] == 'c' && streams[session] != NULL)
			say(streams[session]->fd, "0\r\n\r\n");
		stream_end(session);
	} else if (strcmp(tool, "big") == 0) {
		answer_big(session, id);
	} else if (strcmp(tool, "huge") == 0) {
		answer_huge(session);
	} else if (strcmp(tool, "ask") == 0) {
		held[held_count % HELD_MAX] = (struct held){ .session = session };
		snprintf(held[held_count % HELD_MAX].a, sizeof(held->a), "%s", a);
		snprintf(held[held_count++ % HELD_MAX].id, sizeof(held->id), "%s", id);
		event(session, "\"id\":\"q-%zu\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"%s\"}",
		    held_count - 1, a);
	} else if (strcmp(tool, "progress") == 0) {
		event(session, "\"method\":\"notifications/tools/list_changed\"");
		if (token[0] != '\0')
			event(session, "\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":1}",
			    token);
		event(session, "\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"%s\"}", a);
		answer_text(session, id, "done");
	} else if (strcmp(tool, "stray") == 0) {
		answer_text(session, id, "done");
		event(session, "\"id\":\"p\",\"method\":\"ping\"");
		event(session, "\"id\":\"late\",\"method\":\"elicitation/create\",\"params\":{}");
	} else if (strcmp(tool, "mute") == 0) {
		is_mute[session] = true;
	} else if (strcmp(tool, "silent") != 0) {
		tell_all(session, tool);
		snprintf(text, sizeof(text), "call %u", calls);
		answer_text(session, id, text);
	}
}

/* What was asked by "ask" was answered. */
static void
take_response(const char *id, struct span body)
{
	char		text[512];
	unsigned	i;

	if (sscanf(id, "q-%u", &i) != 1 || i >= held_count)
		return;
	snprintf(text, sizeof(text), "%s got %.*s", held[i].a, SPAN_FMT(body));
	for (char *p = text; *p != '\0'; p++)
		if (*p == '"' || *p == '\\')
			*p = '\'';
	answer_text(held[i].session, held[i].id, text);
}

#define TOOL(name)	"{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"
#define INITIALIZED	"\"id\":%s,\"result\":{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{\"tools\":{}},"	\
	"\"serverInfo\":{\"name\":\"lying\",\"version\":\"1\"}}"

static void
serve_message(int fd, unsigned session, const char *method, struct json_value message, struct span body)
{
	char	id[64];
	bool	is_call = strcmp(method, "tools/call") == 0, first;

	text_of(json_get(message, "id"), id, sizeof(id));
	if (session == 0 || session > sessions || streams[session] == NULL ||
	    (told("forget") && is_call && calls_of[session] > 0)) {
		plain(fd, "404 Not Found", "", "Session not found");
		return;
	}
	if (told("refuse") && is_call) {
		plain(fd, "400 Bad Request", "", "No transport found for sessionId");
		return;
	}
	first = told("open") || (told("early") && strcmp(method, "initialize") == 0) || (told("late") && is_call);
	if (!first)
		plain(fd, "202 Accepted", "", "Accepted");
	if (method[0] == '\0')
		take_response(id, body);
	else if (strcmp(method, "initialize") == 0)
		event(session, INITIALIZED, id);
	else if (strcmp(method, "tools/list") == 0)
		event(session, "\"id\":%s,\"result\":{\"tools\":[" TOOL("plain") "," TOOL("hold") "," TOOL("big") ","
		    TOOL("cut") "," TOOL("drop") "]}", id);
	else if (strcmp(method, "ping") == 0)
		event(session, "\"id\":%s,\"result\":{}", id);
	else if (strstr(method, "/subscribe") != NULL || strstr(method, "/unsubscribe") != NULL) {
		subscribed[session] = strstr(method, "/sub") != NULL;
		event(session, "\"id\":%s,\"result\":{}", id);
	} else if (is_call)
		call(session, message);
	if (told("late") && first)
		usleep(50000);
	if (first && !told("open"))
		plain(fd, "202 Accepted", "", "Accepted");
}

/* ---- requests ------------------------------------------------------------------------------------ */

/* The value of a header, or "-". */
static void
header(const struct conn *c, const char *name, char *to, size_t room)
{
	size_t	n = strlen(name);

	snprintf(to, room, "-");
	for (const char *p = strstr(c->text, "\r\n"); p != NULL && p[2] != '\r'; p = strstr(p + 2, "\r\n"))
		if (strncasecmp(p + 2, name, n) == 0 && p[2 + n] == ':')
			snprintf(to, room, "%.*s", (int)strcspn(p + 4 + n, "\r"), p + 4 + n);
}

static void
serve_streamable(int fd, const char *method, struct json_value message)
{
	char	id[64], text[512];

	text_of(json_get(message, "id"), id, sizeof(id));
	if (strcmp(method, "initialize") == 0)
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\"," INITIALIZED "}", id);
	else
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\","
		    "\"text\":\"streamed\"}]}}", id);
	if (id[0] == '\0')
		plain(fd, "202 Accepted", "", "");
	else if (strcmp(method, "server/discover") == 0)
		plain(fd, "404 No", "", "");
	else
		plain(fd, "200 OK", "Content-Type: application/json\r\n", text);
}

static void
serve(struct conn *c, struct span body)
{
	static char		 whole[sizeof(seen) + 64];
	char			 path[4096], verb[16], method[128], secret[64], session[64], version[64];
	struct json_value	 message = { .type = JSON_NONE };
	const char		*at;
	unsigned		 s = 0;

	if (sscanf(c->text, "%15s %4095s", verb, path) != 2)
		exit(65);
	if (strcmp(path, "/log") == 0) {
		snprintf(whole, sizeof(whole), "%sconnections %u\n", seen, connections);
		plain(c->fd, "200 OK", "", whole);
		return;
	}
	if (body.n > 0 && json_parse(body, false, &message, NULL) != 0)
		exit(65);
	text_of(json_get(message, "method"), method, sizeof(method));
	if ((at = strstr(path, "sessionId=")) != NULL)
		s = (unsigned)atoi(at + 10);
	header(c, "X-Secret", secret, sizeof(secret));
	header(c, "Mcp-Session-Id", session, sizeof(session));
	header(c, "MCP-Protocol-Version", version, sizeof(version));
	note("%s s-%u %s %s %s\n", verb[0] != 'P' ? verb : method[0] != '\0' ? method :
	    json_get(message, "error").type != JSON_NONE ? "refusal" : "response", s, secret, session, version);
	if (strcmp(path, "/sse") == 0 && verb[0] == 'P' && told("streamable") && initialized > 0)
		serve_streamable(c->fd, method, message);
	else if (strcmp(path, "/sse") == 0 && verb[0] == 'P')
		plain(c->fd, told("405") ? "405 Method Not Allowed" : told("400") ? "400 Bad Request" : "404 Not Found",
		    "Content-Type: text/html\r\n", "<!DOCTYPE html>Cannot POST /sse");
	else if (strcmp(path, "/sse") == 0 && told("streamable") && initialized > 0)
		plain(c->fd, "405 Method Not Allowed", "Allow: POST\r\n", "");
	else if (strcmp(path, "/sse") == 0)
		stream_begin(c);
	else
		serve_message(c->fd, s, method, message, body);
	initialized += strcmp(method, "initialize") == 0 && s > 0;
}

/* False at its end. */
static bool
read_more(struct conn *c)
{
	char	 length[32], *end;
	size_t	 bytes, all;
	ssize_t	 n = read(c->fd, c->text + c->used, sizeof(c->text) - 1 - c->used);

	if (n <= 0)
		return false;
	c->used += (size_t)n;
	c->text[c->used] = '\0';
	while ((end = strstr(c->text, "\r\n\r\n")) != NULL) {
		header(c, "Content-Length", length, sizeof(length));
		bytes = length[0] == '-' ? 0 : strtoul(length, NULL, 10);
		all = (size_t)(end + 4 - c->text) + bytes;
		if (c->used < all)
			break;
		serve(c, span_make(end + 4, bytes));
		memmove(c->text, c->text + all, c->used - all + 1);
		c->used -= all;
	}
	return c->used < sizeof(c->text) - 1;
}

static void
conn_end(size_t i)
{
	struct conn	*c = conns[i];

	if (c->session > 0)
		stream_end(c->session);
	close(c->fd);
	free(c);
	conns[i] = conns[--conn_count];
}

static void
conn_new(int fd)
{
	struct conn	*c = calloc(1, sizeof(*c));

	if (c == NULL || conn_count == CONNS_MAX)
		exit(71);
	c->fd = fd;
	conns[conn_count++] = c;
	connections++;
}

int
main(int argc, char **argv)
{
	static struct pollfd	p[CONNS_MAX + 1];
	const int		listener = loopback_begin(&port);

	words = argv + 1;
	word_count = argc - 1;
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		size_t	count = conn_count;

		for (size_t i = 0; i < count; i++)
			p[i] = (struct pollfd){ .fd = conns[i]->fd, .events = POLLIN };
		p[count] = (struct pollfd){ .fd = listener, .events = POLLIN };
		if (poll(p, count + 1, -1) < 0)
			return 71;
		/* From the end: what ends is replaced by the last. */
		for (size_t i = count; i-- > 0;)
			if (p[i].revents != 0 && !read_more(conns[i]))
				conn_end(i);
		if (p[count].revents != 0)
			conn_new(accept(listener, NULL, NULL));
	}
}
