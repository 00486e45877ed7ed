/* SPDX-License-Identifier: Apache-2.0
 *
 * users.h - whose token a server with "per": "user" is shown: a principal as one text, and what stands for it
 *
 * Where the gateway keeps or finds something of one user's the text's digest stands for it, so that no name, however
 * long or strange, is part of a key, and nobody can choose a name that stands for another's.
 */
#ifndef AUTH_USERS_H
#define AUTH_USERS_H

#include "policy/decide.h"

#define USERS_ID_CHARS	32
#define USERS_WHO_MAX	1024

/* HOW:AGENT:SUBJECT, as operators write it (--as).  E_TOKEN: nobody in particular; E_TOOBIG. */
must_check int	users_who(const struct principal *p, char to[USERS_WHO_MAX + 1]);
/* What stands for that text. */
must_check int	users_id(struct span who, char to[USERS_ID_CHARS + 1]);
/* By what the workers find that user's token for a server whose own key (policy_token_key()) this is; never 0. */
must_check int	users_token_key(uint64_t server_key, const char *id, uint64_t *out);

#endif
