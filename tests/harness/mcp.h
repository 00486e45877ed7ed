/* SPDX-License-Identifier: Apache-2.0
 *
 * mcp.h - MCP as a client speaks it, of both eras, over harness/client
 */
#ifndef TESTS_HARNESS_MCP_H
#define TESTS_HARNESS_MCP_H

#include "tests/harness/client.h"

#define MODERN_VERSION	"2026-07-28"
#define LEGACY_VERSION	"2025-11-25"

/* What every request of one client has in common. */
struct mcp {
	struct client	 conn;		/* kept open; opened again when it was closed */
	char		 address[320];
	char		 path[256];	/* "/mcp" */
	char		 key[1024];	/* API key or token, or "" */
	char		 session[512];	/* of a legacy client, or "" */
	const char	*source;	/* the address it connects from, or NULL */
	const char	*more;		/* header lines of each modern request besides its own, or NULL */
	const char	*capabilities;	/* it declares, JSON; NULL: none */
	const char	*version;	/* of a legacy client; NULL: LEGACY_VERSION */
	const char	*meta;		/* members of _meta besides the required ones, each after a comma, or NULL */
	int		 next_id;
};

/* Nothing is sent yet.  key may be NULL. */
void	mcp_init(struct mcp *m, const char *address, const char *path, const char *key);
void	mcp_fini(struct mcp *m);

/* Legacy: initialize and notifications/initialized.  Answers the HTTP status of the first. */
int	mcp_initialize(struct mcp *m);
/* Legacy: a request in the session; params is JSON text, or NULL. */
void	mcp_ask(struct mcp *m, const char *method, const char *params, struct answer *out);
/* Modern: the same with _meta and headers; params without _meta, or NULL. */
void	mcp_ask_modern(struct mcp *m, const char *method, const char *params, struct answer *out);
/* The same in the era of this client: modern when it has no session. */
void	mcp_ask_either(struct mcp *m, const char *method, const char *params, struct answer *out);
/* tools/call of one tool, in the era of this client: modern when it has no session. */
void	mcp_call(struct mcp *m, const char *tool, const char *arguments, struct answer *out);
/* The request alone, in the era of this client: further header lines and body, both malloc'ed.  id is raw. */
void	mcp_write(const struct mcp *m, const char *id, const char *method, const char *params, char **headers,
	    char **body);
/* These header lines and those of every POST; malloc'ed. */
char	*mcp_headers(const struct mcp *m, const char *headers);
/* One POST of this body with these further header lines, as it is. */
void	mcp_post(struct mcp *m, const char *headers, const char *body, struct answer *out);

/* Is there a tool of this name in the answer of tools/list? */
bool	tools_have(const struct answer *a, const char *name);

#endif
