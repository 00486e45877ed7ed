/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c - a lying server, and calls to it
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/cert.h"
#include "policy/build.h"
#include "server.h"
#include "tests/harness/testca.h"

#define PROFILE	77

static const struct upstream_params params = {
	.connect_timeout_ms = 2000, .idle_ms = 10000, .start_timeout_ms = 5000, .answer_memory = 64 << 20,
};

static bool
is_sse(const char *words)
{
	return words != NULL && strncmp(words, "http+sse", 8) == 0;
}

static unsigned
spawn(struct server *s, const char *words)
{
	char		 self[512], path[600], *argv[16], *copy = strdup(words), line[32];
	int		 fds[2], n = is_sse(words) ? 0 : 1;
	ssize_t		 got;

	got = readlink("/proc/self/exe", self, sizeof(self) - 1);
	cr_assert(got > 0);
	self[got] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/%s", self, is_sse(words) ? "lying-sse" : "lying-http");
	for (char *w = strtok(copy, " "); w != NULL && n < 15; w = strtok(NULL, " "))
		argv[n++] = w;
	argv[0] = path;
	argv[n] = NULL;
	cr_assert(pipe(fds) == 0);
	if ((s->pid = fork()) == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execv(path, argv);
		_exit(127);
	}
	close(fds[1]);
	for (got = 0; got < (ssize_t)sizeof(line) - 1 && read(fds[0], line + got, 1) == 1 && line[got] != '\n'; got++)
		;
	line[got] = '\0';
	close(fds[0]);
	free(copy);
	cr_assert(atoi(line) > 0, "%s said its port", path);
	return (unsigned)atoi(line);
}

/* A port on which nobody listens. */
static unsigned
closed_port(void)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(a);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* A policy with our one server, which trusts this authority. */
static void
trust(struct server *s, const struct testca *ca)
{
	struct rec_server	 rec = { .kind = SERVER_HTTP, .https = 1, .profile = PROFILE, .anchor_count = 1 };
	struct rec_anchor	 anchor = { .subject = cert_name_hash(X509_get_subject_name(ca->cert)) };
	unsigned char		*der = NULL;
	int			 fd, n = i2d_X509(ca->cert, &der);
	struct build		*b;
	uint64_t		 length;
	uint32_t		 index;

	cr_assert(build_new(SNAP_POLICY, "", &b) == 0 && build_text(b, SPAN_LIT("127.0.0.1:1"), &rec.url_host) == 0);
	cr_assert(build_text(b, span_make(der, (size_t)n), &anchor.der) == 0);
	cr_assert(build_add(b, SECTION_ANCHOR, &anchor, &index) == 0 && build_add(b, SECTION_SERVER, &rec, &index) == 0);
	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &s->policy) == 0);
	OPENSSL_free(der);
	build_free(&b);
	close(fd);
}

static void
begin_tls(struct server *s, unsigned port)
{
	struct testca	ca;
	struct testcert	c;
	char		pem[96];

	snprintf(s->folder, sizeof(s->folder), "/tmp/mcpgw-upstream.XXXXXX");
	cr_assert(mkdtemp(s->folder) != NULL);
	snprintf(pem, sizeof(pem), "%s/pem", s->folder);
	testca_new(&ca, "the test's own", NULL);
	testca_issue(&ca, "IP:127.0.0.1", 0, 1, &c);
	testcert_write(&c, NULL, pem);
	trust(s, &ca);
	front_start(&s->front, port, pem, "");
	testcert_free(&c);
	testca_free(&ca);
}

static void
end_tls(struct server *s)
{
	char	pem[96];

	if (s->policy == NULL)
		return;
	snap_release(&s->policy);
	front_stop(&s->front);
	unlink(s->front.log);
	snprintf(pem, sizeof(pem), "%s/pem", s->folder);
	unlink(pem);
	rmdir(s->folder);
}

static void
begin_upstream(struct server *s, const struct region *sessions)
{
	cr_assert(loop_new(&s->loop) == 0);
	block_pool_init(&s->blocks, 8);
	cr_assert(upstream_new(s->loop, &s->blocks, sessions, &params, &s->up) == 0);
	if (s->policy != NULL)
		upstream_set_policy(s->up, s->policy);
}

void
server_start(struct server *s, const char *words, const struct region *sessions)
{
	uint32_t	loopback = htonl(INADDR_LOOPBACK);
	bool		tls = words != NULL && (getenv("MCPGW_TEST_TLS") != NULL || strncmp(words, "https ", 6) == 0);
	unsigned	port;

	signal(SIGPIPE, SIG_IGN);	/* as workers do */
	memset(s, 0, sizeof(*s));
	if (words != NULL && strncmp(words, "https ", 6) == 0)
		words += 6;
	port = s->port = words == NULL ? closed_port() : spawn(s, words);
	if (tls) {
		begin_tls(s, port);
		port = s->front.port;
	}
	begin_upstream(s, sessions);
	snprintf(s->host, sizeof(s->host), "127.0.0.1:%u", port);
	s->secret = (struct exchange_field){ SPAN_LIT("X-Secret"), SPAN_LIT("hush") };
	s->target = (struct upstream_target){ .profile = PROFILE, .server = PROFILE, .pool = { .key = PROFILE,
	    .count = 1, .port = (uint16_t)port, .site = tls ? PROFILE : 0 },
	    .name = SPAN_LIT("lying"), .host = span_of(s->host), .path = is_sse(words) ? SPAN_LIT("/sse") : SPAN_LIT("/mcp"),
	    .headers = &s->secret, .header_count = 1 };
	s->target.pool.address[0].family = AF_INET;
	memcpy(s->target.pool.address[0].bytes, &loopback, 4);
}

static void
stop_upstream(struct server *s)
{
	upstream_free(&s->up);
	block_pool_fini(&s->blocks);	/* checks that all came back */
	loop_free(&s->loop);
}

void
server_renew(struct server *s, const struct region *sessions)
{
	stop_upstream(s);
	begin_upstream(s, sessions);
}

void
server_stop(struct server *s)
{
	stop_upstream(s);
	end_tls(s);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
}

void
server_reply(struct outcome *o)
{
	char	text[RPC_ID_MAX + 128];
	int	n;

	n = snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"action\":\"accept\","
	    "\"content\":{\"a\":%u}}}", o->question, o->a);
	cr_expect(eq(int, upstream_call_reply(o->call, span_make(text, (size_t)n)), 0));
}

static void
on_message(struct upstream_call *c, const struct rpc_answer *m, void *arg)
{
	struct outcome		*o = arg;
	struct json_value	 text = json_get(m->params, "message");

	(void)c;
	if (m->kind == RPC_REQUEST) {
		o->requests++;
		snprintf(o->question, sizeof(o->question), "%.*s", SPAN_FMT(m->id));
		snprintf(o->asked, sizeof(o->asked), "%.*s", SPAN_FMT(text.raw));
		if (!o->hold)
			server_reply(o);
		return;
	}
	cr_expect(m->kind == RPC_NOTIFICATION);
	o->notes++;
	strncat(o->said, mcp_method_row(m->method)->text + strlen("notifications/"), sizeof(o->said) / 4);
	strcat(o->said, " ");
	if (o->free_in_note)
		upstream_call_free(&o->call);
}

static void
on_done(struct upstream_call *c, const struct upstream_result *r, void *arg)
{
	struct outcome	*o = arg;

	cr_assert(not(o->done), "once");
	o->done = true;
	o->error = r->error;
	o->sent = r->sent;
	o->modern = r->modern;
	snprintf(o->why, sizeof(o->why), "%.*s", SPAN_FMT(r->why));
	if (r->answer != NULL) {
		o->is_error = r->answer->is_error;
		o->text_bytes = r->answer->text.n;
		snprintf(o->text, sizeof(o->text), "%.*s", (int)(r->answer->text.n < 511 ? r->answer->text.n : 511),
		    r->answer->text.p);
		snprintf(o->id, sizeof(o->id), "%.*s", SPAN_FMT(r->answer->id));
	}
	if (!o->keep)
		upstream_call_free(&o->call);
	(void)c;
}

#define KEYS	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
		"\"io.modelcontextprotocol/clientCapabilities\":{}"
#define META	",\"_meta\":{" KEYS "}"

int
server_call(struct server *s, uint64_t instance, uint32_t ms, bool repeatable, struct outcome *o)
{
	static const char	body[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"t\xc3\xbcr\",\"arguments\":{\"a\":1}" META "}}";
	struct upstream_request	r = {
		.target = &s->target, .instance = instance, .deadline_ms = ms, .method = MCP_TOOLS_CALL,
		.name = SPAN_LIT("t\xc3\xbcr"), .body = SPAN_LIT(""), .is_list = repeatable, .repeatable = repeatable,
		.capabilities = o->capabilities,
	};

	r.body = span_make(body, sizeof(body) - 1);
	r.id = (struct upstream_mark){ (uint32_t)(strstr(body, "\"id\":") + 5 - body), 1 };
	r.modern_meta = (struct upstream_mark){ (uint32_t)(strstr(body, META) - body), sizeof(META) - 1 };
	if (o->tool != NULL) {
		snprintf(o->body, sizeof(o->body), "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{"
		    "\"name\":\"%s\",\"arguments\":{\"a\":%u},\"_meta\":{\"progressToken\":%s," KEYS "}}}", o->tool, o->a,
		    o->token == NULL ? "null" : o->token);
		r.name = span_of(o->tool);
		r.body = span_of(o->body);
		r.id.at = (uint32_t)(strstr(o->body, "\"id\":") + 5 - o->body);
		r.modern_meta.at = (uint32_t)(strstr(o->body, "," KEYS) - o->body);
		r.modern_meta.bytes = sizeof("," KEYS) - 1;
		r.progress_token = span_of(o->token);
	}
	return upstream_call_start(s->up, &r, on_message, on_done, o, &o->call);
}

void
server_turn(struct server *s, unsigned ms)
{
	struct timespec	a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		loop_turn(s->loop, false);
		usleep(500);
		clock_gettime(CLOCK_MONOTONIC, &b);
	} while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < (long)ms);
}

void
server_wait(struct server *s, struct outcome *o)
{
	for (int i = 0; i < 20000 && !o->done; i++) {
		loop_turn(s->loop, false);
		if (!o->done)
			usleep(500);
	}
	cr_assert(o->done, "the call came to an end");
}

void
server_ask(struct server *s, struct outcome *o)
{
	*o = (struct outcome){ .keep = false };
	cr_assert(eq(int, server_call(s, 1, 8000, false, o), 0));
	cr_expect(not(o->done), "never inside the start");
	server_wait(s, o);
}

unsigned
server_saw(struct server *s, const char *text)
{
	static char		log[1 << 20];
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
	    .sin_port = htons((uint16_t)s->port) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t			used = 0;
	ssize_t			n;
	unsigned		times = 0;

	cr_assert(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	cr_assert(write(fd, "GET /log HTTP/1.1\r\nHost: a\r\n\r\n", 31) == 31);
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, log + used, sizeof(log) - 1 - used)) > 0)
		used += (size_t)n;
	log[used] = '\0';
	close(fd);
	for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
		times++;
	return times;
}
