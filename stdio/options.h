/* SPDX-License-Identifier: Apache-2.0
 *
 * options.h - the command line of mcpgw-stdio
 */
#ifndef STDIO_OPTIONS_H
#define STDIO_OPTIONS_H

#include "lib/buf.h"

struct options {
	const char	*config_dir;	/* -c, or NULL */
	const char	*socket;	/* --socket, or NULL */
	const char	*server;	/* --server, or NULL */
	const char	*view;		/* --view, or NULL */
	bool		 system;	/* --system, --user; set before options_take() to the default */
	bool		 placed;	/* one of these two was given */
	bool		 version, help;
	bool		 debug, init;
};

/* The texts are argv's.  0, or E_FORMAT with *why for people, in a static buffer. */
must_check int	options_take(struct options *o, int argc, char **argv, const char **why);
/* Appends the path that is asked for: "/mcp", "/mcp/catalog", "/servers/NAME/mcp".  E_TOOBIG, E_NOMEM. */
must_check int	options_target(const struct options *o, struct buf *to);

#define OPTIONS_USAGE	"usage: mcpgw-stdio [--system | --user] [-c CONFDIR] [--socket PATH]\n" \
			"                   [--server NAME | --view discovery|catalog] [--debug]\n" \
			"       mcpgw-stdio --init | --version"

#endif
