/* SPDX-License-Identifier: Apache-2.0
 *
 * signals.h - signals to loop events
 */
#ifndef MASTER_SIGNALS_H
#define MASTER_SIGNALS_H

struct master;

/* TERM and INT stop, HUP reloads, USR1 reopens logs, CHLD reaps; PIPE is ignored.  0 or E_SYS. */
int	signals_init(struct master *m);
/* Fresh log descriptors for all of us: a connection each to the log daemon, or what stderr is now. */
void	signals_reopen_logs(struct master *m);

#endif
