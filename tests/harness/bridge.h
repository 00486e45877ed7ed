/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.h - mcpgw-stdio as a client starts it: a command with pipes
 */
#ifndef TESTS_HARNESS_BRIDGE_H
#define TESTS_HARNESS_BRIDGE_H

#include "tests/harness/gateway.h"

struct bridge {
	pid_t	pid;
	int	in, out, err;		/* its stdin, stdout, stderr: our ends */
	char	*heard;			/* of stdout, not told yet */
	size_t	heard_bytes;
};

/* Starts the program for this gateway, with up to two more arguments. */
void		bridge_start(struct bridge *b, const struct gateway *g, const char *arg1, const char *arg2);
/* As a client's configuration does: in this folder, with these arguments (the last one NULL) and "NAME=value"
 * besides a HOME and XDG folders below g->dir (gateway_make() is enough).  Root's runs as nobody, so that it is
 * somebody's own. */
void		bridge_start_in(struct bridge *b, const struct gateway *g, const char *folder, char *const env[],
		    char *const args[]);
/* One line to it, whole. */
void		bridge_say(struct bridge *b, const char *line);
/* Asks as a legacy client; params may be NULL. */
void		bridge_ask(struct bridge *b, const char *id, const char *method, const char *params);
/* And as a modern one; params is JSON with at least one member, or NULL. */
void		bridge_ask_modern(struct bridge *b, const char *id, const char *method, const char *params);
/* The next line of its stdout, the caller's; NULL: none within ms, or it is no JSON. */
json_object	*bridge_hear(struct bridge *b, int ms);
/* initialize and initialized; true when it went well. */
bool		bridge_initialize(struct bridge *b);
/* Closes its stdin and waits: the exit code, 128 + n after signal n, -1 when it does not end within ms. */
int		bridge_end(struct bridge *b, int ms);
/* What it said on stderr so far; malloc'ed.  After bridge_end() all of it. */
char		*bridge_stderr(struct bridge *b);
void		bridge_fini(struct bridge *b);

#endif
