/* SPDX-License-Identifier: Apache-2.0
 *
 * userlogin.h - a user's browser at a worker, and the login at mcpgw-scout that it is for
 */
#ifndef MASTER_USERLOGIN_H
#define MASTER_USERLOGIN_H

#include "ipc/codec.h"

#define USERLOGINS_MAX	64

struct child;
struct master;

struct userlogin {
	uint64_t	ref, theirs;	/* ref 0: the place is free */
	uint32_t	slot, incarnation;
};

struct userlogins {
	struct userlogin	all[USERLOGINS_MAX];
	size_t			turn;
};

void	userlogin_ask(struct child *worker, uint64_t ref, const struct msg_USER_LOGIN *b);
/* False: it was not one of these that asked. */
bool	userlogin_on_answer(struct master *m, uint64_t ref, const struct msg_LOGIN_IS *b);

#endif
