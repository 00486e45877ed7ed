/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_large.c - large answers of lying-http, in one piece or in chunks, right or not, and how much of them went out
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/servers/lying_http.h"

#define LARGE_MAX	(16u << 20)
#define BLOCK		3000		/* of a chunk */
#define AT_ONCE		65536		/* what went out is counted in these */

struct text {
	char	*p;
	size_t	 used;
};

static void
put(struct text *t, const char *s)
{
	size_t	n = strlen(s);

	if (t->used + n < LARGE_MAX) {
		memcpy(t->p + t->used, s, n);
		t->used += n;
	}
}

static void
put_text(struct text *t, size_t n)
{
	for (size_t i = 0; i < n && t->used + 1 < LARGE_MAX; i++)
		t->p[t->used++] = "0123456789abcdef"[i % 16];
}

static void
put_rows(struct text *t, size_t n)
{
	size_t	end = t->used + n;

	put(t, "{\"row\":0}");
	while (t->used < end && t->used + 16 < LARGE_MAX)
		put(t, ",{\"row\":1.5e3}");
}

static void
put_member(struct text *t, char letter, size_t n)
{
	switch (letter) {
	case 'c':
		put(t, "\"content\":[{\"type\":\"text\",\"text\":\"");
		put_text(t, n);
		put(t, "\"}]");
		break;
	case 's':
		put(t, "\"structuredContent\":{\"rows\":[");
		put_rows(t, n);
		put(t, "]}");
		break;
	case 'a':
		put(t, "\"structuredContent\":[");
		put_rows(t, n);
		put(t, "]");
		break;
	case 't':
		put(t, "\"resultType\":\"complete\"");
		break;
	case 'q':
		put(t, "\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{\"k\":{\"method\":"
		    "\"elicitation/create\",\"params\":{\"mode\":\"form\",\"message\":\"m\",\"requestedSchema\":"
		    "{\"type\":\"object\",\"properties\":{}}}}}");
		break;
	case 'm':
		put(t, "\"_meta\":{\"a\":[1,{}],\"io.modelcontextprotocol/serverInfo\":{\"name\":\"lying\",\"version\":\"1\"}}");
		break;
	case 'e':
		put(t, "\"isError\":true");
		break;
	default:
		put(t, "\"x\":{\"content\":[1,2]}");
	}
}

static void
write_counted(int fd, const char *p, size_t n)
{
	ssize_t	r;

	while (n > 0) {
		if ((r = write(fd, p, n < AT_ONCE ? n : AT_ONCE)) <= 0)
			exit(0);
		atomic_fetch_add(&shared->written, (unsigned)r);
		p += r;
		n -= (size_t)r;
	}
}

void
large_answer(int fd, const struct request *q)
{
	struct text	t = { malloc(LARGE_MAX), 0 };
	char		bytes[32], order[64], end[32], head[64];
	size_t		n;

	if (strcmp(q->method, "tools/list") == 0) {
		put(&t, "{\"jsonrpc\":\"2.0\",\"result\":{\"resultType\":\"complete\",\"tools\":[{\"name\":\"fill\",\"inputSchema\":"
		    "{\"type\":\"object\"}}]},\"id\":");
		put(&t, q->id);
		put(&t, "}");
		t.p[t.used] = '\0';
		plain(fd, "200 OK", "Content-Type: application/json\r\n", t.p);
		free(t.p);
		return;
	}
	member(q, "n", bytes, sizeof(bytes));
	member(q, "order", order, sizeof(order));
	member(q, "end", end, sizeof(end));
	put(&t, "{\"result\":{");
	for (const char *letter = order; *letter != '\0'; letter++) {
		if (letter > order)
			put(&t, ",");
		put_member(&t, *letter, (size_t)atol(bytes));
	}
	put(&t, "},\"jsonrpc\":\"2.0\",\"id\":");
	put(&t, strcmp(end, "other") == 0 ? "424242" : q->id);
	put(&t, strcmp(end, "bad") == 0 ? "]" : "}");
	if (strcmp(end, "chunked") != 0) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", t.used);
		write_counted(fd, t.p, strcmp(end, "cut") == 0 ? t.used - 1 : t.used);
		if (strcmp(end, "cut") == 0)
			exit(0);
		free(t.p);
		return;
	}
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t at = 0; at < t.used; at += n) {
		n = t.used - at < BLOCK ? t.used - at : BLOCK;
		snprintf(head, sizeof(head), "%zx\r\n", n);
		write_counted(fd, head, strlen(head));
		write_counted(fd, t.p + at, n);
		write_counted(fd, "\r\n", 2);
	}
	write_counted(fd, "0\r\n\r\n", 5);
	free(t.p);
}
