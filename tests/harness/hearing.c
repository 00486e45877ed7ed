/* SPDX-License-Identifier: Apache-2.0
 *
 * hearing.c - one request whose answer is heard message by message
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/harness/hearing.h"
#include "tests/harness/procs.h"

static void
get(struct hearing *h, const struct mcp *m, const char *more)
{
	char	*all, *text;

	*h = (struct hearing){ .conn.fd = -1 };
	if (!client_open(&h->conn, m->address))
		return;
	all = mcp_headers(m, more);
	if (asprintf(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", m->path, all) < 0)
		abort();
	(void)client_send(&h->conn, text, strlen(text));
	free(all);
	free(text);
}

void
hearing_resume(struct hearing *h, const struct mcp *m, const char *id, const char *more)
{
	char	*lines;

	if (asprintf(&lines, "Last-Event-ID: %s\r\n%s", id, more) < 0)
		abort();
	get(h, m, lines);
	free(lines);
}

void
hearing_begin(struct hearing *h, const struct mcp *m, const char *id, const char *method, const char *params)
{
	char	*headers, *body, *all, *text;
	int	 n;

	if (method == NULL) {
		get(h, m, "");
		return;
	}
	*h = (struct hearing){ .conn.fd = -1 };
	if (!client_open(&h->conn, m->address))
		return;
	mcp_write(m, id, method, params, &headers, &body);
	all = mcp_headers(m, headers);
	n = asprintf(&text, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s", m->path,
	    all, strlen(body), body);
	if (n < 0)
		abort();
	(void)client_send(&h->conn, text, (size_t)n);
	free(headers);
	free(body);
	free(all);
	free(text);
}

/* More bytes of the connection; false when there are none in time, or any more. */
static bool
more(struct hearing *h, long until)
{
	long	left = until - now_ms();

	return client_more(&h->conn, left < 0 ? 0 : (int)left) == 1;
}

static void
use(struct client *c, size_t n)
{
	memmove(c->in, c->in + n, c->in_used - n + 1);
	c->in_used -= n;
}

static bool
read_head(struct hearing *h, long until)
{
	struct client	*c = &h->conn;
	struct answer	 a = { .head = NULL };
	const char	*v;
	char		*end;

	while (c->in_used == 0 || (end = strstr(c->in, "\r\n\r\n")) == NULL)
		if (!more(h, until))
			return false;
	a.head = strndup(c->in, (size_t)(end - c->in) + 2);
	use(c, (size_t)(end - c->in) + 4);
	h->status = atoi(a.head + 9);
	h->stream = (v = answer_header(&a, "Content-Type")) != NULL && strncmp(v, "text/event-stream", 17) == 0;
	h->chunked = answer_header(&a, "Transfer-Encoding") != NULL;
	h->left = (v = answer_header(&a, "Content-Length")) != NULL ? strtoul(v, NULL, 10) : 0;
	h->end = !h->chunked && h->left == 0;
	free(a.head);
	return true;
}

/* What of the body has come goes to text; false when that is nothing. */
static bool
take(struct hearing *h)
{
	struct client	*c = &h->conn;
	char		*end;
	size_t		 n, size;

	if (h->end || c->in_used == 0)
		return false;
	if (h->chunked && h->left == 0) {
		if ((end = strstr(c->in, "\r\n")) == NULL)
			return false;
		size = strtoul(c->in, NULL, 16);
		n = (size_t)(end - c->in) + 2;
		if (size == 0) {
			if (c->in_used < n + 2)
				return false;
			use(c, n + 2);
			h->end = true;
			return true;
		}
		use(c, n);
		h->left = size + 2;
		return true;
	}
	n = c->in_used < h->left ? c->in_used : h->left;
	h->text = realloc(h->text, h->used + n + 1);
	memcpy(h->text + h->used, c->in, n);
	h->used += n;
	h->left -= n;
	/* The line's end behind a chunk may come in two parts. */
	if (h->chunked && h->left < 2)
		h->used -= n < 2 - h->left ? n : 2 - h->left;
	h->text[h->used] = '\0';
	use(c, n);
	h->end = !h->chunked && h->left == 0;
	return true;
}

/* One event, whose lines end with LF: its message, or NULL. */
static json_object *
read_event(struct hearing *h, char *event)
{
	json_object	*o = NULL;
	char		*save = NULL;
	bool		 has_id = false, is_endpoint = false;

	for (char *line = strtok_r(event, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strcmp(line, "event: endpoint") == 0)
			is_endpoint = true;
		else if (strncmp(line, "data:", 5) == 0)
			o = is_endpoint ? json_object_new_string(line + 6) : json_tokener_parse(line + 5);
		else if (strncmp(line, "retry: ", 7) == 0)
			h->retry_ms = atoi(line + 7);
		else if (strncmp(line, "id: ", 4) == 0) {
			has_id = true;
			snprintf(h->id, sizeof(h->id), "%s", line + 4);
		}
	}
	h->ids += has_id;
	h->primed += has_id && o == NULL;
	return o;
}

/* One message of what is there already. */
static json_object *
told(struct hearing *h)
{
	json_object	*o = NULL;
	char		*end;

	if (!h->stream) {
		if (!h->end || h->used == 0)
			return NULL;
		o = json_tokener_parse(h->text);
		h->used = 0;
		return o;
	}
	while (o == NULL && h->used > 0 && (end = strstr(h->text, "\n\n")) != NULL) {
		*end = '\0';
		o = read_event(h, h->text);
		h->used -= (size_t)(end + 2 - h->text);
		memmove(h->text, end + 2, h->used + 1);
	}
	return o;
}

json_object *
hearing_next(struct hearing *h, int ms)
{
	long		 until = now_ms() + ms;
	json_object	*o;

	if (h->status == 0 && !read_head(h, until))
		return NULL;
	for (;;) {
		while (take(h))
			;
		if ((o = told(h)) != NULL)
			return o;
		if (h->end || !more(h, until))
			return NULL;
	}
}

bool
hearing_begins(struct hearing *h, int ms)
{
	return h->status != 0 || read_head(h, now_ms() + ms);
}

bool
hearing_ends(struct hearing *h, int ms)
{
	json_object	*o = hearing_next(h, ms);

	json_object_put(o);
	return o == NULL && h->end;
}

void
hearing_fini(struct hearing *h)
{
	client_close(&h->conn);
	free(h->text);
	*h = (struct hearing){ .conn.fd = -1 };
}
