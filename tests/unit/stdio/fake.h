/* SPDX-License-Identifier: Apache-2.0
 *
 * fake.h - mcpgw-stdio between a client and a gateway that are both the test
 */
#ifndef TESTS_UNIT_STDIO_FAKE_H
#define TESTS_UNIT_STDIO_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FAKE_CONNS	64
#define FAKE_WAIT_MS	5000

struct fake {
	char	dir[64], path[128];
	int	listener;		/* -1: nobody listens */
	int	conns[FAKE_CONNS];	/* -1, or where no request is under way */
	int	in, out;		/* its stdin and stdout, our ends */
	pid_t	pid;
	char	*heard;			/* bytes of its stdout not told yet */
	size_t	heard_bytes;
};

/* One request, whole. */
struct asked {
	int	conn;			/* the test's to answer on; -1: there was none in time */
	char	line[256];		/* "POST /mcp HTTP/1.1" */
	char	head[8192];
	char	*body;			/* with a NUL behind */
	size_t	body_bytes;
};

/* Starts it, for the path /mcp; with a listener unless `absent`. */
void	fake_start(struct fake *f, bool absent);
void	fake_listen(struct fake *f);
void	fake_unlisten(struct fake *f);	/* and hangs up on all */
/* Closes stdin unless that was done, and answers the exit code; 128 + n after signal n. */
int	fake_end(struct fake *f);

/* A line to its stdin. */
void	fake_say(struct fake *f, const char *line);
/* The next line of its stdout, in a static buffer that grows; NULL after ms. */
const char *fake_hear(struct fake *f, int ms);

/* The next request, on whatever connection; within ms. */
bool	fake_next(struct fake *f, struct asked *a, int ms);
/* Takes the next new connection, reads so many bytes of it, and closes it with the rest unread. */
void	fake_bite(struct fake *f, size_t bytes);
/* Takes the next new connection, and leaves it at that. */
void	fake_take(struct fake *f);
void	asked_fini(struct asked *a);
/* Does the head have this line? */
bool	asked_has(const struct asked *a, const char *field_line);
bool	asked_says(const struct asked *a, const char *part_of_body);
/* An answer with Content-Length; fields are lines with CR LF, or "".  The connection is kept. */
void	fake_answer(struct fake *f, struct asked *a, int status, const char *fields, const char *body);
/* The head of an event stream, without an end; then fake_write() and fake_hang_up(). */
void	fake_stream(struct asked *a);
void	fake_write(struct asked *a, const char *text);
void	fake_hang_up(struct asked *a);
/* Has the other side closed this connection?  Within ms. */
bool	fake_is_hung_up(const struct asked *a, int ms);

/* Goes through the handshake of a legacy client, its session being `id`; the GET is answered with 405. */
void	fake_handshake(struct fake *f, const char *id);

#define INITIALIZE	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":" \
	"\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"
#define INITIALIZED	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define INITIALIZE_RESULT "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-11-25\"," \
	"\"capabilities\":{},\"serverInfo\":{\"name\":\"f\",\"version\":\"1\"}}}"
#define MODERN_META	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define LIST(id)	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"tools/list\"}"
#define RESULT(id)	"{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":{}}"

#endif
