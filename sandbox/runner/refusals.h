/* SPDX-License-Identifier: Apache-2.0
 *
 * refusals.h - which sockets a server's tools were refused: how often, since when, and in which call first
 *
 * A line of text for each kind: "FAMILY COUNT FIRST_MS REQUEST RUNNING".  FIRST_MS is wall clock; REQUEST the id of
 * the call that ran then, "-" when none did; of several that RUN at once it is the newest.
 */
#ifndef SANDBOX_RUNNER_REFUSALS_H
#define SANDBOX_RUNNER_REFUSALS_H

#include <stdint.h>

#include "ipc/link.h"
#include "lib/buf.h"

#define REFUSALS_KINDS	6		/* of families; what comes later counts with the last */

struct refused_family {
	int		family;		/* AF_* */
	uint64_t	count, first_ms;
	char		request[LINK_REQUEST];	/* with its NUL; "": no call ran */
	unsigned	running;
};

struct refusals {
	struct refused_family	all[REFUSALS_KINDS];
	size_t		count;
};

/* One more; `request` and `running`: which call, of how many, the tool worked on. */
void		refusals_add(struct refusals *r, int family, uint64_t wall_ms, const char *request, unsigned running);
void		refusals_clear(struct refusals *r);
/* E_NOMEM or E_TOOBIG. */
must_check int	refusals_write(const struct refusals *r, struct buf *to);

#endif
