/* SPDX-License-Identifier: Apache-2.0
 *
 * scout.h - mcpgw-scout: started when there is something for it to do; what it finds goes to the workers
 */
#ifndef MASTER_SCOUT_H
#define MASTER_SCOUT_H

#include "master/children.h"

void	scout_init(struct master *m);
/* A policy was put in force: starts it when there is something for it to do.  Nobody waits for it. */
void	scout_look(struct master *m);
/* Verifies what it made and offers it on; takes fds[0].  What is wrong is dropped, with a line in the log. */
void	scout_on_catalogue(struct master *m, int *fds, const struct msg_CATALOGUE_MADE *b);
/* The same of key sets, which the store is given too. */
void	scout_on_vault(struct master *m, int *fds, const struct msg_VAULT_MADE *b);
void	scout_on_keysets(struct master *m, int *fds, const struct msg_KEYSETS_MADE *b);
/* Those of before, by the store; closes nothing. */
void	scout_on_loaded(struct master *m, int *fds);
/* False: there is no scout now. */
bool	scout_want_keys(struct master *m, const struct msg_KEYSET_WANTED *b);

#endif
