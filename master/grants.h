/* SPDX-License-Identifier: Apache-2.0
 *
 * grants.h - tokens for HTTP servers: between workers, scout and store, and mcpgwctl where somebody logs in
 */
#ifndef MASTER_GRANTS_H
#define MASTER_GRANTS_H

#include "master/children.h"

struct master;

/* The key that grants are sealed with, from the service's credential or state_dir/grants.key, made on first use.
 * 0; E_SYS, E_DENIED, E_FORMAT, logged. */
must_check int	grants_key_open(struct master *m);
/* From status.c.  *fd is taken over. */
void	grants_on_tokens(struct master *m, int *fd, const struct msg_TOKENS_MADE *b);
void	grants_on_grants(struct master *m, int *fd, const struct msg_STORE_GRANTS *b);
void	grants_on_keep(struct master *m, int fd, const struct msg_GRANT_KEEP *b);
void	grants_on_wanted(struct child *worker, const struct msg_TOKEN_WANTED *b);
void	grants_on_user_wanted(struct child *worker, const struct msg_USER_TOKEN_WANTED *b);

#endif
