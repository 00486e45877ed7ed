/* SPDX-License-Identifier: Apache-2.0
 *
 * private.h - a gateway for the length of one command: the real programs and jails, nobody else's to use
 *
 * Its configuration is given as text, its folders are temporary and beside those of the gateway that the command
 * is about, so that it may show what that one may.  What is set in that one's mcpgw.conf holds here too, but for
 * listeners and folders.  A process of its own keeps it: however the command ends, kill -9 included, the gateway is
 * ended and its folders are removed.
 */
#ifndef CTL_PRIVATE_H
#define CTL_PRIVATE_H

#include "ctl/ctl.h"
#include "lib/err.h"
#include "lib/span.h"

struct private_secret {
	const char	*name;
	struct span	 value;
};

struct private_setup {
	const char	*servers;	/* the text of servers.json; NULL: none */
	const char	*tool_file;	/* the name of a file in tools.d ("install.json"), and its text; NULL: none */
	const char	*tool;
	const char	*rules;		/* of rules.json; NULL: whoever started it may use everything, as agent "me" */
	const char	*const *options;	/* more parameters as "name=value", ended by NULL; NULL: none */
	const struct private_secret *secrets;
	size_t		 secret_count;
	const char	*also;		/* a folder that goes with it too, absolute; NULL: none */
};

struct private;

/* Returns when it serves; it is the caller's, private_stop().  Otherwise an exit code, with the reason said: what
 * the gateway had to say, when it did not start. */
must_check int	private_start(struct ctl *ctl, const struct private_setup *setup, struct private **out);
/* To ask it with: mcp_ask(), ask_open().  Valid until private_stop(). */
struct ctl	*private_ctl(struct private *p);
/* A folder of ours that goes with it: below it are etc, state, and log, which has what the gateway said. */
const char	*private_folder(const struct private *p);
/* Ends it and removes its folders; accepts NULL inside. */
void		 private_stop(struct private **p);

#endif
