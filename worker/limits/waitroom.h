/* SPDX-License-Identifier: Apache-2.0
 *
 * waitroom.h - calls that wait until others have ended: a bounded queue for each principal of each tenant
 *
 * Whoever comes first of its principal goes first, of those that wait for the same.  When there is room, tenants are
 * asked in turn, and within each its principals, so that nobody waits for what others have queued.
 */
#ifndef WORKER_LIMITS_WAITROOM_H
#define WORKER_LIMITS_WAITROOM_H

#include "worker/call/admit.h"

struct waitroom;

must_check int	waitroom_new(struct worker *w, struct waitroom **out);

/* The call of rq waits for what a->limits are blocked by; call_go_on() or call_refuse_admission() follows, unless its
 * client gives it up.  The texts of ask live in the request, what it points to too.  False: it may not wait. */
must_check bool	waitroom_enter(struct request *rq, const struct call_ask *ask, const struct decision *d,
		    const struct admission *a);
/* Must this call wait because others of its principal do already, for a share that it needs too?  *said is of that. */
bool		waitroom_is_due(const struct request *rq, struct limit_set *set, struct limit_said *said);
/* What a call is told that waited in vain, or may not wait. */
int		waitroom_error(const struct admission *a);
/* Something may have become free. */
void		waitroom_kick(struct worker *w);
/* NULL has none. */
size_t		waitroom_count(const struct waitroom *room);
/* That of this session with this raw id is given up; false: there is none. */
must_check bool	waitroom_cancel(struct worker *w, uint64_t session_hash, struct span id);

#endif
