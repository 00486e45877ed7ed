/* SPDX-License-Identifier: Apache-2.0
 *
 * users.h - who the principals are that call servers with "per": "user", by their isolation key
 *
 * Lists, subscriptions and calls name an instance of a server, and of such a server an instance is one principal's.  So
 * what has to be known of that one to get a token is kept here, from the request that named the instance first.
 */
#ifndef WORKER_CALL_USERS_H
#define WORKER_CALL_USERS_H

#include "auth/users.h"
#include "upstream/target.h"

struct request;
struct worker;
struct users;

struct user {				/* borrowed until the next users_note() */
	const char	*tenant, *who;
	struct span	 subject;	/* the token that the gateway knows it by, where it came with one; or empty */
};

must_check int	users_new(struct users **out);
/* This request's principal has that instance of the server.  No-op for servers without "per": "user". */
void		users_note(const struct request *rq, const struct rec_server *server, uint64_t instance);
/* The target's token is that user's from here on.  No-op for servers without "per": "user"; E_TOKEN: there is nobody
 * whose it could be. */
must_check int	users_target(struct worker *w, const struct rec_server *server, uint64_t instance,
		    struct upstream_target *t);
/* NULL: not known, or not one. */
bool		users_find(struct users *u, uint64_t instance, struct user *out);

#endif
