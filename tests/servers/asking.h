/* SPDX-License-Identifier: Apache-2.0
 *
 * asking.h - asking-server and its like: between their transports (asking.c) and their tools
 */
#ifndef TESTS_SERVERS_ASKING_H
#define TESTS_SERVERS_ASKING_H

#include <sys/types.h>

#include "lib/json.h"

extern bool	modern;

/* One request, while it is worked on. */
struct asked_call {
	struct span		id, name;
	struct json_value	params, arguments, token;
};

/* A message before the answer. */
void		say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A number for a request of ours. */
unsigned	ask_number(void);
/* The client's answer to it, whole; false: it was cancelled, is gone, or says nothing in this time. */
bool		hear(unsigned number, int ms, struct span *text);
/* False: it was cancelled, or is gone. */
bool		pause_ms(int ms);
/* The answer: what stands behind the id. */
void		answer(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Every message heard so far, a JSON array; and {"closed":NAME} for each client that went away. */
void		answer_heard(void);
/* How often a call of `urls` came. */
unsigned	urls_count(void);

/* asking_sse.c.  server names the whole server, session a stream of it. */
/* The stream, until the client closes it. */
void		sse_stream(int conn, pid_t server, unsigned session);
/* What goes out on it; false: it is not there. */
bool		sse_say(pid_t server, unsigned session, const char *text, size_t n);

/* asking_tools.c, or another */
extern const char	tools_name[];
/* Members of `capabilities`, in the server's era. */
const char	*tools_capabilities(void);
/* Before anything is served. */
void		tools_begin(void);
void		tools_list(void);
void		tools_call(const struct asked_call *c);
/* Any other request; false: nothing was answered. */
bool		tools_other(const struct asked_call *c, struct json_value method);

#endif
