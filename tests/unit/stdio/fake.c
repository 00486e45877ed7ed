/* SPDX-License-Identifier: Apache-2.0
 *
 * fake.c - mcpgw-stdio between a client and a gateway that are both the test
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "stdio/relay.h"
#include "tests/unit/stdio/fake.h"

void
fake_listen(struct fake *f)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };

	strcpy(sa.sun_path, f->path);
	unlink(f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(f->listener != -1 && bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	    listen(f->listener, 64) == 0);
}

void
fake_unlisten(struct fake *f)
{
	close(f->listener);
	f->listener = -1;
	unlink(f->path);
	for (int i = 0; i < FAKE_CONNS; i++)
		if (f->conns[i] != -1) {
			close(f->conns[i]);
			f->conns[i] = -1;
		}
}

static _Noreturn void
child(const struct fake *f, int in, int out)
{
	static struct relay	relay;
	int			code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_init("mcpgw-stdio", STDERR_FILENO, LOG_FORM_PLAIN);
	signal(SIGPIPE, SIG_IGN);
	close(f->in);
	close(f->out);
	if (relay_init(&relay, in, out, f->path, "/mcp", "mcpgwctl start") != 0)
		_exit(99);
	code = relay_run(&relay, -1);
	relay_fini(&relay);
	exit(code);
}

void
fake_start(struct fake *f, bool absent)
{
	int	in[2], out[2];

	*f = (struct fake){ .listener = -1 };
	for (int i = 0; i < FAKE_CONNS; i++)
		f->conns[i] = -1;
	strcpy(f->dir, "/tmp/mcpgw-fake-XXXXXX");
	cr_assert(mkdtemp(f->dir) != NULL);
	snprintf(f->path, sizeof(f->path), "%s/mcp.sock", f->dir);
	if (!absent)
		fake_listen(f);
	signal(SIGPIPE, SIG_IGN);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	f->in = in[1];
	f->out = out[0];
	f->pid = fork();
	cr_assert(f->pid != -1);
	if (f->pid == 0) {
		close(f->listener);
		child(f, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
}

int
fake_end(struct fake *f)
{
	struct asked	a;
	int		status;

	if (f->in != -1)
		close(f->in);
	f->in = -1;
	while (waitpid(f->pid, &status, WNOHANG) == 0) {
		/* The end of a session is answered; whatever else comes is hung up on. */
		if (f->listener != -1 && fake_next(f, &a, 20)) {
			fake_answer(f, &a, strncmp(a.line, "DELETE", 6) == 0 ? 200 : 500, "", "");
			asked_fini(&a);
		} else {
			usleep(5000);
		}
	}
	if (f->listener != -1)
		fake_unlisten(f);
	close(f->out);
	free(f->heard);
	rmdir(f->dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- the client ------------------------------------------------------------------------------------ */

static void
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t	w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return;
		p += w;
		n -= (size_t)w;
	}
}

void
fake_say(struct fake *f, const char *line)
{
	write_all(f->in, line, strlen(line));
	write_all(f->in, "\n", 1);
}

const char *
fake_hear(struct fake *f, int ms)
{
	static char	*line;
	uint64_t	 until = clock_mono_ms() + (uint64_t)ms;

	for (;;) {
		char	*lf = f->heard_bytes == 0 ? NULL : memchr(f->heard, '\n', f->heard_bytes);
		size_t	 n;
		ssize_t	 got;
		struct pollfd p = { f->out, POLLIN, 0 };
		uint64_t now = clock_mono_ms();

		if (lf != NULL) {
			n = (size_t)(lf - f->heard);
			free(line);
			line = strndup(f->heard, n);
			f->heard_bytes -= n + 1;
			memmove(f->heard, lf + 1, f->heard_bytes);
			return line;
		}
		if (now >= until || poll(&p, 1, (int)(until - now)) != 1)
			return NULL;
		f->heard = realloc(f->heard, f->heard_bytes + 65536);
		if ((got = read(f->out, f->heard + f->heard_bytes, 65536)) <= 0)
			return NULL;
		f->heard_bytes += (size_t)got;
	}
}

/* --- the gateway ----------------------------------------------------------------------------------- */

/* Reads a request that has begun to arrive.  False: the connection was closed. */
static bool
read_request(int fd, struct asked *a)
{
	size_t		 used = 0, length = 0;
	ssize_t		 n;
	char		*end, *p;

	while (used < sizeof(a->head) - 1) {
		if ((n = read(fd, a->head + used, 1)) <= 0)
			return false;
		a->head[++used] = '\0';
		if (used >= 4 && strcmp(a->head + used - 4, "\r\n\r\n") == 0)
			break;
	}
	end = strstr(a->head, "\r\n");
	snprintf(a->line, sizeof(a->line), "%.*s", (int)(end - a->head), a->head);
	if ((p = strstr(a->head, "Content-Length: ")) != NULL)
		length = strtoul(p + 16, NULL, 10);
	a->body = calloc(1, length + 1);
	for (a->body_bytes = 0; a->body_bytes < length; a->body_bytes += (size_t)n)
		if ((n = read(fd, a->body + a->body_bytes, length - a->body_bytes)) <= 0)
			return false;
	return true;
}

bool
fake_next(struct fake *f, struct asked *a, int ms)
{
	uint64_t	until = clock_mono_ms() + (uint64_t)ms;

	*a = (struct asked){ .conn = -1 };
	for (;;) {
		struct pollfd	p[FAKE_CONNS + 1] = { { f->listener, POLLIN, 0 } };
		uint64_t	now = clock_mono_ms();

		for (int i = 0; i < FAKE_CONNS; i++)
			p[i + 1] = (struct pollfd){ f->conns[i], POLLIN, 0 };
		if (now >= until || poll(p, FAKE_CONNS + 1, (int)(until - now)) <= 0)
			return false;
		if (p[0].revents != 0) {
			int	slot = 0;

			while (slot < FAKE_CONNS - 1 && f->conns[slot] != -1)
				slot++;
			f->conns[slot] = accept(f->listener, NULL, NULL);
			continue;
		}
		for (int i = 0; i < FAKE_CONNS; i++) {
			if (p[i + 1].revents == 0)
				continue;
			if (read_request(f->conns[i], a)) {
				a->conn = f->conns[i];
				f->conns[i] = -1;
				return true;
			}
			asked_fini(a);
			close(f->conns[i]);
			f->conns[i] = -1;
		}
	}
}

void
fake_bite(struct fake *f, size_t bytes)
{
	struct pollfd	p = { f->listener, POLLIN, 0 };
	char		c;
	int		fd;

	cr_assert(poll(&p, 1, FAKE_WAIT_MS) == 1, "no new connection");
	fd = accept(f->listener, NULL, NULL);
	p.fd = fd;
	poll(&p, 1, 100);		/* until there is something to leave unread */
	while (bytes-- > 0)
		cr_assert(read(fd, &c, 1) == 1);
	close(fd);
}

void
fake_take(struct fake *f)
{
	struct pollfd	p = { f->listener, POLLIN, 0 };

	cr_assert(poll(&p, 1, FAKE_WAIT_MS) == 1 && accept(f->listener, NULL, NULL) != -1);
}

void
asked_fini(struct asked *a)
{
	free(a->body);
	a->body = NULL;
}

bool
asked_has(const struct asked *a, const char *field_line)
{
	char	line[1024];

	snprintf(line, sizeof(line), "\r\n%s\r\n", field_line);
	return strstr(a->head, line) != NULL;
}

bool
asked_says(const struct asked *a, const char *part)
{
	return a->body != NULL && strstr(a->body, part) != NULL;
}

void
fake_answer(struct fake *f, struct asked *a, int status, const char *fields, const char *body)
{
	char	head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%s%sContent-Length: %zu\r\n\r\n", status,
	    body[0] == '{' || body[0] == '[' ? "Content-Type: application/json\r\n" : "", fields, strlen(body));
	write_all(a->conn, head, strlen(head));
	write_all(a->conn, body, strlen(body));
	for (int i = 0; i < FAKE_CONNS; i++)
		if (f->conns[i] == -1) {
			f->conns[i] = a->conn;
			break;
		}
	a->conn = -1;
	asked_fini(a);
}

void
fake_stream(struct asked *a)
{
	fake_write(a, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
}

void
fake_write(struct asked *a, const char *text)
{
	write_all(a->conn, text, strlen(text));
}

void
fake_hang_up(struct asked *a)
{
	close(a->conn);
	a->conn = -1;
	asked_fini(a);
}

bool
fake_is_hung_up(const struct asked *a, int ms)
{
	struct pollfd	p = { a->conn, POLLIN, 0 };
	char		c;

	return poll(&p, 1, ms) == 1 && recv(a->conn, &c, 1, MSG_PEEK) <= 0;
}

void
fake_handshake(struct fake *f, const char *id)
{
	struct asked	a;
	char		field[256];
	const char	*line;

	snprintf(field, sizeof(field), "Mcp-Session-Id: %s\r\n", id);
	fake_say(f, INITIALIZE);
	cr_assert(fake_next(f, &a, FAKE_WAIT_MS), "no initialize");
	cr_expect(strstr(a.head, "Mcp-Session-Id") == NULL && strstr(a.head, "MCP-Protocol-Version") == NULL);
	cr_expect(asked_says(&a, "\"initialize\""));
	fake_answer(f, &a, 200, field, INITIALIZE_RESULT);
	line = fake_hear(f, FAKE_WAIT_MS);
	cr_assert(line != NULL && strcmp(line, INITIALIZE_RESULT) == 0, "%s", line);
	fake_say(f, INITIALIZED);
	cr_assert(fake_next(f, &a, FAKE_WAIT_MS), "no initialized");
	cr_expect(asked_says(&a, "notifications/initialized"));
	fake_answer(f, &a, 202, "", "");
	cr_assert(fake_next(f, &a, FAKE_WAIT_MS), "no GET");
	cr_expect(strcmp(a.line, "GET /mcp HTTP/1.1") == 0, "%s", a.line);
	fake_answer(f, &a, 405, "", "");
}
