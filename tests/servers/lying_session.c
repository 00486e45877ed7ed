/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_session.c - the stream of a legacy session, and calls that ask on it (words: lying_http.c)
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/servers/lying_http.h"

static struct post *
post_new(unsigned session)
{
	unsigned	i = atomic_fetch_add(&shared->posts, 1);

	if (i >= POSTS_MAX)
		exit(70);
	shared->post[i].session = session;
	return &shared->post[i];
}

static void
post_say(struct post *p, bool here, const char *fmt, ...)
{
	va_list	ap;
	int	n = snprintf(p->text, sizeof(p->text), "{\"jsonrpc\":\"2.0\",");

	va_start(ap, fmt);
	vsnprintf(p->text + n, sizeof(p->text) - (size_t)n, fmt, ap);
	va_end(ap);
	atomic_store(&p->state, here ? POST_SENT : POST_READY);
}

void
session_post(unsigned session, const char *fmt, ...)
{
	struct post	*p = post_new(session);
	va_list		 ap;
	int		 n = snprintf(p->text, sizeof(p->text), "{\"jsonrpc\":\"2.0\",");

	va_start(ap, fmt);
	vsnprintf(p->text + n, sizeof(p->text) - (size_t)n, fmt, ap);
	va_end(ap);
	atomic_store(&p->state, POST_READY);
}

static bool
is_gone(int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN | POLLRDHUP };

	return poll(&p, 1, 1) > 0;
}

/* False when it was cut. */
static bool
stream_say(int fd, unsigned mine)
{
	char	text[1024];

	for (unsigned i = 0; i < atomic_load(&shared->posts) && i < POSTS_MAX; i++) {
		struct post	*p = &shared->post[i];
		unsigned	 ready = POST_READY;

		if (p->session != mine || !atomic_compare_exchange_strong(&p->state, &ready, POST_SENT))
			continue;
		if (told("tells") && !told("tellids"))
			snprintf(text, sizeof(text), "retry: 20\ndata: %s\n\n", p->text);
		else
			snprintf(text, sizeof(text), "retry: 20\nid: g-%u\ndata: %s\n\n", i, p->text);
		chunk(fd, text);
		if (told("getcut")) {
			say(fd, "0\r\n\r\n");
			return false;
		}
	}
	return true;
}

bool
session_has_stream(void)
{
	static const char *const names[] = { "getasks", "getnotes", "getorphan", "getcut", "getslow", "gethang", "get409",
	    "getlost", "tells" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (told(names[i]))
			return true;
	return false;
}

void
session_stream(int fd, unsigned mine)
{
	char	line[64];

	if (told("gethang"))
		for (;;)
			pause();
	if (told("get409") && atomic_fetch_add(&shared->session[mine].refused, 1) < 2) {
		plain(fd, "409 Conflict", "Content-Type: application/json\r\n", "{\"jsonrpc\":\"2.0\",\"error\":"
		    "{\"code\":-32000,\"message\":\"Conflict\"},\"id\":null}");
		return;
	}
	if (atomic_load(&shared->session[mine].open) != 0) {
		plain(fd, "409 Conflict", "", "");
		return;
	}
	if (told("tellgone") && atomic_fetch_add(&shared->session[mine].refused, 1) > 0) {
		plain(fd, "405 Method Not Allowed", "", "");
		return;
	}
	if (told("getslow"))
		usleep(300000);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
	log_line(line, (size_t)snprintf(line, sizeof(line), "open s-%u\n", mine));
	if (told("getorphan") && atomic_load(&shared->posts) == 0) {
		post_say(post_new(mine), false, "\"id\":\"p\",\"method\":\"ping\"}");
		post_say(post_new(mine), false, "\"id\":7,\"method\":\"elicitation/create\",\"params\":{}}");
	}
	session_talk(fd, mine);
	_exit(0);
}

void
session_talk(int fd, unsigned mine)
{
	char	line[64];

	if (!told("tells") || news_stream_begins(fd, mine))
		while (stream_say(fd, mine) && !is_gone(fd) && atomic_load(&shared->session[mine].over) == 0)
			;
	atomic_store(&shared->session[mine].open, 0);
	log_line(line, (size_t)snprintf(line, sizeof(line), "closed s-%u\n", mine));
}

/* A response to something that was asked: its id is "q-" and the number of the post. */
void
session_take_response(const struct request *q)
{
	unsigned	i;

	if (sscanf(q->id, "q-%u", &i) != 1 || i >= atomic_load(&shared->posts))
		return;
	snprintf(shared->post[i].answer, sizeof(shared->post[i].answer), "%s", q->body);
	for (char *p = shared->post[i].answer; *p != '\0'; p++)
		if (*p == '"' || *p == '\\')
			*p = '\'';
	atomic_store(&shared->post[i].state, POST_ANSWERED);
}

/* Asks, on the session's stream or on this one, and waits; the answer, without quotes.  *most: how many
 * asked in this session at that time. */
static const char *
ask(int fd, unsigned mine, const char *a, bool here, unsigned *most)
{
	struct session	*s = &shared->session[mine];
	struct post	*p = post_new(mine);
	unsigned	 n;

	*most = atomic_fetch_add(&s->asking, 1) + 1;
	post_say(p, here, "\"id\":\"q-%u\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"%s\"}}",
	    (unsigned)(p - shared->post), a);
	if (here) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
		event(fd, p->text);
	}
	for (int i = 0; i < 8000 && atomic_load(&p->state) != POST_ANSWERED && !is_gone(fd); i++)
		if ((n = atomic_load(&s->asking)) > *most)
			*most = n;
	atomic_fetch_sub(&s->asking, 1);
	return p->answer;
}

bool
session_answer_call(int fd, const struct request *q, unsigned mine)
{
	static char	json[REQUEST_MAX];
	char		name[64], a[64], token[64];
	const char	*answered;
	unsigned	most;
	bool		here;

	member(q, "name", name, sizeof(name));
	member(q, "a", a, sizeof(a));
	if (told("getnotes")) {
		member(q, "progressToken", token, sizeof(token));
		post_say(post_new(mine), false, "\"method\":\"notifications/tools/list_changed\"}");
		if (token[0] != '\0')
			post_say(post_new(mine), false, "\"method\":\"notifications/progress\",\"params\":{"
			    "\"progressToken\":%s,\"progress\":1}}", token);
		post_say(post_new(mine), false, "\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
		    "\"data\":\"%s\"}}", a);
		usleep(300000);
	}
	if (!told("getasks"))
		return false;
	here = strcmp(name, "post") == 0;
	if (strcmp(name, "slow") == 0)
		usleep(200000);
	if (!here && strcmp(name, "ask") != 0 && !(strcmp(name, "maybe") == 0 && atoi(a) % 2 == 1))
		return false;
	atomic_fetch_add(&shared->calls, 1);
	answered = ask(fd, mine, a, here, &most);
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\","
	    "\"text\":\"%s got %s most %u\"}]}}", q->id, a, answered, most);
	if (here) {
		event(fd, json);
		say(fd, "0\r\n\r\n");
	} else
		answer(fd, "", json);
	return true;
}
