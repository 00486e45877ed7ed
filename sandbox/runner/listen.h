/* SPDX-License-Identifier: Apache-2.0
 *
 * listen.h - the subscriptions/listen of a modern tool's instance (mcp-wire 8, 14.6)
 */
#ifndef SANDBOX_RUNNER_LISTEN_H
#define SANDBOX_RUNNER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

struct instance;
struct line;

struct listen {			/* embedded in an instance, zeroed */
	uint64_t	id;		/* of the one that was acknowledged; 0: none */
	uint64_t	next;		/* of one that was not yet, which is to take its place; 0: none */
	uint64_t	next_ms;	/* since when that is so */
	bool		again;		/* the subscriptions changed since it was asked for */
	bool		refused;	/* the tool knows no such thing */
};

/* A modern tool has come up: asks it for all its lists' changes, and for the subscriptions of its key. */
void	listen_open(struct instance *i);
/* The subscriptions changed: a new one, and the old one ends when that is acknowledged. */
void	listen_renew(struct instance *i);
/* The tool's acknowledgement. */
void	listen_acknowledged(struct instance *i, const struct line *line);
/* Is this the answer to one of them?  It is over then. */
bool	listen_answered(struct instance *i, const struct line *line);
/* The tool ends one by notifications/cancelled; its answer may come too. */
void	listen_withdrawn(struct instance *i, struct span id);

#endif
