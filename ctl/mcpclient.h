/* SPDX-License-Identifier: Apache-2.0
 *
 * mcpclient.h - an ordinary MCP client (2026-07-28) of the gateway's unix socket
 */
#ifndef CTL_MCPCLIENT_H
#define CTL_MCPCLIENT_H

#include "ctl/ctl.h"
#include "ctl/httpsock.h"
#include "lib/json.h"

struct mcp_question {
	const char	*target;	/* "/mcp/catalog", below /t/NAME with ctl->tenant */
	const char	*method;
	const char	*name;		/* Mcp-Name, or NULL */
	struct span	 params;	/* members of params, raw JSON without braces; may be empty */
	const char	*as;		/* agent, or NULL */
};

struct mcp_answer {
	struct http_answer	http;		/* backs the values */
	struct json_value	result, error;	/* one of them is there */
	uint64_t		ms;
};

/* Asks and reads the answer.  Answers 0 also for a JSON-RPC error; otherwise an exit code with the
 * reason said. */
int	mcp_ask(struct ctl *ctl, const struct mcp_question *q, struct mcp_answer *out);
void	mcp_answer_fini(struct mcp_answer *a);
/* The exit code of an error. */
int	mcp_error_exit(const struct mcp_question *q, const struct mcp_answer *a);
/* Says the error for people: message, rule, request id, and the limit that was reached.  Answers its exit code. */
int	mcp_say_error(struct ctl *ctl, const struct mcp_question *q, const struct mcp_answer *a);
/* "/servers/NAME/mcp" with NAME percent-encoded; to has `room` bytes.  E_TOOBIG. */
must_check int	mcp_server_target(const char *server, char *to, size_t room);

#endif
