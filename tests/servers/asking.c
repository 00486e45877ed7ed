/* SPDX-License-Identifier: Apache-2.0
 *
 * asking.c - an MCP server that asks its client while it works: asking-server ERA [http|sse [listless]], and its like
 *
 *   ERA     legacy (2025-11-25) or modern (2026-07-28)
 *   http    on a free port of the loopback, which is the only line on stdout, until its parent dies, one
 *           process per connection; GET /log answers what `heard` does.  Else over stdin and stdout.
 *   sse     the same over HTTP+SSE, whose stream is GET /sse (asking_sse.c)
 *   listless  offers everything, and takes a minute for any list
 *
 * The tools are in asking_tools.c; those of tasking-server in tasking_tools.c.
 */
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/servers/asking.h"
#include "tests/servers/loopback.h"

#define SLOTS		4096
#define SLOT_BYTES	8192
#define LOG_BYTES	(8 << 20)
#define TEXT_MAX	(1 << 20)
#define OUT_MAX		(16 << 20)
#define LATER_MAX	256
#define STEP_MS		10	/* between two looks whether a call is given up; and when it waited for long: */
#define LONG_STEP_MS	100	/* a thousand may wait at once */
#define LONG_MS		500

/* Seen by every process of this server. */
static struct shared {
	atomic_uint	used, numbers, sessions, urls;
	atomic_bool	cancelled[SLOTS];	/* by session and the number of the client's request */
	struct slot {
		sem_t	 ready;
		char	 text[SLOT_BYTES];
	} slot[SLOTS];
	char		log[LOG_BYTES];
} *shared;

bool		 modern;

static bool	 http, sse, listless;		/* sse is http too */
static pid_t	 whole;				/* the server's first process */
static unsigned	 session;			/* of the message that is worked on, where there are any */
static unsigned	 stream;			/* HTTP+SSE: where all is said, once the POST was answered; or 0 */
static int	 conn = -1;			/* HTTP: of the request that is answered */
static bool	 begun, closed;
static char	 going[OUT_MAX];
static size_t	 going_bytes;
static struct asked_call call;
static char	*later[LATER_MAX];		/* stdio: requests heard while one was worked on */
static size_t	 later_count;

static unsigned
slot_of(struct span id)
{
	return (unsigned)strtoul(id.p, NULL, 10) % SLOTS;
}

/* Ids are a session's own. */
static atomic_bool *
cancelled(struct span id)
{
	return &shared->cancelled[(session * 257 + slot_of(id)) % SLOTS];
}

static void
note(struct span text)
{
	unsigned	at = atomic_fetch_add(&shared->used, (unsigned)text.n + 1);

	if (at + text.n + 1 >= LOG_BYTES)
		return;
	memcpy(shared->log + at + 1, text.p, text.n);
	shared->log[at] = ',';
}

static void
flush(void)
{
	ssize_t	r;

	if (stream > 0) {
		if (going_bytes > 0 && !sse_say(whole, stream, going, going_bytes))
			closed = true;
		going_bytes = 0;
		return;
	}
	for (size_t at = 0; at < going_bytes && !closed; at += (size_t)r)
		if ((r = write(http ? conn : 1, going + at, going_bytes - at)) <= 0) {
			closed = true;
			break;
		}
	going_bytes = 0;
}

/* ---- what comes while a request is worked on ---------------------------------------------------- */

/* An answer of the client's, or what it cancels; false: it is a request. */
static bool
take(struct span text, struct json_value message)
{
	struct json_value	method = json_get(message, "method"), id = json_get(message, "id");
	struct slot		*s;

	if (method.type == JSON_NONE && id.type == JSON_NUMBER && text.n < SLOT_BYTES) {
		s = &shared->slot[slot_of(id.raw)];
		memcpy(s->text, text.p, text.n);
		s->text[text.n] = '\0';
		(void)sem_post(&s->ready);
		return true;
	}
	if (json_is(method, "notifications/cancelled"))
		atomic_store(cancelled(json_get(json_get(message, "params"), "requestId").raw), true);
	return id.type == JSON_NONE;
}

/* The next line of stdin within ms, without its end; borrowed until the next. */
static bool
read_line(int ms, struct span *out)
{
	static char	text[TEXT_MAX];
	static size_t	used, taken;
	struct pollfd	p = { .fd = 0, .events = POLLIN };
	char		*end;
	ssize_t		n;

	memmove(text, text + taken, used -= taken);
	taken = 0;
	while ((end = memchr(text, '\n', used)) == NULL) {
		if (poll(&p, 1, ms) != 1)
			return false;
		if (used == sizeof(text) || (n = read(0, text + used, sizeof(text) - used)) <= 0)
			exit(0);
		used += (size_t)n;
	}
	*out = span_make(text, (size_t)(end - text));
	taken = out->n + 1;
	return true;
}

static void
look(void)
{
	struct json_value	message;
	struct span		text;
	char			c[256];
	int			n;

	if (http) {
		if (closed || stream > 0 || recv(conn, c, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
			return;
		closed = true;
		n = snprintf(c, sizeof(c), "{\"closed\":\"%.*s\"}", SPAN_FMT(call.name));
		note(span_make(c, (size_t)n));
		return;
	}
	while (read_line(0, &text)) {
		note(text);
		if (json_parse(text, false, &message, NULL) == 0 && !take(text, message) && later_count < LATER_MAX)
			later[later_count++] = strndup(text.p, text.n);
	}
}

static bool
is_over(void)
{
	flush();
	look();
	return closed || (call.id.n > 0 && atomic_load(cancelled(call.id)));
}

bool
hear(unsigned number, int ms, struct span *text)
{
	struct slot		*s = &shared->slot[number % SLOTS];
	struct timespec		 until;

	for (int waited = 0, step = STEP_MS; waited < ms; waited += step) {
		if (is_over())
			return false;
		step = waited < LONG_MS ? STEP_MS : LONG_STEP_MS;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += step * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (sem_timedwait(&s->ready, &until) == 0) {
			*text = span_of(s->text);
			return true;
		}
	}
	return false;
}

bool
pause_ms(int ms)
{
	for (; ms > 0; ms -= STEP_MS) {
		if (is_over())
			return false;
		usleep(STEP_MS * 1000);
	}
	return !is_over();
}

unsigned
ask_number(void)
{
	return atomic_fetch_add(&shared->numbers, 1) + 1;
}

unsigned
urls_count(void)
{
	return atomic_fetch_add(&shared->urls, 1);
}

/* ---- what goes ---------------------------------------------------------------------------------- */

/* Leaves with the next wait, or with the answer: what is said at once arrives at once. */
static void
put(const char *text, size_t n)
{
	if (n > sizeof(going) - going_bytes)
		exit(70);
	memcpy(going + going_bytes, text, n);
	going_bytes += n;
}

static void
put_event(const char *json)
{
	static char	text[TEXT_MAX];
	int		n;

	if (stream > 0) {
		put(text, (size_t)snprintf(text, sizeof(text), "event: message\ndata: %s\n\n", json));
		return;
	}
	if (!begun)
		put(text, (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"));
	begun = true;
	n = snprintf(text, sizeof(text), "%zx\r\nevent: message\ndata: %s\n\n\r\n", strlen(json) + 23, json);
	put(text, (size_t)n);
}

void
say(const char *fmt, ...)
{
	static char	json[TEXT_MAX / 2];
	va_list		ap;
	int		n;

	va_start(ap, fmt);
	n = vsnprintf(json, sizeof(json), fmt, ap);
	va_end(ap);
	if (http) {
		put_event(json);
	} else {
		put(json, (size_t)n);
		put("\n", 1);
	}
}

static void
reply(const char *json, size_t n)
{
	static char	head[256];

	if (!http) {
		put(json, n);
		put("\n", 1);
	} else if (begun || stream > 0) {
		put_event(json);
	} else {
		put(head, (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n", n));
		put(json, n);
	}
}

void
answer(const char *fmt, ...)
{
	static char	json[TEXT_MAX / 2];
	va_list		ap;
	int		n = snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(call.id));

	va_start(ap, fmt);
	n += vsnprintf(json + n, sizeof(json) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	json[n++] = '}';
	json[n] = '\0';
	reply(json, (size_t)n);
}

void
answer_heard(void)
{
	unsigned	n = atomic_load(&shared->used);

	answer("\"result\":{%s\"content\":[],\"structuredContent\":{\"heard\":[%.*s]}}",
	    modern ? "\"resultType\":\"complete\"," : "", n > 0 ? (int)n - 1 : 0, shared->log + 1);
}

/* ---- requests ------------------------------------------------------------------------------------ */

static bool
is_list(struct json_value method)
{
	return json_is(method, "tools/list") || json_is(method, "prompts/list") ||
	    json_is(method, "resources/list") || json_is(method, "resources/templates/list");
}

static void
serve(struct json_value message)
{
	struct json_value	method = json_get(message, "method"), name;

	call = (struct asked_call){ .id = json_get(message, "id").raw, .params = json_get(message, "params") };
	call.arguments = json_get(call.params, "arguments");
	call.token = json_get(json_get(call.params, "_meta"), "progressToken");
	name = json_get(call.params, "name");
	if (name.type == JSON_STRING)
		call.name = span_part(name.raw, 1, name.raw.n - 2);
	if (!modern && json_is(method, "initialize"))
		answer("\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{%s},"
		    "\"serverInfo\":{\"name\":\"%s\",\"version\":\"1\"}}", tools_capabilities(), tools_name);
	else if (modern && json_is(method, "server/discover"))
		answer("\"result\":{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":"
		    "{%s%s},\"ttlMs\":1000,\"cacheScope\":\"public\"}",
		    listless ? "\"prompts\":{},\"resources\":{}," : "", tools_capabilities());
	else if (listless && is_list(method))
		(void)pause_ms(60000);
	else if (json_is(method, "tools/list"))
		tools_list();
	else if (json_is(method, "tools/call"))
		tools_call(&call);
	else if (json_is(method, "logging/setLevel"))
		answer("\"result\":{}");
	else if (!tools_other(&call, method))
		answer("\"error\":{\"code\":-32601,\"message\":\"unknown\"}");
	call = (struct asked_call){ .id = SPAN_NONE };
	flush();
}

static void
serve_stdin(void)
{
	struct json_value	message;
	struct span		text;
	char			*line;

	while (read_line(-1, &text)) {
		line = strndup(text.p, text.n);
		text = span_of(line);
		note(text);
		if (json_parse(text, false, &message, NULL) == 0 && !take(text, message))
			serve(message);
		free(line);
		while (later_count > 0) {
			line = later[0];
			memmove(later, later + 1, --later_count * sizeof(later[0]));
			if (json_parse(span_of(line), false, &message, NULL) == 0)
				serve(message);
			free(line);
		}
	}
}

/* ---- HTTP ---------------------------------------------------------------------------------------- */

static void
reply_status(const char *status, const char *fields, const char *body)
{
	char	head[512];

	put(head, (size_t)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, fields,
	    strlen(body)));
	put(body, strlen(body));
}

static void
serve_message(struct span body)
{
	struct json_value	message;
	char			head[128], *json;

	note(body);
	if (json_parse(body, false, &message, NULL) != 0) {
		reply_status("400 Bad Request", "", "");
	} else if (take(body, message)) {
		reply_status("202 Accepted", "", "");
	} else if (!modern && json_is(json_get(message, "method"), "server/discover")) {
		reply_status("400 Bad Request", "Content-Type: application/json\r\n", "{\"jsonrpc\":\"2.0\",\"error\":{"
		    "\"code\":-32000,\"message\":\"Bad Request: Server not initialized\"},\"id\":null}");
	} else if (!modern && json_is(json_get(message, "method"), "initialize")) {
		snprintf(head, sizeof(head), "Content-Type: application/json\r\nMcp-Session-Id: s-%u\r\n",
		    atomic_fetch_add(&shared->sessions, 1));
		if (asprintf(&json, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"protocolVersion\":\"2025-11-25\","
		    "\"capabilities\":{%s},\"serverInfo\":{\"name\":\"%s\",\"version\":\"1\"}}}",
		    SPAN_FMT(json_get(message, "id").raw), tools_capabilities(), tools_name) < 0)
			exit(71);
		reply_status("200 OK", head, json);
		free(json);
	} else {
		serve(message);
		if (begun)
			put("0\r\n\r\n", 5);
	}
}

/* HTTP+SSE: every message is accepted, and what it makes us say comes on the stream. */
static void
serve_posted(struct span body)
{
	struct json_value	message;

	note(body);
	reply_status("202 Accepted", "Connection: close\r\n", "Accepted");
	flush();
	(void)shutdown(conn, SHUT_RDWR);
	stream = session;
	if (json_parse(body, false, &message, NULL) == 0 && !take(body, message))
		serve(message);
}

/* One request of the connection; false at its end. */
static bool
serve_one(void)
{
	static const char log_head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n[";
	static char	 text[TEXT_MAX];
	size_t		 used = 0, want = 0;
	char		*body = NULL, *length, *said;
	ssize_t		 n;

	begun = false;
	while (body == NULL || used - (size_t)(body - text) < want) {
		if (used == sizeof(text) - 1 || (n = read(conn, text + used, sizeof(text) - 1 - used)) <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL) {
			body += 4;
			length = strcasestr(text, "\r\nContent-Length:");
			want = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
			said = strcasestr(text, "\r\nMcp-Session-Id: s-");
			session = said == NULL || said > body ? 0 : (unsigned)strtoul(said + 20, NULL, 10) + 1;
		}
	}
	if (strncmp(text, "GET /log ", 9) == 0) {
		put(log_head, sizeof(log_head) - 1);
		put(shared->log + 1, atomic_load(&shared->used) > 0 ? atomic_load(&shared->used) - 1 : 0);
		put("]", 1);
		flush();
		return false;
	}
	if (sse && strncmp(text, "GET /sse ", 9) == 0) {
		sse_stream(conn, whole, atomic_fetch_add(&shared->sessions, 1) + 1);
		return false;
	}
	if (sse && strncmp(text, "POST /messages/?sessionId=", 26) == 0) {
		session = (unsigned)atoi(text + 26);
		serve_posted(span_make(body, want));
		return false;
	}
	if (sse)
		reply_status("404 Not Found", "", "Not Found");
	else if (strncmp(text, "POST ", 5) == 0)
		serve_message(span_make(body, want));
	else
		reply_status("405 No", "Allow: POST\r\n", "");
	flush();
	return !closed;
}

static void
serve_http(void)
{
	const int	listener = loopback_begin(NULL);

	(void)signal(SIGCHLD, SIG_IGN);
	while ((conn = accept(listener, NULL, NULL)) != -1) {
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			while (serve_one())
				;
			_exit(0);
		}
		close(conn);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s legacy|modern [http|sse]\n", argv[0]);
		return 64;
	}
	modern = strcmp(argv[1], "modern") == 0;
	sse = argc > 2 && strcmp(argv[2], "sse") == 0;
	http = sse || (argc > 2 && strcmp(argv[2], "http") == 0);
	listless = argc > 3 && strcmp(argv[3], "listless") == 0;
	whole = getpid();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED)
		return 71;
	for (int i = 0; i < SLOTS; i++)
		(void)sem_init(&shared->slot[i].ready, 1, 0);
	tools_begin();
	if (http)
		serve_http();
	else
		serve_stdin();
	return 0;
}
