/* SPDX-License-Identifier: Apache-2.0
 *
 * client.c - an HTTP client for tests
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/harness/client.h"
#include "tests/harness/procs.h"

#define IN_MAX		(64u << 20)
#define TIMEOUT_MS	30000

static int
connect_to(const char *address, const char *source)
{
	struct sockaddr_un	 un = { .sun_family = AF_UNIX };
	struct sockaddr_in	 in = { .sin_family = AF_INET }, from = { .sin_family = AF_INET };
	const char		*colon = strrchr(address, ':');
	char			 host[64];
	int			 fd, one = 1, r;

	if (address[0] == '/') {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", address);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = connect(fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		if (colon == NULL)
			return -1;
		snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
		in.sin_port = htons((uint16_t)atoi(colon + 1));
		if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
			return -1;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (source != NULL && (inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
		    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)) {
			close(fd);
			return -1;
		}
		r = connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (r == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

const struct client_over	*client_over;

bool
client_open_from(struct client *c, const char *address, const char *source)
{
	const bool	over = strncmp(address, "tls:", 4) == 0;

	*c = (struct client){ .fd = connect_to(over ? address + 4 : address, source) };
	if (c->fd != -1 && over && (c->over = client_over->open(c->fd)) == NULL)
		client_close(c);
	return c->fd != -1;
}

bool
client_open(struct client *c, const char *address)
{
	return client_open_from(c, address, NULL);
}

void
client_close(struct client *c)
{
	if (c->over != NULL)
		client_over->close(c->over);
	if (c->fd != -1)
		close(c->fd);
	free(c->in);
	*c = (struct client){ .fd = -1 };
}

bool
client_send(struct client *c, const char *bytes, size_t n)
{
	ssize_t	sent;

	if (c->over != NULL)
		return client_over->send(c->over, bytes, n);
	while (n > 0) {
		sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

int
client_more(struct client *c, int timeout_ms)
{
	struct pollfd	p = { .fd = c->fd, .events = POLLIN };
	ssize_t		n;

	if (c->in_used >= IN_MAX || c->fd == -1)
		return -1;
	c->in = realloc(c->in, c->in_used + 65536 + 1);
	if (c->over != NULL)
		n = client_over->recv(c->over, c->in + c->in_used, 65536, timeout_ms);
	else
		n = poll(&p, 1, timeout_ms) != 1 ? -1 : recv(c->fd, c->in + c->in_used, 65536, 0);
	if (n == -1)
		return -1;
	c->in_used += (size_t)n;
	c->in[c->in_used] = '\0';
	return n > 0;
}

static int
more(struct client *c, long until)
{
	long	left = until - now_ms();

	return left <= 0 ? -1 : client_more(c, (int)left);
}

static void
use(struct client *c, size_t n)
{
	memmove(c->in, c->in + n, c->in_used - n + 1);
	c->in_used -= n;
}

static char *
copy_of(const char *p, size_t n)
{
	char	*out = malloc(n + 1);

	memcpy(out, p, n);
	out[n] = '\0';
	return out;
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static _Thread_local char value[4096];
	size_t		 n = strlen(name);
	const char	*line = a->head == NULL ? NULL : strstr(a->head, "\r\n");

	for (; line != NULL && line[2] != '\0'; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
			continue;
		line += 2 + n + 1;
		line += strspn(line, " \t");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
		return value;
	}
	return NULL;
}

static bool
read_length(struct client *c, size_t n, long until, struct answer *out)
{
	while (c->in_used < n)
		if (more(c, until) != 1)
			return false;
	out->body = copy_of(c->in, n);
	out->body_bytes = n;
	use(c, n);
	return true;
}

/* Reads until `n` bytes are there behind `*at`; what is before it is dropped for that. */
static bool
have(struct client *c, size_t *at, size_t n, long until)
{
	while (c->in_used - *at < n) {
		use(c, *at);
		*at = 0;
		if (more(c, until) != 1)
			return false;
	}
	return true;
}

static void
body_add(struct answer *out, size_t *room, const char *p, size_t n)
{
	if (out->body_bytes + n >= *room) {
		*room = 2 * (out->body_bytes + n + 1);
		out->body = realloc(out->body, *room);
	}
	memcpy(out->body + out->body_bytes, p, n);
	out->body_bytes += n;
	out->body[out->body_bytes] = '\0';
}

/* RFC 9112 7.1, without trailers.  Each byte is moved a few times at most, however small the chunks are. */
static bool
read_chunks(struct client *c, long until, struct answer *out)
{
	const char	*end;
	size_t		 size = 1, head, at = 0, room = 0;

	body_add(out, &room, "", 0);
	while (size > 0) {
		while ((end = memchr(c->in + at, '\n', c->in_used - at)) == NULL)
			if (!have(c, &at, c->in_used - at + 1, until))
				return false;
		size = strtoul(c->in + at, NULL, 16);
		head = (size_t)(end - (c->in + at)) + 1;
		if (!have(c, &at, head + size + 2, until) || memcmp(c->in + at + head + size, "\r\n", 2) != 0)
			return false;
		body_add(out, &room, c->in + at + head, size);
		at += head + size + 2;
	}
	use(c, at);
	return true;
}

static bool
read_to_end(struct client *c, long until, struct answer *out)
{
	int	r;

	while ((r = more(c, until)) == 1)
		;
	out->body = copy_of(c->in, c->in_used);
	out->body_bytes = c->in_used;
	use(c, c->in_used);
	return r == 0;
}

static json_object *
parse_json(const char *text, size_t n)
{
	json_tokener	*t = json_tokener_new();
	json_object	*o = json_tokener_parse_ex(t, text, (int)n);

	json_tokener_free(t);
	return o;
}

/* The last message of an event stream; each is one `data:` line here. */
static void
parse_events(struct answer *a)
{
	for (const char *line = a->body; line != NULL && *line != '\0'; ) {
		const char *next = strchr(line, '\n');

		if (strncmp(line, "data:", 5) == 0) {
			json_object *o = parse_json(line + 5, next == NULL ? strlen(line + 5) :
			    (size_t)(next - line - 5));

			if (o != NULL) {
				json_object_put(a->json);
				a->json = o;
				a->events++;
			}
		}
		line = next == NULL ? NULL : next + 1;
	}
}

void
client_read(struct client *c, int timeout_ms, struct answer *out)
{
	long		 until = now_ms() + timeout_ms;
	const char	*h;
	char		*end;
	int		 r = 1;
	bool		 whole;

	*out = (struct answer){ .status = 0 };
	if (c->fd == -1)
		return;
	while (c->in_used == 0 || (end = strstr(c->in, "\r\n\r\n")) == NULL) {
		if ((r = more(c, until)) != 1) {
			out->end = r == 0 && c->in_used == 0;
			return;
		}
	}
	out->head = copy_of(c->in, (size_t)(end - c->in) + 2);
	use(c, (size_t)(end - c->in) + 4);
	if (strncmp(out->head, "HTTP/1.1 ", 9) != 0)
		return;
	out->status = atoi(out->head + 9);
	out->closes = (h = answer_header(out, "Connection")) != NULL && strcasecmp(h, "close") == 0;
	if (out->status == 100) {
		answer_fini(out);
		client_read(c, (int)(until - now_ms()), out);
		return;
	}
	if (out->status == 204 || out->status == 304) {
		out->body = copy_of("", 0);
		return;
	}
	if ((h = answer_header(out, "Transfer-Encoding")) != NULL)
		whole = read_chunks(c, until, out);
	else if ((h = answer_header(out, "Content-Length")) != NULL)
		whole = read_length(c, strtoul(h, NULL, 10), until, out);
	else
		whole = read_to_end(c, until, out);
	if (!whole) {
		out->status = 0;
		return;
	}
	h = answer_header(out, "Content-Type");
	if (h != NULL && strncmp(h, "text/event-stream", 17) == 0)
		parse_events(out);
	else if (h != NULL && strncmp(h, "application/json", 16) == 0)
		out->json = parse_json(out->body, out->body_bytes);
}

void
client_ask(struct client *c, const char *method, const char *path, const char *headers,
    const char *body, struct answer *out)
{
	char	*text = NULL;
	int	 n;

	if (body != NULL)
		n = asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
		    method, path, headers, strlen(body), body);
	else
		n = asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, headers);
	*out = (struct answer){ .status = 0 };
	/* An early refusal may come while we still send: read in any case. */
	if (c->fd != -1 && n > 0) {
		(void)client_send(c, text, (size_t)n);
		client_read(c, TIMEOUT_MS, out);
	}
	free(text);
}

void
client_once(const char *address, const char *method, const char *path, const char *headers,
    const char *body, struct answer *out)
{
	struct client	c;

	*out = (struct answer){ .status = 0 };
	if (client_open(&c, address))
		client_ask(&c, method, path, headers, body, out);
	client_close(&c);
}

void
answer_fini(struct answer *a)
{
	free(a->head);
	free(a->body);
	json_object_put(a->json);
	*a = (struct answer){ .status = 0 };
}

json_object *
json_at(json_object *o, const char *path)
{
	char	name[256];
	size_t	n;

	while (o != NULL && *path != '\0') {
		if (*path == '[') {
			if (!json_object_is_type(o, json_type_array))
				return NULL;
			o = json_object_array_get_idx(o, strtoul(path + 1, NULL, 10));
			path += strcspn(path, "]") + 1;
		} else {
			n = strcspn(path, ".[");
			snprintf(name, sizeof(name), "%.*s", (int)n, path);
			if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, name, &o))
				return NULL;
			path += n;
		}
		if (*path == '.')
			path++;
	}
	return o;
}

const char *
json_text_at(json_object *from, const char *path)
{
	json_object	*o = json_at(from, path);

	return o == NULL ? "" : json_object_get_string(o);
}

int
json_int_at(json_object *from, const char *path)
{
	json_object	*o = json_at(from, path);

	return o == NULL ? 0 : json_object_get_int(o);
}
