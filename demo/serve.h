/* SPDX-License-Identifier: Apache-2.0
 *
 * serve.h - what both example servers share: MCP over stdin and stdout, one line a message, or HTTP
 */
#ifndef DEMO_SERVE_H
#define DEMO_SERVE_H

#include "lib/buf.h"
#include "lib/json.h"

/* What a tool makes of its arguments. */
enum demo_outcome {
	DEMO_DONE,		/* text (and structured) are the result */
	DEMO_FAILED,		/* text says why: a result with isError */
	DEMO_LATER,		/* DONE after demo_answer.wait_ms, unless it is cancelled before */
};

struct demo_answer {
	struct buf	text;		/* what the model reads */
	struct buf	structured;	/* a JSON object, or empty */
	unsigned	wait_ms;
};

typedef enum demo_outcome demo_tool_fn(struct json_value arguments, struct demo_answer *answer);

struct demo_tool {
	const char	*name;
	const char	*about;		/* JSON members behind the name: title, description, schemas... */
	demo_tool_fn	*fn;
};

struct demo_server {
	const char		*name, *version;
	const char		*instructions;
	bool			 modern;	/* speaks 2026-07-28 besides the handshake revisions */
	const struct demo_tool	*tools;
	size_t			 tool_count;
};

/* All of main(): stdin until it ends, or with --http a free port of the loopback, whose URL is the only
 * line on stdout, until the parent dies.  Answers the exit code. */
int	demo_main(const struct demo_server *server, int argc, char **argv);

int	demo_serve_http(const struct demo_server *server);
/* The answer to one message; none to a notification.  `out` is the caller's. */
void	demo_answer_one(const struct demo_server *server, struct span message, struct buf *out);

/* Says why and answers DEMO_FAILED. */
enum demo_outcome demo_fail(struct demo_answer *answer, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

#endif
