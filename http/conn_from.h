/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_from.h - how many connections there are from one address
 *
 * An IPv6 network of 64 bits counts as one address, as whoever has one address has all of them; of a unix socket each
 * user does.
 */
#ifndef HTTP_CONN_FROM_H
#define HTTP_CONN_FROM_H

#include "http/conn.h"
#include "lib/addr.h"
#include "lib/sum.h"

#define CONN_FROM_BUCKETS	1024	/* a power of two */

struct conn_from;

struct conn_froms {
	struct sum_key		 key;		/* clients choose their addresses */
	struct conn_from	*bucket[CONN_FROM_BUCKETS];
};

/* E_SYS: there is no random key. */
must_check int	conn_froms_init(struct conn_froms *all);
/* One more, to be given back once.  E_LIMITED: there are `most` already (0: no bound); E_NOMEM. */
must_check int	conn_from_take(struct conn_froms *all, const struct addr *address, uid_t uid, size_t most,
		    struct conn_from **out);
/* *f is NULL then; NULL inside is accepted. */
void		conn_from_give(struct conn_froms *all, struct conn_from **f);

#endif
