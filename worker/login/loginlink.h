/* SPDX-License-Identifier: Apache-2.0
 *
 * loginlink.h - a link by which one user logs in at a server with "per": "user", and who is sent one (mcp-wire 15.4)
 *
 * A link leads to a page of the gateway's own and has a ticket: sealed, for one principal and server, good for ten
 * minutes and for one login.  It says nothing that could be read, and names nobody to who sees it pass.
 */
#ifndef WORKER_LOGIN_LOGINLINK_H
#define WORKER_LOGIN_LOGINLINK_H

#include "worker/front/request.h"

#define LOGINLINK_PATH	"/login"
#define LOGINLINK_DONE	"/login/done"
#define LOGINLINK_WORD	32		/* characters that are good once */
#define LOGINLINK_MS	(10 * 60000)

/* What a ticket says; texts are borrowed from where it was opened. */
struct loginlink {
	struct span	word, tenant, server, who;
};

/* A call of a user who has to log in there first, with a client that can show a link: answered with one (error -32042
 * of 2025-11-25, input_required of a modern client).  False: it is another case, and nothing was answered. */
bool		loginlink_offer(struct request *rq, const struct rec_server *server);
/* Where this gateway is for a browser, without a slash at the end; false: nowhere that a login could come back to. */
bool		loginlink_site(const struct request *rq, char *to, size_t room);
/* kind: a word for what it is, as in mcp/sealed.h. */
must_check int	loginlink_seal(struct request *rq, const char *kind, const struct loginlink *l, struct buf *to);
/* E_DENIED: none of ours, or its time is over.  *out is in text, which is the caller's to end. */
must_check int	loginlink_open(struct request *rq, const char *kind, struct span ticket, struct buf *text,
		    struct loginlink *out);

#endif
