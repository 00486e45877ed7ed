/* SPDX-License-Identifier: Apache-2.0
 *
 * learn.h - servers that are being learnt, for a time
 */
#ifndef MASTER_LEARN_H
#define MASTER_LEARN_H

#include "master/children.h"

#define LEARN_MAX	32		/* as many as a compiler takes */
#define LEARN_FOR_MAX_MS (UINT64_C(24) * 60 * 60 * 1000)

struct learner {
	char		tenant[64], server[64 + 1];
	uint64_t	until_ms;	/* wall clock, for others */
	uint64_t	ends_ms;	/* of our own */
};

struct learn {
	struct master		*m;
	struct learner		 all[LEARN_MAX];
	size_t			 count;
	struct learner		 ended[LEARN_MAX];	/* the last ones that ended, in a ring */
	size_t			 ended_next;
	struct loop_timer	 over;
};

void		learn_init(struct learn *l, struct master *m);
void		learn_fini(struct learn *l);
/* From now on for this long, or that much longer; in force with the next reload, which is the caller's to ask for,
 * and ended by one of our own.  0; E_FORMAT: no such names; E_RANGE: too long, or no time; E_FULL. */
must_check int	learn_begin(struct learn *l, struct span tenant, struct span server, uint64_t for_ms);
/* Not any more: mcpgw-egress lets nothing more pass for it, and from the next reload on its tools have the jails they
 * had.  false: it was not learnt. */
bool		learn_end(struct learn *l, struct span tenant, struct span server);
/* A compiler starts: COMPILE_LEARN for each. */
void		learn_tell(struct learn *l, struct child *compiler);
/* mcpgw-egress is there: EGRESS_LEARNT for each that is over, as its policy may be an older one. */
void		learn_tell_egress(struct learn *l);

#endif
