/* SPDX-License-Identifier: Apache-2.0
 *
 * accounts.h - the gateway's own accounts at servers with "auth": who has a token, and until when
 *
 * Whatever has to be done for one is done here: tokens are got when a policy names a server, renewed before they end,
 * and got anew when the server refuses one.  Workers have them as a snapshot (rec_token), and wait for a later serial.
 */
#ifndef SCOUT_ACCOUNTS_H
#define SCOUT_ACCOUNTS_H

#include "oauth/challenge.h"
#include "scout/trip.h"

struct account;
struct accounts;

must_check int	accounts_new(struct scout *s, struct accounts **out);
void		accounts_free(struct accounts **a);
/* The policy in force, its secrets and the grants that are kept. */
void		accounts_set_policy(struct accounts *a);
/* A worker's request waits. */
void		accounts_on_wanted(struct accounts *a, const struct msg_TOKEN_WANTED *m);

/* The same of one user's. */
void		accounts_on_user_wanted(struct accounts *a, const struct msg_USER_TOKEN_WANTED *m);

/* login.c: somebody logs in or out, or wants to know. */
void		login_on_message(struct accounts *a, uint64_t ref, const struct msg_LOGIN *m);

#endif
