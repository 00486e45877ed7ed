/* SPDX-License-Identifier: Apache-2.0
 *
 * breakers.h - the breakers of servers, as the workers share them
 */
#ifndef CTL_SHOW_BREAKERS_H
#define CTL_SHOW_BREAKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"

struct breaker_row {
	char		tenant[64], server[128], endpoint[512], tool[256], state[16];
	uint64_t	failures, calls, bad, retry_ms;
	bool		sick;		/* visits find it out of order */
};

typedef void	breakers_fn(const struct breaker_row *row, void *arg);

/* Of one server, or of all where it is NULL; endpoint (its url), tool and tenant may be NULL: any, but of tools none.
 * reset: they are closed, and the rows say what they were.  The exit code; with `say` why nobody can be asked is
 * said. */
int		breakers_each(struct ctl *ctl, bool reset, const char *tenant, const char *server, const char *endpoint,
		    const char *tool, bool say, breakers_fn *fn, void *arg);
/* "open for 9 s more", "closed". */
const char	*breakers_state(const struct breaker_row *row, char *to, size_t room);
/* The same, and what it saw: "closed, 2 of the last 30 calls bad". */
const char	*breakers_line(const struct breaker_row *row, char *to, size_t room);
void		breakers_json(const struct breaker_row *row);

#endif
