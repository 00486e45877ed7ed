/* SPDX-License-Identifier: Apache-2.0
 *
 * shed.h - requests that are refused unread: their address sends too many, or this worker is at too many
 */
#ifndef WORKER_FRONT_SHED_H
#define WORKER_FRONT_SHED_H

#include "worker/worker.h"

/* Its head is whole; nothing of it but its address was looked at, which is from's.  True: it was answered, with 429 or
 * 503. */
must_check bool	shed_refuses(struct worker *w, struct exchange *x, const struct exchange_peer *from);
/* The address's bucket in this policy; NULL: none. */
const struct rec_limit *shed_limit(const struct snap *policy);

#endif
