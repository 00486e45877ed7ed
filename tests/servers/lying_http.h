/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_http.h - what the files of lying-http share
 */
#ifndef TESTS_SERVERS_LYING_HTTP_H
#define TESTS_SERVERS_LYING_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_BYTES	(1 << 20)
#define REQUEST_MAX	(1 << 20)

#define POSTS_MAX	4096
#define SESSIONS_MAX	4096
#define SUBS_MAX	4096

enum { POST_NEW, POST_READY, POST_SENT, POST_ANSWERED };

/* What is to be said on a session's stream. */
struct post {
	atomic_uint	state;
	unsigned	session;
	char		text[512], answer[512];
};

struct session {
	atomic_uint	over, asking, refused, open;
};

struct shared {
	atomic_uint	used, sessions, calls, lists, posts, grown, subs, written;
	struct {
		atomic_uint	session;	/* 0: it is no more */
		char		uri[128];
	} sub[SUBS_MAX];
	struct session	session[SESSIONS_MAX];
	struct post	post[POSTS_MAX];
	char		log[LOG_BYTES];
};

extern struct shared	*shared;

struct request {
	char	 text[REQUEST_MAX];
	size_t	 used;
	char	*body;
	size_t	 body_bytes;
	char	 verb[16], path[256];
	char	 method[128], id[64];
};

/* Was this word among the arguments? */
bool	told(const char *word);
/* The value of a header, or "-". */
void	header(const struct request *q, const char *name, char *to, size_t room);
/* The raw token behind "name": in the body, without quotes; enough for what our gateway writes. */
void	member(const struct request *q, const char *name, char *to, size_t room);
void	log_line(const char *line, size_t n);

void	say(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	plain(int fd, const char *status, const char *fields, const char *body);
void	chunk(int fd, const char *text);
/* One message, as a chunk of a stream. */
void	event(int fd, const char *json);
/* A whole answer, as JSON or as a stream. */
void	answer(int fd, const char *fields, const char *json);

/* lying_large.c: the answer that a call's arguments describe. */
void	large_answer(int fd, const struct request *q);

/* lying_session.c: does a word give sessions a stream? */
bool	session_has_stream(void);
/* GET: that stream; comes back when it was refused only. */
void	session_stream(int fd, unsigned session);
/* What stands on the stream, until the client is gone; never comes back, but when it was cut. */
void	session_talk(int fd, unsigned session);
/* A message for the stream: what follows its jsonrpc member. */
void	session_post(unsigned session, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	session_take_response(const struct request *q);
/* True when the call is answered here. */
bool	session_answer_call(int fd, const struct request *q, unsigned session);

/* lying_news.c: an answer to a request about what is told; false: it is none.  session: 0 of a modern client. */
bool	news_answer(int fd, const struct request *q, unsigned session);
/* subscriptions/listen, likewise. */
bool	news_listen(int fd, const struct request *q);
/* An object. */
const char *news_capabilities(void);
/* False: the stream was ended. */
bool	news_stream_begins(int fd, unsigned session);

#endif
