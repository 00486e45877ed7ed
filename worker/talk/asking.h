/* SPDX-License-Identifier: Apache-2.0
 *
 * asking.h - how many calls may have asked their client at a time: of one principal, tenant and server
 *
 * Such a call holds memory, a connection or a process, and a lease for as long as a person thinks
 * (mcp-wire 14.11), so it counts from its first question to its end, the time that its answer is kept included.
 * Counts are this worker's own: what it waits for nobody else has, and it dies with its worker.
 */
#ifndef WORKER_TALK_ASKING_H
#define WORKER_TALK_ASKING_H

#include "policy/records.h"

#define ASKING_MAX	4096		/* of one worker, whosever they are */
#define ASKING_BUCKETS	256

enum asking_of { ASKING_PRINCIPAL, ASKING_TENANT, ASKING_SERVER, ASKING_LIMIT };

struct tally;

struct asking_counts {		/* zero: nobody asks */
	struct tally	*buckets[ASKING_BUCKETS];
	uint32_t	 total;
};

struct asking {			/* of one call; zero: it does not count */
	struct tally	*of[ASKING_LIMIT];
};

/* May any call of this tenant wait for its client?  One cap of 0 forbids it. */
bool		asking_possible(const struct rec_tenant *t);
/* It counts from now on, if it did not yet.  keys: hashes of whose it is; the caps are its tenant's.  0; E_WAITING: a
 * cap is reached; E_NOMEM.
 * After an error it does not count. */
must_check int	asking_begin(struct asking_counts *all, struct asking *a, const struct rec_tenant *t,
		    const uint64_t keys[ASKING_LIMIT]);
/* Its end, if it counts. */
void		asking_end(struct asking_counts *all, struct asking *a);

#endif
