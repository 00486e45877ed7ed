/* SPDX-License-Identifier: Apache-2.0
 *
 * toollog.h - what a server's tools wrote to stderr, as the gateway keeps it
 */
#ifndef CTL_SHOW_TOOLLOG_H
#define CTL_SHOW_TOOLLOG_H

#include <stdint.h>

#include "ctl/ctl.h"
#include "lib/span.h"

struct toollog {
	char	*text;		/* malloc'ed, the caller's */
	size_t	 bytes;
};

struct toollog_line {
	struct span	 all;
	uint64_t	 wall_ms, pid;
	struct span	 kind, text;		/* kind: "start", "stderr", "exit" ... */
};

/* 0 or an exit code; why is said with `say`. */
int	toollog_fetch(struct ctl *ctl, const char *server, const char *tenant, bool say, struct toollog *out);
/* The next line of what is left; false at the end. */
bool	toollog_next(struct span *rest, struct toollog_line *out);

#endif
