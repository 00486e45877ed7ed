/* SPDX-License-Identifier: Apache-2.0
 *
 * seed.h - the files and GATEWAY_* variables of agent-mcp-gateway, which this program runs as they are
 */
#ifndef STDIO_SEED_H
#define STDIO_SEED_H

#include <limits.h>
#include <stdbool.h>

#include "lib/err.h"

#define SEED_SERVERS	".mcp.json"
#define SEED_RULES	".mcp-gateway-rules.json"
#define SEED_FOLDER	".config/agent-mcp-gateway"	/* below HOME */

struct seed {
	bool		 asked;		/* some variable of it is set */
	bool		 named;		/* and one says which files */
	bool		 debug, http;
	char		 servers[PATH_MAX], rules[PATH_MAX];	/* absolute */
	char		 audit[PATH_MAX];	/* absolute; empty: nowhere */
	bool		 audit_named;
	char		 listen[64];	/* http: ADDRESS:PORT */
	const char	*fallback_agent, *origins;	/* the environment's; "" when not set */
};

/* Reads the environment, and looks for both files.  0; E_NOTFOUND: a file is not there, or there is nothing of
 * it for us; E_FORMAT: a variable that cannot be meant so.  *why is for people, in a static buffer. */
must_check int	seed_read(struct seed *s, const char **why);
/* A line on stderr for each GATEWAY_* variable that means nothing here. */
void		seed_say_unknown(void);
/* SEED_FOLDER below the home folder: 0, E_NOTFOUND (no home), E_TOOBIG. */
must_check int	seed_folder(char to[PATH_MAX]);

#endif
