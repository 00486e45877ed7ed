/* SPDX-License-Identifier: Apache-2.0
 *
 * query.h - asking the audit: filters in, lines of JSON out
 */
#ifndef CTL_QUERY_H
#define CTL_QUERY_H

#include <stdint.h>
#include <sys/types.h>

#include "ctl/ask.h"
#include "lib/span.h"

#define QUERY_ARGS_MAX	40

struct query {
	const char	*args[QUERY_ARGS_MAX];	/* borrowed */
	size_t		 count;
};

struct query_run {
	struct ask	ask;
	pid_t		pid;		/* of a query program of ours, where no gateway runs */
	int		from;		/* the lines, or -1 */
	bool		broken;		/* a line was too long; that was said */
};

/* One filter; without value "" it is a flag, with NULL nothing is added. */
void	query_add(struct query *q, const char *name, const char *value);
/* Asks the gateway, or without one the query program itself, as whoever we are.  out: where the lines go, -1: to
 * query_lines().  0, or the exit code; why was said. */
int	query_start(struct ctl *ctl, uint32_t command, const struct query *q, int out, struct query_run *run);
/* Each line as it comes, without its line feed, until there are no more. */
typedef void query_line_fn(struct span line, void *arg);
void	query_lines(struct query_run *run, query_line_fn *fn, void *arg);
/* Waits for the end; the exit code. */
int	query_end(struct query_run *run);

#endif
