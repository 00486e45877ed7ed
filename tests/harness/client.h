/* SPDX-License-Identifier: Apache-2.0
 *
 * client.h - an HTTP client for tests that shares no line with the product: it sends what it is told,
 *            also what no client should send, and takes an answer apart
 */
#ifndef TESTS_HARNESS_CLIENT_H
#define TESTS_HARNESS_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct client {
	int	 fd;			/* -1: not connected */
	void	*over;			/* client_over's; NULL: bytes as they are */
	char	*in;			/* bytes received and not yet used */
	size_t	 in_used;
};

struct answer {
	int		 status;	/* 0: the connection ended before an answer, see `end` */
	bool		 end;		/* ... by the other side, in order */
	bool		 closes;	/* it says Connection: close */
	char		*head, *body;	/* both with a NUL behind; the body without its framing */
	size_t		 body_bytes;
	json_object	*json;		/* the body, or an event stream's last message; NULL: neither */
	size_t		 events;	/* messages in an event stream */
};

/* What lies over connections to "tls:127.0.0.1:1234"; overtls.h sets it.  recv as recv(2), but 0 or -1 also when nothing
 * comes in time. */
struct client_over {
	void	*(*open)(int fd);
	bool	 (*send)(void *over, const char *bytes, size_t n);
	ssize_t	 (*recv)(void *over, char *to, size_t room, int timeout_ms);
	void	 (*close)(void *over);
};
extern const struct client_over *client_over;

/* address: "127.0.0.1:1234", the same behind "tls:", or a path of a unix socket.  False: refused. */
bool	client_open(struct client *c, const char *address);
/* The same over IPv4 from this address of the machine, such as "127.1.2.3". */
bool	client_open_from(struct client *c, const char *address, const char *source);
void	client_close(struct client *c);

/* More bytes behind those that are there: 1; the end: 0; nothing in time, or an error: -1. */
int	client_more(struct client *c, int timeout_ms);
/* False when the other side is gone. */
bool	client_send(struct client *c, const char *bytes, size_t n);
/* Reads one answer, at most timeout_ms for the whole of it. */
void	client_read(struct client *c, int timeout_ms, struct answer *out);

/* METHOD PATH with Host, Content-Length (when body is not NULL) and these header lines, each ended
 * with CR LF, or "".  Then client_read(). */
void	client_ask(struct client *c, const char *method, const char *path, const char *headers,
	    const char *body, struct answer *out);
/* The same on a connection of its own. */
void	client_once(const char *address, const char *method, const char *path, const char *headers,
	    const char *body, struct answer *out);
void	answer_fini(struct answer *a);

/* The value of a header, copied into a buffer of this thread; NULL when there is none. */
const char *answer_header(const struct answer *a, const char *name);

/* What is at "result.tools[0].name"; NULL when there is nothing. */
json_object *json_at(json_object *from, const char *path);
/* As text, "" when there is nothing; borrowed from `from`. */
const char *json_text_at(json_object *from, const char *path);
int	    json_int_at(json_object *from, const char *path);

#endif
