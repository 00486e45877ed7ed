/* SPDX-License-Identifier: Apache-2.0
 *
 * keywait.h - requests whose token could be good, if its issuer's keys were fetched now: a short wait
 *
 * Anybody can send such a token, so few wait, and not long; and the gateway fetches no more often for it.
 */
#ifndef WORKER_FRONT_KEYWAIT_H
#define WORKER_FRONT_KEYWAIT_H

#include "worker/front/request.h"

#define KEYWAIT_MAX	256
#define KEYWAIT_MS	2000

/* The keys of this rec_keysource would help.  True: it waits, and request_go_on() comes.  False: there is nothing to
 * wait for; the scout was asked all the same. */
bool	keywait_begin(struct request *rq, uint64_t source);
/* Other key sets are in force. */
void	keywait_look(struct worker *w);

#endif
